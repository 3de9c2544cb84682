"""Runs that are ready to be published, and what a release leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from corpusgate.decide.job import decide
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.place import Place
from corpusgate_testing.decide import AT, Text, World, judged


def gated(
    place: Place,
    texts: Sequence[Text],
    *,
    run_id: str = "run-1",
    at: datetime = AT,
    world: World | None = None,
    blocked: Sequence[str] = (),
) -> Run:
    """A run whose candidate is decided and whose release gate blocks `trial` by `blocked`."""
    run = judged(place, texts, world=world, run_id=run_id, at=at)
    run.write(decide(run))
    gate(run, blocked)
    return run


def gate(run: Run, blocked: Sequence[str] = ()) -> None:
    """Leaves the release gate's result."""
    facts = {"verdicts": [], "blocked": {"trial": list(blocked), "filing": ["45654-4-2-1-manual"]}}
    run.write(StepResult(step="release_gate", unit="control", rows_in=1, kept=1, facts=facts))


def texts_of(place: Place, release_id: str) -> dict[str, str]:
    """record_id -> released text, from the published files."""
    import pyarrow.parquet as pq

    files = sorted((place.releases / release_id / "data").glob("*.parquet"))
    tables = [pq.read_table(f, columns=["record_id", "text"]) for f in files]
    return {r["record_id"]: r["text"] for t in tables for r in t.to_pylist()}


def tree(folder: Path) -> dict[str, Any]:
    """Every file below a folder with its bytes; of Parquet files, whose writer stamps nothing else, their rows."""
    import pyarrow.parquet as pq

    def content(path: Path) -> Any:
        return sorted(map(str, pq.read_table(path).to_pylist())) if path.suffix == ".parquet" else path.read_bytes()

    return {str(p.relative_to(folder)): content(p) for p in sorted(folder.rglob("*")) if p.is_file()}
