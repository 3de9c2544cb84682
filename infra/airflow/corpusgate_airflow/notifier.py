"""Tells somebody that a task failed: in the log always, and at a web address where one is configured.

The address is the Airflow connection `corpusgate_notify` (for example by `AIRFLOW_CONN_CORPUSGATE_NOTIFY`, type `http`,
password = bearer token, if it wants one); what is sent is JSON with ids, state and reason, no text of a corpus.
"""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

if TYPE_CHECKING:
    from airflow.sdk import Context

#: The connection that names where to tell it; without one the log is all there is.
CONNECTION = "corpusgate_notify"
#: A notice is worth this many seconds of a worker and no more.
SECONDS = 10


class TellFailure(BaseNotifier):
    """For `on_failure_callback`: says which task of which run failed, and why."""

    def notify(self, context: Context) -> None:
        """Logs the notice; posts it where the connection says. A notice that cannot be sent is logged, not raised."""
        notice = notice_of(dict(context))
        self.log.warning("Notice: %s", json.dumps(notice, ensure_ascii=False, sort_keys=True))
        try:
            connection = Connection.get(CONNECTION)
        except AirflowNotFoundException:
            return
        try:
            post(connection.get_uri(), connection.password, notice)
        except (OSError, ValueError) as error:
            self.log.warning("The notice could not be sent to the connection %s: %s", CONNECTION, type(error).__name__)


def notice_of(context: dict[str, Any]) -> dict[str, Any]:
    """What is told of a failure: corpus, DAG, run, task, source, attempt, and the reason as the task gave it."""
    instance = context["ti"]
    return {
        "corpus": dict(context.get("params") or {}).get("corpus"),
        "dag": instance.dag_id,
        "run": instance.run_id,
        "task": instance.task_id,
        "source": getattr(instance, "rendered_map_index", None),
        "try": instance.try_number,
        "because": str(context.get("exception") or "no reason given")[:2000],
    }


def post(address: str, token: str | None, notice: dict[str, Any]) -> None:
    """Posts the notice as JSON.

    Raises:
        ValueError: the address is not http or https.
        OSError: it could not be delivered.
    """
    scheme, _, rest = address.partition("://")
    if scheme not in ("http", "https"):
        raise ValueError(f"{scheme} is not a web address")
    plain = f"{scheme}://{rest.rsplit('@', 1)[-1]}"  # the token travels in a header, never in the address
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(plain, json.dumps(notice).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=SECONDS):
        pass
