"""What holds for a task of every DAG unless the DAG says otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from corpusgate_airflow.notifier import TellFailure


def default_args(limit: timedelta) -> dict[str, Any]:
    """A DAG's `default_args`: one retry, `limit` as the time of a task, failures told, results kept out of XCom."""
    return {
        "owner": "data-engineering",
        "retries": 1,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": limit,
        "on_failure_callback": TellFailure(),
        "do_xcom_push": False,
    }
