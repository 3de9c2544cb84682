"""Training through Airflow: the DAG as data, and what its tasks say and refuse."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from corpusgate.annotation.demonstration import annotate_fixture
from corpusgate.classify.models import promoted
from corpusgate.lake.run import Run, open_run
from corpusgate_airflow import training
from corpusgate_testing.annotation_fixture import fixture_lake
from corpusgate_testing.gates import clean_lake

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    made = clean_lake().write(tmp_path)
    monkeypatch.setattr(training, "find_place", lambda: made.place)
    return made


@pytest.fixture
def started(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    def say(**given: Any) -> None:
        params = {"corpus": run.corpus.id, "false_alarms": 0.005, "promote": False, "margin": 0.01} | given
        context = {"params": params, "run_id": run.id, "dag_run": SimpleNamespace(run_after=run.at)}
        monkeypatch.setattr(training, "get_current_context", lambda: context)

    return say


def test_it_trains_before_it_promotes_and_a_refusal_is_not_tried_again() -> None:
    bag = BundleDagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags")
    dag = bag.dags["train_classifier"]
    assert [(t.task_id, sorted(t.downstream_task_ids), t.retries) for t in dag.tasks] == [
        ("train", ["promote"], 1), ("promote", [], 0)
    ]  # fmt: skip
    assert dag.schedule is None


def test_without_accepted_labels_it_says_what_is_missing(run: Run, started: Any) -> None:
    started()
    with pytest.raises(AirflowFailException, match=r"no accepted label: batches must be verified by hand"):
        training.train()


def test_promotion_is_skipped_unless_it_was_asked_for(run: Run, started: Any) -> None:
    started()
    with pytest.raises(AirflowSkipException, match="not asked for"):
        training.promote()


def test_the_fixture_trains_a_model_that_says_so_and_that_is_too_little_tested_to_be_promoted(
    run: Run, started: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = fixture_lake(tmp_path / "fixture")
    annotate_fixture(lake, tmp_path / "work")
    started(corpus=lake.corpus.id, promote=True)
    monkeypatch.setattr(training, "find_place", lambda: lake.place)
    with caplog.at_level(logging.INFO):
        training.train()
    result = open_run(lake.place, lake.corpus.id, run.id, datetime.now(UTC)).result("train_classifier")
    assert result is not None and result.facts["fixture"] and result.because.startswith("FIXTURE")
    assert "made-up fixture: it shows the way, and judges nothing" in caplog.text
    with pytest.raises(AirflowFailException, match=r"is not promoted: .*held-out texts"):
        training.promote()
    assert promoted(lake.place, lake.corpus.id) is None
