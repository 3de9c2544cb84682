"""Tombstones: what a source no longer has. Nothing that was there goes without a word, and nothing returns unseen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from corpusgate.intake.states import State
from corpusgate.lake import store
from corpusgate.lake.dialect import literal, one_of
from corpusgate.lake.run import Run

GONE, READ_OTHERWISE = "gone_from_source", "read_otherwise"
LISTED = 1000


def bury(
    run: Run, source_id: str, before: State, batch_id: str, because: str, gone: Sequence[str] | None
) -> tuple[int, int]:
    """Writes tombstones of the records of the state `before` that the batch `batch_id` has no more, and closes those
    of records that it has again; returns how many of either.

    `because`: `gone_from_source`, or `read_otherwise` where the declaration or a licence part changed meanwhile.
    `gone`: the acquisitions that may have taken records with them; None: any may. Started again it leaves the same:
    what a slice has already stays.
    """
    vanished = [_tombstone(run, batch_id, before, because, r) for r in _vanished(run, before, batch_id, gone)]
    returned = _returned(run, source_id, batch_id)
    slices = {batch_id} if vanished else set[str]()
    slices |= {r["batch_id"] for r in returned}
    back = {r["record_id"] for r in returned}
    for name in sorted(slices):
        where = f"batch_id = {literal(name)}"
        there = {r["record_id"]: r for r in store.read(run.place, "tombstone", where=where).to_pylist()}
        if name == batch_id:
            there = {**{r["record_id"]: r for r in vanished}, **there}
        rows = [_closed(run, r) if r["record_id"] in back else r for r in there.values()]
        store.replace(run.place, "tombstone", sorted(rows, key=lambda r: r["record_id"]), where, run.id)
    return len(vanished), len(returned)


def _vanished(run: Run, before: State, batch_id: str, gone: Sequence[str] | None) -> Iterable[dict[str, Any]]:
    """Records of the state that the batch has not."""
    of = f"b.batch_id = {literal(before.batch_id)}"
    if gone is not None and len(gone) <= LISTED:
        of += f" AND {one_of('b.acquisition_id', gone)}"
    sql = f"""
    SELECT b.record_id, b.source_id, b.locator, b.text_sha256, b.acquisition_id, b.first_acquired_at
    FROM before b LEFT ANTI JOIN (SELECT record_id FROM record WHERE batch_id = {literal(batch_id)}) n
    ON b.record_id = n.record_id WHERE {of}
    """
    for batch in store.stream(run.place, sql, ["record"], {"before": ("record", before.record_version)}):
        yield from batch.to_pylist()


def _returned(run: Run, source_id: str, batch_id: str) -> list[dict[str, Any]]:
    """Open tombstones of records that the batch has."""
    sql = f"""
    SELECT t.record_id, t.batch_id FROM tombstone t
    JOIN (SELECT record_id FROM record WHERE batch_id = {literal(batch_id)}) n ON t.record_id = n.record_id
    WHERE t.source_id = {literal(source_id)} AND t.returned_in IS NULL AND t.batch_id <> {literal(batch_id)}
    """
    return store.query(run.place, sql, ["tombstone", "record"]).to_pylist()


def _tombstone(run: Run, batch_id: str, before: State, because: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row, "last_batch_id": before.batch_id, "batch_id": batch_id, "because": because, "vanished_in": run.id,
        "vanished_at": run.at,
    }  # fmt: skip


def _closed(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return row if row["returned_in"] else {**row, "returned_in": run.id, "returned_at": run.at}
