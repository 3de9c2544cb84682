"""`corpusgate source …`: declaring a source, checking it, planning, and concluding which licence holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import CorpusOption, moment
from corpusgate.errors import UserError
from corpusgate.evidence.cells import plain, tame
from corpusgate.settings.place import find_place

if TYPE_CHECKING:
    from corpusgate.sources.conclude import Recorded

app = typer.Typer(name="source", help="Sources: declare, check, plan, conclude.", no_args_is_help=True)


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
    corpus: Annotated[str | None, typer.Option("--corpus", help="Also add the id to this corpus.")] = None,
) -> None:
    """Writes conf/sources/NAME.yaml with a comment at each field, ready to be filled in."""
    from corpusgate.lake.run import write_atomically
    from corpusgate.sources.new import SCHEMA, add_to_corpus, scaffold
    from corpusgate.sources.schema import json_schema

    place = find_place()
    path = place.conf / "sources" / f"{name}.yaml"
    if path.exists():
        raise UserError(f"{path} is there already; choose another id or edit it.")
    text = scaffold(name, folder, datetime.now(UTC).date())
    if corpus:
        added = add_to_corpus(place, corpus, name)
        typer.echo(f"{'Added it to' if added else 'It is already in'} conf/corpora/{corpus}.yaml.")
    write_atomically(path, text)
    write_atomically(place.var / Path(SCHEMA).name, json.dumps(json_schema(), ensure_ascii=False, indent=1))
    typer.echo(f"Wrote {path}. Fill it in, then: corpusgate source check {name}")


@app.command()
def schema() -> None:
    """Prints the JSON Schema of a source's file, for editors."""
    from corpusgate.sources.schema import json_schema

    typer.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


@app.command()
def plan(corpus: CorpusOption = "demo", form: FormatOption = Format.table) -> None:
    """Shows what a rebuild would fetch, judge and screen of each source, from the archive and the last run."""
    from corpusgate.sources.plan import COLUMNS
    from corpusgate.sources.plan import plan as planned

    show(planned(find_place(), corpus, datetime.now(UTC)), form, columns=COLUMNS)


@app.command()
def sample(
    source: Annotated[str, typer.Argument(help="Id of the source.")],
    out: Annotated[Path, typer.Option("--out", help="File to write: .csv, .jsonl or .xlsx.")],
    corpus: CorpusOption = "demo",
) -> None:
    """Writes the sample that admission assessed (4.1.1 a) for people, with columns for verdict, risks and comment."""
    from corpusgate.review.admission import export

    number = export(find_place(), corpus, source, out, out.suffix.removeprefix(".").lower())
    typer.echo(f"Wrote {number} records of the admission sample of {source} to {out}.")


@app.command()
def labels(
    file: Annotated[Path, typer.Argument(help="The file as it was exported, with verdicts: .csv, .jsonl or .xlsx.")],
    by: Annotated[str | None, typer.Option("--by", help="Who judged; default: each row says so.")] = None,
    corpus: CorpusOption = "demo",
    at: Annotated[str | None, typer.Option("--at", help="When, ISO 8601. Default: now.")] = None,
) -> None:
    """Takes people's verdicts on admission samples in; the next rebuild counts them over the detectors' word."""
    from corpusgate.review.admission import take

    told = take(find_place(), corpus, file, by, moment(at) if at else datetime.now(UTC))
    typer.echo(f"{told.recorded} verdicts recorded, {told.known} were known, {told.empty} rows say nothing.")
    for number, why in told.refused:
        typer.echo(f"row {number} was not taken: {tame(why)}", err=True)
    if told.refused:
        raise typer.Exit(1)


@app.command()
def takedown(
    subject: Annotated[str, typer.Argument(help="Id of a record, or the address that it was found at.")],
    by: Annotated[str, typer.Option("--by", help="Name of the person who decides.")],
    because: Annotated[str, typer.Option("--because", help="Who complained of what, and why it is held or lifted.")],
    lift: Annotated[bool, typer.Option("--lift", help="The complaint is settled: they may be used again.")] = False,
) -> None:
    """Holds what a rights holder complains about: no later release keeps its text, wherever a copy was found."""
    from corpusgate.sources.takedown import takedown as record

    told = record(find_place(), subject, by=by, because=because, at=datetime.now(UTC), lift=lift)
    n = sum(bool(r["record_id"]) for r in told["rows"])
    typer.echo(f"{'Lifted' if lift else 'Held'}: {n} record{'' if n == 1 else 's'} found by {tame(subject)}.")
    if told["releases"]:
        typer.echo(f"Published releases that hold the text: {', '.join(told['releases'])}. Rebuild, or roll back.")


@app.command()
def conclude(
    source: Annotated[str, typer.Argument(help="Id of the source.")],
    expression: Annotated[
        str, typer.Option("--expression", help="SPDX expression that holds; NOASSERTION takes a conclusion back.")
    ],
    by: Annotated[str, typer.Option("--by", help="Name of the person who concludes.")],
    role: Annotated[str, typer.Option("--role", help="As what, e.g. counsel.")],
    because: Annotated[str, typer.Option("--because", help="What was read or agreed, and why it allows the use.")],
    part: Annotated[str | None, typer.Option("--part", help="Licence part, where the source has several.")] = None,
    note: Annotated[list[str] | None, typer.Option("--note", help="Shown beside it; may be given again.")] = None,
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", help="Day from which it holds; default: since first acquired.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last day on which it holds; then the source waits again.")
    ] = None,
    definitive: Annotated[
        bool, typer.Option("--definitive", help="Enough for filing too; without it the conclusion is provisional.")
    ] = False,
    at: Annotated[str | None, typer.Option("--at", help="When it was said, ISO 8601. Default: now.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Records which licence a named person concludes for a source; the next rebuild judges by it."""
    from corpusgate.sources.conclude import Word, after
    from corpusgate.sources.conclude import conclude as record

    since = moment(valid_from, "--valid-from") if valid_from else None
    word = Word(expression, by, role, because, tuple(note or ()), since, definitive, after(until) if until else None)
    told = record(find_place(), source, word, moment(at) if at else datetime.now(UTC), part)
    if form is Format.json:
        outlook = {c: {"verdict": r.facts["verdict"], "because": r.because} for c, r in told.outlook.items()}
        body = {"fresh": told.fresh, "row": told.row, "outlook": outlook}
        typer.echo(json.dumps(body, ensure_ascii=False, indent=1, default=plain))
    else:
        _say_concluded(source, told)


def _say_concluded(source: str, told: Recorded) -> None:
    row = told.row
    ends = f" until {row['valid_to']:%Y-%m-%d %H:%M} UTC" if row.get("valid_to") else ""
    typer.echo(
        f"{'Recorded' if told.fresh else 'Recorded already'} on {row['recorded_at']:%Y-%m-%d %H:%M} UTC: {source}, "
        f"part {row['part']}: {row['concluded']}, by {row['concluded_by']} ({row['concluded_role']}), valid from "
        f"{row['valid_from']:%Y-%m-%d}{ends}, {'provisional' if row['provisional'] else 'definitive'}."
    )
    typer.echo("It was drawn from this, and holds as long as this stays as it is:")
    for line in row["basis"]:
        typer.echo(f"  {tame(line)}")
    for corpus, result in told.outlook.items():
        verdict = result.facts["verdict"]
        says = f"held by {result.held_by}" if verdict == "pass" and result.state == "held" else verdict
        typer.echo(f"Corpus {corpus}: the next rebuild says {says}. {tame(result.because)}")
