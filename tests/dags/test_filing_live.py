"""A filing in a running Airflow, from the draw to the channel: reviews in a browser, a scheduler that stops, forgeries,
a signature. One Airflow for all tests of this file, which run in their order."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from corpusgate.lake import store
from corpusgate.release.pointer import current_release
from corpusgate.review import journal
from corpusgate.review.filing import filing_run_id, judge
from corpusgate.review.signoff import text_sha256
from corpusgate.serve import accounts, processes
from corpusgate.serve import up as starting
from corpusgate.serve.browser import chromium
from corpusgate.serve.down import client, stop
from corpusgate.serve.drive import Airflow, AirflowRefused
from corpusgate.serve.ports import free_port
from corpusgate.serve.services import PATIENCE, Services
from corpusgate.settings.place import Place
from corpusgate_airflow.links import FILING_DAG, REVIEW_PREFIX
from corpusgate_airflow.review.waiting import COUNT
from corpusgate_testing.browser import log_in as person_at
from corpusgate_testing.browser import press_bad, press_good, ready, stands_at
from corpusgate_testing.filing import ITEMS, only_reviews_block, two_releases
from corpusgate_testing.review import Room

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
WAITS = "awaiting_input"


@dataclass
class Live:
    """A running Airflow over a lake with two releases that nobody has judged."""

    services: Services
    good: Room
    other: Room

    def person(self, name: str) -> Airflow:
        return Airflow(self.services.url, name, accounts.passwords(self.services.passwords)[name])

    def file(self, room: Room) -> str:
        """Starts a filing as lead; returns the run's id once it waits."""
        conf = {"corpus": "test", "release": room.release, "reviewers": "reviewer1"}
        run_id = self.person("lead").trigger(FILING_DAG, conf, "test")
        self.until(run_id, "reviews", {WAITS, "success"})
        return run_id

    def state(self, run_id: str, task: str) -> str | None:
        found = [t["state"] for t in client(self.services).tasks(FILING_DAG, run_id) if t["task_id"] == task]
        return found[0] if found else None

    def until(self, run_id: str, task: str, states: set[str], seconds: float = 240) -> str:
        end = time.monotonic() + seconds
        while (state := self.state(run_id, task)) not in states:
            assert time.monotonic() < end, f"{task} is {state}, not {states}: {self.log(run_id, task)}"
            time.sleep(1)
        assert state is not None
        return state

    def log(self, run_id: str, task: str, index: int = -1, attempt: int = 1) -> str:
        path = f"{self.path(run_id, task)}/logs/{attempt}?full_content=true&map_index={index}"
        try:
            return json.dumps(client(self.services)._call("GET", path), ensure_ascii=False)
        except AirflowRefused as error:
            return str(error)

    def path(self, run_id: str, task: str) -> str:
        return f"/api/v2/dags/{FILING_DAG}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task}"

    def status(self, name: str, method: str, path: str, body: Any = None) -> int:
        try:
            self.person(name)._call(method, path, body)
        except AirflowRefused as error:
            return error.status
        return 200

    def force(self, run_id: str, task: str, index: int | None = None) -> None:
        """The engineer, who may, marks a task as successful."""
        path = self.path(run_id, task) + ("" if index is None else f"/{index}")
        client(self.services)._call("PATCH", path, {"new_state": "success"})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("filing")
    good, other = two_releases(folder)
    only_reviews_block(good.place)
    judge(good.place, good.release, good.run.at)
    place = Place(ROOT, good.place.conf, good.place.lake, folder / "var")
    services = Services(place)
    services.pids.mkdir(parents=True)
    (services.home / "port.json").write_text(json.dumps({"port": free_port(18500)}))
    starting.started(services, print)
    airflow, end = client(services), time.monotonic() + 120
    while not airflow.has_dag(FILING_DAG):
        assert airflow.import_errors() == [] and time.monotonic() < end
        time.sleep(1)
    yield Live(services, good, other)
    stop(services)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def run_id(live: Live) -> str:
    """The filing of the first release, waiting for reviews."""
    return live.file(live.good)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


def log_in(live: Live, browser: Browser, name: str, path: str) -> Page:
    """A page at `path` after the login form that it led to."""
    password = accounts.passwords(live.services.passwords)[name]
    return person_at(browser, live.services.url + path, name, password)


def verdict_of(room: Room) -> str:
    where = f"run_id = '{filing_run_id(room.release)}' AND control_id = '45654-4-2-1-manual'"
    return store.in_force(room.place, "control_result", where)[0]["verdict"]


def test_waiting_run_holds_no_worker_and_says_what_it_waits_for_and_where(live: Live, run_id: str) -> None:
    assert verdict_of(live.good) == "pending"
    pool = client(live.services)._call("GET", "/api/v2/pools/default_pool")
    assert pool["occupied_slots"] == 0
    asked = live.person("assessor")._call("GET", f"{live.path(run_id, 'reviews')}/-1/hitlDetails")
    assert live.good.release in asked["subject"]
    assert f"]({REVIEW_PREFIX}/)" in asked["body"] and live.good.sample in asked["body"]
    assert f"0 of {ITEMS}" in asked["body"] and f"reviewer1 {ITEMS}" in asked["body"]
    assert [u["id"] for u in asked["assigned_users"]] == ["reviewapp"]


@pytest.mark.parametrize("name", ["reviewer1", "assessor", "lead", "officer", "engineer"])
def test_nobody_but_the_page_may_say_that_reviews_suffice(live: Live, run_id: str, name: str) -> None:
    body = {"chosen_options": [COUNT], "params_input": {"person": name, "decided": 99, "bad": 0}}
    assert live.status(name, "PATCH", f"{live.path(run_id, 'reviews')}/-1/hitlDetails", body) == 403


def test_page_is_in_the_navigation_and_in_the_runs_tab(live: Live, browser: Browser, run_id: str) -> None:
    tab = f"/dags/{FILING_DAG}/runs/{quote(run_id, safe='')}/plugin/review-of-run"
    page = log_in(live, browser, "reviewer1", tab)
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready=yes]").wait_for(timeout=60_000)
    assert live.good.sample in frame.locator("header .where").inner_text()
    page.goto(live.services.url + "/plugin/review")
    page.frame_locator("iframe").locator(f"text={live.good.sample}").wait_for(timeout=60_000)
    page.context.close()


def test_reviewer_judges_by_keyboard_closes_and_comes_back(live: Live, browser: Browser, run_id: str) -> None:
    page = log_in(live, browser, "reviewer1", f"{REVIEW_PREFIX}/sample?id={live.good.sample}")
    ready(page)
    press_good(page, 10)
    page.context.close()

    said = journal.read(live.good.place, live.good.sample)
    assert len(said) == 10 and all(0 < v.seconds < 60 for v in said if v.seconds is not None)
    assert live.state(run_id, "reviews") == WAITS


def test_last_verdict_sets_a_run_going_whose_scheduler_was_stopped(live: Live, browser: Browser, run_id: str) -> None:
    # as `down` does it: now and then a scheduler waits for one of its workers when it is asked to end
    processes.end([live.services.running()["scheduler"]], PATIENCE)
    assert "scheduler" not in live.services.running()
    page = log_in(live, browser, "reviewer1", f"{REVIEW_PREFIX}/sample?id={live.good.sample}")
    ready(page)
    assert page.inner_text("#count").startswith("10 ")
    assert page.inner_text("#which").endswith("11")
    press_good(page, ITEMS - 10)
    stands_at(page, "pass")
    page.context.close()

    port = live.services.port()
    assert port is not None
    live.services.start(port, ["scheduler"])
    assert live.until(run_id, "recount", {"success", "failed"}) == "success"
    answered = client(live.services)._call("GET", f"{live.path(run_id, 'reviews')}/-1/hitlDetails")
    assert answered["responded_by_user"]["id"] == "reviewapp"
    assert answered["params_input"] == {"person": "reviewer1", "decided": ITEMS, "bad": 0}
    assert live.until(run_id, "gate", {"success", "failed"}) == "success"
    assert verdict_of(live.good) == "pass"


def test_forged_states_and_xcoms_publish_nothing(live: Live, run_id: str) -> None:
    forged = live.file(live.good)
    live.until(forged, "approval", {WAITS})
    for name in ("reviewer1", "assessor", "officer", "reviewapp", "lead"):
        path = f"{live.path(forged, 'approval')}/0"
        assert live.status(name, "PATCH", path, {"new_state": "success"}) == 403
    xcom = f"{live.path(forged, 'gate')}/xcomEntries/return_value"
    assert live.status("engineer", "PATCH", xcom, {"value": ["engineer"]}) == 200
    live.force(forged, "approval", 0)
    assert live.until(forged, "publish", {"failed", "success", "up_for_retry"}) != "success"
    assert "no signoff by the role lead" in live.log(forged, "publish")
    client(live.services).fail(FILING_DAG, forged)
    assert current_release(live.good.place, "test", "filing") is None


def test_release_is_signed_by_the_role_and_what_was_seen_is_in_the_record(live: Live, run_id: str) -> None:
    live.until(run_id, "approval", {WAITS})
    path = f"{live.path(run_id, 'approval')}/0/hitlDetails"
    body = {"chosen_options": ["Approve"], "params_input": {"because": "reviews and figures were read"}}
    for name in ("reviewer1", "assessor", "officer", "engineer", "reviewapp"):
        assert live.status(name, "PATCH", path, body) == 403
    asked = live.person("lead")._call("GET", path)
    assert f"{ITEMS} of {ITEMS}" in asked["body"]
    assert live.status("lead", "PATCH", path, body) == 200
    ended = live.until(run_id, "publish", {"success", "failed", "up_for_retry"})
    assert ended == "success", live.log(run_id, "publish")[-3000:]
    (row,) = store.read(live.good.place, "signoff").to_pylist()
    assert (row["by"], row["role"], row["decision"]) == ("lead", "lead", "approve")
    assert row["seen_sha256"] == text_sha256(asked["body"])
    assert row["manifest_root"].startswith(live.good.release[-12:])
    assert current_release(live.good.place, "test", "filing") == live.good.release


def test_sample_that_can_pass_no_more_turns_the_control_to_fail(live: Live, browser: Browser) -> None:
    run_id = live.file(live.other)
    page = log_in(live, browser, "reviewer1", f"{REVIEW_PREFIX}/sample?id={live.other.sample}")
    ready(page)
    press_bad(page, "1f")
    press_bad(page, "4e")
    stands_at(page, "fail")
    page.context.close()
    assert live.until(run_id, "gate", {"failed", "success"}) == "failed"
    assert live.state(run_id, "recount") == "success"
    assert verdict_of(live.other) == "fail"
    assert "45654-4-2-1-manual" in live.log(run_id, "gate")


def test_no_text_of_the_corpus_and_no_comment_is_in_logs_or_xcoms(live: Live) -> None:
    for file in live.services.logs.rglob("*.log"):
        text = file.read_text("utf-8", "replace")
        assert "an ordinary sentence" not in text and "13800138000" not in text, file
    for run in client(live.services)._call("GET", f"/api/v2/dags/{FILING_DAG}/dagRuns")["dag_runs"]:
        entries = f"/api/v2/dags/{FILING_DAG}/dagRuns/{quote(run['dag_run_id'], safe='')}/taskInstances/~/xcomEntries"
        kept = client(live.services)._call("GET", entries)["xcom_entries"]
        # roles that sign, and the address of the review page: neither is text
        assert {(x["task_id"], x["key"]) for x in kept} <= {("gate", "return_value"), ("reviews", "_link_ReviewLink")}
