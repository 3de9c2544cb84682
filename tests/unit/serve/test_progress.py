from __future__ import annotations

from typing import Any

import pytest

from corpusgate.lake.run import Run, StepResult
from corpusgate.serve.progress import Progress, told


class Told:
    """Collects what a person would read."""

    def __init__(self, run: Run) -> None:
        self.lines: list[str] = []
        self.progress = Progress(run, self.lines.append, lambda: 12.0)

    def after(self, *tasks: dict[str, Any]) -> list[str]:
        self.lines.clear()
        self.progress.update(tasks)
        return [" ".join(line.split()) for line in self.lines]


@pytest.fixture
def screen(run: Run) -> Told:
    return Told(run)


def task(name: str, state: str | None, index: int = -1, **more: Any) -> dict[str, Any]:
    return {"task_id": name, "state": state, "map_index": index, "rendered_map_index": None, "try_number": 1, **more}


def test_end_of_a_step_is_told_with_source_and_rows(run: Run, screen: Told) -> None:
    rules = {"not_in_force": 200}
    run.write(StepResult(step="fetch", source_id="alpha", unit="item", rows_in=1200, kept=1000, removed=200,
                         removed_by_rule=rules))  # fmt: skip
    assert screen.after(task("fetch", "success", 0, rendered_map_index="alpha")) == [
        "12 s fetch alpha ok 1,200 items: 1,000 kept, 200 removed"
    ]


def test_each_change_is_told_once(run: Run, screen: Told) -> None:
    run.write(StepResult(step="intake", unit="item", rows_in=1, kept=1))
    assert len(screen.after(task("intake", "running"))) == 1
    assert screen.after(task("intake", "running")) == []
    assert len(screen.after(task("intake", "success"))) == 1
    assert screen.after(task("intake", "success")) == []


def test_held_source_is_told_with_control_and_reason(run: Run, screen: Told) -> None:
    run.write(StepResult(step="licence", source_id="beta", state="held", held_by="45654-4-1-3-a", because="no licence",
                         unit="part", rows_in=1, kept=1))  # fmt: skip
    (line,) = screen.after(task("licence", "failed", 1))
    assert line == "12 s licence beta HELD 45654-4-1-3-a no licence"


def test_source_that_cannot_be_had_is_not_called_a_failure(run: Run, screen: Told) -> None:
    run.write(StepResult(step="fetch", source_id="alpha", state="unavailable", because="no apt", unit="object",
                         rows_in=0, kept=0))  # fmt: skip
    (line,) = screen.after(task("fetch", "skipped", 0))
    assert line == "12 s fetch alpha not here no apt"


def test_task_that_failed_with_a_fault_has_no_result_and_is_told_as_failed(screen: Told) -> None:
    assert screen.after(task("intake", "failed")) == ["12 s intake FAILED"]


def test_later_steps_of_a_held_source_are_not_told_again(screen: Told) -> None:
    assert screen.after(task("admission", "upstream_failed", 1), task("admission", None, 0)) == []


def test_steps_that_did_not_run_because_the_gate_blocked_are_told(screen: Told) -> None:
    assert screen.after(task("publish", "upstream_failed")) == ["12 s publish not run"]


def test_second_attempt_is_told_again(run: Run, screen: Told) -> None:
    screen.after(task("decide", "failed"))
    run.write(StepResult(step="decide", unit="record", rows_in=0, kept=0))
    assert len(screen.after(task("decide", "success", try_number=2))) == 1


def test_one_row_is_one_row() -> None:
    one = StepResult(step="s", unit="object", rows_in=1, kept=1)
    assert " ".join(told("success", one).split()) == "ok 1 object: 1 kept"
