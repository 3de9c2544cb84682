"""Ids and rows of what was acquired. Records in, records out: nothing here reads a disk or a clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from corpusgate.lake.run import Run

Row = dict[str, Any]


def acquisition_id(source_id: str, name: str, sha256: str) -> str:
    """Identity of one raw object of one source: the same bytes under the same name are always the same acquisition."""
    return hashlib.sha256("\0".join(("acquisition", source_id, name, sha256)).encode("utf-8")).hexdigest()


def batch_id(ids: Iterable[str], extraction: str) -> str:
    """The batch that one source's acquisitions make in one version of the extraction; in any order the same 16 hex."""
    text = "batch\0" + "\0".join(sorted(ids)) + extraction
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def acquisition_rows(run: Run, batches: Mapping[str, str] | None = None) -> list[Row]:
    """Rows of `acquisition` for everything that this run's fetch steps hold, by source and name.

    Args:
        run: a run whose fetch steps are done.
        batches: batch of each source where one was made; without it `batch_id` stays empty.
    """
    rows = []
    for result in run.results("fetch"):
        if result.state not in ("ok", "unchanged"):
            continue
        for fact in result.facts.get("acquisitions", ()):
            rows.append(
                {
                    **fact,
                    "source_id": result.source_id,
                    "batch_id": (batches or {}).get(result.source_id or ""),
                    "fetched_at": datetime.fromisoformat(fact["fetched_at"]),
                    "run_id": run.id,
                    "redacted_at": None,
                }
            )
    return sorted(rows, key=lambda r: (r["source_id"], r["name"], r["acquisition_id"]))


def signal_rows(run: Run) -> list[Row]:
    """Rows of `host_signal`: what hosts said about crawling and mining when this run asked them.

    The package channels and folders ask no host themselves (the person's own client does), so they give none.
    """
    rows = []
    for result in run.results("fetch"):
        for fact in result.facts.get("signals", ()):
            rows.append({**fact, "fetched_at": datetime.fromisoformat(fact["fetched_at"]), "run_id": run.id})
    return sorted(rows, key=lambda r: (r["host"], r["fetched_at"], r["signal"]))
