"""Airflow's view of the content classifier: train on accepted labels, promote if asked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from corpusgate_airflow import training
from corpusgate_airflow.defaults import default_args

DOC = """
Trains the content classifier of a corpus on the labels of batches that people verified and that are not void, and on
texts drawn from each source as examples of clean ones. No keyword has a say.

- **train**: its log has the model's card: data, figures a risk with intervals, threshold, calibration. The same labels
  give the same version; nothing is trained twice.
- **promote** red: the model is worse than its predecessor on the same held-out texts, or was tested on too few; the log
  says by how much. *Skipped*: nobody asked for it.

A promoted model screens all texts at the next rebuild; the release names its version and weights.
"""

with DAG(
    dag_id=Path(__file__).stem,
    dag_display_name="Train the content classifier",
    description="train on accepted labels, measure on held-out texts, promote if it may follow",
    doc_md=DOC,
    tags=["corpusgate", "GB/T 45674-2025"],
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    params=training.FORM,  # ty: ignore[invalid-argument-type]
    default_args=default_args(timedelta(hours=1)),
) as dag:
    train = PythonOperator(task_id="train", python_callable=training.train)
    # Whether it may follow is a verdict: it stands until the labels change.
    promote = PythonOperator(task_id="promote", python_callable=training.promote, retries=0)
    train >> promote
