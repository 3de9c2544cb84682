"""`corpusgate bank …`: keyword libraries, question banks and answers, each version dated and by hash."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import moment
from corpusgate.errors import UserError
from corpusgate.evidence.cells import plain
from corpusgate.settings.place import find_place

app = typer.Typer(name="bank", help="Keyword libraries, question banks, answers (B.1).", no_args_is_help=True)

BankOption = Annotated[str, typer.Option("--bank", help="Stem of a file in conf/banks.")]
AtOption = Annotated[str | None, typer.Option("--at", help="When it is said, ISO 8601. Default: now.")]
OnOption = Annotated[str | None, typer.Option("--on", help="Day of the release or review, 2026-01-31. Default: today.")]
#: Refused rows that are listed; the rest is in `bank_refusal`.
SHOWN = 20


class Contents(StrEnum):
    """What a file holds."""

    keywords = "keywords"
    questions = "questions"
    responses = "responses"


@app.command("import")
def import_(
    contents: Annotated[Contents, typer.Argument(help="What the files hold.")],
    files: Annotated[list[Path], typer.Argument(help="CSV, JSON lines or XLSX, as the bank's declaration says.")],
    bank: BankOption,
    version: Annotated[str | None, typer.Option("--version", help="Its name. Default: a hash of the content.")] = None,
    on: OnOption = None,
    at: AtOption = None,
    form: FormatOption = Format.table,
) -> None:
    """Takes files in as one version of a bank. Ends with 1 where rows were refused: they are listed, the rest is in."""
    from corpusgate.banks.intake import import_bank

    taken = import_bank(find_place(), contents.value, files, bank, _at(at), version=version, released_on=_day(on))
    said = taken.version
    if form is Format.json:
        told = {"fresh": taken.fresh, "version": said, "refusals": taken.refusals}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1, default=plain))
    else:
        typer.echo(
            f"{'Imported' if taken.fresh else 'There already'}: {said['bank_id']} version {said['version']} of "
            f"{said['released_on']}: {said['rows_in']} rows in = {said['kept']} kept ({said['distinct_entries']} "
            f"distinct) + {said['refused']} refused + {said['passed_over']} passed over."
        )
        if taken.refusals:
            show(taken.refusals[:SHOWN], form, columns=["raw_pointer", "reason", "detail", "remedy"])
        if len(taken.refusals) > SHOWN:
            typer.echo(f"… of {len(taken.refusals)}; the rest: corpusgate sql 'SELECT * FROM bank_refusal'")
    if taken.refusals:
        raise typer.Exit(1)


@app.command()
def review(
    bank: BankOption,
    by: Annotated[str, typer.Option("--by", help="Name of the person who looked.")],
    because: Annotated[str, typer.Option("--because", help="What was looked at, and why nothing changes.")],
    on: OnOption = None,
    at: AtOption = None,
) -> None:
    """Records a dated review of the version in force that found nothing to change; it counts as an update."""
    from corpusgate.banks.intake import review_bank

    row = review_bank(find_place(), bank, by, because, _at(at), _day(on))
    typer.echo(f"Recorded: {row['bank_id']} version {row['version']} reviewed on {row['reviewed_on']} by {row['by']}.")


@app.command("list")
def list_(form: FormatOption = Format.table, at: AtOption = None) -> None:
    """Lists the declared banks: version in force, size, last update or review, when the next is due by own plan."""
    from corpusgate.banks.facts import overview

    columns = ["bank", "kind", "version", "entries", "distinct", "updated_on", "due_on", "owner"]
    show([_plain(r) for r in overview(find_place(), _at(at))], form, columns=columns)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}


def _at(at: str | None) -> datetime:
    return moment(at) if at else datetime.now(UTC)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UserError(f"--on {text!r} is no day; write it as 2026-01-31.") from None
