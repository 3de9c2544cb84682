"""`corpusgate release …`: what was published, whether it still is what it was, going back."""

from __future__ import annotations

from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.settings.place import find_place

app = typer.Typer(name="release", help="Published releases.", no_args_is_help=True)


@app.command("list")
def list_(form: FormatOption = Format.table) -> None:
    """Lists releases, newest first, with the channel that points at each."""
    from corpusgate.release.queries import releases

    show(releases(find_place()), form)


@app.command("show")
def show_(release_id: Annotated[str, typer.Argument()], form: FormatOption = Format.table) -> None:
    """Shows a release: counts by source, outcome and rule."""
    from corpusgate.release.queries import counts

    show(counts(find_place(), release_id), form)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A release id.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    form: FormatOption = Format.table,
) -> None:
    """Says what the new release added, removed (by which rule) and changed, by source."""
    from corpusgate.release.queries import difference

    show(difference(find_place(), old, new), form)


@app.command()
def verify(release_id: Annotated[str, typer.Argument()]) -> None:
    """Recomputes the manifest from the tables and files; names what is not as it was sealed."""
    from corpusgate.release.verify import verify as check

    problems = check(find_place(), release_id)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{release_id}: every record, file and signature is as it was sealed.")


@app.command()
def rollback(
    release_id: Annotated[str, typer.Argument(help="A release that the channel had before.")],
    channel: Annotated[str, typer.Option("--channel")] = "trial",
    corpus: Annotated[str, typer.Option("--corpus")] = "demo",
) -> None:
    """Points the channel back at an earlier release; nothing is deleted."""
    from corpusgate.release.pointer import rollback as back

    back(find_place(), corpus, channel, release_id)
    typer.echo(f"{corpus}/{channel} points at {release_id}.")
