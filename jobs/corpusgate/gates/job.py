"""The two gates of a rebuild, each one Great Expectations process: of every source, then of the candidate.

Both write `control_result` and their facts; neither raises for what it judges. A crash, an unreadable table or a
missing result is a failed control, said in the same words and the same rows as any other."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from corpusgate.gates.annotation_figures import annotation_figures
from corpusgate.gates.bank_figures import bank_figures
from corpusgate.gates.composites import composites
from corpusgate.gates.cost import Cost
from corpusgate.gates.figures import Figure, GateInput, quoted
from corpusgate.gates.halves import (
    BoundsOf,
    human_halves,
    judged_figures,
    release_bounds,
    source_bounds,
    waiting,
    with_waivers,
    without_figure,
)
from corpusgate.gates.log_figures import log_figures
from corpusgate.gates.model_figures import model_figures
from corpusgate.gates.release_figures import release_figures
from corpusgate.gates.response_figures import response_figures
from corpusgate.gates.run import imports
from corpusgate.gates.source_figures import held_before, source_figures
from corpusgate.gates.strata import Candidate, candidate
from corpusgate.gates.verdict import Judged, blocked, blocks, fact, from_fact, holds_source, missing
from corpusgate.gates.words import gate_failed, sentence
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.control import Control

LOG = logging.getLogger(__name__)

SOURCE_SUITES = ("admission", "source")
RELEASE_SUITES = ("content", "annotation", "lexicon", "questions", "release")


def source_gate(run: Run) -> StepResult:
    """Judges every source of the corpus. State ok whatever is found: `facts.held` names the sources that go no further,
    and each judged source has a result of its own (`source_gate--<source>`). The unit is the source."""
    catalogue = load_catalogue(run.place).for_corpus(run.corpus)
    before = held_before(run)
    open_ids = [s.id for s in run.sources if s.id not in before]
    cost = Cost()
    with cost.of("figures"):
        figures = source_figures(run)
    judged = _judged(catalogue, figures, SOURCE_SUITES, cost)
    judged += without_figure(catalogue, judged, SOURCE_SUITES, "source", open_ids)
    judged += waiting(run, catalogue, "source", open_ids)
    intake = run.result("intake")
    bounds_of = source_bounds(run, intake.facts.get("batches", {}) if intake else {})
    judged = sorted(by_people(run, catalogue, judged, "source", open_ids, bounds_of), key=lambda j: j.sort_key)
    record(run, "source_gate", catalogue, judged, None)
    held = {s: _first(catalogue, judged, s) for s in open_ids}
    for source_id in open_ids:
        run.write(_source_result(catalogue, source_id, held[source_id], judged))
    kept_back = {s: j.control_id for s, j in held.items() if j is not None}
    by_rule: dict[str, int] = {}
    for control_id in kept_back.values():
        by_rule[control_id] = by_rule.get(control_id, 0) + 1
    n = len(open_ids)
    return StepResult(
        step="source_gate", unit="source", rows_in=n, kept=n - len(kept_back), removed=len(kept_back),
        removed_by_rule=by_rule,
        facts={"verdicts": [fact(j) for j in judged], "held": kept_back, "cpu_seconds": cost.facts},
    )  # fmt: skip


def release_gate(run: Run) -> StepResult:
    """Judges the candidate that `decide` froze. Held where a control keeps it from the trial channel. The unit is the
    control."""
    catalogue, cost = load_catalogue(run.place).for_corpus(run.corpus), Cost()
    try:
        of_sources = _of_sources(run)
        judged, release_id = _judge_candidate(run, catalogue, cost)
    except Exception as error:
        LOG.exception("the release gate crashed")
        of_sources, release_id = [], _release_id(run)
        judged = [_crashed(c, release_id, error) for c in catalogue if c.computed and c.scope == "release"]
    left_out = run.held()
    judged += composites(run, catalogue, [*of_sources, *judged], release_id, left_out)
    judged = sorted(judged, key=lambda j: j.sort_key)
    record(run, "release_gate", catalogue, judged, release_id)
    stops = blocked(catalogue, [*of_sources, *judged], left_out)
    first = next((j for j in judged if blocks(catalogue[j.control_id], j, "trial")), None)
    whole = {j.control_id for j in judged}
    failing = {j.control_id for j in judged if j.verdict == "fail"}
    result = StepResult(
        step="release_gate", unit="control", rows_in=len(whole), kept=len(whole) - len(failing),
        removed=len(failing), removed_by_rule=dict.fromkeys(sorted(failing), 1),
        facts={"release_id": release_id, "verdicts": [fact(j) for j in judged], "blocked": stops,
               "cpu_seconds": cost.facts},
    )  # fmt: skip
    if first is not None:
        control = catalogue[first.control_id]
        result.state, result.held_by, result.because = "held", first.control_id, sentence(control, first)
        print(gate_failed(control, first), file=sys.stderr, flush=True)
    return result


def _judged(catalogue: Catalogue, figures: Sequence[Figure], suites: Sequence[str], cost: Cost) -> list[Judged]:
    with cost.of("imports"):
        imports()
    with cost.of("judging"):
        return judged_figures(catalogue, figures, suites)


def _judge_candidate(run: Run, catalogue: Catalogue, cost: Cost) -> tuple[list[Judged], str]:
    c: Candidate = candidate(run)
    with cost.of("figures"):
        figures: list[Figure] = release_figures(run, catalogue, c)
        figures += annotation_figures(run, catalogue, c.release_id, c.release_id)
        figures += bank_figures(run, catalogue, c.release_id) + response_figures(run, catalogue, c.release_id)
        figures += model_figures(run, c.release_id) + log_figures(run, c.release_id)
    judged = _judged(catalogue, figures, RELEASE_SUITES, cost)
    judged += without_figure(catalogue, judged, RELEASE_SUITES, "release", [c.release_id])
    judged += waiting(run, catalogue, "release", [c.release_id])
    shown = [f for f in figures if not catalogue[f.control_id].computed]
    bounds_of = release_bounds(run, c.release_id, c.manifest_root)
    return by_people(run, catalogue, judged, "release", [c.release_id], bounds_of, shown), c.release_id


def by_people(
    run: Run, catalogue: Catalogue, judged: list[Judged], scope: str, scope_ids: Sequence[str], bounds_of: BoundsOf,
    shown: Sequence[Figure] = (),
) -> list[Judged]:  # fmt: skip
    """The verdicts with people's halves and waivers. Where what people said cannot be read, their halves fail."""
    try:
        whole = [*judged, *human_halves(run, catalogue, scope, scope_ids, bounds_of, shown)]
        return with_waivers(run, catalogue, whole, bounds_of)
    except Exception as error:
        LOG.exception("the gate could not read what people attested")
        because = f"the gate could not read its input: {type(error).__name__}: {str(error)[:200]}"
        asked = [c for c in catalogue if c.scope == scope and c.mode != "computed"]
        return [*judged, *(Judged(c.id, "human", scope, i, "", "fail", because) for c in asked for i in scope_ids)]


def _crashed(control: Control, release_id: str, error: Exception) -> Judged:
    because = f"the gate could not read its input: {type(error).__name__}: {str(error)[:300]}"
    return replace(missing(control, "release", release_id), because=because)


def _release_id(run: Run) -> str:
    """The candidate's id as far as it can be known; `unknown` where not even that can be read."""
    try:
        decided = run.result("decide")
        return decided.facts["release_id"] if decided else "unknown"
    except Exception:
        return "unknown"


def _first(catalogue: Catalogue, judged: Sequence[Judged], source_id: str) -> Judged | None:
    """The worst verdict that holds the source, or None."""
    return next((j for j in judged if j.scope_id == source_id and holds_source(catalogue[j.control_id], j)), None)


def _source_result(catalogue: Catalogue, source_id: str, first: Judged | None, judged: Sequence[Judged]) -> StepResult:
    facts = {"verdicts": [fact(j) for j in judged if j.scope_id == source_id]}
    result = StepResult(step="source_gate", source_id=source_id, unit="source", rows_in=1, kept=1, facts=facts)
    if first is not None:
        control = catalogue[first.control_id]
        result.state, result.held_by, result.because = "held", first.control_id, sentence(control, first)
        result.kept, result.removed, result.removed_by_rule = 0, 1, {first.control_id: 1}
    return result


def _of_sources(run: Run) -> list[Judged]:
    """The source gate's verdicts of this run.

    Raises:
        GateInput: it has no result: unjudged sources are not released.
    """
    result = run.result("source_gate")
    if result is None:
        raise GateInput("the source gate has no result in this run")
    return [from_fact(f) for f in result.facts["verdicts"]]


def record(run: Run, gate: str, catalogue: Catalogue, judged: Sequence[Judged], release_id: str | None) -> None:
    """Writes the verdicts; the same ones again change nothing, others are a further attempt of the chain."""
    # only this table: an input that is missing must stay missing, or a second attempt would find it empty
    store.ensure_tables(run.place, ["control_result"])
    rows = [_row(run, gate, catalogue[j.control_id], j, release_id) for j in judged]
    store.replace(run.place, "control_result", rows, f"run_id = {quoted(run.id)} AND gate = {quoted(gate)}", run.id)


def _row(run: Run, gate: str, control: Control, j: Judged, release_id: str | None) -> dict[str, Any]:
    compared = j.half == "computed" or control.mode == "computed"
    return {
        "run_id": run.id, "corpus": run.corpus.id, "release_id": release_id, "gate": gate, "control_id": j.control_id,
        "clause": control.clause, "half": j.half, "scope": j.scope, "scope_id": j.scope_id, "stratum": j.stratum,
        "figure": j.value, "comparator": control.comparator if compared else None,
        "bound": control.bound if compared else None, "unit": control.unit, "k": j.k, "n": j.n, "verdict": j.verdict,
        "blocks": list(control.blocks), "because": j.because, "examples": list(j.examples),
        "next_act": control.next_act, "evidence_ids": list(j.evidence_ids), "suite_sha256": j.suite_sha256,
        "judged_at": run.at,
    }  # fmt: skip
