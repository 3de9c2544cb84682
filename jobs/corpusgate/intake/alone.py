"""Intake without Spark: a few files that changed, a little in many files, or a corpus that one machine reads.

The driver reads and screens as a worker does (`stage.py`), or has a few processes do it (`pool.py`), and asks the
tables by their hash columns alone, batch by batch. What comes out is what `frames.py` and `exceptions.py` make of the
same staged rows; the tests compare the two. Lines that stood in a source's last state are not read (`standing.py`):
their records go over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusgate.intake import counts
from corpusgate.intake.plan import BY_BATCH, Plan
from corpusgate.intake.slices import SLICES, Made
from corpusgate.intake.splits import Split
from corpusgate.intake.stage import DUPLICATE, Work
from corpusgate.intake.staged import Row, Staged
from corpusgate.intake.standing import Standing, stood_before
from corpusgate.lake import store
from corpusgate.lake.alone import SMALL_PAGES, among, picked, uncollected
from corpusgate.lake.dialect import one_of
from corpusgate.lake.lease import commit_metadata
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

LOOKED = 16
"""So many times the bytes to be read are looked through where half of them stood there before."""

Read = Callable[[Work], Staged | None]
"""Reads and screens what a plan says; None where it is too much."""


def fits(plan: Plan, splits: Sequence[Split], there: Mapping[str, Mapping[str, int]], most: int) -> bool:
    """Whether this may be small enough: `most` bytes to read; nothing to be screened again, no slice to be written
    over."""
    over = any(there[name].get(b) for name in BY_BATCH for b in plan.read_ids)
    return bool(plan.read) and not plan.again and not over and _size(splits) <= most


def unread(place: Place, plan: Plan, splits: Sequence[Split], most: int) -> dict[str, Standing] | None:
    """The lines that stood in the last states of the sources that are read; None where what else there is may be more
    than `most` bytes, also where `LOOKED` times as many are looked through."""
    size = _size(splits)
    if size > LOOKED * most:
        return None
    found = dict[str, Standing]()
    for batch in plan.read:
        before, over = plan.before.get(batch.source.id), plan.carried.get(batch.id)
        if before is not None and before.batch_id in plan.known:
            goes = over.acquisitions if over else {}
            if one := stood_before(place, batch.source, batch.way_sha256, goes):
                found[batch.source.id] = one
    stood = sum(s.bytes for s in found.values())
    return found if size <= most or (size <= 2 * stood and stood <= LOOKED * most) else None


def execute(
    place: Place, plan: Plan, read: Read, known: str | None, stood: Mapping[str, Standing] | None = None
) -> counts.ByBatch | None:
    """Reads, screens and writes; what came out of each batch's acquisitions. None where it is too much after all.

    `read` yields the staged rows of what it is told; `known` and `stood` are texts and lines that need none of it.
    """
    stood = stood or {}
    staged = read(plan.work(known, stood))
    if staged is None:
        return None
    with uncollected():
        made = Made(staged, staged.records(), stood)
        there, twice = _told(place, plan, made), _twice(made)
        if there and not twice:
            counted = counts.of_staging(plan, _counts(plan, made))
            _shadows(made, counted)
            for name in BY_BATCH:
                _write(place, plan, made, name)
            return counted
    # what is not there: a text begins like a known one and is another
    return execute(place, plan, read, known if there else None, _without(stood, twice if there else ()))


def _size(splits: Sequence[Split]) -> int:
    return sum(s.size for s in splits)


def _without(stood: Mapping[str, Standing], records: Collection[str]) -> dict[str, Standing]:
    return {source: one.without(records) for source, one in stood.items()}


def _twice(made: Made) -> set[str]:
    """Records that stand and came once more: which of two lines a record is made of only a reading of both tells."""
    stood = made.stood.values()
    read = {r.record_id for r in made.records}
    return set[str]().union(*(one.repeated for one in stood), *(one.found.keys() & read for one in stood))


def _told(place: Place, plan: Plan, made: Made) -> bool:
    """Fills in what the tables say; False where a text that was taken for known is not."""
    ids = {r.record_id for r in made.records}
    texts = {r.text_sha256 for r in made.records if r.known}
    since, said = dict[str, datetime](), dict[str, tuple[str | None, str | None]]()
    before = {plan.before[b.source.id].batch_id for b in plan.read if b.source.id in plan.before}
    over = {o.batch_id: o.acquisitions for o in plan.carried.values()}
    last = one_of("batch_id", sorted(before | over.keys()))
    for row in _rows(place, "record", "record_id, batch_id, acquisition_id, first_acquired_at", last, ids):
        if row["batch_id"] in before:
            _earlier(since, row)
        if row["acquisition_id"] in over.get(row["batch_id"], ()):
            made.held[row["record_id"]] = row["acquisition_id"]
    where = one_of("source_id", (b.source.id for b in plan.read))
    for row in _rows(place, "tombstone", "record_id, first_acquired_at", where, ids):
        _earlier(since, row)
    for row in _rows(place, "record", "text_sha256, language, script", one_of("batch_id", plan.known), texts):
        said[row["text_sha256"]] = (row["language"], row["script"])
    _judge(made, since, said)
    fresh = {r.text_sha256 for r in made.records if not r.known}
    made.stored = {r["text_sha256"] for r in _rows(place, "document", "text_sha256", "TRUE", fresh)}
    for row in _rows(place, "screening", "text_sha256, family, version", "TRUE", fresh):
        if plan.versions.get(row["family"]) == row["version"]:
            made.done.setdefault(row["text_sha256"], set()).add(row["family"])
    return all(r.said is not None for r in made.records if r.known)


def _earlier(since: dict[str, datetime], row: Mapping[str, Any]) -> None:
    since[row["record_id"]] = min(row["first_acquired_at"], since.get(row["record_id"], row["first_acquired_at"]))


def _judge(made: Made, since: Mapping[str, datetime], said: Mapping[str, tuple[str | None, str | None]]) -> None:
    """Twins, owners, and since when: in the order of `exceptions.stage_exceptions`."""
    best: dict[str, Row] = {}
    for row in sorted(made.records, key=attrgetter("split", "row")):
        first = best.setdefault(row.record_id, row)
        there = made.held.get(row.record_id)
        row.twin = row is not first or (there is not None and there < first.acquisition_id)
        if there is not None and not row.twin:
            made.lost.add(row.record_id)
        if row.known:
            row.said = said.get(row.text_sha256)
    for row in _owners(made.records):
        row.owner = True
    for row in made.records if since else ():
        row.since = min(row.since, since.get(row.record_id, row.since))


def _owners(records: Sequence[Row]) -> Iterable[Row]:
    """Of each text the record under whose batch it is written. Most texts have one: only where a second comes, the two
    are held against each other."""
    order = attrgetter("twin", "known", "since", "batch_id", "record_id")
    found: dict[str, Row] = {}
    for row in records:
        first = found.setdefault(row.text_sha256, row)
        if first is not row and order(row) < order(first):
            found[row.text_sha256] = row
    return found.values()


@dataclass(frozen=True, slots=True)
class _Count:
    batch_id: str
    acquisition_id: str
    outcome: str
    rule: str | None
    rows: int


def _counts(plan: Plan, made: Made) -> Iterator[_Count]:
    twins = {r.at for r in made.records if r.twin}
    found: dict[tuple[str, str, str, str | None], int] = {}
    names = ("batch_id", "acquisition_id", "outcome", "rule")
    rows = zip(*(made.staged.told.column(n).to_pylist() for n in names), strict=True)
    for at, (batch, of, outcome, rule) in enumerate(rows):
        key = (batch, of, "removed", DUPLICATE) if at in twins else (batch, of, outcome, rule)
        found[key] = found.get(key, 0) + 1
    for batch in plan.read:
        if (stood := made.stood.get(batch.source.id)) is not None:
            for split in stood.found.values():
                key = (batch.id, split.acquisition_id, "record", None)
                found[key] = found.get(key, 0) + 1
    return (_Count(*key, n) for key, n in found.items())


def _shadows(made: Made, counted: counts.ByBatch) -> None:
    """Notes who lost twins to whom, also of acquisitions that went over unread."""
    places = made.held | {r.record_id: r.acquisition_id for r in made.records if not r.twin}
    for row in made.records:
        winner, lost = places[row.record_id], made.held.get(row.record_id)
        if row.twin and winner != row.acquisition_id:
            counts.shadow(counted[row.batch_id][row.acquisition_id], winner)
        elif not row.twin and lost is not None:
            counts.lose(counted[row.batch_id][lost], row.acquisition_id, 1)


def _write(place: Place, plan: Plan, made: Made, name: str) -> None:
    """One table's slice: what was read now, and what goes over."""
    from deltalake import CommitProperties, write_deltalake

    if name == "signature" and "signature" not in plan.versions:
        return
    fresh = (b for table in SLICES[name](plan, made) for b in table.to_batches() if b.num_rows)
    over = _over(place, plan, made, name) if name in ("record", "quarantine") else iter(())
    new, old = next(fresh, None), next(over, None)
    if new is None and old is None:
        return  # a commit costs seconds
    types = TABLES[name].schema if old is None else old.schema

    def batches() -> Iterator[pa.RecordBatch]:
        if new is not None:
            yield from (b.cast(types) for b in chain([new], fresh))
        if old is not None:
            yield from chain([old], over)

    write_deltalake(
        str(place.table(name)), pa.RecordBatchReader.from_batches(types, batches()), mode="overwrite",
        predicate=one_of("batch_id", plan.read_ids), writer_properties=SMALL_PAGES,
        commit_properties=CommitProperties(custom_metadata=commit_metadata(place)),
    )  # fmt: skip


def _over(place: Place, plan: Plan, made: Made, name: str) -> Iterator[pa.RecordBatch]:
    """Rows of `record` or `quarantine` that go over from last states, under their new batches, in a query's types.

    One query for all of them, begun before anything is written: inside a write, which asks for these rows from within
    its own runtime, no table can be opened. Nearly all rows go over: views are as good for the writer as strings, and
    only where some rows stay behind a batch is copied.
    """
    names = TABLES[name].schema.names
    at = names.index("batch_id")
    goes = {o.batch_id: (b, frozenset(o.acquisitions)) for b, o in plan.carried.items()}
    stood = _stood(plan, made) if name == "record" else {}
    columns = ", ".join(f'"{n}"' for n in names)
    where = one_of("batch_id", goes.keys() | stood.keys())
    for rows in store.stream(place, f"SELECT {columns} FROM {name} WHERE {where}", [name]):
        for of in rows.column(at).unique().to_pylist():
            here = pc.call_function("equal", [rows.column(at).cast(pa.string()), of])
            if of in stood:
                yield from _again(rows, here, *stood[of])
            if of not in goes:
                continue
            to, acquisitions = goes[of]
            there = pc.call_function("and", [here, among(rows.column("acquisition_id"), acquisitions)])
            if name == "record" and made.lost:
                there = pc.call_function("and_not", [there, among(rows.column("record_id"), made.lost)])
            if there.true_count:
                kept = _chosen(rows, there)
                yield _with(kept, batch_id=[to] * kept.num_rows)


def _stood(plan: Plan, made: Made) -> dict[str, tuple[str, Mapping[str, Split]]]:
    """Last batch of each source of which lines stand -> its new batch, and in which split which record stands."""
    mine = {b.source.id: b.id for b in plan.read}
    return {plan.before[source].batch_id: (mine[source], one.found) for source, one in made.stood.items() if one.found}


def _again(rows: pa.RecordBatch, here: Any, to: str, found: Mapping[str, Split]) -> Iterator[pa.RecordBatch]:
    """Rows of records that stand, under the batch and the acquisitions of which they are now; `here`: which may."""
    ids = zip(rows.column("record_id").to_pylist(), here.to_pylist(), strict=True)
    splits = [found.get(record) if mine else None for record, mine in ids]
    there = pa.array([split is not None for split in splits], pa.bool_())
    if not there.true_count:
        return
    kept, now = _chosen(rows, there), [split for split in splits if split is not None]
    since = kept.column("first_acquired_at")
    fetched = pa.array([split.fetched_at for split in now], since.type)
    earlier = pc.call_function("less", [since, fetched])
    yield _with(
        kept, batch_id=[to] * kept.num_rows, acquisition_id=[split.acquisition_id for split in now],
        first_acquired_at=pc.call_function("if_else", [earlier, since, fetched]),
    )  # fmt: skip


def _chosen(rows: pa.RecordBatch, there: Any) -> pa.RecordBatch:
    return rows if there.true_count == rows.num_rows else store.plain(rows).filter(there).cast(rows.schema)


def _with(rows: pa.RecordBatch, **columns: Any) -> pa.RecordBatch:
    """The rows with these columns in place of their own, in the types of those."""
    for name, values in columns.items():
        at = rows.schema.get_field_index(name)
        field = rows.schema.field(at)
        rows = rows.set_column(at, field, values if isinstance(values, pa.Array) else pa.array(values, field.type))
    return rows


def _rows(place: Place, name: str, columns: str, where: str, wanted: AbstractSet[str]) -> Iterator[dict[str, Any]]:
    """Rows of a table whose first column is one of `wanted`; the table is gone through batch by batch."""
    if not wanted:
        return
    for batch in store.stream(place, f"SELECT {columns} FROM {name} WHERE {where}", [name]):
        yield from picked(batch, among(batch.column(0), wanted)).to_pylist()
