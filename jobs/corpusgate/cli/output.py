"""How the command line prints: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from corpusgate.evidence.cells import as_csv, plain, tame, word


class Format(StrEnum):
    """Output forms of every command."""

    table = "table"
    json = "json"
    csv = "csv"


def show(
    rows: Sequence[dict[str, Any]], form: Format, *, columns: Sequence[str] | None = None, width: int = 60
) -> None:
    """Prints rows; cells of a table are cut at `width` characters, those of JSON and CSV never."""
    names = list(columns or (rows[0] if rows else []))
    if form is Format.json:
        typer.echo(
            json.dumps([{n: r.get(n) for n in names} for r in rows], ensure_ascii=False, indent=1, default=plain)
        )
    elif form is Format.csv:
        typer.echo(as_csv(rows, names), nl=False)
    else:
        table = Table(*names)
        for row in rows:
            table.add_row(*(Text(tame(word(row.get(n)), width)) for n in names))
        console().print(table)
        typer.echo(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")


def console() -> Console:
    """A console as wide as the terminal, or 160 columns where there is none."""
    wide = Console()
    return wide if wide.is_terminal else Console(width=160, color_system=None)
