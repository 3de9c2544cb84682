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
    import pyarrow.dataset as ds

    table = ds.dataset(str(place.releases / release_id / "data"), format="parquet").to_table(["record_id", "text"])
    return dict(zip(*table.to_pydict().values(), strict=True))


def tree(folder: Path) -> dict[str, Any]:
    """Every file below a folder with its bytes; of Parquet files, whose writer stamps nothing else, their rows."""
    import pyarrow.parquet as pq

    return {
        str(p.relative_to(folder)): sorted(map(str, pq.read_table(p).to_pylist())) if p.suffix == ".parquet" else p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }  # fmt: skip
