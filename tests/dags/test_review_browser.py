"""The review page in Chromium, behind the login of Airflow's own server: by keyboard, closed and opened again."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from airflow.api_fastapi import app as airflow_app
from playwright.sync_api import Browser, sync_playwright

from corpusgate.lake import store
from corpusgate.review import journal
from corpusgate.review.filing import filing_run_id, judge
from corpusgate.serve.accounts import passwords
from corpusgate.serve.browser import chromium
from corpusgate.serve.ports import free_port
from corpusgate_airflow.links import REVIEW_PREFIX
from corpusgate_airflow.review import waiting
from corpusgate_testing.browser import idle, log_in, press_bad, press_good, ready, serious, stands_at
from corpusgate_testing.filing import ITEMS, two_releases
from corpusgate_testing.gates import HOME
from corpusgate_testing.review import Room

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PASSWORDS = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])


class Nobody:
    """Airflow in which no run waits: what a filing does with the answer is tested where runs are."""

    def _call(self, method: str, path: str, body: object = None) -> dict[str, list[object]]:
        return {"hitl_details": []}


@dataclass
class Site:
    """The server's address, and a release for each outcome."""

    url: str
    good: Room
    other: Room

    def page(self, room: Room) -> str:
        return f"{self.url}{REVIEW_PREFIX}/sample?id={room.sample}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database: None) -> Iterator[Site]:
    good, other = two_releases(tmp_path_factory.mktemp("browser"))
    for room in (good, other):
        room.give("reviewer1")
    patch = pytest.MonkeyPatch()
    patch.setenv("CORPUSGATE_HOME", str(HOME))
    patch.setenv("CORPUSGATE_CONF", str(good.place.conf))
    patch.setenv("CORPUSGATE_LAKE", str(good.place.lake))
    patch.setattr(waiting, "as_service", Nobody)
    PASSWORDS.parent.mkdir(parents=True, exist_ok=True)
    passwords(PASSWORDS)
    port = free_port(18600)
    application = airflow_app.create_app(apps="core")
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 90
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.1)
    yield Site(f"http://127.0.0.1:{port}", good, other)
    server.should_exit = True
    thread.join(20)
    patch.undo()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


def secret(name: str) -> str:
    return json.loads(PASSWORDS.read_text("utf-8"))[name]


def manual(room: Room) -> str:
    judge(room.place, room.release, room.run.at)
    where = f"run_id = '{filing_run_id(room.release)}' AND control_id = '45654-4-2-1-manual'"
    return store.in_force(room.place, "control_result", where)[0]["verdict"]


def test_reviewer_judges_by_keyboard_closes_comes_back_and_the_control_turns_to_pass(
    site: Site, browser: Browser
) -> None:
    assert manual(site.good) == "pending"
    page = log_in(browser, site.page(site.good), "reviewer1", secret("reviewer1"))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    ready(page)
    assert serious(page) == []
    press_good(page, 10)
    page.keyboard.press("b")
    page.keyboard.type("1f")
    assert page.is_checked("input[value=a1f]")
    assert serious(page) == []
    page.keyboard.press("Escape")
    press_good(page, 1)
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('#count').textContent.startsWith('10 ')")
    idle(page)
    page.keyboard.press("s")
    page.wait_for_function("() => document.querySelector('#which').textContent.endsWith(' 12')")
    page.keyboard.press("f")
    page.wait_for_function("() => document.querySelector('#said').textContent.includes('findings')")
    page.keyboard.press("h")
    assert page.is_visible("dialog[open]") and serious(page) == []
    page.keyboard.press("Escape")
    assert faults == []
    page.context.close()
    said = journal.read(site.good.place, site.good.sample)
    assert len(said) == 10
    assert all(v.seconds is not None and 0 < v.seconds < 60 for v in said)

    page = log_in(browser, site.page(site.good), "reviewer1", secret("reviewer1"))
    ready(page)
    assert page.inner_text("#count").startswith("10 ")
    assert page.inner_text("#which").endswith(" 11"), "it goes on where it stopped"
    press_good(page, ITEMS - 10)
    stands_at(page, "pass")
    page.context.close()
    assert manual(site.good) == "pass"


def test_bad_items_by_keyboard_turn_the_control_to_fail(site: Site, browser: Browser) -> None:
    page = log_in(browser, site.page(site.other), "reviewer1", secret("reviewer1"))
    ready(page)
    press_bad(page, "1f")
    press_bad(page, "4e")
    stands_at(page, "fail")
    page.context.close()
    assert [v.risks for v in journal.read(site.other.place, site.other.sample)] == [("a1f",), ("a4e",)]
    assert manual(site.other) == "fail"


def test_list_is_accessible_and_an_assessor_has_nothing_to_press(site: Site, browser: Browser) -> None:
    page = log_in(browser, f"{site.url}{REVIEW_PREFIX}/", "assessor", secret("assessor"))
    page.wait_for_selector(f"text={site.good.sample}", timeout=60_000)
    assert serious(page) == []
    page.click(f"text={site.good.sample}")
    ready(page)
    assert page.is_disabled("#good") and page.is_disabled("#bad") and page.is_disabled("#undo")
    before = len(journal.entries(site.good.place, site.good.sample))
    page.keyboard.press("g")
    page.wait_for_timeout(500)
    assert serious(page) == []
    assert len(journal.entries(site.good.place, site.good.sample)) == before
    page.context.close()


def test_verdict_that_cannot_be_sent_is_kept_and_sent_again(site: Site, browser: Browser) -> None:
    page = log_in(browser, site.page(site.other), "reviewer1", secret("reviewer1"))
    ready(page)
    before = page.inner_text("#count")
    page.context.set_offline(True)
    page.keyboard.press("g")
    page.wait_for_selector("#failed:not([hidden])")
    assert page.inner_text("#count") == before and serious(page) == []
    page.context.set_offline(False)
    page.keyboard.press("r")
    page.wait_for_function("before => document.querySelector('#count').textContent !== before", arg=before)
    assert page.is_hidden("#failed")
    page.context.close()
