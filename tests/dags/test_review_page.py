"""The review page through its interface: who gets what, what is kept, and ways round that do not lead anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi import FastAPI
from starlette.testclient import TestClient

from corpusgate.lake.lease import lease
from corpusgate.review import fold, journal
from corpusgate.review.desk import desk
from corpusgate.serve.accounts import USERS
from corpusgate.serve.drive import AirflowAway, AirflowRefused
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place
from corpusgate_airflow.links import REVIEW_PREFIX
from corpusgate_airflow.review import app, clock, room, waiting, words
from corpusgate_testing.gates import AT, HOME
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, retold
from corpusgate_testing.review import waiting as waiting_room

HOSTILE = "<img src=x onerror=alert(1)> </pre><script>alert(document.cookie)</script> 😀‮电话"
MOBILE = "13800138000"
OURS = {"x-corpusgate": "review"}


def with_hostile_texts(lake: Any) -> None:
    """One record says markup, one holds a masked telephone number with a finding before it."""
    first, second = lake.rows["record"][:2]
    retold(lake, first, HOSTILE)
    text = f"𠮷 {MOBILE} 赌博"
    retold(lake, second, text, f"pi_mobile:2-{2 + len(MOBILE)}")
    lake.find(second, start=text.index("赌"), end=len(text))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """Eight items, of which reviewer1 labelled none; given to reviewer1."""
    made = waiting_room(tmp_path_factory.mktemp("room"), 2, change=with_hostile_texts)
    shutil.copy(HOME / "conf" / "roles.yaml", made.place.conf / "roles.yaml")
    made.give("reviewer1")
    return made


@pytest.fixture
def opened(prepared: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """A copy of the room that a test may write to, and that the page finds."""
    folder = tmp_path / "room"
    shutil.copytree(prepared.place.home, folder)
    monkeypatch.setenv("CORPUSGATE_HOME", str(folder))
    monkeypatch.setenv("CORPUSGATE_LAKE", str(folder / "lake"))
    monkeypatch.delenv("CORPUSGATE_CONF", raising=False)
    place = Place(folder, folder / "conf", folder / "lake", folder / "var")
    monkeypatch.setattr(waiting, "as_service", lambda: Service([]))
    return Room(replace(prepared.run, place=place), prepared.release, prepared.sample)


@pytest.fixture(scope="module")
def client(database: None) -> Iterator[TestClient]:
    airflow_app.create_auth_manager().init()
    server = FastAPI()
    server.mount(REVIEW_PREFIX, app.application())
    address = "http://127.0.0.1:18080"
    with TestClient(server, base_url=address, follow_redirects=False, raise_server_exceptions=False) as made:
        yield made


class Service:
    """Airflow as the page asks it: these runs wait, and this is what each answer meets."""

    def __init__(self, runs: list[str], status: int = 200) -> None:
        self.runs, self.status, self.said = runs, status, []

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        if method == "GET":
            return {"hitl_details": [{"task_instance": {"dag_run_id": r}} for r in self.runs]}
        if self.status == 0:
            raise AirflowAway("Nobody answers.")
        if self.status != 200:
            raise AirflowRefused(self.status, "no")
        self.said.append((path, body))
        return {}


Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient, opened: Room) -> Ask:
    """Asks as a person, with Airflow's own token: (status, JSON)."""

    def call(who: str, method: str, path: str, body: Any = None, headers: dict[str, str] = OURS) -> tuple[int, Any]:
        user = SimpleAuthManagerUser(username=who, role=USERS.get(who, "viewer"))
        token = airflow_app.get_auth_manager().generate_jwt(user=user)
        address = f"{REVIEW_PREFIX}/api/samples/{opened.sample}{path}"
        given = {"authorization": f"Bearer {token}", **headers}
        answer = client.request(method, address, json=body, headers=given)
        return answer.status_code, answer.json()

    return call


def said(opened: Room, ordinal: int, verdict: str = "good", **more: Any) -> dict[str, Any]:
    item = desk(opened.place, opened.sample).drawn.items[ordinal - 1]
    return {"verdict": verdict, "seconds": 1.5, "released_sha256": item["released_sha256"]} | more


def ordinal_of(opened: Room, part: str) -> int:
    from corpusgate.review import reading

    numbers = range(1, 9)
    return next(n for n in numbers if part in reading.any_item(opened.place, opened.sample, n).text)


def test_without_a_login_a_browser_is_sent_to_it_and_others_get_401(client: TestClient, opened: Room) -> None:
    for path in ("/", f"/sample?id={opened.sample}", "/run?run=r", "/static/review.js"):
        assert client.get(REVIEW_PREFIX + path, headers={"accept": "text/html"}).status_code == 303
        assert client.get(REVIEW_PREFIX + path).status_code == 401
    api = f"{REVIEW_PREFIX}/api/samples/{opened.sample}"
    for path in ("", "/items/1", "/items/1/findings"):
        assert client.get(api + path).status_code == 401
    for path in ("/items/1", "/items/1/undo", "/close"):
        assert client.post(api + path, json={}, headers=OURS).status_code == 401


def test_reviewer_gets_the_items_and_their_released_text(ask: Ask, opened: Room) -> None:
    status, about = ask("reviewer1", "GET", "")
    assert status == 200
    assert about["items"] == [[n, None] for n in range(1, 9)]
    assert about["standing"]["verdict"] == "pending"
    number = ordinal_of(opened, "onerror")
    assert ask("reviewer1", "GET", f"/items/{number}")[1]["text"] == HOSTILE


def test_what_is_behind_a_mask_is_nowhere(ask: Ask, opened: Room) -> None:
    number = ordinal_of(opened, "赌博")
    answers = [ask("reviewer1", "GET", path)[1] for path in ("", f"/items/{number}", f"/items/{number}/findings")]
    assert MOBILE not in json.dumps(answers)


def test_findings_are_counted_as_javascript_counts(ask: Ask, opened: Room) -> None:
    number = ordinal_of(opened, "赌博")
    text = ask("reviewer1", "GET", f"/items/{number}")[1]["text"]
    (span,) = [s for s in ask("reviewer1", "GET", f"/items/{number}/findings")[1]["spans"] if s["label"] == "a1f"]
    units = text.encode("utf-16-le")
    assert units[2 * span["start"] : 2 * span["end"]].decode("utf-16-le") == "赌博"


@pytest.mark.parametrize("who", ["officer", "engineer", "lead", "reviewapp", "stranger"])
def test_who_was_not_given_the_sample_gets_nothing_of_it(ask: Ask, who: str) -> None:
    for method, path, body in (
        ("GET", "", None), ("GET", "/items/1", None), ("GET", "/items/1/findings", None), ("POST", "/close", {}),
        ("POST", "/items/1/undo", {}),
    ):  # fmt: skip
        status, answer = ask(who, method, path, body)
        assert status == 403, path
        assert set(answer) == {"detail"}


def test_a_sample_that_does_not_exist_answers_like_one_of_somebody_else(client: TestClient, opened: Room) -> None:
    user = SimpleAuthManagerUser(username="officer", role="user")
    given = {"authorization": f"Bearer {airflow_app.get_auth_manager().generate_jwt(user=user)}"}
    answers = [
        client.get(f"{REVIEW_PREFIX}/api/samples/{name}", headers=given) for name in (opened.sample, "0" * 16)
    ]  # fmt: skip
    assert [a.status_code for a in answers] == [403, 403]
    assert len({a.json()["detail"].replace(opened.sample, "0" * 16) for a in answers}) == 1


def test_assessor_reads_everything_and_writes_nothing(ask: Ask, opened: Room) -> None:
    assert ask("assessor", "GET", "")[0] == 200
    assert ask("assessor", "GET", "/items/1")[1]["text"]
    for path, body in (("/items/1", said(opened, 1)), ("/items/1/undo", {}), ("/close", {})):
        status, answer = ask("assessor", "POST", path, body)
        assert (status, "reads this sample" in answer["detail"]) == (403, True)
    assert journal.entries(opened.place, opened.sample) == []


def test_verdict_is_on_disk_when_the_page_is_answered_and_comes_back_with_the_item(ask: Ask, opened: Room) -> None:
    ask("reviewer1", "GET", "/items/3")
    body = said(opened, 3, "bad", risks=["a1f", "a1f"], comment="赌", seconds=0.0)
    assert ask("reviewer1", "POST", "/items/3", body)[0] == 200
    (entry,) = journal.read(opened.place, opened.sample)
    assert (entry.reviewer, entry.verdict, entry.risks, entry.comment) == ("reviewer1", "bad", ("a1f",), "赌")
    told = ask("reviewer1", "GET", "/items/3")[1]["verdict"]
    assert told == {"verdict": "bad", "risks": ["a1f"], "comment": "赌"}


def test_undone_verdict_is_open_again_and_undone_twice_is_refused(ask: Ask, opened: Room) -> None:
    ask("reviewer1", "POST", "/items/2", said(opened, 2))
    assert ask("reviewer1", "GET", "")[1]["items"][1] == [2, "good"]
    assert ask("reviewer1", "POST", "/items/2/undo", {})[0] == 200
    assert ask("reviewer1", "GET", "")[1]["items"][1] == [2, None]
    assert ask("reviewer1", "POST", "/items/2/undo", {})[0] == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "ok"}, {"verdict": "undone"}, {"risks": ["a9z"], "verdict": "bad"}, {"risks": ["a1a"]},
        {"seconds": -1}, {"comment": "x" * 2001}, {"released_sha256": "0" * 64}, {"released_sha256": "x"},
        {"reviewer": "lead"}, {"reviewed_at": "2020-01-01"},
    ],
)  # fmt: skip
def test_what_is_no_verdict_on_this_text_is_refused_and_not_kept(
    ask: Ask, opened: Room, changed: dict[str, Any]
) -> None:  # fmt: skip
    assert ask("reviewer1", "POST", "/items/1", said(opened, 1) | changed)[0] in (403, 422)
    assert journal.entries(opened.place, opened.sample) == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-corpusgate": "other"}, OURS | {"sec-fetch-site": "cross-site"}, OURS | {"content-type": "text/plain"}],
)
def test_another_site_cannot_make_a_browser_judge(ask: Ask, opened: Room, headers: dict[str, str]) -> None:
    assert ask("reviewer1", "POST", "/items/1", said(opened, 1), headers)[0] == 403
    assert journal.entries(opened.place, opened.sample) == []


def test_nobody_judges_what_he_or_she_labelled(ask: Ask, opened: Room) -> None:
    from corpusgate.lake import store

    item = desk(opened.place, opened.sample).drawn.items[4]
    store.ensure_tables(opened.place, ["annotation"])
    store.append_new(
        opened.place, "annotation",
        [{"annotation_id": "1", "record_id": item["record_id"], "annotator_id": "reviewer1"}], "test",
    )  # fmt: skip
    assert [5, None] not in ask("reviewer1", "GET", "")[1]["items"]
    assert ask("reviewer1", "GET", "/items/5")[0] == 403
    assert ask("reviewer1", "POST", "/items/5", said(opened, 5))[0] == 403


def test_claimed_seconds_are_bounded_by_those_that_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, now = clock.Shown(), [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    shown.show(("a", "s", 1))
    now[0] = 105.0
    shown.show(("a", "s", 1))
    now[0] = 107.0
    assert shown.bounded(("a", "s", 1), 5000) == 7.0
    assert shown.bounded(("a", "s", 1), 5000) == clock.LONGEST, "a restarted server knows nothing better"
    assert shown.bounded(("b", "s", 1), 2.25) == 2.25


def judge_all(ask: Ask, opened: Room) -> dict[str, Any]:
    for ordinal in range(1, 9):
        status, answer = ask("reviewer1", "POST", f"/items/{ordinal}", said(opened, ordinal))
        assert status == 200
        assert ordinal == 8 or answer == {}, "nothing is counted before it can matter"
    return answer


def wait(opened: Room, monkeypatch: pytest.MonkeyPatch, service: Service, release: str | None = None) -> None:
    from corpusgate.lake.run import StepResult, open_run

    monkeypatch.setattr(waiting, "as_service", lambda: service)
    for run_id in service.runs:
        about = {"release_id": release or opened.release, "samples": [opened.sample]}
        run = open_run(opened.place, "test", run_id, AT)
        run.write(StepResult(step=waiting.CHOSEN, unit="sample", rows_in=1, kept=1, facts=about))


def test_last_verdict_answers_the_run_that_waits_and_names_the_person(
    ask: Ask, opened: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(["r+1"])
    wait(opened, monkeypatch, service)
    answer = judge_all(ask, opened)
    assert (answer["standing"]["verdict"], answer["closing"]) == ("pass", "answered")
    ((path, body),) = service.said
    assert "/dagRuns/r%2B1/taskInstances/reviews/" in path
    assert body == {
        "chosen_options": [waiting.COUNT], "params_input": {"person": "reviewer1", "decided": 8, "bad": 0}
    }  # fmt: skip
    assert {r["verdict"] for r in rows(opened.place, "review")} == {"good"}, "folded into the table"


def test_sample_that_is_lost_answers_at_once(ask: Ask, opened: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(["r"])
    wait(opened, monkeypatch, service)
    status, answer = ask("reviewer1", "POST", "/items/1", said(opened, 1, "bad", risks=["a1f"]))
    assert (status, answer["standing"]["verdict"], answer["closing"]) == (200, "fail", "answered")
    assert len(service.said) == 1


def test_runs_about_other_releases_are_left_alone(
    ask: Ask, opened: Room, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    service = Service(["r"])
    wait(opened, monkeypatch, service, release="test-000000000000")
    assert judge_all(ask, opened)["closing"] == "nobody waits"
    assert service.said == []


@pytest.mark.parametrize(("status", "outcome"), [(409, "already"), (0, "failed"), (500, "failed")])
def test_notice_that_fails_is_told_and_can_be_sent_again(
    ask: Ask, opened: Room, monkeypatch: pytest.MonkeyPatch, status: int, outcome: str
) -> None:
    service = Service(["r"], status)
    wait(opened, monkeypatch, service)
    answer = judge_all(ask, opened)
    assert answer["closing"] == outcome
    assert bool(answer["closing_because"]) == (outcome == "failed")
    service.status = 200
    assert ask("reviewer1", "POST", "/close", {})[1]["closing"] == "answered"


def test_lake_that_is_being_written_keeps_nobody_waiting(
    ask: Ask, opened: Room, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    wait(opened, monkeypatch, Service(["r"]))
    with lease(opened.place, "a rebuild"):
        assert judge_all(ask, opened)["closing"] == "answered"
    assert len(fold.unfolded(opened.place, opened.sample)) == 8


def test_pages_name_no_text_and_run_no_script_but_ours(client: TestClient, opened: Room) -> None:
    user = SimpleAuthManagerUser(username="reviewer1", role="viewer")
    given = {"authorization": f"Bearer {airflow_app.get_auth_manager().generate_jwt(user=user)}"}
    for path in ("/", f"/sample?id={opened.sample}"):
        page = client.get(REVIEW_PREFIX + path, headers=given)
        policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'self'"
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "onerror" not in page.text and "赌博" not in page.text
        assert "<script>" not in page.text and " style=" not in page.text and " onclick=" not in page.text
    assert client.get(f"{REVIEW_PREFIX}/static/review.js", headers=given).status_code == 200
    for name in ("app.py", "..%2fapp.py", "item.html.j2"):
        assert client.get(f"{REVIEW_PREFIX}/static/{name}", headers=given).status_code == 404


@pytest.mark.parametrize("sample", ["", "x", "../../etc", "0" * 17, "' OR 1=1 --"])
def test_ids_that_are_none_lead_nowhere(client: TestClient, opened: Room, sample: str) -> None:
    user = SimpleAuthManagerUser(username="reviewer1", role="viewer")
    given = {"authorization": f"Bearer {airflow_app.get_auth_manager().generate_jwt(user=user)}"}
    assert client.get(f"{REVIEW_PREFIX}/sample", params={"id": sample}, headers=given).status_code == 422
    assert client.get(f"{REVIEW_PREFIX}/api/samples/{sample}/items/1", headers=given).status_code in (403, 404)


def test_runs_tab_leads_to_the_sample_that_the_run_waits_for(
    client: TestClient, opened: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait(opened, monkeypatch, Service(["r:1"]))
    for who, leads in (("reviewer1", f"/sample?id={opened.sample}"), ("assessor", f"/sample?id={opened.sample}"),
                       ("officer", "/")):  # fmt: skip
        user = SimpleAuthManagerUser(username=who, role="viewer")
        given = {"authorization": f"Bearer {airflow_app.get_auth_manager().generate_jwt(user=user)}"}
        answer = client.get(f"{REVIEW_PREFIX}/run", params={"run": "r:1"}, headers=given)
        assert answer.headers["location"] == REVIEW_PREFIX + leads
        assert client.get(f"{REVIEW_PREFIX}/run", params={"run": "unknown"}, headers=given).status_code == 303


def test_list_names_what_is_the_persons(opened: Room) -> None:
    (mine,) = room.listed(opened.place, "reviewer1", False)
    assert (mine["sample_id"], mine["done"], mine["given"], mine["verdict"]) == (opened.sample, 0, 8, "pending")
    assert room.listed(opened.place, "officer", False) == []
    assert [r["sample_id"] for r in room.listed(opened.place, "assessor", True)] == [opened.sample]


def test_page_has_every_risk_of_the_annex_in_both_languages() -> None:
    shown = [risk for group in words.GROUPS for risk in group.risks]
    assert [r.key for r in shown] == list(RISKS)
    assert all(r.zh and r.en for r in shown)
