"""`corpusgate evidence …`: what goes to an assessor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpusgate.settings.place import find_place

app = typer.Typer(name="evidence", help="What goes to an assessor.", no_args_is_help=True)


@app.command()
def bundle(
    release_id: Annotated[str, typer.Argument(help="A release or candidate.")],
    out: Annotated[Path, typer.Argument(help="A folder that is not there yet, or a .zip file.")],
    texts: Annotated[bool, typer.Option("--texts", help="With the released texts of samples for people.")] = False,
) -> None:
    """Writes a release so that it can be checked with Python alone: verify.py, redraw.py, ask.py lie beside it."""
    from corpusgate.evidence.bundle import write_bundle

    done = write_bundle(find_place(), release_id, out.absolute(), with_texts=texts)
    typer.echo(
        f"Wrote {done.files} files with {done.rows} rows to {out}. SHA-256 of its signed list: {done.sha256}. "
        "Whoever gets it runs `python verify.py` in it."
    )
