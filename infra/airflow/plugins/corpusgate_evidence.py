"""Airflow finds this file by itself: it adds the evidence pages, the tab on each run and the link on each task.

Every task process loads it, so it imports nothing heavy; the pages are built at the first request.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from corpusgate_airflow.links import PREFIX, EvidenceLink


async def evidence_pages(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application of the pages, made when it is first needed."""
    from corpusgate_airflow.pages import application

    await application()(scope, receive, send)


class CorpusgateEvidence(AirflowPlugin):
    """Evidence of a run, where a person looks first."""

    name = "corpusgate_evidence"
    fastapi_apps = [{"app": evidence_pages, "url_prefix": PREFIX, "name": "corpusgate evidence"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Evidence",
            "href": f"{PREFIX}/run?run={{RUN_ID}}&dag={{DAG_ID}}",
            "destination": "dag_run",
            "url_route": "evidence",
        }
    ]
    global_operator_extra_links = [EvidenceLink()]  # noqa: RUF012
