"""The gate of annotation as it stands, without a release: what the lead checks after each import. One Great
Expectations process; the same figures are judged again of each release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpusgate.gates.annotation_figures import GATE, annotation_figures
from corpusgate.gates.figures import quoted
from corpusgate.gates.halves import judged_figures, source_bounds, waiting, without_figure
from corpusgate.gates.job import by_people, record
from corpusgate.gates.verdict import ORDER, Judged, fact
from corpusgate.gates.words import bound_shown, sentence
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.catalogue import Catalogue, load_catalogue


def annotation_gate(run: Run) -> StepResult:
    """Judges the annotation of the run's corpus and writes the verdicts (`control_result`, gate `annotation`). Held by
    the first `shall` that fails. The unit is the control."""
    whole = load_catalogue(run.place).for_corpus(run.corpus)
    catalogue = Catalogue(tuple(c for c in whole if c.gate == GATE and c.scope == "release"))
    scope_id = f"{run.corpus.id}-annotation"
    judged = judged_figures(catalogue, annotation_figures(run, catalogue, scope_id), [GATE])
    judged += without_figure(catalogue, judged, [GATE], "release", [scope_id])
    judged += waiting(run, catalogue, "release", [scope_id])
    # people attest over the corpus here; what they attest over a release, they do when there is one
    judged = by_people(run, catalogue, judged, "release", [scope_id], source_bounds(run, {}))
    judged = sorted(judged, key=lambda j: j.sort_key)
    record(run, GATE, catalogue, judged, None)
    return _result(catalogue, judged)


def _result(catalogue: Catalogue, judged: Sequence[Judged]) -> StepResult:
    controls = {j.control_id for j in judged}
    failing = {j.control_id for j in judged if j.verdict == "fail"}
    first = next((j for j in judged if j.verdict == "fail" and catalogue[j.control_id].level == "shall"), None)
    result = StepResult(
        step="annotation_gate", unit="control", rows_in=len(controls), kept=len(controls) - len(failing),
        removed=len(failing), removed_by_rule=dict.fromkeys(sorted(failing), 1),
        facts={"verdicts": [fact(j) for j in judged]},
    )  # fmt: skip
    if first is not None:
        result.state, result.held_by = "held", first.control_id
        result.because = sentence(catalogue[first.control_id], first)
    return result


def verdict_rows(run: Run) -> list[dict[str, Any]]:
    """The run's verdicts in force, worst first, for people: figure and bound as they read them."""
    catalogue = load_catalogue(run.place).for_corpus(run.corpus)
    where = f"run_id = {quoted(run.id)} AND gate = {quoted(GATE)}"
    rows = []
    for row in store.in_force(run.place, "control_result", where):
        control = catalogue[row["control_id"]]
        bound = f"{row['comparator']} {bound_shown(control)}" if row["comparator"] else "attested"
        figure = bound_shown(control, row["figure"]) if row["figure"] is not None else "–"
        act = row["next_act"] if row["verdict"] in ("fail", "pending") else ""
        examples = list(row["examples"] or ())
        rows.append({
            "verdict": row["verdict"], "control_id": row["control_id"], "clause": row["clause"],
            "title": control.title, "half": row["half"], "stratum": row["stratum"], "figure": figure, "bound": bound,
            "n": row["n"], "because": row["because"], "examples": examples, "next_act": act,
        })  # fmt: skip
    return sorted(rows, key=lambda r: (ORDER.index(r["verdict"]), r["clause"], r["stratum"], r["half"]))
