"""Where the pages are that Airflow links to: the evidence of a run, the review of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs
from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

#: Where the pages are mounted in Airflow's own web server, behind its login.
PREFIX = "/corpusgate"
DAG_ID = "corpus_rebuild"
#: The DAGs whose runs have a page.
WITH_PAGE = (DAG_ID, "annotation_intake", "release_filing")
#: The DAG that waits for people's reviews, and its task that does.
FILING_DAG, REVIEWS_TASK = "release_filing", "reviews"
#: Where the review page is mounted.
REVIEW_PREFIX = "/corpusgate-review"


@attrs.define()
class EvidenceLink(BaseOperatorLink):
    """The button `Evidence` on a task: the page of the run that the task belongs to."""

    @property
    def name(self) -> str:
        """What the button says."""
        return "Evidence"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The page's address; empty for a DAG that is not ours."""
        return f"{PREFIX}/run?run={quote(ti_key.run_id, safe='')}" if ti_key.dag_id in WITH_PAGE else ""


@attrs.define()
class ReviewLink(BaseOperatorLink):
    """The button `Review` on the task that waits for reviews."""

    @property
    def name(self) -> str:
        """What the button says."""
        return "Review 审核"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The sample that the run waits for, as far as the person may see it."""
        return f"{REVIEW_PREFIX}/run?run={quote(ti_key.run_id, safe='')}"
