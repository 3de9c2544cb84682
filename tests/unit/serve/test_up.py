from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpusgate.errors import ConfigError, CorpusgateError, UserError
from corpusgate.lake.run import Run, StepResult
from corpusgate.serve import up as module
from corpusgate.serve.down import down
from corpusgate.serve.drive import AirflowAway
from corpusgate.serve.progress import Progress
from corpusgate.serve.services import Services
from corpusgate.settings.place import Place


class Airflow:
    """What `up` asks of the client, answered from lists."""

    def __init__(self, **given: Any) -> None:
        self.given, self.failed, self.triggered = given, [], []

    def open_runs(self, dag: str) -> list[dict[str, Any]]:
        return self.given.get("open_runs", [])

    def fail(self, dag: str, run_id: str) -> None:
        self.failed.append(run_id)

    def trigger(self, dag: str, conf: dict[str, Any], note: str) -> str:
        self.triggered.append(conf)
        return "manual__new"

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        state = self.given["states"].pop(0)
        if state is None:
            raise AirflowAway("nobody")
        return {"state": state}

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        return self.given.get("tasks", [])

    def why(self, dag: str, run_id: str, task: dict[str, Any]) -> str:
        return "disk full"

    def health(self) -> dict[str, str]:
        raise AirflowAway("nobody")

    def has_dag(self, dag: str) -> bool:
        return False

    def import_errors(self) -> list[str]:
        return self.given.get("import_errors", [])


def open_run(run_id: str, kind: str, corpus: str = "demo", started: str | None = "t") -> dict[str, Any]:
    return {"dag_run_id": run_id, "run_type": kind, "conf": {"corpus": corpus}, "start_date": started}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", 0.0)


def test_mistake_in_conf_is_told_before_anything_is_started(place: Place) -> None:
    (place.conf / "sources/beta.yaml").write_text("title: only\n")
    with pytest.raises(ConfigError, match=r"beta\.yaml"):
        module.up(place)
    assert not place.var.exists()


def test_unknown_corpus_is_the_users_mistake(place: Place) -> None:
    with pytest.raises(UserError, match="No corpus 'other'"):
        module.up(place, corpus="other")


def test_run_is_triggered_for_the_corpus() -> None:
    airflow, said = Airflow(), []
    assert module.triggered(airflow, "demo", said.append) == "manual__new"  # ty: ignore[invalid-argument-type]
    assert airflow.triggered == [{"corpus": "demo"}]


def test_scheduled_run_of_the_same_corpus_is_followed_instead_of_doing_the_work_twice() -> None:
    airflow, said = Airflow(open_runs=[open_run("scheduled__1", "scheduled")]), []
    assert module.triggered(airflow, "demo", said.append) == "scheduled__1"  # ty: ignore[invalid-argument-type]
    assert airflow.triggered == []


@pytest.mark.parametrize(
    "other", [open_run("scheduled__1", "scheduled", corpus="other"), open_run("manual__1", "manual")]
)
def test_any_other_open_run_is_waited_for_and_named(other: dict[str, Any]) -> None:
    airflow, said = Airflow(open_runs=[other]), []
    assert module.triggered(airflow, "demo", said.append) == "manual__new"  # ty: ignore[invalid-argument-type]
    assert other["dag_run_id"] in said[0]


def test_runs_that_a_crash_cut_off_are_failed_but_not_the_one_that_the_schedule_just_made() -> None:
    runs = [open_run("manual__old", "manual", started=None), open_run("scheduled__old", "scheduled"),
            open_run("scheduled__now", "scheduled", started=None)]  # fmt: skip
    airflow = Airflow(open_runs=runs)
    assert module.leftovers(airflow) == ["manual__old", "scheduled__old"] == airflow.failed  # ty: ignore[invalid-argument-type]


def test_server_that_is_away_for_a_moment_is_waited_for(run: Run) -> None:
    airflow = Airflow(states=["running", None, None, "success"])
    progress = Progress(run, lambda line: None, lambda: 0.0)
    assert module.watch(airflow, run, progress) == "success"  # ty: ignore[invalid-argument-type]


def test_faults_are_told_with_their_reason_but_verdicts_are_not_faults(run: Run) -> None:
    run.write(StepResult(step="licence", source_id="beta", state="held", held_by="c", because="b", unit="part",
                         rows_in=1, kept=1))  # fmt: skip
    tasks = [
        {"task_id": "licence", "state": "failed", "rendered_map_index": "beta"},
        {"task_id": "fetch", "state": "failed", "rendered_map_index": "alpha"},
        {"task_id": "intake", "state": "failed"},
        {"task_id": "decide", "state": "upstream_failed"},
    ]
    lines = module.faults(Airflow(tasks=tasks), run)  # ty: ignore[invalid-argument-type]
    assert lines == ["Failed without a verdict:", "  fetch alpha: disk full", "  intake: disk full"]


def test_component_that_ended_is_named_with_its_log(place: Place) -> None:
    with pytest.raises(UserError, match=r"api-server.*ended.*api-server\.log"):
        module.wait_healthy(Services(place), Airflow())  # ty: ignore[invalid-argument-type]


def test_dag_file_that_cannot_be_read_is_told_in_airflows_words() -> None:
    with pytest.raises(CorpusgateError, match="SyntaxError"):
        module.wait_read(Airflow(import_errors=["Traceback …\nSyntaxError: bad"]))  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("code", [0, 1, 130])
def test_code_of_up_is_what_the_shell_sees(place: Place, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    from corpusgate.cli import main

    monkeypatch.setenv("CORPUSGATE_HOME", str(place.home))
    monkeypatch.setattr(module, "up", lambda place, corpus: code)
    monkeypatch.setattr("sys.argv", ["corpusgate", "up"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == code


def test_down_where_nothing_was_ever_started_says_so(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert down(place) == 0
    assert "nothing is running" in capsys.readouterr().out


def test_down_twice_is_no_fault(place: Place, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Services(place).pids.mkdir(parents=True)
    assert down(place) == 0
    assert capsys.readouterr().out == "Nothing was running.\n"
