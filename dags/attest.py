"""Airflow's form for attestations and waivers: one task, run as the person who pressed the button."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from corpusgate_airflow import attesting
from corpusgate_airflow.defaults import default_args

DOC = """
Records what a person vouches for, or waives: bound to content, with an end, in the chained table `attestation`.

- **You** are the person who is logged in and starts this run. `conf/roles.yaml` says what you may speak as.
- **Control**: an id (`45654-4-1-3-a`), a clause, or an old number. The log lists what an ambiguous one can mean.
- **Scope**: the source, release or corpus that you speak of. **Document**: put the file into `var/documents` first.
- **Waive** needs an end and a reason; clauses 4.1.1, 4.1.3, 4.2.1 and 4.2.3 cannot be waived by anybody.

*Red*: the word was refused, and nothing was recorded; the log says why. The next gate judges by what was recorded.
"""

with DAG(
    dag_id=Path(__file__).stem,
    dag_display_name="Attest or waive a control",
    description="a person with a role vouches for a control, or waives it, in writing",
    doc_md=DOC,
    tags=["corpusgate", "GB/T 45654-2025"],
    schedule=None,
    is_paused_upon_creation=False,  # nothing starts by itself, and who presses the button must not wait for an operator
    catchup=False,
    max_active_runs=1,  # one writer of a chain
    dagrun_timeout=timedelta(minutes=30),
    # The form begins empty, and empty is refused: nobody attests by pressing a button twice.
    params=attesting.FORM,  # ty: ignore[invalid-argument-type]
    default_args=default_args(timedelta(minutes=10)),
) as dag:
    PythonOperator(task_id="attest", python_callable=attesting.attest)
