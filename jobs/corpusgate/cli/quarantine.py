"""`corpusgate quarantine …`: what could not be read, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.errors import UserError
from corpusgate.evidence import sql as door
from corpusgate.settings.place import find_place

app = typer.Typer(name="quarantine", help="What could not be read, with its reason.", no_args_is_help=True)

_COLUMNS = ["source_id", "locator", "reason", "detail", "byte_offset", "state", "acquisition_id"]


@app.command("list")
def list_(
    source: Annotated[str | None, typer.Option("--source", help="Only of this source.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Lists what lies in the quarantine, newest first."""
    where = f" WHERE source_id = {_literal(source)}" if source else ""
    _, rows = door.ask(find_place(), f"SELECT * FROM quarantine{where} ORDER BY recorded_at DESC, source_id, locator")
    show(rows, form, columns=_COLUMNS, width=48)


@app.command("show")
def show_(
    locator: Annotated[str, typer.Argument(help="The locator as `list` shows it.")],
    form: FormatOption = Format.json,
) -> None:
    """Shows one entry whole."""
    _, rows = door.ask(find_place(), f"SELECT * FROM quarantine WHERE locator = {_literal(locator)}")
    if not rows:
        raise UserError(f"Nothing in the quarantine has the locator {locator!r}; see `corpusgate quarantine list`.")
    show(rows, form)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
