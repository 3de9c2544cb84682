"""`corpusgate review …`: give samples to people, take their verdicts in, say how a sample stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import moment
from corpusgate.settings.place import find_place

app = typer.Typer(name="review", help="People's verdicts on samples.", no_args_is_help=True)

SampleArgument = Annotated[str, typer.Argument(help="Id of a sample: `corpusgate sample list`.")]
ByOption = Annotated[str, typer.Option("--by", help="Name of the person, as in conf/roles.yaml.")]
AtOption = Annotated[str | None, typer.Option("--at", help="When, ISO 8601. Default: now.")]


@app.command()
def assign(
    sample: SampleArgument,
    reviewers: Annotated[list[str], typer.Argument(help="Names of reviewers, as in conf/roles.yaml.")],
    by: ByOption,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the sample from them instead.")] = False,
    because: Annotated[str, typer.Option("--because", help="Why it is withdrawn.")] = "",
    at: AtOption = None,
) -> None:
    """Gives a sample to reviewers; the seed says who judges which item, and which are judged twice."""
    from corpusgate.review import assignments

    place, when = find_place(), _when(at)
    if withdraw:
        for person in reviewers:
            assignments.withdraw(place, sample, person, by, because, when)
        typer.echo(f"{sample} is taken from {', '.join(reviewers)}; open items go to the others.")
        return
    fresh = assignments.assign(place, sample, reviewers, by, when)
    typer.echo(f"{sample}: given to {', '.join(fresh)}." if fresh else f"{sample}: they have it already.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or JSONL as exported; .json of Label Studio.")],
    reviewer: Annotated[str | None, typer.Option("--reviewer", help="Who said it; default: each row says so.")] = None,
    sample: Annotated[str | None, typer.Option("--sample", help="Only of this sample; default: each row's.")] = None,
    at: AtOption = None,
) -> None:
    """Takes verdicts in. Ends with 1 where rows were refused: they are listed, the rest is in."""
    from corpusgate.review.importing import import_file

    done = import_file(find_place(), sample, file, reviewer, _when(at))
    typer.echo(
        f"{done.accepted} verdicts taken in, {done.unchanged} were in force already, {done.empty} rows say nothing, "
        f"{len(done.refused)} refused."
    )
    if done.refused:
        rows = [{"row": r.row, "reason": r.reason, "remedy": r.remedy} for r in done.refused]
        show(rows, Format.table, width=100)
        raise typer.Exit(1)


@app.command()
def status(
    sample: Annotated[
        str | None, typer.Argument(help="Id of a sample; default: all that are given to somebody.")
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Says how samples stand: decided, bad, open, agreement, whether they can still pass."""
    from corpusgate.review.standing import all_standing, standing

    place = find_place()
    found = [standing(place, sample)] if sample else all_standing(place)
    rows = [
        {
            "sample_id": s.sample_id, "decided": f"{s.decided} of {s.needed}", "bad": s.bad,
            "bad_at_most": s.bad_at_most, "open": s.open, "third": s.waiting_for_third, "nobody may": s.unassignable,
            "void": s.void, "agreement": None if s.agreement is None else f"{s.agreement:.1%}", "kappa": s.kappa_said,
            "state": s.state,
        }
        for s in found
    ]  # fmt: skip
    show(rows, form)
    if sample:
        show([{"reviewer": p, "judged": n, "open": o} for p, n, o in found[0].by_reviewer], form)


@app.command()
def fold(
    sample: Annotated[str | None, typer.Argument(help="Id of a sample; default: all.")] = None,
) -> None:
    """Brings the journal's verdicts into the table `review`; a filing does so by itself."""
    from corpusgate.review.fold import fold as bring

    typer.echo(f"{bring(find_place(), 'review fold', sample)} entries folded.")


def _when(at: str | None) -> datetime:
    return moment(at) if at else datetime.now(UTC)
