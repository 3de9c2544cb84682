"""Takes the pictures of the tutorial from the Airflow that `make run` left up: `make screenshots`.

It logs in as a person does and shows the newest run that has ended. Where Chromium is missing and apt may be used, it
is installed. Pictures are taken in English and in Chinese.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

from corpusgate.errors import CorpusgateError, UserError
from corpusgate.serve import accounts, reviewing
from corpusgate.serve.browser import chromium
from corpusgate.serve.down import DAG, client
from corpusgate.serve.drive import ENDED_RUN, Airflow
from corpusgate.serve.services import Services
from corpusgate.settings.place import find_place

VIEW = {"width": 1240, "height": 640}
#: Bytes of a picture; a repository is no place for more.
LARGEST = 150_000
#: The source whose log is shown: the one that the tutorial concludes about.
HELD = "fixture-unlicensed"
#: Suffix of the file's name, language of the UI.
LANGUAGES = (("", "en"), ("-zh", "zh-CN"))


@dataclass(frozen=True)
class Shown:
    """What is photographed: the run, and the number of the held source among the mapped tasks."""

    url: str
    run_id: str
    held: int

    @property
    def run(self) -> str:
        """Address of the run's page."""
        return f"{self.url}/dags/{DAG}/runs/{quote(self.run_id, safe='')}"

    def pages(self) -> dict[str, tuple[str, str]]:
        """Name of the picture -> address, and a selector of what must be on the page first."""
        return {
            "run": (f"{self.run}?task_state=failed", "text=fixture-six-percent"),
            "evidence": (f"{self.run}/plugin/evidence", "iframe"),
            "held": (f"{self.run}/tasks/licence/mapped/{self.held}", "text=No licence is stated"),
        }


def main() -> int:
    """Takes all pictures into docs/images.

    Raises:
        UserError: nothing runs, no run has ended, or there is no browser and none may be installed.
    """
    place = find_place()
    services = Services(place)
    if not services.running():
        raise UserError("Airflow does not run here: `make run` first, and leave it up.")
    shown = newest(client(services), services.url)
    password = accounts.passwords(services.passwords)[accounts.ENGINEER]
    images = place.home / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for suffix, language in LANGUAGES:
            with logged_in(browser, shown, password, language) as page:
                for name, (address, wanted) in shown.pages().items():
                    take(page, address, wanted, images / f"{name}{suffix}.png")
        take_review(browser, services, images / "review.png")
        browser.close()
    return 0


def take_review(browser: Browser, services: Services, path: Path) -> None:
    """The review page, a risk being chosen; it says everything in both languages, so one picture is enough.

    Raises:
        UserError: the twenty texts that `make run` leaves are not there.
    """
    release = reviewing.candidate(services.place)
    if release is None:
        raise UserError(f"No candidate of {reviewing.CORPUS}: `make run` builds it.")
    sample, _, _ = reviewing.stands(services.place, release)
    password = accounts.passwords(services.passwords)[reviewing.REVIEWER]
    context = browser.new_context(viewport=VIEW)  # ty: ignore[invalid-argument-type]
    page = context.new_page()
    page.goto(f"{services.url}{reviewing.PAGE}/sample?id={sample}")
    page.wait_for_selector("input[name=username]", timeout=60_000)
    page.fill("input[name=username]", reviewing.REVIEWER)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    page.keyboard.press("b")
    page.keyboard.type("1f")
    keep(page, path)
    context.close()


def newest(airflow: Airflow, url: str) -> Shown:
    """The newest run that has ended and in which the source is held, by the UI's own interface."""
    answer: dict[str, Any] = airflow._call("GET", f"/api/v2/dags/{DAG}/dagRuns?order_by=-run_after&limit=20")
    for run in answer["dag_runs"]:
        if run["state"] not in ENDED_RUN:
            continue
        for task in airflow.tasks(DAG, run["dag_run_id"]):
            named = (task["task_id"], task["rendered_map_index"]) == ("licence", HELD)
            if named and task["state"] == "failed":
                return Shown(url, run["dag_run_id"], task["map_index"])
    raise UserError(f"No run that ended holds {HELD}: a lake in which nobody concluded about it is needed.")


@contextmanager
def logged_in(browser: Browser, shown: Shown, password: str, language: str) -> Iterator[Page]:
    """A page after the login form."""
    context = browser.new_context(viewport=VIEW, locale=language)  # ty: ignore[invalid-argument-type]
    context.add_init_script(f"localStorage.setItem('i18nextLng', '{language}')")
    page = context.new_page()
    page.goto(shown.run)
    page.wait_for_selector("input[name=username]", timeout=60_000)
    page.fill("input[name=username]", accounts.ENGINEER)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shown.url}/dags/**", timeout=60_000)
    yield page
    context.close()


def take(page: Page, address: str, wanted: str, path: Path) -> None:
    """Goes there, waits until the wanted thing is to be seen, and takes the picture."""
    page.goto(address)
    page.wait_for_selector(wanted, timeout=60_000)
    page.wait_for_load_state("networkidle")
    _show_what_counts(page, path.stem.removesuffix("-zh"))
    page.wait_for_timeout(1500)  # the UI draws its charts after the last answer
    keep(page, path)


def keep(page: Page, path: Path) -> None:
    """Writes the picture.

    Raises:
        CorpusgateError: it is too large for a repository.
    """
    page.screenshot(path=path)
    size = path.stat().st_size
    if size > LARGEST:
        raise CorpusgateError(f"{path} has {size:,} bytes, more than {LARGEST:,}: take less of the page.")
    print(f"{path}  {size:,} bytes")


def _show_what_counts(page: Page, name: str) -> None:
    """Scrolls the evidence to its table; wraps the log's lines and folds the stack, which has paths of this machine."""
    if name == "evidence":
        page.frame_locator("iframe").locator("section h2").first.evaluate("e => e.scrollIntoView()")
    if name == "held":
        page.keyboard.press("w")
        page.locator("text=AirflowFailException").first.click()


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except CorpusgateError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
