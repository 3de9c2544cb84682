"""What `up` tells of the annotated fixture set: what was found and trained, and why where it could not be shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from corpusgate.errors import CorpusgateError
from corpusgate.lake.run import StepResult, open_run
from corpusgate.serve import annotating
from corpusgate.settings.place import Place

AT = datetime(2026, 3, 1, tzinfo=UTC)


class Airflow:
    """Runs end at once; each leaves the result that a test gave for its DAG."""

    def __init__(self, place: Place, states: dict[str, str], results: dict[str, StepResult]) -> None:
        self.place, self.states, self.results, self.given = place, states, results, {}

    def unpause(self, dag: str) -> None: ...

    def trigger(self, dag: str, conf: dict[str, Any], note: str) -> str:
        self.given[dag] = conf
        if dag in self.results:
            open_run(self.place, annotating.CORPUS, f"{dag}-run", AT).write(self.results[dag])
        return f"{dag}-run"

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        return {"state": self.states[dag]}


@pytest.fixture
def shown(place: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    (place.conf / "corpora" / f"{annotating.CORPUS}.yaml").write_text((place.conf / "corpora/demo.yaml").read_text())
    monkeypatch.setattr(annotating, "handed_in", lambda _: False)
    monkeypatch.setattr(annotating, "give_out", lambda *_: [])

    def show(states: dict[str, str], results: dict[str, StepResult]) -> tuple[Airflow, str]:
        airflow, said = Airflow(place, states, results), list[str]()
        annotating.show_annotation(place, airflow, "http://127.0.0.1:1", said.append)  # ty: ignore[invalid-argument-type]
        return airflow, "\n".join(said)

    return show


def judged() -> StepResult:
    rows = [{"control_id": "45654-4-3-1-c", "verdict": "fail"}, {"control_id": "45654-4-3-1-b", "verdict": "pass"}]
    return StepResult(step="annotation_gate", unit="control", rows_in=2, kept=2, facts={"verdicts": rows})


def test_the_planted_breach_is_named_and_so_is_the_model(shown: Any) -> None:
    trained = StepResult(
        step="train_classifier",
        unit="text",
        rows_in=5,
        kept=5,
        because="FIXTURE, judges nothing",
        facts={"version": "0123456789ab"},
    )
    airflow, said = shown(
        {annotating.INTAKE: "failed", annotating.TRAINING: "success"},
        {annotating.INTAKE: judged(), annotating.TRAINING: trained},
    )
    assert airflow.given[annotating.INTAKE] == {
        "corpus": annotating.CORPUS, "file": annotating.LIST, "tool": "list", "sidecar": "", "map": ""
    }  # fmt: skip
    assert "red, for the breach was planted" in said and "failing: 45654-4-3-1-c" in said
    assert "FIXTURE, judges nothing; corpusgate classifier card 0123456789ab" in said


def test_a_run_without_a_result_sends_to_its_log(shown: Any) -> None:
    _, said = shown({annotating.INTAKE: "failed", annotating.TRAINING: "failed"}, {})
    assert "no verdict: its tasks say why" in said and "training: failed; its log says why" in said


def test_what_cannot_be_shown_is_told_and_does_not_end_the_command(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise CorpusgateError("no records")

    monkeypatch.setattr(annotating, "give_out", refuse)
    _, said = shown({}, {})
    assert "not shown: no records" in said


def test_what_is_in_already_is_not_handed_in_again(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotating, "handed_in", lambda _: True)
    airflow, said = shown({}, {})
    assert airflow.given == {} and "is in already" in said
