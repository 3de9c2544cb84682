"""Airflow finds this file by itself: it adds the review page, to the navigation, to each run and to the waiting task.

Every task process loads it, so it imports nothing heavy; the page is built at the first request.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from corpusgate_airflow.links import REVIEW_PREFIX, ReviewLink


async def review_page(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application of the page, made when it is first needed."""
    from corpusgate_airflow.review.app import application

    await application()(scope, receive, send)


class CorpusgateReview(AirflowPlugin):
    """Where people judge the items of a sample."""

    name = "corpusgate_review"
    fastapi_apps = [{"app": review_page, "url_prefix": REVIEW_PREFIX, "name": "corpusgate review"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "Review 审核", "href": f"{REVIEW_PREFIX}/", "destination": "nav", "url_route": "review"},
        {
            "name": "Review 审核",
            "href": f"{REVIEW_PREFIX}/run?run={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "review-of-run",
        },
    ]
    operator_extra_links = [ReviewLink()]  # noqa: RUF012
