"""`corpusgate policy …`: what another policy would keep and remove, before it is used."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.settings.place import find_place

app = typer.Typer(name="policy", help="What another policy would keep and remove.", no_args_is_help=True)
_COUNTS = ["source_id", "was", "becomes", "masks", "records"]
_EXAMPLE = ["record_id", "source_id", "locator", "was", "becomes", "because"]


@app.callback()
def _group() -> None:
    """Keeps `diff` a command of its own name."""


@app.command()
def diff(
    new: Annotated[Path, typer.Argument(help="YAML of a policy, or of a corpus with its policy.")],
    release: Annotated[str, typer.Option("--release", help="A release or candidate: what is compared with.")],
    form: FormatOption = Format.table,
) -> None:
    """Judges a release's records anew under another policy, from its findings: nothing is screened again.

    Gives kept and removed records by source and rule, and 20 that change. Nothing of the release is touched.
    """
    from corpusgate.decide.whatif import policy_diff

    found = policy_diff(find_place(), release, new)
    changed = [c for c in found.counts if c["was"] != c["becomes"] or c["masks"]]
    if form is Format.json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, indent=1))
        return
    for sentence in found.unanswered:
        typer.echo(f"Not answered: {sentence}", err=True)
    if form is Format.csv:
        show(found.counts, form, columns=_COUNTS)
        return
    typer.echo(f"{release}: {found.kept_before} records kept; {found.kept} would be kept under {new}.")
    show(changed, form, columns=_COUNTS)
    if found.examples:
        typer.echo("Some of them (corpusgate explain RECORD_ID tells the whole story):")
        show(found.examples, form, columns=_EXAMPLE, width=70)
