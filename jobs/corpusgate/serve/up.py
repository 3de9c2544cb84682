"""`corpusgate up`: Airflow up, one rebuild triggered, its progress and verdicts shown; the UI stays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from time import monotonic, sleep
from typing import Any

from corpusgate.errors import CorpusgateError, UserError
from corpusgate.flow import STEPS
from corpusgate.lake.run import Run, open_run
from corpusgate.serve import accounts, report
from corpusgate.serve.annotating import show_annotation
from corpusgate.serve.down import DAG, client, stop
from corpusgate.serve.drive import ENDED_RUN, Airflow, AirflowAway, AirflowRefused
from corpusgate.serve.progress import Progress
from corpusgate.serve.reviewing import leave_review
from corpusgate.serve.services import COMPONENTS, Services
from corpusgate.settings.load import load_corpus, load_sources
from corpusgate.settings.place import Place

#: Seconds until a start counts as failed. A loaded machine took up to 113 s.
STARTS_WITHIN = 300.0
#: Seconds until the DAG file has been read, counted from the healthy state.
READ_WITHIN = 180.0
POLL = 1.5
#: The corpus after whose rebuild the annotated fixture set is shown.
DEMO = "demo"
STEP_NAMES = frozenset({"plan", "admitted", "announce", *(s.name for s in STEPS)})


def up(place: Place, corpus: str = "demo", say: Callable[[str], None] | None = None) -> int:
    """Starts what does not run yet, rebuilds the corpus and shows what came of it.

    Returns:
        0: a release was published, or nothing changed since the last one. 1: a release control failed, or a fault.

    Raises:
        UserError: the corpus or the machine is not as it must be (exit code 2).
    """
    tell = say or _say
    load_sources(place, load_corpus(place, corpus))  # a mistake in conf/ is told before anything is started
    make_fixtures(place)
    services = Services(place)
    began = monotonic()

    def seconds() -> float:
        return monotonic() - began

    try:
        with services.only_one():
            airflow = started(services, tell)
        run_id = triggered(airflow, corpus, tell)
        about = airflow.run(DAG, run_id)
        run = open_run(place, corpus, run_id, datetime.fromisoformat(about["run_after"]))
        state = watch(airflow, run, Progress(run, tell, seconds))
        review: list[str] = []
        if corpus == DEMO and report.exit_code(run, state) == 0:
            show_annotation(place, airflow, services.url, tell)
            review = leave_review(place, services, tell)
    except KeyboardInterrupt:
        tell(f"\nInterrupted. Airflow goes on at {services.url}; `make stop` ends it and the run.")
        return 130
    return finish(services, airflow, run, state, tell, review)


def make_fixtures(place: Place) -> None:
    """Makes the demonstration's own sources, the same bytes each time."""
    from corpusgate.collect.fixtures import make_fixtures as make

    make(place.var / "fixtures")


def started(services: Services, tell: Callable[[str], None]) -> Airflow:
    """Airflow, healthy and with the DAG read: the one that runs, or a new one where none does or its code is old."""
    running = services.running()
    if set(running) != set(COMPONENTS) or not services.is_current():
        if running:
            tell("Airflow runs, but not whole or not with today's code and settings: starting it anew.")
        for line in stop(services):
            tell(f"stopped {line}")
        port = services.choose_port()
        tell(f"Starting Airflow on port {port} (the first time this takes about a minute) …")
        services.prepare(port)
        if services.has_open_runs(DAG):
            end_leftovers(services, port, tell)
        services.start(port)
    airflow = client(services)
    wait_healthy(services, airflow)
    wait_read(airflow)
    airflow.unpause(DAG)
    tell(f"Airflow is up: {services.url}")
    return airflow


def end_leftovers(services: Services, port: int, tell: Callable[[str], None]) -> None:
    """Ends what a crash cut off while no scheduler is there yet: one that runs would take the runs up again at once."""
    services.start(port, ["api-server"])
    airflow = client(services)
    wait_healthy(services, airflow, needed=("metadatabase",), components=("api-server",))
    for run_id in leftovers(airflow):
        tell(f"The run {run_id} was cut off by a crash: marked as failed.")


def wait_healthy(
    services: Services,
    airflow: Airflow,
    needed: Collection[str] = ("metadatabase", "scheduler", "triggerer", "dag_processor"),
    components: Collection[str] = tuple(COMPONENTS),
) -> None:
    """Waits until what is `needed` says that it is well.

    Raises:
        UserError: one of them ended, or not all are well in time; the message names the log.
    """
    until = monotonic() + STARTS_WITHIN
    while True:
        try:
            states = airflow.health()
            if all(states.get(n) == "healthy" for n in needed):
                return
        except (AirflowAway, AirflowRefused):
            states = {}
        gone = sorted(set(components) - set(services.running()))
        if gone:
            raise UserError(f"Airflow's {', '.join(gone)} ended; {services.logs / (gone[0] + '.log')} says why.")
        if monotonic() > until:
            raise UserError(
                f"Airflow was not well after {STARTS_WITHIN:.0f} s ({states}); its logs are in {services.logs}."
            )
        sleep(0.5)


def wait_read(airflow: Airflow) -> None:
    """Waits until the DAG file has been read.

    Raises:
        CorpusgateError: it cannot be read (the message holds Airflow's words), or was not in time.
    """
    until = monotonic() + READ_WITHIN
    while not airflow.has_dag(DAG):
        errors = airflow.import_errors()
        if errors:
            raise CorpusgateError(f"Airflow cannot read dags/{DAG}.py: {errors[0].strip()}")
        if monotonic() > until:
            raise CorpusgateError(f"Airflow has not read dags/{DAG}.py after {READ_WITHIN:.0f} s.")
        sleep(0.5)


def leftovers(airflow: Airflow) -> list[str]:
    """Runs that a crash cut off, marked as failed now: they would start again by themselves and block the next one."""
    cut = [r["dag_run_id"] for r in airflow.open_runs(DAG) if r["run_type"] == "manual" or r["start_date"]]
    for run_id in cut:
        airflow.fail(DAG, run_id)
    return cut


def triggered(airflow: Airflow, corpus: str, tell: Callable[[str], None]) -> str:
    """The id of a run over the corpus: a new one, or a scheduled one that does the same at this moment."""
    for run in airflow.open_runs(DAG):
        same = (run.get("conf") or {}).get("corpus", "demo") == corpus
        if same and run["run_type"] == "scheduled":
            tell(f"The scheduled run {run['dag_run_id']} over this corpus is at work: following it.")
            return run["dag_run_id"]
        tell(f"The run {run['dag_run_id']} is at work; ours waits for it, since one lake has one writer.")
    run_id = airflow.trigger(DAG, {"corpus": corpus}, f"Rebuild of `{corpus}`, started by hand.")
    tell(f"Triggered {run_id}")
    return run_id


def watch(airflow: Airflow, run: Run, progress: Progress) -> str:
    """Follows the run to its end; returns its state. A server that is away for a moment is waited for.

    Raises:
        AirflowAway: nobody has answered for a minute.
    """
    away_since: float | None = None
    while True:
        try:
            state = airflow.run(DAG, run.id)["state"]
            progress.update(airflow.tasks(DAG, run.id))
            away_since = None
        except AirflowAway:
            away_since = away_since or monotonic()
            if monotonic() - away_since > 60:
                raise
            state = ""
        if state in ENDED_RUN:
            return state
        sleep(POLL)


def finish(
    services: Services, airflow: Airflow, run: Run, state: str, tell: Callable[[str], None], review: Sequence[str] = ()
) -> int:
    """Writes the notes, prints the verdicts and where to look; returns the exit code."""
    rows = report.verdicts(run)
    notes: list[tuple[str | None, str]] = [(None, report.note(run, state, rows))]
    if report.blocked(run):
        notes.append(("release_gate", report.blocked_note(run)))
    for task, text in notes:
        try:
            airflow.task_note(DAG, run.id, task, text) if task else airflow.note(DAG, run.id, text)
        except (AirflowRefused, AirflowAway) as error:
            tell(f"The note could not be written: {error}")
    report.print_verdicts(rows)
    for line in [*report.closing(run, state), *faults(airflow, run)]:
        tell(line)
    password = accounts.passwords(services.passwords)[accounts.ENGINEER]
    tell(f"\nAirflow's UI:  {services.url}/dags/{DAG}/runs/{_quoted(run.id)}/plugin/evidence")
    tell(f"  log in as {accounts.ENGINEER} with the password {password}  (all users: {services.passwords})")
    for line in review:
        tell(line)
    tell("Ask the tables (make sql for a shell):")
    for sql in report.QUERIES:
        tell(f'  .venv/bin/corpusgate sql "{sql}"')
    tell("End it all: make stop")
    return report.exit_code(run, state)


def faults(airflow: Airflow, run: Run) -> list[str]:
    """Tasks that failed without leaving a verdict, each with the reason that its log gives."""
    lines = []
    try:
        for task in airflow.tasks(DAG, run.id):
            source = task.get("rendered_map_index")
            if (
                task["state"] == "failed"
                and run.result(task["task_id"], source) is None
                and task["task_id"] in STEP_NAMES
            ):
                lines.append(f"  {task['task_id']} {source or ''}".rstrip() + f": {airflow.why(DAG, run.id, task)}")
    except (AirflowRefused, AirflowAway) as error:
        lines.append(f"  {error}")
    return ["Failed without a verdict:", *lines] if lines else []


def _quoted(run_id: str) -> str:
    from urllib.parse import quote

    return quote(run_id, safe="")


def _say(line: Any) -> None:
    print(line, flush=True, file=sys.stdout)
