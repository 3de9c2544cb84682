"""The SQL shell behind `make sql`: history, completion of tables, columns and keywords; `\\d` lists, `\\q` leaves."""

from __future__ import annotations

import os

import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from corpusgate.cli.output import Format, show
from corpusgate.errors import UserError
from corpusgate.evidence import sql as door
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

_KEYWORDS = """
SELECT FROM WHERE GROUP BY ORDER LIMIT JOIN LEFT INNER FULL ON USING AND OR NOT IN AS COUNT SUM AVG MIN MAX DISTINCT
HAVING WITH UNION ALL EXCEPT CASE WHEN THEN ELSE END DESC ASC IS NULL LIKE BETWEEN
""".split()  # noqa: SIM905 - words read best as words
_HELP = "End a statement with ; or an empty line. \\d lists the tables, \\d NAME its columns, \\q leaves."


def shell(place: Place, *, documents: bool = False) -> None:
    """Reads statements until the end of input and prints their rows; a wrong one is explained and the shell goes on."""
    columns = {c for t in TABLES.values() for c in t.schema.names}
    words = [*TABLES, *sorted(columns), *_KEYWORDS]
    history = place.var / "sql_history"
    history.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(history, os.O_CREAT | os.O_APPEND, 0o600))  # statements may quote what was looked for
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        completer=WordCompleter(words, ignore_case=True),
        lexer=PygmentsLexer(SqlLexer),
        complete_while_typing=False,
    )
    typer.echo(f"corpusgate sql over {place.lake}: {len(TABLES)} tables, read only. {_HELP}")
    while (statement := _statement(session)) is not None:
        _answer(place, statement, documents)


def _statement(session: PromptSession[str]) -> str | None:
    lines: list[str] = []
    while True:
        try:
            line = session.prompt("sql> " if not lines else "  -> ")
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return "\n".join(lines) if lines else None
        lines.append(line)
        text = "\n".join(lines).strip()
        if text in ("\\q", "exit", "quit"):
            return None
        if text.startswith("\\") or text.endswith(";") or not line.strip():
            return text.rstrip(";").strip()


def _answer(place: Place, statement: str, documents: bool) -> None:
    if not statement:
        return
    try:
        if statement.startswith("\\d"):
            show(door.describe(statement[2:].strip()), Format.table, width=100)
        elif statement.startswith("\\"):
            typer.echo(_HELP)
        else:
            names, rows = door.ask(place, statement, documents=documents)
            show(rows, Format.table, columns=names)
    except UserError as error:
        typer.echo(str(error), err=True)
