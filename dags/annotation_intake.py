"""Airflow's view of handing in annotation: take the file in, then judge."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from corpusgate_airflow import annotating
from corpusgate_airflow.defaults import default_args

DOC = """
Takes in what a labelling tool exported, or a register of people and rules, and judges the annotation of the corpus
(GB/T 45654-2025 4.3, GB/T 45674-2025).

- **File**, **sidecar**, **column map**: names of files in `var/annotation`. Put them there first. Several at once: name
  a list of them (tool `list`), which `docs/annotation.md` describes.
- **take_in** red: nothing was taken; the log says what to correct. Facts that were refused stand in the table
  `annotation_refusal` with their remedies; the rest is in, and the task is green.
- **check** red: a control fails; the log says which clause, figure, bound, and what to do. What was taken in stays in.

The tab **Evidence** shows people by role, batches by verdict, agreement and confusions, and what to do about them.

The same file again changes nothing; a newer one updates by annotation id and time.
"""

with DAG(
    dag_id=Path(__file__).stem,
    dag_display_name="Hand in annotation",
    description="take in an export or a register, judge the annotation of a corpus",
    doc_md=DOC,
    tags=["corpusgate", "GB/T 45674-2025"],
    schedule=None,
    catchup=False,
    max_active_runs=1,  # one writer a lake
    dagrun_timeout=timedelta(hours=2),
    params=annotating.FORM,  # ty: ignore[invalid-argument-type]
    default_args=default_args(timedelta(minutes=30)),
) as dag:
    take_in = PythonOperator(task_id="take_in", python_callable=annotating.take_in)
    # A judge is not asked twice: a verdict stands until the data or the declarations change.
    check = PythonOperator(task_id="check", python_callable=annotating.check, retries=0)
    take_in >> check
