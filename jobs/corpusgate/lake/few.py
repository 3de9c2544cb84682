"""Rows of a small table as Python's own values, for who asks no more than that.

pyarrow imports pandas before it makes a `datetime` of a time with a zone, and to see whether what it is given is a data
frame: half of what a step costs that has little to do. Here times go over as numbers instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from corpusgate.lake import store
from corpusgate.settings.place import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


def rows(place: Place, name: str, columns: Sequence[str] | None = None, where: str | None = None) -> list[Any]:
    """What `store.read(...).to_pylist()` gives; times are UTC."""
    chosen = ", ".join(f'"{c}"' for c in columns) if columns else "*"
    sql = f'SELECT {chosen} FROM "{name}"' + (f" WHERE {where}" if where else "")
    found = list[dict[str, Any]]()
    for batch in store.stream(place, sql, [name]):
        values = [_values(c) for c in batch.columns]
        found += [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*values, strict=True)]
    return found


def _values(column: Any) -> list[Any]:
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    numbers = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_pylist()
    return [None if n is None else _EPOCH + timedelta(microseconds=n) for n in numbers]
