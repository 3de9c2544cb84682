"""Staged rows on disk: what workers read and screened, a Parquet file a bin, written by the worker itself.

A worker of Spark that sent its rows to the JVM would have each text copied three times, and written by the slower
writer. A bin is one file whose name says which: a task that is started again writes the same rows under the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusgate.intake import heap
from corpusgate.intake.rows import STAGED
from corpusgate.intake.splits import Split
from corpusgate.intake.stage import Work, screener, stage

ROW_GROUP = 32 << 20
"""Bytes of a row group in memory: what a worker gathers, and the least that Spark reads at once."""
PERSONAL = "personal_information"
"""The detector whose findings are masked."""
WRITTEN = pa.schema([("bin", pa.int64()), ("rows", pa.int64())])
# What repeats: of the rest a dictionary would only be begun and given up.
_REPEATED = [
    f.name for f in STAGED
    if f.name in ("outcome", "rule", "source_id", "batch_id", "acquisition_id", "language", "script", "modality",
                  "country", "role", "domain", "licence_part", "source_rule", "generator", "split")
]  # fmt: skip


def writer(
    bins: Sequence[Sequence[Split]], work: Work, folder: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For Spark: each row of its input is the number of a bin of splits; yields a row of `WRITTEN` for each."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                rows = stage_bin(number, bins[number], work, Path(folder))
                yield pa.RecordBatch.from_pylist([{"bin": number, "rows": rows}], schema=WRITTEN)

    return run


def stage_bin(number: int, splits: Sequence[Split], work: Work, folder: Path) -> int:
    """Reads and screens the splits of a bin and writes its file into the folder; returns how many rows it has."""
    heap.keep()
    found = stage(splits, work, screener(work.kit, work.versions))
    return write(folder / f"bin-{number:06d}.parquet", found)


def write(path: Path, batches: Iterator[pa.RecordBatch]) -> int:
    """Writes rows of `STAGED` whole or not at all; returns how many.

    Uncompressed: what is read once and thrown away was packed and unpacked for a fifth of its size.
    """
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    rows = 0
    with pq.ParquetWriter(
        temporary, STAGED, compression="none", use_dictionary=_REPEATED, write_statistics=["outcome", "split"]
    ) as out:
        for table in map(personal_first, _gathered(batches)):
            out.write_table(table, row_group_size=max(1, table.num_rows))
            rows += table.num_rows
    os.replace(temporary, path)
    return rows


def personal_first(table: pa.Table) -> pa.Table:
    """The rows in whose text personal information was found before the others, each in their order (`findings` as in
    `STAGED`). Texts are stored in this order: masks are made of these alone, again and again, and lie together."""
    findings = table.column("findings").combine_chunks()
    detectors = pc.call_function("list_flatten", [findings]).field("detector")
    of = pc.call_function("list_parent_indices", [findings]).to_numpy()
    first = np.zeros(table.num_rows, dtype=bool)
    first[of[pc.call_function("equal", [detectors, PERSONAL]).to_numpy(zero_copy_only=False)]] = True
    if not first.any() or first.all():
        return table
    return table.take(pa.array(np.concatenate((np.flatnonzero(first), np.flatnonzero(~first)))))


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    held, size = list[pa.RecordBatch](), 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= ROW_GROUP:
            yield pa.Table.from_batches(held)
            held, size = [], 0
    if held:
        yield pa.Table.from_batches(held)
