"""`corpusgate quarantine …`: what could not be read, why, and what people say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.errors import UserError
from corpusgate.evidence import sql as door
from corpusgate.intake.states import present
from corpusgate.settings.place import find_place

app = typer.Typer(name="quarantine", help="What could not be read, with its reason.", no_args_is_help=True)

_COLUMNS = ["source_id", "locator", "reason", "detail", "byte_offset", "state", "state_because", "acquisition_id"]


@app.command("list")
def list_(
    source: Annotated[str | None, typer.Option("--source", help="Only of this source.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Lists what lies in the quarantine, newest first."""
    where = f" WHERE source_id = {_literal(source)}" if source else ""
    place = find_place()
    _, rows = door.ask(place, f"SELECT * FROM quarantine{where} ORDER BY recorded_at DESC, source_id, locator")
    now = present(place)  # rows of a source's earlier states were said of them, and are history
    rows = [r for r in rows if now.get(r["source_id"], r["batch_id"]) == r["batch_id"]]
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


LocatorsArgument = Annotated[list[str] | None, typer.Argument(help="Locators as `list` shows them.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="All of this source, or of it only.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only those with this reason.")]
ByOption = Annotated[str, typer.Option("--by", help="Name of the person who says so.")]
BecauseOption = Annotated[str, typer.Option("--because", help="What was found, and why this follows.")]


@app.command()
def retry(
    by: ByOption,
    because: BecauseOption,
    locators: LocatorsArgument = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
) -> None:
    """Has the next rebuild read the batches of these rows again, e.g. after a repair of reader or machine."""
    rows = _said("retried", locators, source, reason, by, because)
    batches = len({r["batch_id"] for r in rows})
    typer.echo(f"{_count(rows)} noted; the next rebuild reads {batches} batch{'' if batches == 1 else 'es'} again.")


@app.command()
def dismiss(
    by: ByOption,
    because: BecauseOption,
    locators: LocatorsArgument = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
) -> None:
    """Says that these rows are no records: they no longer count in the share that holds their source."""
    rows = _said("dismissed", locators, source, reason, by, because)
    typer.echo(f"{_count(rows)} dismissed; the next source gate leaves them out of the share of unreadable items.")


def _said(
    word: Literal["retried", "dismissed"],
    locators: list[str] | None,
    source: str | None,
    reason: str | None,
    by: str,
    because: str,
) -> list[dict[str, Any]]:
    from corpusgate.intake.quarantine import Chosen, say

    chosen = Chosen(tuple(locators or ()), source, reason)
    return say(find_place(), word, chosen, by=by, because=because, at=datetime.now(UTC))


def _count(rows: list[dict[str, Any]]) -> str:
    return f"{len(rows)} row{'' if len(rows) == 1 else 's'}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
