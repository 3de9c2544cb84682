"""What `corpusgate up` leaves for trying out the review page: a corpus of twenty texts that waits for a person."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from corpusgate.errors import CorpusgateError
from corpusgate.serve import accounts
from corpusgate.serve.drive import ENDED_RUN, Airflow
from corpusgate.serve.services import Services, environment
from corpusgate.settings.place import Place

CORPUS, DAG, TASK = "review-demo", "release_filing", "reviews"
#: Who reviews, and who gives the sample out.
REVIEWER, LEAD = "reviewer1", "lead"
#: Where the page is; Airflow's plugin mounts it there.
PAGE = "/corpusgate-review"
#: Seconds until the run must wait for people.
WAITS_WITHIN = 240.0
POLL = 1.0


def leave_review(place: Place, services: Services, tell: Callable[[str], None]) -> list[str]:
    """Builds the corpus once a lake and starts its filing; returns what the report says: where, and as whom.

    What goes wrong here is told and no more: the corpus that was asked for is built.
    """
    try:
        release = candidate(place) or _built(place, services, tell)
        sample, decided, needed = stands(place, release)
        if decided < needed:
            wait(services, release)
        return told(services, release, sample, decided, needed)
    except CorpusgateError as error:
        return [f"\nReview: nothing was left to be tried out: {error}"]


def candidate(place: Place) -> str | None:
    """The frozen candidate of the corpus; None before the first."""
    found = sorted((place.lake / "candidates").glob(f"{CORPUS}-*/manifest.json"), key=lambda p: p.stat().st_mtime)
    return found[-1].parent.name if found else None


def stands(place: Place, release: str) -> tuple[str, int, int]:
    """The sample's id, the items decided, the items asked for.

    Raises:
        CorpusgateError: no sample was drawn.
    """
    from corpusgate.review.filing import waits_for

    for sample in waits_for(place, release).samples:
        return sample.sample_id, sample.needed if not sample.can_still_pass else sample.decided, sample.needed
    raise CorpusgateError(f"{release} has no sample for people.")


def wait(services: Services, release: str) -> None:
    """A filing of the release that waits for reviews: the one that is open, or a new one, started as the lead.

    Raises:
        CorpusgateError: it does not come so far.
    """
    password = accounts.passwords(services.passwords)[LEAD]
    airflow = Airflow(services.url, LEAD, password)
    open_ = [r["dag_run_id"] for r in airflow.open_runs(DAG) if (r.get("conf") or {}).get("corpus") == CORPUS]
    conf = {"corpus": CORPUS, "release": release, "reviewers": REVIEWER}
    run_id = open_[-1] if open_ else airflow.trigger(DAG, conf, "Twenty texts wait for a person: tab **Review 审核**.")
    until = monotonic() + WAITS_WITHIN
    while True:
        states = {t["task_id"]: t["state"] for t in airflow.tasks(DAG, run_id)}
        if states.get(TASK) in ("awaiting_input", "success"):
            return
        if airflow.run(DAG, run_id)["state"] in ENDED_RUN or monotonic() > until:
            raise CorpusgateError(f"the run {run_id} of {DAG} does not wait for reviews ({states}).")
        sleep(POLL)


def told(services: Services, release: str, sample: str, decided: int, needed: int) -> list[str]:
    """The lines of the report."""
    if decided >= needed:
        judged = f".venv/bin/corpusgate release judge {release}"
        return [f"\nReview: all items of {release} are decided. What the gate says now: {judged}"]
    password = accounts.passwords(services.passwords)[REVIEWER]
    return [
        f"\nReview: {needed - decided} items of {release} wait for a person:",
        f"  {services.url}{PAGE}/sample?id={sample}",
        f"  log in as {REVIEWER} with the password {password}; g is good, b is bad, h shows all keys",
    ]


def _built(place: Place, services: Services, tell: Callable[[str], None]) -> str:
    """The release of a rebuild in one process: a third of the time that eleven tasks take.

    Raises:
        CorpusgateError: it froze no candidate; the message names the log.
    """
    tell("\nReview, to be tried out: building a corpus of twenty texts …")
    port = services.port()
    assert port is not None
    command = str(Path(sys.executable).parent / "corpusgate")
    run_id = f"{CORPUS}__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    log = services.logs / f"{CORPUS}.log"
    with log.open("ab") as file:
        subprocess.run(
            [command, "rebuild", "--corpus", CORPUS, "--run-id", run_id], env=environment(place, port),
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False,
        )  # fmt: skip
    release = candidate(place)
    if release is None:
        raise CorpusgateError(f"the rebuild of {CORPUS} froze no candidate; {log} says why.")
    return release
