"""Reading and writing tables without a JVM, and the SQL door over all of them (delta-rs).

Small tables are written here; the big ones by Spark through `frames.write_slice`. A write replaces its own slice, so a
retry overwrites itself: no MERGE, no transaction ids.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, write_deltalake

from corpusgate.lake.lease import commit_metadata
from corpusgate.lake.tables import NO_STATISTICS, TABLES, Table
from corpusgate.settings.place import Place

Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
PLAIN: Mapping[pa.DataType, pa.DataType] = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
"""The types of a query's columns that are views, and what they are views of."""


def ensure_tables(place: Place, names: Sequence[str] | None = None) -> None:
    """Creates every table (or those named) that is not there yet, empty, so that SQL always finds all of them; to one
    of an earlier corpusgate it adds the columns that have been declared since, null in the rows that are there."""
    for table in TABLES.values() if names is None else map(TABLES.__getitem__, names):
        path = place.table(table.name)
        if DeltaTable.is_deltatable(str(path)):
            _add_columns(DeltaTable(str(path)), table)
            continue
        path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            str(path), schema=table.schema, partition_by=list(table.partition) or None, mode="ignore",
            description=table.about, configuration=_configuration(table),
        )  # fmt: skip


def read(place: Place, name: str, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
    """A small table, whole or the rows that `where` (SQL) selects. Not for `document`-sized tables."""
    chosen = ", ".join(f'"{c}"' for c in columns) if columns else "*"
    return query(place, f'SELECT {chosen} FROM "{name}"' + (f" WHERE {where}" if where else ""), tables=[name])


def query(place: Place, sql: str, tables: Sequence[str] | None = None) -> pa.Table:
    """Runs SQL (DataFusion) over the tables; raises what the engine raises on a wrong statement."""
    from deltalake import QueryBuilder

    builder = QueryBuilder()
    for name in tables or TABLES:
        builder = builder.register(name, DeltaTable(str(place.table(name))))
    return pa.table(builder.execute(sql).read_all())


def stream(
    place: Place, sql: str, tables: Sequence[str], earlier: Mapping[str, tuple[str, int]] | None = None
) -> Iterator[pa.RecordBatch]:
    """Runs SQL over the tables and gives the result batch by batch: for texts, which must not be held all at once.

    `earlier`: further names, each for a table as it was in a version; where the log no longer goes back that far, as
    it is now.
    """
    from deltalake import QueryBuilder

    builder = QueryBuilder()
    for name in tables:
        builder = builder.register(name, DeltaTable(str(place.table(name))))
    for name, (of, number) in (earlier or {}).items():
        builder = builder.register(name, _at_version(place, of, number))
    for batch in builder.execute(sql):
        yield pa.record_batch(batch)


def rows(place: Place, name: str, columns: Sequence[str] | None = None, where: str | None = None) -> list[Any]:
    """What `read(...).to_pylist()` gives, times in UTC, for a small table of which no more is asked.

    pyarrow imports pandas before it makes a `datetime` of a time with a zone: half of what a step costs that has little
    to do. Here such times go over as numbers.
    """
    chosen = ", ".join(f'"{c}"' for c in columns) if columns else "*"
    sql = f'SELECT {chosen} FROM "{name}"' + (f" WHERE {where}" if where else "")
    found = list[dict[str, Any]]()
    for batch in stream(place, sql, [name]):
        values = [_values(c) for c in batch.columns]
        found += [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*values, strict=True)]
    return found


def _values(column: Any) -> list[Any]:
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    numbers = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_pylist()
    return [None if n is None else _EPOCH + timedelta(microseconds=n) for n in numbers]


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with ordinary strings and bytes: those of a query are views, which Arrow cannot filter or take from."""
    columns = [c.cast(PLAIN.get(c.type, c.type)) for c in batch.columns]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def replace(place: Place, name: str, rows: Sequence[Row], where: str, run_id: str) -> None:
    """Makes `rows` the whole of the slice that `where` (SQL over the table's columns) selects, in one commit.

    A chained table is never overwritten: the same rows again change nothing, other rows are appended as a further
    `attempt`, which is then the one in force (see `in_force`).
    """
    table = TABLES[name]
    if table.chained:
        with _linking(place, table):
            _append_attempt(place, table, rows, where, run_id)
        return
    write_deltalake(
        str(place.table(name)), to_arrow(table, rows), mode="overwrite", predicate=where, schema_mode=None,
        commit_properties=CommitProperties(custom_metadata=commit_metadata(place, run_id)),
    )  # fmt: skip


def in_force(place: Place, name: str, where: str) -> list[dict[str, Any]]:
    """Rows of a chained table with an `attempt`: those of the highest attempt in the slice that `where` selects."""
    rows = read(place, name, where=where).to_pylist()
    last = max((r["attempt"] for r in rows), default=0)
    return [r for r in rows if r["attempt"] == last]


def append_new(place: Place, name: str, rows: Sequence[Row], run_id: str) -> int:
    """Appends the rows whose key the table has not; returns how many. For facts that are said once."""
    table = TABLES[name]
    with _linking(place, table):
        return _append_new(place, table, rows, run_id)


def _append_new(place: Place, table: Table, rows: Sequence[Row], run_id: str) -> int:
    name = table.name
    there = {tuple(map(_keyed, r)) for r in zip(*_columns(read(place, name, table.key)), strict=True)}
    fresh, seen = [], set()
    for row in rows:
        key = tuple(_keyed(row.get(c)) for c in table.key)
        if key not in there and key not in seen:
            seen.add(key)
            fresh.append(row)
    if fresh:
        if table.chained:
            fresh = chain(_last_hash(place, name), as_read(table, fresh))
        write_deltalake(
            str(place.table(name)), to_arrow(table, fresh), mode="append",
            commit_properties=CommitProperties(custom_metadata=commit_metadata(place, run_id)),
        )  # fmt: skip
    return len(fresh)


def as_read(table: Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows in the types in which the table gives them back."""
    return to_arrow(table, rows).to_pylist()


def to_arrow(table: Table, rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table in the declared schema; a name that is no column is a mistake of ours and raises."""
    names = set(table.schema.names)
    for row in rows:
        if unknown := row.keys() - names:
            raise KeyError(f"{table.name} has no column {sorted(unknown)}")
    columns = [pa.array([_value(r.get(f.name)) for r in rows], f.type) for f in table.schema]
    return pa.Table.from_arrays(columns, schema=table.schema)


def version(place: Place, name: str) -> int:
    """The table's current version."""
    return DeltaTable(str(place.table(name))).version()


def columns(place: Place, name: str) -> set[str]:
    """The table's columns as they are, which in a lake of an earlier corpusgate may not be all that are declared."""
    return {f.name for f in DeltaTable(str(place.table(name))).schema().fields}


def partition_rows(place: Place, name: str) -> dict[str, int]:
    """Rows of each partition of a table that is partitioned by one column, from its log alone."""
    (column,) = TABLES[name].partition
    files = pa.table(DeltaTable(str(place.table(name))).get_add_actions(flatten=True))
    if not files.num_rows:
        return {}
    counted = files.group_by(f"partition.{column}").aggregate([("num_records", "sum")]).to_pylist()
    return {row[f"partition.{column}"]: row["num_records_sum"] for row in counted}


def row_digest(row: Row) -> str:
    """SHA-256 over the row's canonical JSON, its own hash left out: what the chain is made of.

    What is null is left out, so that a column which a later corpusgate adds changes no hash.
    """
    body = {k: v for k, v in sorted(row.items()) if k != "row_sha256" and v is not None}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_json)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chain(previous: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows with `previous_sha256` and `row_sha256`: each names the one before it.

    The rows must be as a reader gets them back (see `as_read`), or nobody could recompute their hashes.
    """
    chained = []
    for row in rows:
        linked = {**row, "previous_sha256": previous}
        linked["row_sha256"] = previous = row_digest(linked)
        chained.append(linked)
    return chained


def _append_attempt(place: Place, table: Table, rows: Sequence[Row], where: str, run_id: str) -> None:
    now = in_force(place, table.name, where)
    links = {"attempt", "previous_sha256", "row_sha256"}
    fresh = as_read(table, rows)

    def bodies(given: Sequence[Row]) -> list[str]:
        return sorted(row_digest({k: v for k, v in r.items() if k not in links}) for r in given)

    if bodies(now) == bodies(fresh):
        return
    attempt = max((r["attempt"] for r in now), default=0) + 1
    linked = chain(_last_hash(place, table.name), [{**r, "attempt": attempt} for r in fresh])
    write_deltalake(
        str(place.table(table.name)), to_arrow(table, linked), mode="append",
        commit_properties=CommitProperties(custom_metadata=commit_metadata(place, run_id)),
    )  # fmt: skip


@contextmanager
def _linking(place: Place, table: Table) -> Generator[None]:
    """One process at a time links rows: two that read the same end would fork the chain. A gate links without the
    lake's lease, and people attest while it runs."""
    if not table.chained:
        yield
        return
    place.lake.mkdir(parents=True, exist_ok=True)
    with (place.lake / "_linking").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, however the process ends
        yield


def _last_hash(place: Place, name: str) -> str:
    """The hash that no other row follows; 64 zeros at the start of a chain."""
    rows = read(place, name, ["previous_sha256", "row_sha256"]).to_pylist()
    followed = {r["previous_sha256"] for r in rows}
    heads = sorted(r["row_sha256"] for r in rows if r["row_sha256"] not in followed)
    return heads[-1] if heads else "0" * 64


def _at_version(place: Place, name: str, number: int) -> DeltaTable:
    from deltalake.exceptions import DeltaError

    path = str(place.table(name))
    try:
        return DeltaTable(path, version=number)
    except DeltaError:
        return DeltaTable(path)


def _add_columns(there: DeltaTable, table: Table) -> None:
    known = {f.name for f in there.schema().fields}
    if fresh := [f for f in Schema.from_arrow(table.schema).fields if f.name not in known]:
        there.alter.add_columns(fresh)


def _configuration(table: Table) -> dict[str, str | None]:
    left_out = {*NO_STATISTICS, *table.partition}  # of a partition column Spark refuses to hear that it has statistics
    fields = [f for f in table.schema if f.name not in left_out and not pa.types.is_nested(f.type)]
    return {"delta.enableDeletionVectors": "false", "delta.dataSkippingStatsColumns": ",".join(f.name for f in fields)}


def _columns(table: pa.Table) -> list[list[Any]]:
    return [c.to_pylist() for c in table.columns]


def _keyed(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def _value(value: Any) -> Any:
    return list(value.items()) if isinstance(value, Mapping) else value


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
