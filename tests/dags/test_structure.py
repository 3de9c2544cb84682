"""The DAG files as data: what Airflow reads, without a database and without a run."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk import DAG

from corpusgate import flow
from corpusgate.serve.down import DAG as DRIVEN
from corpusgate_airflow import steps
from corpusgate_airflow.links import DAG_ID

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"
EXPECTED = {"annotation_intake", "attest", "conclude", "corpus_rebuild", "release_filing", "train_classifier"}
#: Tasks that are no step of the flow: the list of sources, what goes on, a verdict as a task, the news of a release.
BESIDE = {"plan", "admitted", "source_verdict", "announce"}
GATES = {"admitted", "source_gate", "source_verdict", "release_gate"}
HEAVY = ("pyspark", "great_expectations", "pandas", "deltalake", "pyarrow")


@pytest.fixture(scope="module")
def bag() -> BundleDagBag:
    return BundleDagBag(str(DAGS), bundle_path=DAGS)


@pytest.fixture(scope="module")
def rebuild(bag: BundleDagBag) -> DAG:
    return bag.dags["corpus_rebuild"]


def test_every_dag_file_is_read_and_no_other(bag: BundleDagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == EXPECTED
    assert {p.stem for p in DAGS.glob("*.py")} == EXPECTED, "the file's name is the DAG's id"


def test_tab_link_and_driver_name_the_dag_that_is_there(rebuild: DAG) -> None:
    assert rebuild.dag_id == DAG_ID == DRIVEN


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_dag_has_owner_tags_and_documentation(bag: BundleDagBag, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert "corpusgate" in dag.tags
    assert len(dag.doc_md or "") > 100
    assert {t.owner for t in dag.tasks} == {"data-engineering"}


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_nothing_runs_for_days_that_are_gone_nor_two_at_once(bag: BundleDagBag, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.catchup is False
    # filings wait for people for weeks, several at once; the lake's lease keeps their writes apart
    assert dag.max_active_runs == (16 if dag_id == "release_filing" else 1)
    assert dag.dagrun_timeout


def test_tasks_are_the_steps_of_the_flow(rebuild: DAG) -> None:
    assert set(rebuild.task_ids) == {s.name for s in flow.STEPS} | BESIDE


def test_each_step_comes_after_the_one_before_it_in_the_flow(rebuild: DAG) -> None:
    names = [s.name for s in flow.STEPS]
    for before, after in pairwise(names):
        upstream = {t.task_id for t in rebuild.get_task(after).get_flat_relatives(upstream=True)}
        assert before in upstream, f"{after} does not wait for {before}"


def test_edges(rebuild: DAG) -> None:
    """Every edge of the DAG, so that a changed one is seen in review."""
    by_data = {("plan", "fetch"), ("plan", "licence"), ("plan", "admission"), ("admitted", "source_verdict")}
    assert {(t.task_id, d) for t in rebuild.tasks for d in t.downstream_task_ids} - by_data == {
        ("fetch", "licence"),
        ("licence", "admission"),
        ("admission", "admitted"),
        ("admitted", "intake"),
        ("intake", "source_gate"),
        ("source_gate", "source_verdict"),
        ("source_gate", "hosts"),
        ("hosts", "decide"),
        ("decide", "release_gate"),
        ("release_gate", "publish"),
        ("publish", "evidence"),
        ("source_verdict", "evidence"),
        ("publish", "announce"),
        ("evidence", "announce"),
    }


def test_steps_by_source_are_mapped_and_named_by_source(rebuild: DAG) -> None:
    for step in flow.STEPS:
        task = rebuild.get_task(step.name)
        assert bool(task.get_closest_mapped_task_group()) == step.per_source
        assert (task.map_index_template is not None) == step.per_source
    verdict = rebuild.get_task("source_verdict")
    assert verdict.is_mapped
    assert "source" in str(verdict.map_index_template)


@pytest.mark.parametrize("step", [s for s in flow.STEPS if s.engine == "spark"], ids=lambda s: s.name)
def test_spark_step_is_submitted_with_the_command_lines_own_arguments(rebuild: DAG, step: flow.Step) -> None:
    task = rebuild.get_task(step.name)
    assert task.task_type == "SparkSubmitOperator"
    assert task._conn_id == "spark_default"
    assert Path(task.application).resolve() == ROOT / "jobs" / "run.py"
    assert task.application_args == flow.arguments(
        step.name, corpus="{{ params.corpus }}", run_id="{{ run_id }}", at="{{ dag_run.run_after.isoformat() }}"
    )


def test_only_these_tasks_may_run_although_something_before_them_failed(rebuild: DAG) -> None:
    lenient = {t.task_id for t in rebuild.tasks if t.trigger_rule != "all_success"}
    assert lenient == {"admitted", "evidence"} | {s.name for s in flow.STEPS if s.after_hold}


def test_run_is_as_green_as_what_is_published(rebuild: DAG) -> None:
    """Airflow colours a run by its last tasks: there is one, and it needs publish and evidence."""
    leaves = [t.task_id for t in rebuild.tasks if not t.downstream_task_ids]
    assert leaves == ["announce"]
    assert rebuild.get_task("announce").upstream_task_ids == {"publish", "evidence"}


def test_verdicts_are_not_tried_again_and_everything_else_is_once(rebuild: DAG) -> None:
    retries = {t.task_id: t.retries for t in rebuild.tasks}
    assert {name for name, n in retries.items() if n == 0} == GATES | {"plan"}
    assert {n for n in retries.values() if n} == {1}


def test_every_task_has_a_time_limit_and_tells_of_its_failure(rebuild: DAG) -> None:
    for task in rebuild.tasks:
        assert timedelta(0) < task.execution_timeout <= timedelta(hours=2), task.task_id
        assert task.on_failure_callback, task.task_id


def test_release_is_announced_as_an_asset(rebuild: DAG) -> None:
    outlets = {t.task_id: [(o.name, o.uri) for o in t.outlets] for t in rebuild.tasks if t.outlets}
    assert outlets == {"announce": [("corpusgate-release-trial", "x-corpusgate://release/trial")]}


def test_only_ids_of_sources_go_through_xcom(rebuild: DAG) -> None:
    def pushes(task: Any) -> bool:
        return task.partial_kwargs["do_xcom_push"] if task.is_mapped else task.do_xcom_push

    assert {t.task_id for t in rebuild.tasks if pushes(t)} == {"plan", "admitted"}


@pytest.mark.parametrize("corpus", ["demo", "a", "corpus-2"])
def test_corpus_parameter_takes_ids(rebuild: DAG, corpus: str) -> None:
    assert rebuild.params.get_param("corpus").resolve(corpus) == corpus


@pytest.mark.parametrize("corpus", ["", "Demo", "../demo", "demo; rm -rf /", "--help", "a" * 64, 7, None])
def test_corpus_parameter_refuses_everything_else(rebuild: DAG, corpus: object) -> None:
    with pytest.raises(Exception, match=r"Invalid input|None|does not match|is not of type"):
        rebuild.params.get_param("corpus").resolve(corpus)


def test_reading_the_dag_files_imports_no_engine_and_is_quick(airflow_environment: dict[str, str]) -> None:
    code = (
        "import json, sys, time, airflow.sdk\n"
        "from airflow.providers.apache.spark.operators import spark_submit\n"
        "from airflow.providers.standard.operators import python\n"
        f"before, start = set(sys.modules), time.process_time()\nsys.path.insert(0, {str(DAGS)!r})\n"
        + "".join(f"import {name}\n" for name in sorted(EXPECTED))
        + f"print(json.dumps([[m for m in {HEAVY!r} if m in sys.modules], time.process_time() - start]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=airflow_environment, capture_output=True, text=True, check=True, timeout=100
    )
    heavy, seconds = json.loads(done.stdout.splitlines()[-1])
    assert heavy == []
    assert seconds < 2, "each task of a run reads its DAG file anew"


def test_templates_are_those_that_the_steps_read() -> None:
    assert (steps.CORPUS, steps.RUN_ID) == ("{{ params.corpus }}", "{{ run_id }}")
    assert steps.AT == "{{ dag_run.run_after.isoformat() }}", "a retry must record the same time"
