"""`corpusgate attest`: a person with a role vouches for a control, or waives it, in writing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format
from corpusgate.cli.rebuild import moment
from corpusgate.evidence.cells import plain
from corpusgate.settings.place import find_place


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(attest)


def attest(
    control: Annotated[str, typer.Argument(help="Id, clause or old number: `corpusgate control list` shows them.")],
    scope: Annotated[str, typer.Option("--scope", help="What it is said of: a source, a release or a corpus.")],
    by: Annotated[str, typer.Option("--by", help="Name of the person, as in conf/roles.yaml.")],
    role: Annotated[str, typer.Option("--role", help="As what; the control says which role it wants.")],
    statement: Annotated[str, typer.Option("--statement", help="What the person vouches for, in words.")] = "",
    document: Annotated[
        str | None, typer.Option("--document", help="File that it rests on, or the SHA-256 of a recorded one.")
    ] = None,
    binds_to: Annotated[
        str | None,
        typer.Option("--binds-to", help="Content that was looked at; default: what the scope holds now."),
    ] = None,
    waive: Annotated[bool, typer.Option("--waive", help="Let the control pass although it does not hold.")] = False,
    until: Annotated[str | None, typer.Option("--until", help="Day on which it ends; a waiver needs one.")] = None,
    because: Annotated[str | None, typer.Option("--because", help="Why; a waiver needs a reason.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it was said, ISO 8601. Default: now.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Records what a person vouches for, bound to content and with an end; the next gate judges by it."""
    from corpusgate.gates.attest import Word
    from corpusgate.gates.attest import attest as record

    end = moment(until, "--until") if until else None
    word = Word(control, scope, statement, by, role, document, binds_to, waive, end, because)
    told = record(find_place(), word, moment(at) if at else datetime.now(UTC))
    row = told.row
    if form is Format.json:
        typer.echo(json.dumps({"fresh": told.fresh, "row": row}, ensure_ascii=False, indent=1, default=plain))
        return
    ends = f"until {row['expires_at']:%Y-%m-%d}" if row["expires_at"] else "until the content changes"
    typer.echo(
        f"{'Recorded' if told.fresh else 'Recorded already'}: {row['attestation_id']}. {row['by']} ({row['role']}) "
        f"{'waives' if row['waiver'] else 'attests'} {told.control.clause} ({told.control.id}) for {row['scope']}, "
        f"{ends}, bound to {row['binds_to']}. Other content needs another word; the next gate judges by this one."
    )
