"""`corpusgate classifier …`: trains the content classifier on accepted labels, shows its card, promotes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import moment
from corpusgate.settings.place import find_place

app = typer.Typer(name="classifier", help="The content classifier: trained, measured, promoted.", no_args_is_help=True)
CorpusOption = Annotated[str, typer.Option("--corpus", help="The corpus.")]
AtOption = Annotated[str | None, typer.Option("--at", help="The time to record, ISO 8601. Default: now.")]


@app.command()
def train(
    corpus: CorpusOption = "demo",
    at: AtOption = None,
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", min=0.0, max=0.5, help="Share of clean texts that may be called harmful.")
    ] = 0.005,
    form: FormatOption = Format.table,
) -> None:
    """Trains a model on the accepted labels of batches that are not void; the same labels give the same version."""
    from corpusgate.classify.job import train_classifier

    _say(train_classifier(find_place(), corpus, _time(at), false_alarms), form)


@app.command()
def card(
    version: Annotated[str | None, typer.Argument(help="A version; the promoted one if left out.")] = None,
    corpus: CorpusOption = "demo",
    form: FormatOption = Format.table,
) -> None:
    """Shows a model's card: data, figures with intervals, threshold, calibration."""
    from corpusgate.classify.job import card_of

    _say(card_of(find_place(), corpus, version), form)


@app.command()
def evaluate(
    version: Annotated[str | None, typer.Argument(help="A version; the promoted one if left out.")] = None,
    corpus: CorpusOption = "demo",
    form: FormatOption = Format.table,
) -> None:
    """Measures a model on the held-out texts of today's labels."""
    from corpusgate.classify.job import evaluate as measure

    figures = measure(find_place(), corpus, version)
    if form is Format.json:
        typer.echo(json.dumps(figures, ensure_ascii=False, indent=1))
        return
    show(
        [
            {"class": name, "texts": f["texts"], "precision": f["precision"]["share"], "recall": f["recall"]["share"],
             "f1": f["f1"]}
            for name, f in figures["classes"].items()
        ],
        form,
    )  # fmt: skip
    if form is Format.table:
        alarms = figures["false_alarms"]
        typer.echo(f"macro-F1 {figures['macro_f1']}; false alarms {alarms['k']} of {alarms['n']} clean texts")


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="The version to promote.")],
    corpus: CorpusOption = "demo",
    at: AtOption = None,
    margin: Annotated[
        float, typer.Option("--margin", min=0.0, max=0.2, help="By how much macro-F1 may be lower than before.")
    ] = 0.01,
) -> None:
    """Makes a model the corpus's detector, unless it is worse than its predecessor on the same held-out texts."""
    from corpusgate.classify.job import promote as follow

    done, against = follow(find_place(), corpus, version, _time(at), margin)
    if not done:
        for reason in against:
            typer.echo(f"not promoted: {reason}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{version} is promoted for {corpus}; the next run screens all texts with it.")


@app.command()
def suspects(
    corpus: CorpusOption = "demo",
    most: Annotated[int, typer.Option("--most", min=1, help="At most so many.")] = 100,
    form: FormatOption = Format.table,
) -> None:
    """Lists accepted labels that are probably wrong, by models that have not seen them; look at these again first."""
    from corpusgate.classify.suspects import suspects as doubted

    show(
        doubted(find_place(), corpus)[:most], form, columns=("text_sha256", "source_id", "label", "likelier", "margin")
    )


@app.command()
def page(
    out: Annotated[Path, typer.Argument(help="Where to write the page.")],
    corpus: CorpusOption = "demo",
) -> None:
    """Writes the annotation page: people, batches, agreement, what to do about them."""
    from corpusgate.evidence.annotation_page import annotation_page
    from corpusgate.lake.run import write_atomically

    write_atomically(out, annotation_page(find_place(), corpus))
    typer.echo(f"{out}")


def _say(card: dict[str, Any], form: Format) -> None:
    from corpusgate.classify.card import as_text

    shown = {k: v for k, v in card.items() if k != "train_texts"}
    typer.echo(as_text(card) if form is Format.table else json.dumps(shown, ensure_ascii=False, indent=1))


def _time(at: str | None) -> datetime:
    return moment(at) if at else datetime.now(UTC)
