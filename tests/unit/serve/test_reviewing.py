"""The sample that `up` leaves for trying out: what the report says, and which run is taken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from corpusgate.errors import CorpusgateError
from corpusgate.serve import reviewing
from corpusgate.settings.load import load_corpus, load_sources
from corpusgate.settings.place import Place
from corpusgate_testing.gates import HOME

SERVICES: Any = SimpleNamespace(url="http://127.0.0.1:1", passwords=None, port=lambda: 1)


class Airflow:
    """Answers from lists; `waits` is the state of the task that waits."""

    def __init__(self, waits: str, open_runs: list[dict[str, Any]], state: str = "running") -> None:
        self.waits, self.open, self.state, self.triggered = waits, open_runs, state, []

    def open_runs(self, dag: str) -> list[dict[str, Any]]:
        return self.open

    def trigger(self, dag: str, conf: dict[str, Any], note: str) -> str:
        self.triggered.append(conf)
        return "new"

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        return [{"task_id": reviewing.TASK, "state": self.waits}]

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        return {"state": self.state}


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(waits: str, *open_runs: dict[str, Any], state: str = "running") -> Airflow:
        made = Airflow(waits, list(open_runs), state)
        monkeypatch.setattr(reviewing, "Airflow", lambda *_: made)
        monkeypatch.setattr(reviewing.accounts, "passwords", lambda _: {"lead": "l", "reviewer1": "secret"})
        return made

    return use


def test_filing_is_started_as_the_lead_for_the_reviewer_of_the_demo(airflow: Any) -> None:
    made = airflow("awaiting_input")
    reviewing.wait(SERVICES, "review-demo-1")
    assert made.triggered == [{"corpus": "review-demo", "release": "review-demo-1", "reviewers": "reviewer1"}]


def test_filing_that_waits_already_is_left_alone(airflow: Any) -> None:
    made = airflow("awaiting_input", {"dag_run_id": "old", "conf": {"corpus": "review-demo"}})
    reviewing.wait(SERVICES, "review-demo-1")
    assert made.triggered == []


def test_filing_of_another_corpus_is_not_taken_for_it(airflow: Any) -> None:
    made = airflow("awaiting_input", {"dag_run_id": "old", "conf": {"corpus": "demo"}})
    reviewing.wait(SERVICES, "review-demo-1")
    assert len(made.triggered) == 1


def test_filing_that_ends_before_it_waits_is_told(airflow: Any) -> None:
    airflow("failed", state="failed")
    with pytest.raises(CorpusgateError, match="does not wait for reviews"):
        reviewing.wait(SERVICES, "review-demo-1")


def test_report_says_where_and_as_whom_and_afterwards_how_it_stands(airflow: Any) -> None:
    airflow("awaiting_input")
    said = "\n".join(reviewing.told(SERVICES, "review-demo-1", "a" * 16, 5, 20))
    assert "15 items" in said and f"/corpusgate-review/sample?id={'a' * 16}" in said
    assert "reviewer1 with the password secret" in said
    done = "\n".join(reviewing.told(SERVICES, "review-demo-1", "a" * 16, 20, 20))
    assert "secret" not in done and "corpusgate release judge review-demo-1" in done


def test_corpus_is_small_enough_for_one_person_to_see_all_of_it() -> None:
    place = Place(HOME, HOME / "conf", HOME / "var" / "none", HOME / "var")
    corpus = load_corpus(place, reviewing.CORPUS)
    assert corpus.policy.review_double_share == 0
    assert [s.id for s in load_sources(place, corpus)] == ["fixture-review"]
    assert reviewing.candidate(place) is None
