"""Whole runs of the DAG, every step for real, on a corpus of a few sentences: one that is published, one that its
release gate stops, one over a corpus that does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusgate import flow
from corpusgate.evidence.figures import find_run
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.place import Place
from corpusgate_testing.serve import Ended, run_dag, small_corpus

#: Three Spark jobs and two Great Expectations processes; minutes only on a machine that is busy otherwise.
SECONDS = 600
pytestmark = [pytest.mark.timeout(SECONDS + 60), pytest.mark.usefixtures("database")]


def place_of(folder: Path) -> Place:
    return Place(home=folder, conf=folder / "conf", lake=folder / "lake", var=folder / "var")


def opened(folder: Path, ended: Ended) -> Run:
    return find_run(place_of(folder), ended.run_id)


def test_run_publishes_although_a_source_is_held(airflow_environment: dict[str, str], tmp_path: Path) -> None:
    providers = {"alpha": "alpha.example", "beta": "beta.example", "gamma": "gamma.example"}
    conf = small_corpus(tmp_path, providers, unlicensed="gamma")

    ended = run_dag("small", airflow_environment, tmp_path / "lake", conf, SECONDS)

    assert ended.state == "success", f"{ended.tasks}; the log is {tmp_path}/run.log"
    assert ended.tasks["licence[gamma]"] == "failed", "no licence holds the source"
    assert {name for name, state in ended.tasks.items() if state == "failed"} == {"licence[gamma]"}
    for step in flow.STEPS:
        names = [f"{step.name}[{s}]" for s in ("alpha", "beta")] if step.per_source else [step.name]
        assert {ended.tasks[n] for n in names} == {"success"}, step.name
    assert {k for k in ended.tasks if k.startswith("source_verdict")} == {
        "source_verdict[alpha]",
        "source_verdict[beta]",
    }
    assert ended.tasks["announce"] == "success"

    run = opened(tmp_path, ended)
    published = run.result("publish")
    assert published is not None
    assert published.state == "ok"
    kept = store.query(run.place, "SELECT DISTINCT source_id FROM release_record ORDER BY source_id")
    assert kept.column("source_id").to_pylist() == ["alpha", "beta"]
    for result in run.results():
        result.reconcile()


def test_run_is_stopped_by_a_control_of_the_release(airflow_environment: dict[str, str], tmp_path: Path) -> None:
    conf = small_corpus(tmp_path, {"alpha": "one.example", "beta": "one.example"})  # 4.1.2 a: two providers, at least
    control = conf / "controls" / "45654-4-1-2-a.yaml"
    control.write_text(control.read_text("utf-8").replace("blocks: [filing]", "blocks: [trial, filing]"), "utf-8")

    ended = run_dag("small", airflow_environment, tmp_path / "lake", conf, SECONDS)

    assert ended.state == "failed", f"{ended.tasks}; the log is {tmp_path}/run.log"
    assert ended.tasks["release_gate"] == "failed"
    assert (ended.tasks["publish"], ended.tasks["announce"]) == ("upstream_failed", "upstream_failed")
    assert ended.tasks["evidence"] == "success", "the accounts of a failed run are wanted most of all"
    assert "4.1.2 a)" in ended.log.split("Not published:", 1)[1][:200]
    assert "Next:" in ended.log

    run = opened(tmp_path, ended)
    assert run.result("publish") is None
    assert not run.place.releases.exists() or not list(run.place.releases.glob("small-*"))
    gate = run.result("release_gate")
    assert gate is not None
    assert gate.facts["blocked"]["trial"] == ["45654-4-1-2-a"]
    verdicts = store.query(run.place, "SELECT verdict FROM control_result WHERE control_id = '45654-4-1-2-a'")
    assert "fail" in verdicts.column("verdict").to_pylist(), "the verdict is stored"


def test_run_over_a_corpus_that_does_not_exist_fails_at_once(
    airflow_environment: dict[str, str], tmp_path: Path
) -> None:
    conf = small_corpus(tmp_path, {"alpha": "one.example"})

    ended = run_dag("missing", airflow_environment, tmp_path / "lake", conf, SECONDS)

    assert ended.state == "failed"
    assert ended.tasks["plan"] == "failed"
    assert ended.tasks["intake"] == "upstream_failed"
    assert "No corpus 'missing'" in ended.log
