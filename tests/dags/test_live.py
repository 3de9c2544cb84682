"""Airflow for real, as `corpusgate up` starts it, in a place of the test's own: who gets in, what listens and stays."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from corpusgate.lake import store
from corpusgate.serve import accounts, processes
from corpusgate.serve import up as starting
from corpusgate.serve.down import DAG, client, down, stop
from corpusgate.serve.drive import ENDED_RUN, Airflow, AirflowRefused
from corpusgate.serve.ports import free_port
from corpusgate.serve.services import COMPONENTS, Services
from corpusgate.settings.place import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("live")
    made = Services(Place(home=ROOT, conf=ROOT / "conf", lake=folder / "lake", var=folder))
    made.pids.mkdir(parents=True)
    (made.home / "port.json").write_text(json.dumps({"port": free_port(18300)}))
    starting.started(made, print)
    yield made
    stop(made)


@pytest.fixture(scope="module")
def ended(services: Services) -> str:
    """A run that failed at once, since its corpus does not exist."""
    airflow = client(services)
    run_id = airflow.trigger(DAG, {"corpus": "missing"}, "test")
    until = time.monotonic() + 180
    while airflow.run(DAG, run_id)["state"] not in ENDED_RUN:
        assert time.monotonic() < until
        time.sleep(1)
    return run_id


def person(services: Services, name: str) -> Airflow:
    return Airflow(services.url, name, accounts.passwords(services.passwords)[name])


def status(services: Services, name: str, method: str, path: str, body: Any = None) -> int:
    try:
        person(services, name)._call(method, path, body)
    except AirflowRefused as error:
        return error.status
    return 200


def listening(services: Services) -> set[str]:
    found = set()
    for process in processes.marked(services.mark):
        for connection in process.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN:
                found.add(connection.laddr.ip)
    return found


def test_everything_listens_on_loopback_alone(services: Services) -> None:
    assert {ip.removeprefix("::ffff:") for ip in listening(services)} == {"127.0.0.1"}


def test_second_start_takes_over_what_runs(services: Services) -> None:
    before = services.running()
    began = time.monotonic()
    starting.started(services, print)
    assert services.running() == before
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("reviewer1", False), ("assessor", False), ("lead", True), ("reviewapp", True), ("engineer", True)],
)
def test_who_may_trigger_a_run(services: Services, name: str, allowed: bool) -> None:
    body = {"logical_date": None, "conf": {"corpus": "Not An Id"}}
    # a parameter that is refused: nothing starts, but the login is judged before
    assert status(services, name, "POST", f"/api/v2/dags/{DAG}/dagRuns", body) == (400 if allowed else 403)


@pytest.mark.parametrize("name", ["reviewer1", "lead", "officer", "reviewapp"])
def test_nobody_but_the_engineer_sets_states_writes_notes_or_deletes(services: Services, ended: str, name: str) -> None:
    run = f"/api/v2/dags/{DAG}/dagRuns/{quote(ended, safe='')}"
    assert status(services, name, "PATCH", run, {"state": "success"}) == 403
    assert status(services, name, "PATCH", run, {"note": "x"}) == 403
    assert status(services, name, "PATCH", f"{run}/taskInstances/release_gate", {"new_state": "success"}) == 403
    assert status(services, name, "POST", f"{run}/clear", {"dry_run": True}) == 403
    assert status(services, name, "PATCH", f"/api/v2/dags/{DAG}", {"is_paused": True}) == 403
    assert status(services, name, "DELETE", run) == 403
    assert status(services, name, "GET", run) == 200


@pytest.mark.parametrize(("name", "ends"), [("engineer", "failed"), ("lead", "failed"), ("officer", "success")])
def test_only_who_holds_the_role_attests(services: Services, name: str, ends: str) -> None:
    store.ensure_tables(services.place, ["attestation", "evidence_file"])
    proof = {"evidence_id": "e" * 16, "name": "strategy.pdf", "sha256": "e" * 64, "bytes": 1, "about": "test"}
    store.append_new(services.place, "evidence_file", [proof], "test")
    word = {"control": "45654-4-2-2-a", "scope": "demo", "role": "counsel", "document": "e" * 64,
            "statement": "the strategy of May is in force", "by": "officer"}  # fmt: skip
    body = {"logical_date": None, "conf": word}
    run_id = person(services, name)._call("POST", "/api/v2/dags/attest/dagRuns", body)["dag_run_id"]
    until = time.monotonic() + 180
    while (state := client(services).run("attest", run_id)["state"]) not in ENDED_RUN:
        assert time.monotonic() < until
        time.sleep(1)
    assert state == ends
    said = {r["by"] for r in store.read(services.place, "attestation", ["by"]).to_pylist()}
    assert said == ({"officer"} if ends == "success" else set()), "whatever the form says about who speaks"


@pytest.mark.parametrize("name", ["reviewer1", "assessor"])
def test_who_only_reads_cannot_open_the_form(services: Services, name: str) -> None:
    for form in ("attest", "conclude"):
        body = {"logical_date": None, "conf": {}}
        assert status(services, name, "POST", f"/api/v2/dags/{form}/dagRuns", body) == 403


@pytest.mark.parametrize("name", ["engineer", "lead"])
def test_only_counsel_concludes_whatever_the_form_says(services: Services, name: str) -> None:
    word = {"source": "missing", "expression": "MIT", "because": "read in the licence file", "by": "officer"}
    body = {"logical_date": None, "conf": word}
    run_id = person(services, name)._call("POST", "/api/v2/dags/conclude/dagRuns", body)["dag_run_id"]
    until = time.monotonic() + 180
    while (state := client(services).run("conclude", run_id)["state"]) not in ENDED_RUN:
        assert time.monotonic() < until
        time.sleep(1)
    assert state == "failed"


def test_wrong_password_is_refused(services: Services) -> None:
    with pytest.raises(AirflowRefused) as caught:
        Airflow(services.url, "engineer", "wrong").open_runs(DAG)
    assert caught.value.status == 401


def test_plugin_is_loaded_and_its_page_asks_for_a_login(services: Services, ended: str) -> None:
    airflow = person(services, "assessor")
    assert airflow._call("GET", "/api/v2/plugins/importErrors")["import_errors"] == []
    page = f"{services.url}/corpusgate/run?run={quote(ended, safe='')}"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(page, timeout=30)
    assert caught.value.code == 401
    assert status(services, "assessor", "GET", page.removeprefix(services.url)) in (200, 404)


def test_log_of_an_ended_task_can_be_read_without_a_log_server(services: Services, ended: str) -> None:
    path = f"/api/v2/dags/{DAG}/dagRuns/{quote(ended, safe='')}/taskInstances/plan/logs/1?full_content=true"
    log = json.dumps(person(services, "assessor")._call("GET", path))
    assert "No corpus 'missing'" in log
    assert "Could not read served logs" not in log


def test_no_password_is_in_any_log(services: Services, ended: str) -> None:
    secrets = accounts.passwords(services.passwords).values()
    for file in services.logs.rglob("*.log"):
        text = file.read_text("utf-8", "replace")
        assert not [s for s in secrets if s in text], file


def test_crash_leaves_nothing_that_down_does_not_end(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    starting.started(services, print)
    for process in services.running().values():
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert processes.marked(services.mark), "a crash of the components leaves their children"
    began = time.monotonic()
    assert down(services.place) == 0
    assert time.monotonic() - began < 25
    assert processes.marked(services.mark) == []
    assert "more that belonged to them" in capsys.readouterr().out


def test_start_after_a_crash_ends_the_run_that_was_cut_off(services: Services) -> None:
    airflow = starting.started(services, print)
    run_id = airflow.trigger(DAG, {"corpus": "demo"}, "test")
    ours = [*services.running().values(), *processes.marked(services.mark)]
    for process in ours:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(
        ours, timeout=30
    )  # on a busy machine a killed process lives on for a moment, and is taken for one
    said: list[str] = []
    airflow = starting.started(services, said.append)
    assert airflow.run(DAG, run_id)["state"] == "failed"
    assert any(run_id in line for line in said)


def test_down_ends_a_run_in_its_midst_and_leaves_nothing(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow = starting.started(services, print)
    run_id = airflow.trigger(DAG, {"corpus": "demo"}, "test")
    until = time.monotonic() + 120
    while not [t for t in airflow.tasks(DAG, run_id) if t["state"] == "running"]:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert set(services.running()) == set(COMPONENTS)
    began = time.monotonic()
    assert down(services.place) == 0
    assert time.monotonic() - began < 30
    assert f"run {run_id} (marked as failed)" in capsys.readouterr().out
    assert processes.marked(services.mark) == []
