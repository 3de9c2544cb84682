"""`corpusgate source …`: declaring a source, checking the declaration, seeing what it would bring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from corpusgate.errors import UserError
from corpusgate.settings.place import find_place

app = typer.Typer(name="source", help="Declaring and checking sources.", no_args_is_help=True)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Ids, or paths of YAML files; default: all.")] = None,
) -> None:
    """Names every mistake of each file at once: line, field, what is wrong, what to write."""
    from corpusgate.sources.check import check_source

    place = find_place()
    folder = place.conf / "sources"
    paths = [Path(n) if n.endswith(".yaml") else folder / f"{n}.yaml" for n in names or []]
    mistakes = 0
    for path in paths or sorted(folder.glob("*.yaml")):
        if not path.is_file():
            raise UserError(f"No such file: {path}.")
        found = check_source(place, path)
        mistakes += len(found)
        typer.echo("\n".join(found) if found else f"{path.stem}: fine")
    if mistakes:
        raise UserError(f"{mistakes} mistake{'' if mistakes == 1 else 's'}; each line above says what to write.")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The new source's id: lower case, digits, hyphens.")],
    folder: Annotated[Path | None, typer.Option("--folder", help="Folder that holds your files.")] = None,
) -> None:
    """Writes conf/sources/NAME.yaml with a comment at each field, ready to be filled in."""
    from corpusgate.sources.new import scaffold

    path = find_place().conf / "sources" / f"{name}.yaml"
    if path.exists():
        raise UserError(f"{path} is there already; choose another id or edit it.")
    text = scaffold(name, folder)
    path.write_text(text, "utf-8")
    typer.echo(f"Wrote {path}. Fill it in, then: corpusgate source check {name}")


@app.command()
def schema() -> None:
    """Prints the JSON Schema of a source's file, for editors."""
    from corpusgate.sources.schema import json_schema

    typer.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
