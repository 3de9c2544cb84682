"""Rows of `STAGED` for who writes the tables without Spark: in memory, or in the files that reading processes wrote.

Of what is in files only a few narrow columns are held; texts, findings and signatures pass by, a row group at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusgate.intake.rows import STAGED
from corpusgate.intake.splits import Split
from corpusgate.intake.stage import Work, screener, stage
from corpusgate.intake.staging import personal_first

CHARACTERS = 64 << 20
"""Characters of all texts together that one process holds which are not known (a small archive can hold much)."""

_OF_RECORD = ("split", "row", "record_id", "acquisition_id", "text_sha256", "first_acquired_at", "batch_id", "known")
_NARROW = ("outcome", *_OF_RECORD, "rule")


@dataclass(slots=True)
class Row:
    """One staged record: where it stands among the staged rows, and what the tables say of it."""

    at: int
    split: int
    row: int
    record_id: str
    acquisition_id: str
    text_sha256: str
    since: datetime
    batch_id: str
    known: bool
    twin: bool = False
    owner: bool = False
    said: tuple[str | None, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are read in one piece: how many, and how some of their columns are had."""

    rows: int
    columns: Callable[[list[str]], pa.Table]


class Staged:
    """All staged rows, numbered in the order of the parts. `told`: columns that say what became of each."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        schema = pa.schema([STAGED.field(n) for n in _NARROW])
        self.told = pa.concat_tables([schema.empty_table(), *(p.columns(list(_NARROW)) for p in parts)])

    def records(self) -> list[Row]:
        """The records among the rows, in their order."""
        chosen = pc.call_function("equal", [self.told.column("outcome"), "record"])
        at = pc.call_function("indices_nonzero", [chosen])
        told = self.told.select(_OF_RECORD).take(at)
        return list(map(Row, at.to_pylist(), *map(_values, told.columns)))

    def pieces(self, at: Sequence[int], columns: Iterable[str]) -> Iterator[tuple[slice, pa.Table]]:
        """The rows with the (ascending) numbers `at`, of these columns: which of the numbers, and their rows."""
        names, first, begin = list(columns), 0, 0
        for part in self._parts:
            end = bisect_left(at, first + part.rows, begin)
            if end > begin:
                chosen = pa.array([n - first for n in at[begin:end]], pa.int64())
                table = part.columns(names)
                yield slice(begin, end), table if end - begin == part.rows else table.take(chosen)
            first, begin = first + part.rows, end


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The values of the column. Times are alike in all records of a split, and to make one costs far more than to look
    it up."""
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    coded = column.combine_chunks().dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    return [distinct[n] for n in coded.indices.to_pylist()]


def read_here(splits: Sequence[Split], work: Work) -> Staged | None:
    """Rows of the splits, read and screened in this process and held in memory, those with personal information first,
    as the files have them; None where that is too much."""
    batches, characters = [], 0
    for batch in stage(splits, work, screener(work.kit, work.versions)):
        batches.append(batch)
        told = zip(batch.column("characters").to_pylist(), batch.column("known").to_pylist(), strict=True)
        characters += sum(n or 0 for n, at_hand in told if not at_hand)
        if characters > CHARACTERS:
            return None
    table = personal_first(pa.Table.from_batches(batches, STAGED).combine_chunks())
    return Staged([Part(table.num_rows, table.select)])


def in_files(folder: Path) -> Staged:
    """Rows in the folder's Parquet files (`staging.write`), in the order of their names; a part is a row group."""
    import pyarrow.parquet as pq

    parts = []
    for path in sorted(folder.glob("bin-*.parquet")):
        file = pq.ParquetFile(path)
        groups = range(file.num_row_groups)
        parts += [Part(file.metadata.row_group(g).num_rows, partial(file.read_row_group, g)) for g in groups]
    return Staged(parts)
