"""The last step: folds the run's accounting into `step_run` and leaves the evidence page of the run."""

from __future__ import annotations

import json
from typing import Any

from corpusgate.evidence.cells import plain
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate.lake.store import ensure_tables, replace, version
from corpusgate.lake.tables import TABLES
from corpusgate.release.digests import digests


def evidence(run: Run) -> StepResult:
    """Writes one `step_run` row a result of this run, in the flow's order, and `evidence.html` beside the results.

    It runs after a failed gate as well: a refused release has its accounting too.
    """
    results = in_order(run.results())
    pins = digests(run)
    with lease(run.place, run.id):
        ensure_tables(run.place)
        versions = {name: version(run.place, name) for name in TABLES if name != "step_run"}
        rows = [step_row(run, r, pins, versions) for r in results]
        replace(run.place, "step_run", rows, f"run_id = '{_quoted(run.id)}'", run.id)
    from corpusgate.evidence.annotation_page import PAGE, leave_page
    from corpusgate.evidence.figures import figures
    from corpusgate.evidence.page import controls_of, render

    told = figures(run.place, run.id) | {"annotation_page": PAGE if leave_page(run) else None}
    write_atomically(run.folder / "figures.json", json.dumps(told, ensure_ascii=False, indent=1, default=plain))
    write_atomically(run.folder / "evidence.html", render(told, controls_of(run.place)))
    return StepResult(step="evidence", unit="result", rows_in=len(results), kept=len(results))


def in_order(results: list[StepResult]) -> list[StepResult]:
    """Results in the order of the flow, within a step by source; this step's own is left out."""
    from corpusgate.flow import STEPS

    rank = {s.name: i for i, s in enumerate(STEPS)}
    known = [r for r in results if r.step != "evidence"]
    return sorted(known, key=lambda r: (rank.get(r.step, len(rank)), r.source_id or ""))


def step_row(run: Run, result: StepResult, pins: dict[str, str], versions: dict[str, int]) -> dict[str, Any]:
    """A result as a row of `step_run`."""
    return {
        "run_id": run.id, "corpus": run.corpus.id, "step": result.step, "source_id": result.source_id,
        "state": result.state, "unit": result.unit, "rows_in": result.rows_in, "kept": result.kept,
        "removed": result.removed, "errored": result.errored, "removed_by_rule": result.removed_by_rule,
        "seconds": result.seconds, "because": result.because, "code_sha256": pins.get("code"),
        "conf_sha256": pins.get("conf"), "lock_sha256": pins.get("lock"), "table_versions": versions, "run_at": run.at,
    }  # fmt: skip


def _quoted(text: str) -> str:
    return text.replace("'", "''")
