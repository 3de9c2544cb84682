"""The SQL door: read-only questions over all tables, by delta-rs and DataFusion, without a JVM."""

from __future__ import annotations

import re
from typing import Any

from corpusgate.errors import UserError
from corpusgate.lake.dialect import AT_ONCE
from corpusgate.lake.store import ensure_tables, query
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

#: Stored text, personal information and all, is for the pipeline; whoever asks for it says so.
_CLOSED = ("document",)
#: How a question begins. The engine would take COPY … TO a file of this machine, also behind EXPLAIN ANALYZE.
_COMMENT = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_QUESTION = re.compile(
    rf"{_COMMENT}(?:EXPLAIN\b{_COMMENT}(?:(?:ANALYZE|VERBOSE)\b{_COMMENT})*)?(?:SELECT\b|WITH\b|VALUES\b|DESCRIBE\b|\()",
    re.IGNORECASE | re.DOTALL,
)


def ask(place: Place, statement: str, *, documents: bool = False) -> tuple[list[str], list[dict[str, Any]]]:
    """Column names and rows of one statement. Columns of the same name are told apart by a number.

    Raises:
        UserError: the lake is not there yet, or the engine refuses the statement; its words are passed on.
    """
    if not place.lake.is_dir():
        raise UserError(f"No lake at {place.lake} yet: run `make run` first, or set CORPUSGATE_LAKE to yours.")
    if not _QUESTION.match(statement):
        raise UserError(
            "SQL: this door answers questions (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE) and writes nothing."
        )
    if (commas := statement.count(",")) > AT_ONCE:  # the engine would end this process, and say nothing
        raise UserError(
            f"SQL: a statement may list {AT_ONCE:,} values at most, and this one has {commas:,} commas. Give many "
            "values as one text with blanks between: IN (SELECT unnest(string_to_array('first second third', ' ')))."
        )
    ensure_tables(place)
    names = [n for n in TABLES if documents or n not in _CLOSED]
    try:
        table = query(place, statement, tables=names)
    except Exception as error:  # DataFusion raises plain Exception for a statement it does not take
        raise UserError(f"SQL: {_reason(error, documents)}") from None
    columns = _distinct(table.schema.names)
    values = [column.to_pylist() for column in table.columns]
    return columns, [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def describe(name: str = "") -> list[dict[str, Any]]:
    """The tables with what they hold, or the columns of one.

    Raises:
        UserError: no such table.
    """
    if not name:
        return [{"table": t.name, "key": ", ".join(t.key), "holds": t.about} for t in TABLES.values()]
    if name not in TABLES:
        raise UserError(f"No table {name!r}; the tables are {', '.join(TABLES)}.")
    return [{"column": f.name, "type": str(f.type)} for f in TABLES[name].schema]


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def _reason(error: Exception, documents: bool) -> str:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "document" in said and not documents:
        said += " (`document` holds stored text with personal information: add --documents if you may see it)"
    return said
