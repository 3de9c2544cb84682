"""What the jobs share that work without Spark on little: whether it is little, and how rows are held cheaply."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import ColumnProperties, WriterProperties

from corpusgate.lake import store
from corpusgate.lake.dialect import AT_ONCE, one_of
from corpusgate.settings.place import Place

OTHERS = 4
"""So many times the limit the whole lake may hold: its tables are gone through, too."""
HASHES = {
    **dict.fromkeys(
        ("record_id", "text_sha256", "released_sha256", "raw_sha256", "locator", "signature"),
        ColumnProperties(dictionary_enabled=False),
    ),
    "text": ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE"),
}
"""No two values of these columns are alike, so a dictionary would be tried and given up. The smallest and the greatest
text of a file are nobody's business."""
SMALL_PAGES = WriterProperties(
    compression="SNAPPY", data_page_size_limit=64 << 10, max_row_group_size=16 << 10, column_properties=HASHES
)
"""For slices with texts, which are asked for by name: a text is had by unpacking its page. Spark's settings say the
same. The rows of a group are held until it is whole."""
_FEW = 20
"""One row in so many, and fewer, are few."""


def fits(place: Place, records: int, most: int, tables: Sequence[str]) -> bool:
    """Whether `records` are at most `most`, and the lake around them is small enough in these tables."""
    return records <= most and all(sum(store.partition_rows(place, t).values()) <= OTHERS * most for t in tables)


def texts_named(hashes: Iterable[str]) -> Iterator[str]:
    """Conditions for the rows of these texts, in turns of `AT_ONCE`: only the pages that hold them are read.

    Of `lower(…)`, which is the hash as it is, the engine keeps no minimum and maximum a file: to hold thousands of
    hashes against those cost more than to read the column.
    """
    chosen = sorted(set(hashes))
    for start in range(0, len(chosen), AT_ONCE):
        yield one_of("lower(text_sha256)", chosen[start : start + AT_ONCE])


def among(column: Any, wanted: AbstractSet[str]) -> Any:
    """Which values of a column of strings, or of views of strings, are wanted: a column of truths."""
    strings = column.cast(pa.string())
    if len(wanted) < len(column):
        values = pc.SetLookupOptions(value_set=pa.array(wanted, pa.string()))
        return pc.call_function("is_in", [strings], values)
    # Arrow would make a table of all that is wanted, for each batch anew: a sixth of what publishing cost.
    return pa.array([value in wanted for value in strings.to_pylist()], pa.bool_())


def picked(batch: pa.RecordBatch, chosen: Any) -> pa.RecordBatch:
    """The rows of a query's batch that are chosen (see `among`), with ordinary strings. Of a few only these are copied:
    views can neither be filtered nor taken from, and to make all of them strings is to copy all texts."""
    if chosen.true_count * _FEW > batch.num_rows:
        return store.plain(batch).filter(chosen)
    places = pc.call_function("indices_nonzero", [chosen]).to_pylist()
    kinds = [store.PLAIN.get(c.type, c.type) for c in batch.columns]
    columns = [pa.array([c[at].as_py() for at in places], kind) for c, kind in zip(batch.columns, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def fixed(column: Any, width: int) -> np.ndarray:
    """A column of strings or bytes that all are `width` long, as rows of bytes, from where they lie.

    Raises:
        ValueError: one is longer, shorter or null.
    """
    lengths = pc.call_function("min_max", [pc.call_function("binary_length", [column])]).as_py()
    if column.null_count or (len(column) and set(lengths.values()) != {width}):
        raise ValueError(f"a value that is not {width} bytes long, in a column of the lake where all are")
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return np.zeros((0, width), dtype=np.uint8)
    start = int(np.frombuffer(offsets, dtype=np.int32)[column.offset])
    return np.frombuffer(data, dtype=np.uint8)[start : start + width * len(column)].reshape(len(column), width)


@contextmanager
def uncollected() -> Generator[None]:
    """Without Python's search for cycles, of which rows make none: looking through millions of them, again and again,
    took a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ImportError("not asked for by corpusgate")


def without_pandas() -> None:
    """Lets pyarrow go without pandas, which it imports when the first array is made of a list, lest that be a thing of
    pandas: a third of a second in each process, and no step makes an array of one. pyarrow asks once; whoever imports
    pandas, or asks pyarrow for what is of pandas, has it as ever."""
    if "pandas" in sys.modules:
        return
    none = _NoPandas()
    sys.meta_path.insert(0, none)
    try:
        pa.array([None])
    finally:
        sys.meta_path.remove(none)
