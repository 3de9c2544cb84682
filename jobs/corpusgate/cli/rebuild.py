"""`corpusgate step` and `corpusgate rebuild`: one step, or all of them in order, without Airflow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from corpusgate import flow
from corpusgate.errors import UserError
from corpusgate.lake.run import StepResult

CorpusOption = Annotated[str, typer.Option("--corpus", help="Corpus: the stem of a file under conf/corpora.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(step)
    app.command()(rebuild)


def step(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(s.name for s in flow.STEPS))],
    run_id: Annotated[str, typer.Option("--run-id", help="The run that this step belongs to.")],
    at: Annotated[str, typer.Option("--at", help="The run's time, ISO 8601; the same for each step of a run.")],
    corpus: CorpusOption = "demo",
    source: Annotated[str | None, typer.Option("--source", help="For the steps that go source by source.")] = None,
) -> None:
    """Runs one step of a rebuild; ends with 1 where the step holds something back."""
    from corpusgate.lake.alone import without_pandas

    without_pandas()
    result = flow.run_step(name, corpus=corpus, run_id=run_id, at=moment(at), source=source)
    typer.echo(line(result))
    if result.state not in ("ok", "unchanged"):
        raise typer.Exit(1)


def rebuild(
    corpus: CorpusOption = "demo",
    run_id: Annotated[str | None, typer.Option("--run-id", help="Default: from the time.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="The run's time, ISO 8601. Default: now.")] = None,
) -> None:
    """Runs every step in order in this process, without Airflow. Ends as `make run` does: 0, 1 or 2."""
    when = moment(at) if at else datetime.now(UTC)
    name = run_id or f"cli__{when:%Y-%m-%dT%H:%M:%S}"
    results = flow.rebuild(corpus=corpus, run_id=name, at=when, tell=lambda r: typer.echo(line(r)))
    if any(r.step in ("release_gate", "publish") and r.state not in ("ok", "unchanged") for r in results):
        raise typer.Exit(1)


def line(result: StepResult) -> str:
    """One line a step: state, source, rows by their fate, the reason."""
    name = result.step + (f" [{result.source_id}]" if result.source_id else "")
    rows = (
        f"{result.rows_in} {result.unit}s in = {result.kept} kept + {result.removed} removed + {result.errored} errored"
    )
    return f"{result.state:<11} {name:<40} {rows}" + (f"\n            {result.because}" if result.because else "")


def moment(text: str, option: str = "--at") -> datetime:
    """An ISO 8601 time; without a zone it is UTC.

    Raises:
        UserError: the text is none.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option} {text!r} is no time: write it as 2026-01-31T08:00:00+00:00.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
