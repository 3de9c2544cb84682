"""What a release's parts hold, and the writing of those that changed, without Spark: for what is small beside the start
of a JVM. Hashes, names and bytes are those that `frames.py` makes (`parts.py` says how); the tests compare the two.

Texts are never held all at once: a pass over the batches of `document` that have some gathers those of as many parts as
`ROUND` allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusgate.decide.rules import text_sha256
from corpusgate.lake import store
from corpusgate.lake.alone import among, picked, texts_of
from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.release import parts
from corpusgate.release.parts import Wanted
from corpusgate.settings.place import Place

ROUND = 256 << 20
"""Bytes of released text that are gathered in one pass; a part that holds more is gathered by itself."""
NAMED = 1000
"""Up to so many texts of a batch are asked for by name; beyond, the batch is gone through."""

_FOUND = pa.schema([
    *(TABLES["release_record"].schema.field(n) for n in (
        "record_id", "source_id", "language", "role", "group_id", "turn", "speaker", "text_sha256", "mask_set",
        "released_sha256", "bytes",
    )), *(pa.field(n, pa.string()) for n in ("url", "licence", "bucket", "number", "row")),
])  # fmt: skip
_KEPT = (
    "SELECT {columns}, {bucket} AS bucket, {number} AS number, {row} AS row "
    "FROM (SELECT * FROM release_record WHERE {release}) AS r "
    "LEFT JOIN ({origins}) AS o ON o.id = r.record_id "
    "LEFT JOIN (SELECT acquisition_id AS id, name FROM acquisition) AS a ON a.id = o.first "
    "LEFT JOIN (VALUES {licences}) AS l(source, part, licence, hashed) "
    "ON l.source = encode(r.source_id, 'hex') AND l.part = encode(r.licence_part, 'hex')"
)
_ORIGINS = "SELECT record_id AS id, url, acquisition_id AS first FROM record WHERE {batches}"
# One place that two sources' batches name is one record; whichever comes first, the same address.
_FIRST_ORIGINS = f"SELECT id, min(url) AS url, min(first) AS first FROM ({_ORIGINS}) AS named GROUP BY id"


def kept(run: Run, release: str, licences: Iterable[tuple[str, str, str | None]]) -> pa.Table:
    """The kept records of a candidate, each with the part in which it goes and the hash of its row. `licences`:
    (source, part of its licence, expression)."""
    intake, said = run.result("intake"), {of[:2]: of for of in licences}
    batches = one_of("batch_id", intake.facts["batches"].values() if intake else ())
    given = {
        "columns": ", ".join(f'"{n}"' for n in _FOUND.names[:-3]), "release": one_of("release_id", [release]),
        "bucket": parts.bucket_sql("datafusion"), "number": parts.number_sql("datafusion"),
        "row": parts.row_sql("datafusion", "coalesce(l.hashed, '')"),
        "licences": ", ".join(map(_licence, [*said.values(), ("", "", None)])),
    }  # fmt: skip
    rows = _rows(run.place, _KEPT.format(origins=_ORIGINS.format(batches=batches), **given))
    if rows.num_rows > store.partition_rows(run.place, "release_record").get(release, 0):
        # To group all of them is half of the query's cost, and hardly ever needed.
        rows = _rows(run.place, _KEPT.format(origins=_FIRST_ORIGINS.format(batches=batches), **given))
    return rows.append_column("part", pa.array(_parts(rows), pa.string())).drop_columns(["bucket", "number"])


def _rows(place: Place, sql: str) -> pa.Table:
    found = store.stream(place, sql, ["release_record", "record", "acquisition"])
    rows = pa.concat_tables([_FOUND.empty_table(), *(pa.Table.from_batches([b]).cast(_FOUND) for b in found)])
    return rows.set_column(rows.schema.get_field_index("licence"), "licence", _written_out(rows["licence"]))


def _licence(of: tuple[str, str, str | None]) -> str:
    """A row of SQL. What others wrote stands there in hex digits, which nothing has to be escaped in."""
    source, part, expression = (None if text is None else text.encode().hex() for text in of)
    said = ("NULL", "NULL") if of[2] is None else (f"'{expression}'", f"'{text_sha256(of[2])}'")
    return f"('{source}', '{part}', {', '.join(said)})"


def _written_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of a column of hex digits."""
    coded = column.combine_chunks().dictionary_encode()
    texts = pa.array([bytes.fromhex(digits).decode() for digits in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([texts.take(coded.indices)], pa.string())


def _parts(rows: pa.Table) -> list[str]:
    """The part of each row, by its bucket and number."""
    sizes = rows.group_by("bucket").aggregate([([], "count_all"), ("bytes", "sum")]).to_pylist()
    split = parts.splits({s["bucket"]: (s["count_all"], s["bytes_sum"] or 0) for s in sizes})
    places = zip(_values(rows["bucket"]), _values(rows["number"]), strict=True)
    return [f"{bucket}-{split[bucket]}-{int(number, 16) % split[bucket]}" for bucket, number in places]


def wanted(rows: pa.Table) -> dict[str, Wanted]:
    """The parts of these records (`part` and `row` of each) by key."""
    found: dict[str, list[str]] = {}
    for part, row in zip(_values(rows["part"]), _values(rows["row"]), strict=True):
        found.setdefault(part, []).append(row)
    return {part: Wanted(text_sha256("".join(sorted(hashes))), len(hashes)) for part, hashes in found.items()}


def _values(column: pa.ChunkedArray, at_once: int = 8192) -> Iterator[Any]:
    """The values one after another, without a list of all of them."""
    for start in range(0, len(column), at_once):
        yield from column.slice(start, at_once).to_pylist()


def write(
    run: Run, rows: pa.Table, changed: Mapping[str, Wanted], before: parts.Earlier, made: Path
) -> list[dict[str, Any]]:
    """Writes the changed parts below `made`; rows of `parts.WRITTEN`. What the earlier release has of a part is taken
    from there, the rest from the stored texts."""
    asked = rows.filter(among(rows["part"], changed.keys()))
    files = {k: f for k, f in before.files.items() if k in changed and before.whole(f)}
    found = _found(run.place, asked, _held(run.place, asked, before, files))
    write_parts = parts.writer(str(made), str(before.folder), files)
    written = []
    for some in rounds(found.sort_by([("part", "ascending"), ("record_id", "ascending")])):
        batches = _with_texts(some, _stored(run.place, some), before, files)
        written += [row for batch in write_parts(batches) for row in batch.to_pylist()]
    return written


def _held(place: Place, asked: pa.Table, before: parts.Earlier, files: Mapping[str, parts.File]) -> list[bool]:
    """Of which records asked for the earlier release's file of their part has the text as it is wanted."""
    import pyarrow.parquet as pq

    lies: dict[str, str] = {}
    for part, file in files.items():
        ids = pq.ParquetFile(before.folder / file["path"]).read(["record_id"], use_threads=False).column(0)
        lies |= dict.fromkeys(ids.to_pylist(), part)
    if not lies:
        return [False] * asked.num_rows
    sql = f"SELECT record_id, released_sha256 FROM release_record WHERE {one_of('release_id', [before.folder.name])}"
    was = dict[str, str]()
    for batch in store.stream(place, sql, ["release_record"]):
        rows = picked(batch, among(batch.column(0), lies.keys()))
        was |= dict(zip(*(c.to_pylist() for c in rows.columns), strict=True))
    told = zip(*(asked[n].to_pylist() for n in ("part", "record_id", "released_sha256")), strict=True)
    return [lies.get(record) == part and was[record] == sha256 for part, record, sha256 in told]


def _found(place: Place, asked: pa.Table, held: list[bool]) -> pa.Table:
    """The rows whose texts are there, with `held` and, of others, the `batch` of `document` that has the text; a text
    that lies in two has its row twice, so that the count shows it."""
    texts = asked["text_sha256"].to_pylist()
    missing = {text for text, there in zip(texts, held, strict=True) if not there}
    batches: dict[str, list[str]] = {}
    for batch in store.stream(place, "SELECT text_sha256, batch_id FROM document", ["document"]) if missing else ():
        lie = picked(batch, among(batch.column(0), missing))
        for text, name in zip(*(c.to_pylist() for c in lie.columns), strict=True):
            batches.setdefault(text, []).append(name)
    rows = [
        (at, name) for at, (text, there) in enumerate(zip(texts, held, strict=True))
        for name in ([None] if there else batches.get(text, ()))
    ]  # fmt: skip
    found = asked.take(pa.array([at for at, _ in rows], pa.int64()))
    found = found.append_column("held", pa.array([held[at] for at, _ in rows], pa.bool_()))
    return found.append_column("batch", pa.array([name for _, name in rows], pa.string()))


def rounds(rows: pa.Table) -> Iterator[pa.Table]:
    """Rows sorted by `part`, as many whole parts at a time as have at most `ROUND` bytes of text to be gathered."""
    start, end, gathered = 0, 0, 0
    told = zip(*(rows[n].to_pylist() for n in ("part", "bytes", "held")), strict=True)
    for _, part in groupby(told, key=lambda row: row[0]):
        sizes = [0 if held else size or 0 for _, size, held in part]
        if end > start and gathered + sum(sizes) > ROUND:
            yield rows.slice(start, end - start)
            start, gathered = end, 0
        end, gathered = end + len(sizes), gathered + sum(sizes)
    if end > start:
        yield rows.slice(start)


def _stored(place: Place, rows: pa.Table) -> pa.Table:
    """`text_sha256` and `text` of the rows that have a `batch`."""
    lie: dict[str, set[str]] = {}
    for text, batch in zip(rows["text_sha256"].to_pylist(), rows["batch"].to_pylist(), strict=True):
        if batch is not None:
            lie.setdefault(batch, set()).add(text)
    # Of a batch from which few are wanted only the pages that hold them are read.
    few = {batch: texts for batch, texts in lie.items() if len(texts) <= NAMED}
    some = texts_of(set().union(*few.values()))
    conditions = [f"{one_of('batch_id', few)} AND {some}"] if few else []
    conditions += [one_of("batch_id", lie.keys() - few.keys())] if len(lie) > len(few) else []
    gathered, missing = [], set[str]().union(*lie.values())
    for where in conditions:
        for batch in store.stream(place, f"SELECT text_sha256, text FROM document WHERE {where}", ["document"]):
            chosen = among(batch.column(0), missing)
            if chosen.true_count:
                gathered.append(pa.Table.from_batches([picked(batch, chosen)]))
    schema = pa.schema([("text_sha256", pa.string()), ("text", pa.string())])
    return pa.concat_tables([schema.empty_table(), *gathered]).combine_chunks()


def _with_texts(
    rows: pa.Table, texts: pa.Table, before: parts.Earlier, files: Mapping[str, parts.File]
) -> Iterator[pa.RecordBatch]:
    """The rows, part by part, with `stored` or `had`, as `parts.writer` wants them."""
    import pyarrow.parquet as pq

    where = _places(rows["text_sha256"], texts["text_sha256"], [not held for held in rows["held"].to_pylist()])
    start = 0
    for part, same in groupby(rows["part"].to_pylist()):
        some = rows.slice(start, sum(1 for _ in same))
        held = some["held"].to_pylist()
        had = pa.chunked_array([pa.nulls(some.num_rows, pa.string())])
        if any(held):
            path = before.folder / files[part]["path"]
            file = pq.ParquetFile(path).read(["record_id", "text"], use_threads=False).combine_chunks()
            had = file["text"].take(_places(some["record_id"], file["record_id"], held))
        stored = texts["text"].take(where.slice(start, some.num_rows))
        whole = some.append_column("stored", stored).append_column("had", had)
        yield from whole.combine_chunks().to_batches()
        start += some.num_rows


def _places(values: pa.ChunkedArray, among: pa.ChunkedArray, asked: list[bool]) -> pa.Array:
    """Where each value asked for stands among the others; null for the rest."""
    at = {value: place for place, value in enumerate(among.to_pylist())}
    told = zip(values.to_pylist(), asked, strict=True)
    return pa.array([at.get(value) if yes else None for value, yes in told], pa.int64())
