"""Whole filings by Airflow's own task runner and interface, in this process: no scheduler, no browser, no JVM.

`dag.test()` runs the tasks; a thread plays the people, each with a token of Airflow's, through its real application.
What needs a scheduler or a browser is in test_filing_live.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowFailException
from starlette.testclient import TestClient
from typer.testing import CliRunner

from corpusgate.cli import app as command_line
from corpusgate.lake import store
from corpusgate.release.pointer import current_release
from corpusgate.review.filing import demand_approval, filing_run_id
from corpusgate.review.signoff import text_sha256
from corpusgate.serve.accounts import USERS
from corpusgate.serve.drive import AirflowRefused
from corpusgate_airflow import filing
from corpusgate_airflow.links import FILING_DAG, REVIEW_PREFIX, REVIEWS_TASK
from corpusgate_airflow.review import waiting
from corpusgate_testing.filing import ITEMS, only_reviews_block, two_releases
from corpusgate_testing.gates import HOME
from corpusgate_testing.review import Room

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ADDRESS = "http://127.0.0.1:18080"
WHY = {"because": "reviews and figures were read"}


@dataclass
class Server:
    """Airflow's application, asked as one of its users."""

    client: TestClient

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        user = SimpleAuthManagerUser(username=who, role=USERS[who])
        token = airflow_app.get_auth_manager().generate_jwt(user=user)
        headers = {"authorization": f"Bearer {token}", "x-corpusgate": "review"}
        return self.client.request(method, path, json=body, headers=headers)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """As the page's service user does it."""
        answer = self.ask(waiting.SERVICE, method, path, body)
        if answer.status_code >= 400:
            raise AirflowRefused(answer.status_code, answer.text)
        return answer.json()

    def question(self, task: str) -> tuple[str, dict[str, Any]]:
        """Waits for the task's question; its path among the task instances, and what it says."""
        until = time.monotonic() + 240
        while time.monotonic() < until:
            found = self.ask(
                "assessor",
                "GET",
                f"/api/v2/dags/{FILING_DAG}/dagRuns/~/hitlDetails?task_id={task}&state=awaiting_input",
            ).json()["hitl_details"]
            if found:
                ti = found[-1]["task_instance"]
                run = f"/api/v2/dags/{FILING_DAG}/dagRuns/{quote(ti['dag_run_id'], safe='')}"
                index = "" if ti["map_index"] < 0 else f"/{ti['map_index']}"
                return f"{run}/taskInstances/{task}{index}", found[-1]
            time.sleep(0.5)
        raise AssertionError(f"{task} never asked")


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, Room]]:
    patch = pytest.MonkeyPatch()
    made = two_releases(tmp_path_factory.mktemp("filing"))
    only_reviews_block(made[0].place)
    patch.setenv("CORPUSGATE_HOME", str(HOME))
    patch.setenv("CORPUSGATE_CONF", str(made[0].place.conf))
    patch.setenv("CORPUSGATE_LAKE", str(made[0].place.lake))
    patch.setattr(filing, "_person", lambda context: "lead")  # dag.test() has no login that would say so
    yield made
    patch.undo()


@pytest.fixture(scope="module")
def server(database: None, rooms: Any) -> Iterator[Server]:
    with TestClient(airflow_app.create_app(apps="core"), base_url=ADDRESS, follow_redirects=False) as client:
        made = Server(client)
        patch = pytest.MonkeyPatch()
        patch.setattr(waiting, "as_service", lambda: made)
        yield made
        patch.undo()


@pytest.fixture(scope="module")
def dag(database: None) -> Any:
    bag = BundleDagBag(str(HOME / "dags"), bundle_path=HOME / "dags")
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    return bag.dags[FILING_DAG]


def publishing(refusals: list[str]) -> Callable[[SparkSubmitOperator, Any], None]:
    """The same command line in this process, up to where Spark would start."""

    def execute(self: SparkSubmitOperator, context: Any) -> None:
        done = CliRunner().invoke(command_line, self.application_args)
        if done.exit_code:
            refusals.append(f"{done.output} {done.exception}")
            raise AirflowFailException(refusals[-1])

    return execute


def run(dag: Any, room: Room, people: Callable[[], None]) -> str:
    """The state in which the run ends while `people` do what they do."""
    given = {"corpus": "test", "release": room.release, "reviewers": "reviewer1"}
    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(people)
        state = dag.test(run_conf=given).state
        acting.result(timeout=60)
    return str(state)


def judge(server: Server, room: Room, bad: int = 0) -> dict[str, Any]:
    """reviewer1 judges on the page until it says that the verdicts suffice."""
    api = f"{REVIEW_PREFIX}/api/samples/{room.sample}"
    said: dict[str, Any] = {}
    for ordinal, _ in server.ask("reviewer1", "GET", api).json()["items"]:
        item = server.ask("reviewer1", "GET", f"{api}/items/{ordinal}").json()
        body = {"verdict": "bad" if ordinal <= bad else "good", "risks": ["a1f"] if ordinal <= bad else [],
                "seconds": 1, "released_sha256": item["released_sha256"]}  # fmt: skip
        said = server.ask("reviewer1", "POST", f"{api}/items/{ordinal}", body).json()
        if said.get("closing") == "answered":
            break
    return said


def manual(room: Room) -> str:
    where = f"run_id = '{filing_run_id(room.release)}' AND control_id = '45654-4-2-1-manual'"
    return store.in_force(room.place, "control_result", where)[0]["verdict"]


def test_forged_approval_and_xcom_publish_nothing(
    dag: Any, server: Server, rooms: tuple[Room, Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, refusals = rooms[0], []
    monkeypatch.setattr(SparkSubmitOperator, "execute", publishing(refusals))

    def people() -> None:
        path, asked = server.question(REVIEWS_TASK)
        assert good.sample in asked["body"] and f"0 of {ITEMS}" in asked["body"]
        answer = {"chosen_options": [waiting.COUNT]}
        for who in ("lead", "officer", "reviewer1", "assessor", "engineer"):
            assert server.ask(who, "PATCH", f"{path}/-1/hitlDetails", answer).status_code == 403
        assert judge(server, good)["closing"] == "answered"
        path, _ = server.question("approval")
        for who in ("lead", "officer", "reviewer1", "assessor", "reviewapp"):
            assert server.ask(who, "PATCH", path, {"new_state": "success"}).status_code == 403
        xcom = f"{path.partition('/taskInstances/')[0]}/taskInstances/gate/xcomEntries/return_value"
        assert server.ask("engineer", "PATCH", xcom, {"value": ["engineer"]}).status_code == 200
        assert server.ask("engineer", "PATCH", path, {"new_state": "success"}).status_code == 200

    assert run(dag, good, people) == "failed"
    assert len(refusals) == 1 and "no signoff by the role lead" in refusals[0]
    assert current_release(good.place, "test", "filing") is None
    assert manual(good) == "pass"


def test_signature_of_the_role_is_what_publish_asks_for(
    dag: Any, server: Server, rooms: tuple[Room, Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, published = rooms[0], []
    monkeypatch.setattr(SparkSubmitOperator, "execute", lambda self, context: published.append(self.application_args))
    seen: dict[str, Any] = {}

    def people() -> None:
        path, asked = server.question("approval")
        seen.update(asked)
        body = {"chosen_options": ["Approve"], "params_input": WHY}
        for who in ("officer", "reviewer1", "assessor", "engineer", "reviewapp"):
            assert server.ask(who, "PATCH", f"{path}/hitlDetails", body).status_code == 403
        assert server.ask("lead", "PATCH", f"{path}/hitlDetails", body).status_code == 200
        assert server.ask("lead", "PATCH", f"{path}/hitlDetails", body).status_code == 409

    assert run(dag, good, people) == "success"
    assert published == [["release", "file", good.release, "--corpus", "test"]]
    (row,) = store.read(good.place, "signoff").to_pylist()
    assert (row["by"], row["role"], row["decision"]) == ("lead", "lead", "approve")
    assert row["seen_sha256"] == text_sha256(seen["body"])
    assert f"{ITEMS} of {ITEMS}" in seen["body"]
    demand_approval(good.place, good.release, "filing")


def test_sample_that_can_pass_no_more_turns_the_control_to_fail(
    dag: Any, server: Server, rooms: tuple[Room, Room]
) -> None:  # fmt: skip
    other = rooms[1]

    def people() -> None:
        server.question(REVIEWS_TASK)
        said = judge(server, other, bad=2)
        assert (said["closing"], said["standing"]["verdict"]) == ("answered", "fail")

    assert run(dag, other, people) == "failed"
    assert manual(other) == "fail"
