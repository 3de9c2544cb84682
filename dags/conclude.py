"""Airflow's form for licence conclusions: one task, run as the person who pressed the button."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from corpusgate_airflow import concluding
from corpusgate_airflow.defaults import default_args

DOC = """
Records which licence a person concludes for a source: a row of `licence_period`, never an edit of a file, bound to the
content that it was drawn from.

- **You** are the person who is logged in and starts this run. `conf/roles.yaml` says who is counsel; nobody else may.
- **Expression**: SPDX, as `conf/licences.yaml` knows it; the log names what is near one that it does not know.
- **Until**: the last day on which it holds. The day after, the source waits for a person again.
- A conclusion is **provisional**, enough for the channel `trial`, unless you say that it is definitive.

*Red*: the word was refused, and nothing was recorded; the log says why. The log of a green run says what the next
rebuild of each corpus makes of the source.
"""

with DAG(
    dag_id=Path(__file__).stem,
    dag_display_name="Conclude a licence",
    description="counsel concludes which licence holds for a source, in writing",
    doc_md=DOC,
    tags=["corpusgate", "GB/T 45654-2025"],
    schedule=None,
    is_paused_upon_creation=False,  # nothing starts by itself, and who presses the button must not wait for an operator
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    # The form begins empty, and empty is refused: nobody concludes by pressing a button twice.
    params=concluding.FORM,  # ty: ignore[invalid-argument-type]
    default_args=default_args(timedelta(minutes=20)),  # what is concluded on is fetched first, where it is not there
) as dag:
    PythonOperator(task_id="conclude", python_callable=concluding.conclude)
