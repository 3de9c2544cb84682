"""The plugin: it loads, and each of its pages asks for a login before it says anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow import plugins_manager
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi import FastAPI
from starlette.testclient import TestClient

from corpusgate.lake.run import StepResult, open_run
from corpusgate.settings.place import Place, find_place
from corpusgate_airflow.links import PREFIX, EvidenceLink
from corpusgate_airflow.pages import application, as_response

RUN = "manual__2026-03-01T00:00:00+00:00"
ROOT = Path(__file__).resolve().parents[2]
BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A lake with one run that says something hostile."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CORPUSGATE_HOME", str(ROOT))
    patch.setenv("CORPUSGATE_LAKE", str(tmp_path_factory.mktemp("lake")))
    place = find_place()
    run = open_run(place, "demo", RUN, datetime(2026, 3, 1, tzinfo=UTC))
    run.write(StepResult(step="licence", source_id=run.corpus.sources[0], state="held", held_by="45654-4-1-3-a",
                         because="<script>alert(1)</script>", unit="part", rows_in=1, kept=1))  # fmt: skip
    yield place
    patch.undo()


@pytest.fixture(scope="module")
def client(lake: Place, database: None) -> Iterator[TestClient]:
    """The pages, mounted as Airflow mounts them."""
    airflow_app.create_auth_manager().init()
    server = FastAPI()
    server.mount(PREFIX, application())
    with TestClient(server, base_url="http://127.0.0.1:18080", follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def bearer(client: TestClient) -> dict[str, str]:
    user = SimpleAuthManagerUser(username="reviewer1", role="viewer")
    return {"authorization": f"Bearer {airflow_app.get_auth_manager().generate_jwt(user=user)}"}


def test_plugin_loads_without_a_fault() -> None:
    plugins, errors = plugins_manager._get_plugins()
    assert errors == {}
    assert "corpusgate_evidence" in {p.name for p in plugins}


def test_tab_stands_on_each_run_and_link_on_each_task() -> None:
    views, _ = plugins_manager._get_ui_plugins()
    (view,) = [v for v in views if v["url_route"] == "evidence"]
    assert (view["destination"], view["href"]) == ("dag_run", f"{PREFIX}/run?run={{RUN_ID}}&dag={{DAG_ID}}")
    assert any(isinstance(link, EvidenceLink) for link in plugins_manager.get_global_operator_extra_links())


@pytest.mark.parametrize("path", ["/run", f"/run?run={RUN}", "/", "/nothing", "/docs", "/openapi.json"])
def test_without_a_login_nothing_is_told(client: TestClient, path: str) -> None:
    answer = client.get(PREFIX + path)
    assert answer.status_code in (401, 404)
    assert "manual__" not in answer.text


def test_every_route_demands_a_login() -> None:
    for route in application().routes:
        names = {d.call.__qualname__ for d in route.dependant.dependencies if d.call}  # ty: ignore[unresolved-attribute]
        assert any("requires_access_dag" in n for n in names), route
        assert "get_user" in names, route


def test_browser_without_a_login_is_sent_there_and_back(client: TestClient) -> None:
    answer = client.get(f"{PREFIX}/run", params={"run": RUN}, headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/auth/login?next=http%3A%2F%2F127.0.0.1%3A18080%2Fcorpusgate%2Frun")


def test_forged_token_is_refused(client: TestClient) -> None:
    answer = client.get(f"{PREFIX}/run", params={"run": RUN}, headers={"authorization": "Bearer forged"})
    assert answer.status_code == 403


def test_viewer_reads_the_evidence(client: TestClient, bearer: dict[str, str]) -> None:
    answer = client.get(f"{PREFIX}/run", params={"run": RUN}, headers=bearer)
    assert answer.status_code == 200
    assert RUN in answer.text
    assert 'lang="zh' in answer.text


def test_words_of_a_source_are_escaped(client: TestClient, bearer: dict[str, str]) -> None:
    page = client.get(f"{PREFIX}/run", params={"run": RUN}, headers=bearer).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_content_policy_allows_the_pages_own_style_and_nothing_that_runs(
    client: TestClient, bearer: dict[str, str]
) -> None:
    answer = client.get(f"{PREFIX}/run", params={"run": RUN}, headers=bearer)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert "unsafe" not in str(policy)
    assert policy["frame-ancestors"] == "'self'"
    assert len(re.findall("'sha256-", policy["style-src"])) == answer.text.count("<style")
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<[^>]*\sstyle=", answer.text), "the policy would drop a style in an attribute"


@pytest.mark.parametrize(
    ("run", "status"),
    [
        pytest.param("manual__2030-01-01", 404, id="no such run"),
        pytest.param("..", 404, id="folder above"),
        pytest.param("../../etc", 422, id="path"),
        pytest.param("a/b", 422, id="slash"),
        pytest.param("x" * 300, 422, id="too long"),
        pytest.param("<script>", 422, id="markup"),
        pytest.param("", 422, id="empty"),
    ],
)
def test_only_runs_that_exist_are_shown(client: TestClient, bearer: dict[str, str], run: str, status: int) -> None:
    answer = client.get(f"{PREFIX}/run", params={"run": run}, headers=bearer)
    assert answer.status_code == status
    assert "<script>" not in answer.text or answer.headers["content-type"].startswith("application/json")


def test_page_without_style_gets_a_policy_without_style() -> None:
    assert "style-src 'none'" in as_response("<p>x</p>").headers["content-security-policy"]


def test_link_quotes_the_run_and_is_empty_on_other_dags() -> None:
    class Key:
        dag_id, run_id = "corpus_rebuild", RUN

    link = EvidenceLink()
    assert link.get_link(None, ti_key=Key()) == f"{PREFIX}/run?run=manual__2026-03-01T00%3A00%3A00%2B00%3A00"  # ty: ignore[invalid-argument-type]
    Key.dag_id = "another"
    assert link.get_link(None, ti_key=Key()) == ""  # ty: ignore[invalid-argument-type]
