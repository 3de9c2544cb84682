"""The few things that the engines which read the lake call or read differently, so that one template serves all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Engine = Literal["spark", "datafusion", "duckdb"]

AT_ONCE = 8000
"""So many values at most in a list of a query. DataFusion goes through a list by recursion, some 400 bytes of stack for
each value: of 21,000, with the usual 8 MB, the process dies without a word."""

_PLAIN = re.compile(r"[A-Za-z0-9._:+-]+")


def sha256(engine: Engine, text: str) -> str:
    """SQL for the lower-case hex SHA-256 of the UTF-8 of a text expression."""
    if engine == "spark":
        return f"sha2({text}, 256)"
    return f"encode(sha256({text}), 'hex')" if engine == "datafusion" else f"sha256({text})"


def joined(engine: Engine, text: str) -> str:
    """SQL aggregate: the group's texts, sorted by their bytes, one after another without a separator."""
    if engine == "spark":
        return f"concat_ws('', array_sort(collect_list({text})))"
    return f"string_agg({text}, '' ORDER BY {text})"


def literal(text: str) -> str:
    """A text as an SQL literal.

    Raises:
        ValueError: it holds a quote, a backslash, a brace or a control character; engines and templates escape these
            differently, and no id or seed has any.
    """
    if any(c in "'\"\\{}" or ord(c) < 32 for c in text):
        raise ValueError(f"not usable in SQL: {text[:60]!r}")
    return f"'{text}'"


def one_of(column: str, values: Iterable[str]) -> str:
    """`column IN ('…', …)`, the same rows in the same order always; no value at all selects nothing.

    That is never said as `IN (NULL)`: of a partition column DataFusion over delta-rs takes it for every row.

    Values are ids and hashes; anything that would need quoting is a mistake and raises `ValueError`. Of more than
    `AT_ONCE` DataFusion is asked with `listed`; Spark takes any number.
    """
    chosen = sorted(set(values))
    if wrong := [v for v in chosen if not _PLAIN.fullmatch(v)]:
        raise ValueError(f"not an id: {wrong[0]!r}")
    return f"{column} IN ('" + "', '".join(chosen) + "')" if chosen else "false"


def listed(column: str, values: Iterable[str]) -> str:
    """What `one_of` says, for DataFusion's queries alone (no predicate of a write), of any number of values."""
    chosen = sorted(set(values))
    condition = one_of(column, chosen)
    if len(chosen) <= AT_ONCE:
        return condition
    return f"{column} IN (SELECT unnest(string_to_array('{' '.join(chosen)}', ' ')))"
