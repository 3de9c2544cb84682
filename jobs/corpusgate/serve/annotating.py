"""What `corpusgate up` shows of annotation: the made-up set goes through intake, gate and training, as DAG runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, sleep
from urllib.parse import quote

from corpusgate.annotation.demonstration import CORPUS, LIST, SOURCE, give_out, handed_in
from corpusgate.errors import CorpusgateError
from corpusgate.lake.run import open_run
from corpusgate.serve.drive import ENDED_RUN, Airflow
from corpusgate.settings.place import Place

INTAKE, TRAINING = "annotation_intake", "train_classifier"
#: Seconds that a run of either DAG may take here.
ENDS_WITHIN = 600.0
POLL = 1.5


def show_annotation(place: Place, airflow: Airflow, url: str, tell: Callable[[str], None]) -> None:
    """Hands the fixture's annotation in and trains on it, once a lake; says what came of it and where it is shown.

    What goes wrong here is told and no more: the corpus was built before.
    """
    if handed_in(place):
        tell("\nThe annotated fixture set is in already; its batches: corpusgate annotation check --corpus " + CORPUS)
        return
    tell("\nAnnotation, shown on a fixture (its people do not exist, its labels come from a rule):")
    try:
        _show(place, airflow, url, tell)
    except CorpusgateError as error:
        tell(f"  not shown: {error}")


def _show(place: Place, airflow: Airflow, url: str, tell: Callable[[str], None]) -> None:
    # Airflow makes the run's time; this one only dates the draw of the batches.
    now = datetime.now(UTC)
    run = open_run(place, CORPUS, f"annotation-demo__{now:%Y-%m-%dT%H:%M:%S}", now)
    give_out(run, place.var / "fixtures" / f"{SOURCE}-work", place.var / "annotation")
    tell("  two batches drawn and given out; what two annotators and a reviewer hand in lies in var/annotation")
    given = {"corpus": CORPUS, "file": LIST, "tool": "list", "sidecar": "", "map": ""}
    run_id, state = _through(airflow, INTAKE, given, "A made-up set with one planted breach: a fixture.")
    page = f"{url}/dags/{INTAKE}/runs/{quote(run_id, safe='')}/plugin/evidence"
    colour = "red, for the breach was planted to be found" if state == "failed" else state
    tell(f"  taken in and judged: {colour}; {_verdicts(place, run_id, now)}")
    tell(f"    people, batches, agreement: {page}")
    run_id, state = _through(airflow, TRAINING, {"corpus": CORPUS}, "Trained on a made-up set: judges nothing.")
    trained = open_run(place, CORPUS, run_id, now).result("train_classifier")
    if trained is None:
        tell(f"  training: {state}; its log says why")
        return
    tell(f"  trained: {trained.because}; corpusgate classifier card {trained.facts['version']} --corpus {CORPUS}")


def _through(airflow: Airflow, dag: str, conf: dict[str, str], note: str) -> tuple[str, str]:
    """Starts a run and waits for its end; its id and state."""
    airflow.unpause(dag)
    run_id = airflow.trigger(dag, dict(conf), note)
    until = monotonic() + ENDS_WITHIN
    while (state := airflow.run(dag, run_id)["state"]) not in ENDED_RUN:
        if monotonic() > until:
            raise CorpusgateError(f"The run {run_id} of {dag} has not ended after {ENDS_WITHIN:.0f} s.")
        sleep(POLL)
    return run_id, state


def _verdicts(place: Place, run_id: str, at: datetime) -> str:
    """One line: what the gate of annotation said, with the planted breach by its clause."""
    result = open_run(place, CORPUS, run_id, at).result("annotation_gate")
    if result is None:
        return "no verdict: its tasks say why"
    rows = result.facts["verdicts"]
    failed = sorted({r["control_id"] for r in rows if r["verdict"] == "fail"})
    counts = {v: sum(r["verdict"] == v for r in rows) for v in ("pass", "fail", "pending")}
    return ", ".join(f"{n} {v}" for v, n in counts.items()) + (f"; failing: {', '.join(failed)}" if failed else "")
