"""Who reads what: a split is one acquisition, or a range of its bytes; bins of splits are what tasks read. No Spark."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusgate.collect import store as in_store
from corpusgate.errors import UserError
from corpusgate.intake.read import in_parts, split_reader
from corpusgate.settings.profile import Profile
from corpusgate.settings.source import Reader, Source

if TYPE_CHECKING:
    from corpusgate.intake.plan import Batch, Carried


@dataclass(frozen=True, slots=True)
class Split:
    """One acquisition, or a range of its bytes. `number` orders the splits of a run whoever reads them."""

    number: int
    source_id: str
    acquisition_id: str
    path: str
    name: str
    fetched_at: datetime
    size: int
    reader: Reader
    start: int = 0
    end: int | None = None
    url: str | None = None
    etag: str | None = None
    """Of an object that stays in its store (`path` is its address), which has `total` bytes."""
    total: int = 0
    hashed: bool = False
    """Not to be read but hashed: it is read in parts elsewhere."""


def splits(batches: Sequence[Batch], profile: Profile, carried: Mapping[str, Carried] | None = None) -> list[Split]:
    """One split an acquisition that is not `carried`; ranges of bytes where the file is big, plain and its records have
    keys.

    Without keys a record is named by its ordinal among the equal texts of its member, which only who reads all of the
    member can count.

    Raises:
        UserError: the raw file is gone.
    """
    made: list[Split] = []
    for batch in sorted(batches, key=lambda b: b.id):
        over = carried[batch.id].acquisitions if carried and batch.id in carried else {}
        fresh = (a for a in batch.acquisitions if a["acquisition_id"] not in over)
        for fact in sorted(fresh, key=lambda a: a["acquisition_id"]):
            if in_store.stays(fact["path"]):
                made += _of_object(len(made), batch.source, fact, profile.split_bytes)
                continue
            path = Path(fact["path"])
            if not path.is_file():
                raise UserError(
                    f"The bytes of {fact['name']} ({batch.source.id}) are not in {path} any more. "
                    f"Run `corpusgate step fetch --source {batch.source.id}` again."
                )
            made += _of_file(len(made), batch.source, fact, path, profile.split_bytes)
    return made


def bins(splits: Sequence[Split], profile: Profile) -> list[list[Split]]:
    """The splits in as many bins as there shall be tasks, evenly by bytes: the biggest first into the emptiest."""
    cores = os.cpu_count() or 1
    total = sum(s.size for s in splits)
    wanted = max(profile.tasks or 2 * cores, total // profile.split_bytes)
    filled: list[list[Split]] = [[] for _ in range(max(1, min(len(splits), wanted)))]
    load = [0] * len(filled)
    for split in sorted(splits, key=lambda s: (-s.size, s.number)):
        emptiest = load.index(min(load))
        filled[emptiest].append(split)
        load[emptiest] += split.size + 1
    return [sorted(b, key=lambda s: s.number) for b in filled]


def _of_file(first: int, source: Source, fact: Mapping[str, Any], path: Path, split_bytes: int) -> list[Split]:
    size, reader = path.stat().st_size, source.reader
    of_part = split_reader(path, fact["name"], reader) if size > split_bytes and reader.key else None
    starts = range(0, size, split_bytes) if of_part else [0]
    at = datetime.fromisoformat(fact["fetched_at"])
    web = fact["url"] if (fact.get("url") or "").startswith(("http://", "https://")) else None
    return [
        Split(
            first + n, source.id, fact["acquisition_id"], str(path), fact["name"], at,
            min(split_bytes, size - start) if of_part else size, of_part or reader, start,
            start + split_bytes if of_part and start + split_bytes < size else None, web,
        )
        for n, start in enumerate(starts)
    ]  # fmt: skip


def _of_object(first: int, source: Source, fact: Mapping[str, Any], split_bytes: int) -> list[Split]:
    """An object in a store whole; in ranges where it is big, plain by its name and of a declared encoding, since to
    find that out it would have to be brought. Then one more split is there to hash it."""
    size, reader, at = fact["bytes"], source.reader, datetime.fromisoformat(fact["fetched_at"])
    plain = fact["name"].lower().endswith((".jsonl", ".ndjson", ".txt", ".csv", ".tsv"))
    parts = size > split_bytes and reader.key and plain and in_parts(reader)
    ranges: list[tuple[int, int | None]] = [(0, None)]
    if parts:
        ranges = [(n, n + split_bytes if n + split_bytes < size else None) for n in range(0, size, split_bytes)]
    one = Split(
        first, source.id, fact["acquisition_id"], fact["path"], fact["name"], at, size, reader, etag=fact["etag"],
        total=size,
    )  # fmt: skip
    made = [
        replace(one, number=first + n, start=start, end=end, size=(size if end is None else end) - start)
        for n, (start, end) in enumerate(ranges)
    ]
    return [*made, replace(one, number=first + len(made), hashed=True)] if parts else made
