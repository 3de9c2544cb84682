"""`corpusgate control …`: the catalogue of controls, and its exchange form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.settings.control import Control
from corpusgate.settings.place import find_place

app = typer.Typer(name="control", help="Controls: the clauses that are judged.", no_args_is_help=True)

_COLUMNS = ["id", "clause", "level", "mode", "bound", "gate", "state", "title"]


@app.command("list")
def list_(form: FormatOption = Format.table) -> None:
    """Lists every control: clause, level, how it is judged, bound, where."""
    from corpusgate.settings.catalogue import load_catalogue

    show([_line(c) for c in load_catalogue(find_place())], form, columns=_COLUMNS)


@app.command("show")
def show_(
    number: Annotated[str, typer.Argument(help="Id, clause ('4.1.1'), or an old number ('TC260-003 5.1').")],
    form: FormatOption = Format.table,
) -> None:
    """Shows the controls that a clause or an old number means, whole."""
    from corpusgate.settings.catalogue import load_catalogue

    found = load_catalogue(find_place()).find(number)
    if form is Format.json:
        typer.echo(json.dumps([c.model_dump(mode="json") for c in found], ensure_ascii=False, indent=1))
        return
    for control in found:
        typer.echo(f"{control.id}  {control.clause}  {control.title} / {control.title_zh}")
        for name, value in control.model_dump(mode="json", exclude={"id", "clause", "title", "title_zh"}).items():
            if value not in (None, "", [], {}, False):
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                typer.echo(f"  {name}: {text}")


def _line(control: Control) -> dict[str, Any]:
    from corpusgate.gates.words import bound_shown

    bound = f"{control.comparator} {bound_shown(control)}" if control.comparator else "attested"
    state = f"waits for: {control.waits_for}" if control.waits_for else "judged"
    return {
        "id": control.id, "clause": control.clause, "level": control.level, "mode": control.mode, "bound": bound,
        "gate": control.gate, "state": state, "title": control.title,
    }  # fmt: skip


@app.command()
def export(
    oscal: Annotated[bool, typer.Option("--oscal", help="As OSCAL JSON; the only form there is now.")] = False,
    release: Annotated[
        str | None, typer.Option("--release", help="Results of this release (assessment-results) instead.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write here instead of to the terminal.")] = None,
) -> None:
    """Writes the catalogue as an OSCAL catalog, or a release's verdicts as OSCAL assessment-results."""
    from corpusgate.errors import UserError
    from corpusgate.evidence import oscal as writer
    from corpusgate.lake.run import write_atomically

    if not oscal:
        raise UserError("Say in which form: --oscal.")
    place = find_place()
    made = writer.results(place, release) if release else writer.catalog(place)
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    if out:
        write_atomically(out, text)
        typer.echo(f"Wrote {out}.", err=True)
    else:
        typer.echo(text, nl=False)
