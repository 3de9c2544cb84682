"""The writing of a release's parts that changed, without Spark: for what is small beside the start of a JVM. The bytes
are those that `frames.py` leaves (`parts.py` says how); the tests compare the two.

Texts are never held all at once: a pass over the batches of `document` that have some gathers those of as many parts as
`ROUND` allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusgate.lake import store
from corpusgate.lake.alone import among, picked, texts_named
from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.release import parts
from corpusgate.release.alone_kept import Kept, kept, wanted
from corpusgate.release.parts import Wanted
from corpusgate.settings.place import Place

__all__ = ["kept", "rounds", "wanted", "write"]

ROUND = 256 << 20
"""Bytes of released text that are gathered in one pass; a part that holds more is gathered by itself."""
NAMED = 1000
"""Up to so many texts of a batch are asked for by name; beyond, the batch is gone through."""


def write(
    run: Run, rows: Kept, changed: Mapping[str, Wanted], before: parts.Earlier, made: Path
) -> list[dict[str, Any]]:
    """Writes the changed parts below `made`; rows of `parts.WRITTEN`. What the earlier release has of a part is taken
    from there, the rest from the stored texts."""
    files = {k: f for k, f in before.files.items() if k in changed and before.whole(f)}
    asked = rows.rows(changed.keys(), before.folder.name if files else "")
    found = _found(run.place, asked, _held(asked, before, files))
    written = list[dict[str, Any]]()
    for some in rounds(found.sort_by([("part", "ascending"), ("record_id", "ascending")])):
        batches = _with_texts(some, _stored(run.place, some), before, files)
        written += parts.written(batches, made, files)
    return written


def _held(asked: pa.Table, before: parts.Earlier, files: Mapping[str, parts.File]) -> list[bool]:
    """Of which records asked for the earlier release's file of their part has the text as it is wanted."""
    lies: dict[str, str] = {}
    for part, file in files.items():
        lies |= dict.fromkeys(before.columns(file, ["record_id"]).column(0).to_pylist(), part)
    told = zip(*(asked[n].to_pylist() for n in ("part", "record_id", "released_sha256", "was")), strict=True)
    return [lies.get(record) == part and was == sha256 for part, record, sha256, was in told]


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
    conditions = [f"{one_of('batch_id', few)} AND {some}" for some in texts_named(set().union(*few.values()))]
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
    """The rows, part by part, with `stored` or `had`, as `parts.written` wants them."""
    where = _places(rows["text_sha256"], texts["text_sha256"], [not held for held in rows["held"].to_pylist()])
    start = 0
    for part, same in groupby(rows["part"].to_pylist()):
        some = rows.slice(start, sum(1 for _ in same))
        held = some["held"].to_pylist()
        had = pa.chunked_array([pa.nulls(some.num_rows, pa.string())])
        if any(held):
            file = before.columns(files[part], ["record_id", "text"]).combine_chunks()
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
