"""Brings what the journal holds into the table `review`, in batches, by the one writer of the lake.

A word that is in the table already is known by its hash, so that a fold may be killed and repeated. The journal stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any

from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.review import journal
from corpusgate.review.journal import Verdict
from corpusgate.settings.place import Place

#: Rows of one commit.
BATCH = 5000

#: SQL: the verdicts in force of the table `review`: the newest of each person on each item, undone ones left out.
IN_FORCE = (
    "(SELECT sample_id, record_id, released_sha256, reviewer, verdict, risks, comment, reviewed_at, seconds FROM "
    "(SELECT *, row_number() OVER (PARTITION BY sample_id, record_id, reviewer ORDER BY coalesce(attempt, 0) DESC) "
    "AS newest FROM review) AS r WHERE newest = 1 AND verdict <> 'undone')"
)


def fold(place: Place, run_id: str, sample_id: str | None = None) -> int:
    """Appends what the journal of one sample, or of all, holds and `review` does not; returns how many words.

    Raises:
        LakeBusy: another run writes; the journal keeps everything until the next fold. CorpusgateError: a line of the
            journal was edited.
    """
    waiting = {s: said for s in _samples(place, sample_id) if (said := unfolded(place, s))}
    if not waiting:
        return 0
    with lease(place, run_id):
        store.ensure_tables(place, ["review"])
        folded = 0
        for sample in waiting:
            said = unfolded(place, sample)  # again: another fold may have been quicker
            for start in range(0, len(said), BATCH):
                batch = said[start : start + BATCH]
                folded += store.append_new(place, "review", _rows(place, sample, batch), run_id)
        return folded


def unfolded(place: Place, sample_id: str) -> list[Verdict]:
    """The journal's entries of the sample that the table has not, each once, in the order in which they were said."""
    known = _told(place, sample_id)[0]
    fresh: dict[str, Verdict] = {}
    for name, verdict in journal.entries(place, sample_id):
        if name not in known:
            fresh.setdefault(name, verdict)
    return list(fresh.values())


def in_force(place: Place, sample_id: str, *, table_only: bool = False) -> list[Verdict]:
    """The verdicts in force on a sample: the table's, and what the journal holds beyond it. `table_only`: what a gate
    or an assessor counts."""
    told = _told(place, sample_id, strict=table_only)[1]
    return journal.in_force([*told, *([] if table_only else unfolded(place, sample_id))])


def _told(place: Place, sample_id: str, *, strict: bool = False) -> tuple[frozenset[str], tuple[Verdict, ...]]:
    """What the table has of the sample: hashes of entries, and verdicts in the order in which they were said.
    `strict`: a gate must not take a table that is gone for an empty one."""
    if not strict and not (place.table("review") / "_delta_log").is_dir():
        return frozenset(), ()
    return _at_version(place, sample_id, store.version(place, "review"))


@lru_cache(maxsize=16)
def _at_version(place: Place, sample_id: str, version: int) -> tuple[frozenset[str], tuple[Verdict, ...]]:
    rows = _table(place, sample_id)
    verdicts = tuple(_verdict(r) for r in sorted(rows, key=lambda r: r["attempt"] or 0))
    return frozenset(r["entry_id"] for r in rows if r["entry_id"]), verdicts


def _samples(place: Place, sample_id: str | None) -> Iterable[str]:
    if sample_id is not None:
        return [sample_id]
    return sorted({v.sample_id for folder in journal.folders(place) for _, v in journal.entries_in(folder)})


def _rows(place: Place, sample_id: str, batch: list[Verdict]) -> list[dict[str, Any]]:
    last: dict[tuple[str, str], int] = {}
    for row in _table(place, sample_id, ["record_id", "reviewer", "attempt"]):
        key = (row["record_id"], row["reviewer"])
        last[key] = max(last.get(key, 0), row["attempt"] or 0)
    rows = []
    for verdict in batch:
        key = (verdict.record_id, verdict.reviewer)
        last[key] = last.get(key, 0) + 1
        rows.append({
            "sample_id": sample_id, "record_id": verdict.record_id, "released_sha256": verdict.released_sha256,
            "reviewer": verdict.reviewer, "verdict": verdict.verdict, "risks": list(verdict.risks),
            "comment": verdict.comment, "reviewed_at": verdict.reviewed_at.astimezone(UTC),
            "seconds": verdict.seconds, "origin": verdict.origin,
            "entry_id": journal.entry_id(journal.as_said(verdict)), "attempt": last[key],
        })  # fmt: skip
    return rows


def _table(place: Place, sample_id: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    return store.read(place, "review", columns, f"sample_id = {quoted(sample_id)}").to_pylist()


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(
        row["sample_id"], row["record_id"], row["released_sha256"], row["reviewer"], row["verdict"],
        tuple(row["risks"] or ()), row["comment"] or "", row["reviewed_at"], row["seconds"], row["origin"] or "file",
    )  # fmt: skip
