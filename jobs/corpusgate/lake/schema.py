"""What a table is: its columns in order, its key, its partitions, which engine writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
DAY = pa.date32()
S, I64, F64, B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
STRINGS = pa.list_(pa.string())
COUNTS = pa.map_(pa.string(), pa.int64())
NAMED = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `schema` in column order, `key` unique in it, `partition` columns, `writer` engine."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition: tuple[str, ...] = ()
    writer: Literal["spark", "rs"] = "rs"
    chained: bool = False
    about: str = ""


def table(
    name: str,
    about: str,
    key: str,
    columns: list[tuple[str, pa.DataType]],
    *,
    partition: str = "",
    spark: bool = False,
    chained: bool = False,
) -> Table:
    """A table from its columns; `key` and `partition` are names with blanks between them."""
    if chained:
        columns = [*columns, ("previous_sha256", S), ("row_sha256", S)]
    return Table(
        name=name,
        schema=pa.schema([pa.field(n, t) for n, t in columns]),
        key=tuple(key.split()),
        partition=tuple(partition.split()),
        writer="spark" if spark else "rs",
        chained=chained,
        about=about,
    )
