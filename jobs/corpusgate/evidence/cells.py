"""Corpus text is hostile wherever it is shown: these make it tame for a terminal and for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

#: What a spreadsheet takes for the start of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: Categories that a terminal or a browser obeys instead of showing: control, format, surrogate, unassigned, separators.
_OBEYED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def tame(text: str, width: int | None = None) -> str:
    """Text for a terminal: control, format and surrogate characters as escapes, cut at `width` characters."""
    text = text if width is None or len(text) <= width else text[: width - 1] + "…"
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in _OBEYED else c for c in text)


def as_csv(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Rows as CSV; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)  # lines end in CRLF (RFC 4180), so that a bare CR in a cell is quoted
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(n)) for n in names])
    return out.getvalue()


def word(value: Any) -> str:
    """A cell's value as text; nothing is the empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.6g}"
    return (
        json.dumps(value, ensure_ascii=False, default=plain) if isinstance(value, list | dict | tuple) else str(value)
    )


def plain(value: Any) -> Any:
    """What JSON has no form for: times as ISO 8601, bytes as hex, the rest as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _cell(value: Any) -> str:
    text = word(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
