"""The recipe: which step after which, what it reads and writes, which engine runs it. The order is said here once.

No Spark, no Airflow, no Great Expectations is imported here: DAG files import this module each time they are parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from time import monotonic
from typing import Literal

from corpusgate.errors import UserError
from corpusgate.lake.run import StepResult, open_run
from corpusgate.settings.place import find_place

Engine = Literal["python", "spark", "gate"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `target` is `module:function`, called as `function(run, source)` for steps that go source by source,
    else `function(run)`; it returns a `StepResult`. `after_hold`: also for a source that was fetched and then held."""

    name: str
    target: str
    engine: Engine
    per_source: bool
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    about: str
    after_hold: bool = False


STEPS: tuple[Step, ...] = (
    Step("fetch", "corpusgate.collect.job:fetch", "python", True, ("conf/sources",), ("raw archive",),
         "list, fetch and hash what a source offers"),
    Step("licence", "corpusgate.sources.job:licence", "python", True, ("raw archive",), (),
         "check the statements that decide about the licence; verdict of 4.1.3"),
    Step("admission", "corpusgate.intake.admission:admission", "python", True, ("raw archive",), (),
         "screen a random sample before anything is collected; verdict of 4.1.1 a",
         after_hold=True),
    Step("intake", "corpusgate.intake.job:intake", "spark", False, ("raw archive",),
         ("source", "licence_period", "acquisition", "host_signal", "record", "document", "quarantine", "screening",
          "finding", "signature"),
         "read, screen and sign every admitted text in one pass"),
    Step("source_gate", "corpusgate.gates.job:source_gate", "gate", False, ("record", "screening", "finding"),
         ("control_result",), "judge each source: 4.1.1 b, coverage, metadata"),
    Step("hosts", "corpusgate.collect.recheck:hosts", "python", False, ("record",), ("host_signal",),
         "ask the hosts of what was found on the web again, where the corpus allows it"),
    Step("decide", "corpusgate.decide.job:decide", "spark", False, ("record", "finding", "document"),
         ("near_edge", "decision", "release_record", "sample", "sample_item"),
         "keep, mask or remove each record; freeze a candidate"),
    Step("release_gate", "corpusgate.gates.job:release_gate", "gate", False, ("release_record", "decision"),
         ("control_result",), "judge the candidate"),
    Step("publish", "corpusgate.release.job:publish", "spark", False, ("release_record", "document"),
         ("release", "export"), "write the released texts and the manifest, move the channel's pointer"),
    Step("evidence", "corpusgate.evidence.job:evidence", "python", False, ("control_result",), ("step_run",),
         "fold the run's accounting into step_run and draw the pages"),
)  # fmt: skip


def step(name: str) -> Step:
    """The step with this name.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    for found in STEPS:
        if found.name == name:
            return found
    raise UserError(f"No step {name!r}; the steps are {', '.join(s.name for s in STEPS)}.")


def run_step(name: str, *, corpus: str, run_id: str, at: datetime, source: str | None = None) -> StepResult:
    """Runs one step in this process and leaves its result in the run's folder.

    A step that goes source by source and finds its source held by an earlier one does nothing and says so.
    """
    chosen = step(name)
    run = open_run(find_place(), corpus, run_id, at)
    module, function = chosen.target.split(":")
    call = getattr(import_module(module), function)
    started = monotonic()
    if chosen.per_source:
        if source is None:
            raise UserError(f"The step {name} goes source by source: name one with --source.")
        result: StepResult = call(run, run.source(source))
    else:
        result = call(run)
    result.seconds = round(monotonic() - started, 3)
    return run.write(result)


def arguments(name: str, *, corpus: str, run_id: str, at: str, source: str | None = None) -> list[str]:
    """The same step as command-line arguments of `corpusgate`, for an engine that starts a process."""
    given = ["step", name, "--corpus", corpus, "--run-id", run_id, "--at", at]
    return [*given, "--source", source] if source else given


def rebuild(*, corpus: str, run_id: str, at: datetime, tell: Callable[[StepResult], object]) -> list[StepResult]:
    """Runs every step in order in this process and tells each result; what an earlier step holds goes no further.

    After a blocked release gate nothing is published, and the accounting is folded all the same.
    """
    run = open_run(find_place(), corpus, run_id, at)
    results: list[StepResult] = []
    blocked = False
    for chosen in STEPS:
        if chosen.name == "publish" and blocked:
            continue
        for source in [s.id for s in run.sources] if chosen.per_source else [None]:
            hold = run.held().get(source) if source is not None else None
            if hold is not None and not (chosen.after_hold and hold.step != STEPS[0].name):
                continue
            results.append(run_step(chosen.name, corpus=corpus, run_id=run_id, at=at, source=source))
            tell(results[-1])
        blocked = blocked or (chosen.name == "release_gate" and results[-1].state == "held")
    return results
