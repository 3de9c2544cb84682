"""Whether the processing is on record (45652-draft 5 e): every step of this run that came before the release gate, and
the chained table in which earlier runs' steps stand."""

from __future__ import annotations

from functools import partial

from deltalake import DeltaTable

from corpusgate import flow
from corpusgate.errors import Unreconciled
from corpusgate.gates.figures import EXAMPLES, Figure, GateInput, guarded
from corpusgate.lake.chains import chain_of
from corpusgate.lake.run import Run, StepResult

RECORDED, GATE, THIS = "45652-draft-5-e", "release", "release_gate"


def log_figures(run: Run, scope_id: str) -> list[Figure]:
    """Steps without a record that adds up: a step that should have run in this run and left no result, a result whose
    rows do not add up, and rows of `step_run` that are not as they were written."""
    return guarded([(RECORDED, GATE)], "release", [scope_id], partial(_figures, run, scope_id))


def _figures(run: Run, scope_id: str) -> list[Figure]:
    expected = _expected(run)
    bad = [name for name, result in expected.items() if result is None or not _adds_up(result)]
    if not (run.folder / "run.json").is_file():
        raise GateInput("the run has no record of its own (run.json)")
    if not DeltaTable.is_deltatable(str(run.place.table("step_run"))):
        raise GateInput("the table step_run is missing, in which the steps of earlier runs stand")
    broken = chain_of(run.place, "step_run").problems
    k, n = len(bad) + len(broken), len(expected)
    because = f"{len(bad)} of {n} steps of this run left no record that adds up"
    because += f": {', '.join(bad[:EXAMPLES])}" if bad else ""
    because += f"; the record of earlier runs is not as it was written: {broken[0]}" if broken else ""
    return [Figure(RECORDED, GATE, "release", scope_id, "measured", value=float(k), k=k, n=n, because=because)]


def _expected(run: Run) -> dict[str, StepResult | None]:
    """Every step before this one with its result; of a source that was held, the steps until then."""
    held = run.held()
    found: dict[str, StepResult | None] = {}
    for step in flow.STEPS:
        if step.name == THIS:
            break
        if not step.per_source:
            found[step.name] = run.result(step.name)
            continue
        for source in run.sources:
            stopped = held.get(source.id)
            result = run.result(step.name, source.id)
            if result is None and stopped is not None and stopped.step != step.name:
                continue  # an earlier step held it: nothing was done, and nothing is to be recorded
            found[f"{step.name} of {source.id}"] = result
    return found


def _adds_up(result: StepResult) -> bool:
    try:
        result.reconcile()
    except Unreconciled:
        return False
    return True
