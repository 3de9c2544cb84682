"""`corpusgate lexicon …`: what a list of keywords does to texts, before it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.errors import UserError
from corpusgate.settings.place import Place, find_place

if TYPE_CHECKING:
    from corpusgate.banks.lexicon_report import Report

app = typer.Typer(name="lexicon", help="Lists of keywords: what they do to texts.", no_args_is_help=True)
_FIRST = 20


@app.callback()
def _group() -> None:
    """Keeps `lint` a command of its own name."""


@app.command()
def lint(
    lexicon: Annotated[str, typer.Argument(help="A folder, or a name under conf/lexicons.")],
    sample: Annotated[
        list[Path] | None, typer.Option("--sample", help="Harmless texts: JSON lines or text files; may be repeated.")
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option("--corpus", help="Measure on this corpus in the lake; its benign_sources are harmless."),
    ] = None,
    at_most: Annotated[
        float, typer.Option("--at-most", min=0, max=1, help="Share of harmless texts that a weighed word may hit.")
    ] = 0.001,
    form: FormatOption = Format.table,
) -> None:
    """Measures each word on harmless texts and in the corpus, and names what is wrong with the list.

    Ends with 1 where the list would be refused, or where a weighed word hits too many harmless texts.
    """
    report = _report(find_place(), lexicon, sample or [], corpus, at_most)
    if form is Format.json:
        told = {
            **report.summary(),
            "damage": report.damage(),
            "fault_list": report.faults(),
            "word_list": report.words(),
        }
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    elif form is Format.csv:
        show(report.words(), form)
    else:
        _table(report)
    if not report.passes:
        raise typer.Exit(1)


def _report(place: Place, lexicon: str, files: list[Path], corpus_id: str | None, at_most: float) -> Report:
    from corpusgate.banks import lexicon_lint as rules
    from corpusgate.banks import lexicon_samples as samples
    from corpusgate.banks.lexicon_report import Report
    from corpusgate.settings.load import load_corpus

    corpus = load_corpus(place, corpus_id) if corpus_id else None
    linted = rules.read(_folder(place, lexicon))
    detector, remove_at = rules.measurer(linted), corpus.policy.remove_at if corpus else 1.0
    benign = whole = None
    if files:
        benign = rules.measure(detector, f"{len(files)} file(s)", samples.of_files(files), remove_at)
    elif corpus and corpus.benign_sources:
        texts = samples.of_corpus(place, corpus, corpus.benign_sources)
        benign = rules.measure(detector, ", ".join(corpus.benign_sources), texts, remove_at)
    if corpus:
        texts = samples.of_corpus(place, corpus, corpus.sources)
        whole = rules.measure(detector, f"corpus {corpus.id}", texts, remove_at)
    return Report(linted, benign, whole, at_most, remove_at)


def _folder(place: Place, lexicon: str) -> Path:
    shelf = place.conf / "lexicons"
    for folder in (Path(lexicon), shelf / lexicon):
        if folder.is_dir():
            return folder
    there = ", ".join(sorted(p.name for p in shelf.glob("*") if p.is_dir())) or "none"
    raise UserError(f"No lexicon {lexicon!r}: neither a folder nor a name under conf/lexicons (there: {there}).")


def _table(report: Report) -> None:
    for line in report.sentences():
        typer.echo(line)
    if report.benign is None:
        typer.echo("Not measured on harmless texts: give files with --sample, or a corpus with benign_sources.")
    if faults := report.faults():
        show(faults[:_FIRST], Format.table, width=110)
        _more(len(faults))
    if rows := report.damage():
        typer.echo("The words that hit harmless texts, worst first:")
        show(rows[:_FIRST], Format.table)
        _more(len(rows))


def _more(n: int) -> None:
    if n > _FIRST:
        typer.echo(f"… and {n - _FIRST} more: --format json or csv has all.")
