"""How a step's result becomes a task's state."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from corpusgate.lake.run import State, StepResult
from corpusgate_airflow.notifier import notice_of, post
from corpusgate_airflow.steps import account, end_as


def result(state: State = "ok", **more: Any) -> StepResult:
    return StepResult(step="licence", source_id="alpha", state=state, unit="part", rows_in=1, kept=1, **more)


@pytest.mark.parametrize("state", ["ok", "unchanged"])
def test_good_result_ends_the_task_well_and_its_account_is_in_the_log(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        end_as(result(state))
    assert [r.getMessage() for r in caplog.records] == [account(result(state))]


def test_held_source_fails_for_good_with_control_and_reason() -> None:
    with pytest.raises(AirflowFailException, match="Held by 45654-4-1-3-a: no licence is stated"):
        end_as(result("held", held_by="45654-4-1-3-a", because="no licence is stated"))


def test_source_that_cannot_be_had_is_skipped_with_the_reason() -> None:
    with pytest.raises(AirflowSkipException, match="no apt on this machine"):
        end_as(result("unavailable", because="no apt on this machine"))


def test_failed_result_fails_for_good() -> None:
    with pytest.raises(AirflowFailException, match="disk full"):
        end_as(result("failed", because="disk full"))


def test_account_says_unit_rules_and_every_row() -> None:
    rows = StepResult(step="decide", unit="record", rows_in=10, kept=7, removed=2, errored=1,
                      removed_by_rule={"exact_duplicate": 2}, seconds=1.5)  # fmt: skip
    assert account(rows) == "decide: 10 records in = 7 kept + 2 removed (exact_duplicate 2) + 1 errored; ok, 1.5 s"


class Instance:
    dag_id, run_id, task_id, try_number, rendered_map_index = "corpus_rebuild", "r", "licence", 1, "alpha"


def test_notice_names_run_task_source_and_reason() -> None:
    context = {"ti": Instance(), "params": {"corpus": "demo"}, "exception": AirflowFailException("Held by x: y")}
    assert notice_of(context) == {
        "corpus": "demo", "dag": "corpus_rebuild", "run": "r", "task": "licence", "source": "alpha", "try": 1,
        "because": "Held by x: y",
    }  # fmt: skip


def test_notice_is_bounded() -> None:
    assert len(notice_of({"ti": Instance(), "exception": "x" * 9000})["because"]) == 2000


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x.example/", "not an address"])
def test_notice_goes_to_web_addresses_only(address: str) -> None:
    with pytest.raises(ValueError, match="no"):
        post(address, None, {})
