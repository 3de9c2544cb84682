"""A person at the review page: logs in, presses keys; and what axe says of what he or she sees."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

VIEW: Any = {"width": 1240, "height": 640}
DONE = "before => document.querySelector('#count').textContent !== before"


def log_in(browser: Browser, address: str, name: str, password: str) -> Page:
    """A page at the address, after the login form that it led to."""
    page = browser.new_context(viewport=VIEW).new_page()
    page.goto(address)
    page.wait_for_selector("input[name=username]", timeout=90_000)
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    return page


def ready(page: Page) -> None:
    """Waits until the page shows its first item."""
    page.wait_for_selector("body[data-ready=yes]", timeout=90_000)


def idle(page: Page) -> None:
    """Waits until what was pressed is done and the next item is shown."""
    page.wait_for_selector("body[aria-busy=false]")


def press_good(page: Page, times: int) -> None:
    """Finds as many items good."""
    for _ in range(times):
        before = page.inner_text("#count")
        page.keyboard.press("g")
        page.wait_for_function(DONE, arg=before)
        idle(page)


def press_bad(page: Page, code: str) -> None:
    """Finds the item bad, for this risk (`1f`)."""
    before = page.inner_text("#count")
    page.keyboard.press("b")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_function(DONE, arg=before)
    idle(page)


def stands_at(page: Page, verdict: str) -> None:
    """Waits until the page says that the sample stands at this verdict."""
    page.wait_for_function(
        "v => document.querySelector('#standing').classList.contains(v)", arg=verdict, timeout=60_000
    )


def serious(page: Page) -> list[Any]:
    """What axe finds serious or critical: rule and elements."""
    found = Axe().run(page).response["violations"]
    return [(v["id"], [n["html"] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")]
