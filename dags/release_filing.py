"""Airflow's view of a filing: what waits for whom before a release goes to the channel `filing`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from corpusgate_airflow import filing
from corpusgate_airflow.defaults import default_args
from corpusgate_airflow.people import BECAUSE, TOLD, ReviewsOperator, SigningOperator

DOC = """
Takes a frozen release to the channel `filing`: people review its samples, the gates judge, a person signs.

- **reviews** waits, without a worker, until the review page (**Review 审核** in the navigation, or the run's tab) has
  enough verdicts, or the sample can pass no more. It is given up after `policy.review_wait_days`.
- **recount** red: the verdicts do not suffice, whatever was answered. Let people go on, then clear `reviews`.
- **gate** red: a control keeps the release from filing; the log says which clause, figure, bound and what to do.
- **approval** waits for a person with the role that `conf/roles.yaml` names, and shows figures, draws and waivers.
- **publish** red: no signature of what is there now, a control, or the channel moved on: file a newer release.

Start it as a person who holds the role `lead`: that is who gives the samples out. A newer release of `trial` changes
nothing here. No task's state counts: verdicts and signatures are read from the lake.
"""

SPARK_JOB = str(Path(__file__).resolve().parents[1] / "jobs" / "run.py")
RELEASE = "{{ release_of_run(run_id) }}"
#: A rebuild may hold the lake for long: what only waits for it is tried again.
PATIENT: dict[str, Any] = {"retries": 20, "retry_delay": timedelta(minutes=2)}
#: A person has no time limit of a task's; the question has its own (`policy.review_wait_days`).
PEOPLE: dict[str, Any] = {"execution_timeout": None, "retries": 0}

with DAG(
    dag_id=Path(__file__).stem,
    dag_display_name="File a release",
    description="people review a release's samples and sign it, then it goes to the channel filing",
    doc_md=DOC,
    tags=["corpusgate", "GB/T 45654-2025"],
    schedule=None,
    is_paused_upon_creation=False,  # nothing starts by itself, and who presses the button must not wait for an operator
    catchup=False,
    max_active_runs=16,  # runs wait for people for weeks; the lake's lease keeps their writes apart
    dagrun_timeout=timedelta(days=366),
    params=filing.FORM,  # ty: ignore[invalid-argument-type]
    user_defined_macros={"release_of_run": filing.release_of_run},
    default_args=default_args(timedelta(minutes=30)),
) as dag:
    choose = PythonOperator(task_id="choose", python_callable=filing.choose, **PATIENT)
    reviews = ReviewsOperator(task_id="reviews", params=TOLD, **PEOPLE)
    recount = PythonOperator(task_id="recount", python_callable=filing.recount, **PATIENT)
    # Only the names of roles go through XCom; who edits them changes who is asked, not what publish demands.
    gate = PythonOperator(task_id="gate", python_callable=filing.gate, do_xcom_push=True, **PATIENT)
    approval = SigningOperator.partial(
        task_id="approval", params=BECAUSE, map_index_template="{{ task.role }}", **PEOPLE
    ).expand(role=gate.output)
    publish = SparkSubmitOperator(
        task_id="publish",
        application=SPARK_JOB,
        application_args=["release", "file", RELEASE, "--corpus", "{{ params.corpus }}"],
        name="corpusgate release file",
        execution_timeout=timedelta(hours=2),
    )
    choose >> reviews >> recount >> gate >> approval >> publish
