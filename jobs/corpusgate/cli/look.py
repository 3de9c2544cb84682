"""Commands that only look: `sql`, `explain`, `scan`. None of them needs a JVM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from corpusgate.cli.output import Format, show
from corpusgate.evidence.cells import plain
from corpusgate.settings.place import find_place

FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(sql)
    app.command()(explain)
    app.command()(scan)


def sql(
    statement: Annotated[str | None, typer.Argument(help="One statement; without it a shell opens.")] = None,
    form: FormatOption = Format.table,
    documents: Annotated[
        bool, typer.Option("--documents", help="Also `document`: stored text, personal information not masked.")
    ] = False,
) -> None:
    """Asks the tables in SQL (DataFusion): read only, no JVM."""
    from corpusgate.evidence import sql as door

    place = find_place()
    if statement is None:
        from corpusgate.cli.shell import shell

        shell(place, documents=documents)
        return
    names, rows = door.ask(place, statement, documents=documents)
    show(rows, form, columns=names)


def explain(
    identity: Annotated[str, typer.Argument(help="A record id or a text's SHA-256, or at least its first 8 digits.")],
    form: FormatOption = Format.table,
) -> None:
    """Tells the whole story of a record: where it came from, who screened it, what became of it in each release."""
    from corpusgate.evidence.explain import as_text, story

    told = story(find_place(), identity)
    if form is Format.json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1, default=plain))
    else:
        typer.echo(as_text(told))


def scan(
    files: Annotated[list[Path], typer.Argument(help="JSON lines with id and text (.jsonl), or plain text files.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write here instead of to the terminal.")] = None,
    lexicon: Annotated[
        Path | None, typer.Option("--lexicon", help="Folder of a lexicon; default: conf/lexicons/starter.")
    ] = None,
) -> None:
    """Screens files as a rebuild would and prints the findings as JSON lines; needs no lake and writes nothing else."""
    from corpusgate.intake.scan import scan_files

    report = scan_files(files, lexicon or find_place().conf / "lexicons" / "starter", out)
    typer.echo(report, err=True)
