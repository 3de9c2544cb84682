"""Where a run's evidence is shown: one address, used by the tab and by the link on each task."""

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
WITH_PAGE = (DAG_ID, "annotation_intake")


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
