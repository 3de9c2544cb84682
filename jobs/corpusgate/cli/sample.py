"""`corpusgate sample …`: what assessors draw, drawing it again, giving it to people."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import CorpusOption, moment
from corpusgate.errors import UserError
from corpusgate.settings.place import find_place

app = typer.Typer(name="sample", help="Samples: what assessors draw.", no_args_is_help=True)

_COLUMNS = ["sample_id", "control_id", "purpose", "stratum", "size", "frame_rows", "frame", "seed", "drawn_at"]


class FileForm(StrEnum):
    """Forms of an exported sample."""

    csv = "csv"
    jsonl = "jsonl"
    xlsx = "xlsx"
    label_studio = "label-studio"


class Engine(StrEnum):
    """Engines that draw a sample again."""

    spark = "spark"
    datafusion = "datafusion"
    duckdb = "duckdb"


@app.command("list")
def list_(
    release: Annotated[str | None, typer.Option("--release", help="Only of this release or candidate.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Lists the samples there are."""
    from corpusgate.evidence import sql as door

    where = f" WHERE release_id = '{release.replace(chr(39), chr(39) * 2)}'" if release else ""
    _, rows = door.ask(find_place(), f"SELECT * FROM sample{where} ORDER BY release_id, control_id, stratum, sample_id")
    show(rows, form, columns=["release_id", *_COLUMNS])


@app.command()
def draw(
    control: Annotated[str, typer.Option("--control", help="Id, clause or old number.")],
    release: Annotated[
        str | None, typer.Option("--release", help="Release or candidate; default: what the trial channel shows.")
    ] = None,
    corpus: CorpusOption = "demo",
    seed: Annotated[str | None, typer.Option("--seed", help="An assessor's own; default: the corpus's.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it is drawn, ISO 8601. Default: now.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Draws what an assessor draws for a control (Annex B), once; the seed is recorded."""
    from corpusgate.release.pointer import current_release
    from corpusgate.review.sampling import draw_for

    place = find_place()
    chosen = release or current_release(place, corpus, "trial")
    if chosen is None:
        raise UserError(f"The trial channel of {corpus} shows no release yet; name one with --release.")
    try:
        drawn = draw_for(place, control, chosen, moment(at) if at else datetime.now(UTC), seed)
    except ValueError as error:
        raise UserError(f"--seed: {error}.") from None
    show([{**d.row, "new": d.fresh} for d in drawn], form, columns=[*_COLUMNS, "new"])


@app.command()
def redraw(
    sample: Annotated[str, typer.Argument(help="Id of a sample.")],
    sql: Annotated[Engine | None, typer.Option("--sql", help="Print the statement for this engine instead.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Draws a sample again from the lake as it is now; ends with 1 where the items are other ones."""
    from corpusgate.review.sampling import redraw as again
    from corpusgate.review.sampling import redraw_sql

    if sql is not None:
        typer.echo(redraw_sql(find_place(), sample, sql.value)[0])
        return
    recorded, found = again(find_place(), sample)
    if recorded == found:
        typer.echo(f"{sample}: the same {len(found)} items in the same order.")
        return
    was, is_ = set(recorded), set(found)
    rows = [{"record_id": r, "change": "drawn then, not now"} for r in recorded if r not in is_]
    rows += [{"record_id": r, "change": "drawn now, not then"} for r in found if r not in was]
    show(rows or [{"record_id": "", "change": "the same items in another order"}], form)
    typer.echo(f"{sample}: what it was drawn from has changed since.", err=True)
    raise typer.Exit(1)


@app.command()
def export(
    sample: Annotated[str, typer.Argument(help="Id of a sample.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; its ending says the form.")],
    form: Annotated[FileForm | None, typer.Option("--format", help="csv, jsonl, xlsx or label-studio.")] = None,
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", help="Only what is still this person's to judge.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it is exported, ISO 8601. Default: now.")] = None,
) -> None:
    """Writes a sample for people: the released texts, with columns for verdict, risks and comment."""
    from corpusgate.review.export import export as write

    chosen = form.value if form else out.suffix.removeprefix(".").lower()
    number = write(find_place(), sample, out, chosen, moment(at) if at else datetime.now(UTC), reviewer)
    typer.echo(f"Wrote {number} items of {sample} to {out}.")


@app.command()
def again(
    sample: Annotated[str, typer.Argument(help="Id of a sample that failed.")],
    because: Annotated[str, typer.Option("--because", help="What was fixed since.")],
    by: Annotated[str, typer.Option("--by", help="Name of the person, as in conf/roles.yaml.")],
    release: Annotated[
        str | None, typer.Option("--release", help="The release to draw from; default: the failed sample's.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it is drawn, ISO 8601. Default: now.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Draws anew after a sample failed, by the next seed; the failed one stays and is shown."""
    from corpusgate.review.after_failure import redraw_after

    row = redraw_after(find_place(), sample, because, by, moment(at) if at else datetime.now(UTC), release)
    show([row], form, columns=[*_COLUMNS, "follows"])


@app.command()
def causes(sample: Annotated[str, typer.Argument(help="Id of a sample.")], form: FormatOption = Format.table) -> None:
    """Says where the bad items of a sample come from: sources, risks, rules."""
    from corpusgate.review.after_failure import causes as found

    rows = [{"source_id": c.source_id, "risk": c.risk, "items": c.items, "rules": ", ".join(c.rules)}
            for c in found(find_place(), sample)]  # fmt: skip
    show(rows, form)
