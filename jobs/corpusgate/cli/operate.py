"""Commands that run the installation: `up`, `down`, `doctor`, `fixtures`."""

from __future__ import annotations

from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import CorpusOption
from corpusgate.settings.place import find_place


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(up)
    app.command()(down)
    app.command()(doctor)
    app.command()(fixtures)


def up(
    corpus: CorpusOption = "demo",
) -> None:
    """Starts Airflow on this machine, triggers a rebuild, shows its progress and verdicts, leaves the UI up."""
    from corpusgate.serve.up import up as start

    raise typer.Exit(start(find_place(), corpus=corpus))


def down() -> None:
    """Ends everything that `up` started, also after a crash."""
    from corpusgate.serve.down import down as stop

    raise typer.Exit(stop(find_place()))


def doctor(form: FormatOption = Format.table) -> None:
    """Looks at Java, jars, disk, ports, keys and the lake's lease, and says what to do where something is wrong."""
    from corpusgate.evidence.doctor import examine

    findings = examine(find_place())
    show(findings, form, columns=["state", "what", "found", "do"], width=120)
    if any(f["state"] == "wrong" for f in findings):
        raise typer.Exit(1)


def fixtures(
    folder: Annotated[str | None, typer.Argument(help="Where to make them; default: var/fixtures.")] = None,
) -> None:
    """Makes the demonstration's own sources, the same bytes each time."""
    from pathlib import Path

    from corpusgate.collect.fixtures import make_fixtures

    target = Path(folder) if folder else find_place().var / "fixtures"
    make_fixtures(target)
    typer.echo(f"Fixtures are in {target}.")
