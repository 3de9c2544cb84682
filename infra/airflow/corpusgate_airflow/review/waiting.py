"""Tells the runs that wait for reviews that the verdicts suffice, as the service user and naming the person.

It decides nothing: the run counts by itself afterwards. So an answer that is lost is sent again from the page, and one
that nobody should have sent does no harm.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from corpusgate.errors import LakeBusy
from corpusgate.lake.run import StepResult, safe_name
from corpusgate.serve.drive import Airflow, AirflowAway, AirflowRefused
from corpusgate.settings.place import Place
from corpusgate_airflow.links import FILING_DAG, REVIEWS_TASK

if TYPE_CHECKING:
    from corpusgate.review.filing import Wait

log = logging.getLogger(__name__)

#: The user of Airflow that may answer the waiting task, and whose password nobody needs.
SERVICE = "reviewapp"
#: The step whose result in a run's folder says which release the run is about.
CHOSEN = "filing_choose"
COUNT, GIVE_UP = "Count the verdicts", "Give up"

Outcome = Literal["waits", "nobody waits", "answered", "already", "failed"]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: `waits` while verdicts are missing, `already` where somebody was quicker, `failed` with why."""

    outcome: Outcome
    because: str = ""


def pass_on(place: Place, release_id: str, person: str, airflow: Airflow | None = None) -> Told:
    """Folds the verdicts and answers every run that waits for this release, if they suffice or can no longer."""
    from corpusgate.review.filing import waits_for
    from corpusgate.review.fold import fold

    wait = waits_for(place, release_id)
    if not wait.enough and not wait.lost:
        return Told("waits")
    try:
        fold(place, f"review {release_id}")
    except LakeBusy:
        log.info("The lake is being written: the run that counts folds the verdicts itself.")
    try:
        return answer(place, release_id, person, wait, airflow or as_service())
    except (AirflowAway, AirflowRefused) as error:
        log.warning("The runs that wait for %s could not be told: %s", release_id, error)
        return Told("failed", f"Airflow did not take the notice ({error}). Your verdicts are kept: send it again.")


def answer(place: Place, release_id: str, person: str, wait: Wait, airflow: Airflow) -> Told:
    """Answers the waiting tasks of all runs about this release.

    Raises:
        AirflowAway, AirflowRefused: Airflow does not answer, or says no for another reason than that it is done.
    """
    outcome: Outcome = "nobody waits"
    for run_id in waiting_runs(place, release_id, airflow):
        path = f"/api/v2/dags/{FILING_DAG}/dagRuns/{quote(run_id, safe='')}/taskInstances/{REVIEWS_TASK}/-1/hitlDetails"
        decided = sum(s.decided for s in wait.samples)
        said = {"person": person, "decided": decided, "bad": sum(s.bad for s in wait.samples)}
        try:
            airflow._call("PATCH", path, {"chosen_options": [COUNT], "params_input": said})
            outcome = "answered"
        except AirflowRefused as error:
            if error.status != 409:
                raise
            outcome = "already" if outcome != "answered" else outcome
    return Told(outcome)


def waiting_runs(place: Place, release_id: str, airflow: Airflow) -> list[str]:
    """The ids of the runs that wait for reviews of this release."""
    query = f"task_id={REVIEWS_TASK}&response_received=false&order_by=-created_at&limit=100"
    asked: dict[str, Any] = airflow._call("GET", f"/api/v2/dags/{FILING_DAG}/dagRuns/~/hitlDetails?{query}")
    runs = [d["task_instance"]["dag_run_id"] for d in asked["hitl_details"]]
    return [r for r in runs if chosen(place, r) == release_id]


def chosen(place: Place, run_id: str) -> str | None:
    """The release that a filing run is about; None before it has chosen."""
    path = place.runs / safe_name(run_id) / f"{CHOSEN}.json"
    if not path.is_file():
        return None
    return StepResult.model_validate_json(path.read_text("utf-8")).facts["release_id"]


def as_service() -> Airflow:
    """A client of this very server that acts as the service user."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.configuration import conf

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=SERVICE, role="user"))
    return Airflow(conf.get_mandatory_value("api", "base_url").rstrip("/"), SERVICE, "", _token=token)
