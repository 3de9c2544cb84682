"""The few SQL functions that the engines which read the lake call differently, so that one template serves all."""

from __future__ import annotations

from typing import Literal

Engine = Literal["spark", "datafusion", "duckdb"]


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
