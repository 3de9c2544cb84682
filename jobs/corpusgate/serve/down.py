"""`corpusgate down`: ends everything that `up` started, also after a crash."""

from __future__ import annotations

import sys
from contextlib import suppress
from time import monotonic, sleep

from corpusgate.errors import CorpusgateError
from corpusgate.serve import accounts, processes
from corpusgate.serve.drive import Airflow, AirflowAway
from corpusgate.serve.services import Services
from corpusgate.settings.place import Place

DAG = "corpus_rebuild"
#: Seconds for tasks to end after their run was marked as failed; what is left then is ended by force.
TASKS_END = 6.0


def down(place: Place) -> int:
    """Stops the installation's Airflow and says what was stopped; 0, also when nothing ran."""
    services = Services(place)
    if not services.home.is_dir():
        print("Nothing was started here, so nothing is running.")
        return 0
    with services.only_one():
        said = stop(services)
    print("\n".join(f"stopped {line}" for line in said) if said else "Nothing was running.")
    left = processes.marked(services.mark)
    if left:
        print(f"Still there: processes {', '.join(str(p.pid) for p in left)}; end them by hand.", file=sys.stderr)
        return 1
    return 0


def stop(services: Services) -> list[str]:
    """Ends runs, then components, then what is left of them; a line for each."""
    said = end_runs(services) if "api-server" in services.running() else []
    return said + services.stop()


def end_runs(services: Services) -> list[str]:
    """Marks what still runs as failed, so that its tasks end in order and no later start takes it up again."""
    said: list[str] = []
    with suppress(CorpusgateError):
        airflow = client(services)
        for run in airflow.open_runs(DAG):
            airflow.fail(DAG, run["dag_run_id"])
            said.append(f"run {run['dag_run_id']} (marked as failed)")
        until = monotonic() + TASKS_END
        while said and "scheduler" in services.running() and monotonic() < until and _tasks_at_work(services):
            sleep(0.3)
    return said


def client(services: Services) -> Airflow:
    """A client that works as the engineer.

    Raises:
        AirflowAway: nothing was ever started here.
    """
    if services.port() is None:
        raise AirflowAway(f"Nothing was started in {services.home}.")
    return Airflow(services.url, accounts.ENGINEER, accounts.passwords(services.passwords)[accounts.ENGINEER])


def _tasks_at_work(services: Services) -> bool:
    """Whether a worker of the scheduler has a task's process below it."""
    scheduler = services.running().get("scheduler")
    if scheduler is None:
        return False
    with suppress(Exception):
        workers = scheduler.children()
        return any(worker.children() for worker in workers)
    return False
