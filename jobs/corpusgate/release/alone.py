"""The writing of a release's parts that changed, without Spark: for what is small beside the start of a JVM. The bytes
are those that `frames.py` leaves (`parts.py` says how); the tests compare the two.

Texts are never held all at once: those of as many parts as `ROUND` allows are read together, from the earlier release's
files where these have them, the rest in one pass over the batches of `document` that do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

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
"""Bytes of released text that are held in one pass; a part that has more is written by itself."""
NAMED = 1000
"""Up to so many texts of a batch are asked for by name; beyond, the batch is gone through."""

Lying = Mapping[str, Collection[str]]
"""Hash of a stored text to the batches of `document` that have it: one, where nothing is amiss."""


def write(
    run: Run, rows: Kept, changed: Mapping[str, Wanted], before: parts.Earlier, made: Path
) -> list[dict[str, Any]]:
    """Writes the changed parts below `made`; rows of `parts.WRITTEN`. What the earlier release has of a part is taken
    from there, the rest from the stored texts."""
    asked = rows.of(changed)
    lying = _lying(run.place, set(asked["text_sha256"].to_pylist()))
    written = list[dict[str, Any]]()
    for some in rounds(asked):
        written += parts.written(_with_texts(run.place, some, lying, before), made, before.files)
    return written


def _lying(place: Place, texts: AbstractSet[str]) -> Lying:
    """Where these texts lie."""
    found: dict[str, list[str]] = {}
    for batch in store.stream(place, "SELECT text_sha256, batch_id FROM document", ["document"]) if texts else ():
        lie = picked(batch, among(batch.column(0), texts))
        for text, name in zip(*(c.to_pylist() for c in lie.columns), strict=True):
            found.setdefault(text, []).append(name)
    return found


def rounds(rows: pa.Table) -> Iterator[list[tuple[str, pa.Table]]]:
    """Rows sorted by `part`, part by part, as many at a time as have at most `ROUND` bytes of text."""
    some, start, gathered = list[tuple[str, pa.Table]](), 0, 0
    for part, of in groupby(zip(rows["part"].to_pylist(), rows["bytes"].to_pylist(), strict=True), key=lambda r: r[0]):
        sizes = [size or 0 for _, size in of]
        if some and gathered + sum(sizes) > ROUND:
            yield some
            some, gathered = [], 0
        some.append((part, rows.slice(start, len(sizes))))
        start, gathered = start + len(sizes), gathered + sum(sizes)
    if some:
        yield some


def _with_texts(
    place: Place, some: Iterable[tuple[str, pa.Table]], lying: Lying, before: parts.Earlier
) -> Iterator[pa.RecordBatch]:
    """The rows of these parts with `stored` or `had`, as `parts.written` wants them."""
    there = [(rows, _had(rows, before.texts(part))) for part, rows in some]
    asked: dict[str, set[str]] = {}
    for rows, had in there:
        for text in rows["text_sha256"].filter(had.is_null()).to_pylist():
            for batch in lying.get(text, ()):
                asked.setdefault(batch, set()).add(text)
    texts = _stored(place, asked)
    at = {text: n for n, text in enumerate(texts["text_sha256"].to_pylist())}
    for rows, had in there:
        yield from _filled(rows, had, lying, texts["text"], at).combine_chunks().to_batches()


def _had(rows: pa.Table, earlier: pa.Table | None) -> pa.Array:
    """Of each row of a part the text that the part's `earlier` file has of it, where that is the wanted one."""
    if earlier is None:
        return pa.nulls(rows.num_rows, pa.string())
    at = {record: n for n, record in enumerate(earlier["record_id"].to_pylist())}
    texts = earlier["text"].take(pa.array([at.get(record) for record in rows["record_id"].to_pylist()], pa.int64()))
    texts = texts.combine_chunks()
    told = zip(parts.hashes(texts), rows["released_sha256"].to_pylist(), strict=True)
    same = pa.array([was == is_ for was, is_ in told], pa.bool_())
    return pc.call_function("if_else", [same, texts, pa.scalar(None, pa.string())])


def _stored(place: Place, asked: Mapping[str, Collection[str]]) -> pa.Table:
    """`text_sha256` and `text` of the texts asked of each batch."""
    # Of a batch from which few are wanted only the pages that hold them are read.
    few = {batch: texts for batch, texts in asked.items() if len(texts) <= NAMED}
    conditions = [f"{one_of('batch_id', few)} AND {some}" for some in texts_named(set().union(*few.values()))]
    conditions += [one_of("batch_id", asked.keys() - few.keys())] if len(asked) > len(few) else []
    gathered, missing = [], set[str]().union(*asked.values())
    for where in conditions:
        for batch in store.stream(place, f"SELECT text_sha256, text FROM document WHERE {where}", ["document"]):
            chosen = among(batch.column(0), missing)
            if chosen.true_count:
                gathered.append(pa.Table.from_batches([picked(batch, chosen)]))
    schema = pa.schema([("text_sha256", pa.string()), ("text", pa.string())])
    return pa.concat_tables([schema.empty_table(), *gathered]).combine_chunks()


def _filled(rows: pa.Table, had: pa.Array, lying: Lying, texts: pa.ChunkedArray, at: Mapping[str, int]) -> pa.Table:
    """The rows of a part with the texts that they `had` or that are `stored` (whose places are told). One whose text is
    gone is left out, one whose text lies in two batches is there twice, so that the count shows it."""
    told = zip(rows["text_sha256"].to_pylist(), had.is_valid().to_pylist(), strict=True)
    found = [
        (n, None if there else at.get(text))
        for n, (text, there) in enumerate(told) for _ in ([text] if there else lying.get(text, ()))
    ]  # fmt: skip
    whole = rows.append_column("had", had)
    if [n for n, _ in found] != list(range(rows.num_rows)):
        whole = whole.take(pa.array([n for n, _ in found], pa.int64()))
    return whole.append_column("stored", texts.take(pa.array([place for _, place in found], pa.int64())))
