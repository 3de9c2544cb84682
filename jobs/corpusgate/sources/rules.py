"""Rows of `source` and `licence_period`, from declarations and from what the licence steps found. No disk, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from corpusgate.lake.run import Run
from corpusgate.settings.source import Source

Row = dict[str, Any]

#: What a licence step says of a part and the table holds unchanged.
PERIOD_COLUMNS: tuple[str, ...] = (
    "part", "declared", "concluded", "read_from", "quote", "text_sha256", "concluded_by", "concluded_role",
    "concluded_at", "because", "provisional", "use_training", "use_commercial", "use_redistribution", "use_derivatives",
    "obligations", "notes", "verdict", "reason",
)  # fmt: skip


def declaration_version(source: Source) -> str:
    """Version of a source: first 16 hex of the SHA-256 over its declaration as canonical JSON (key order, and fields
    that are left at their default, change nothing)."""
    body = source.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def source_row(run: Run, source: Source) -> Row:
    """The row of `source` for one declaration; the same declaration gives the same key in every run."""
    taken = (
        "title",
        "kind",
        "modality",
        "language",
        "country",
        "category",
        "owner",
        "provider",
        "description",
        "fixture",
    )
    return {
        "source_id": source.id,
        "version": declaration_version(source),
        **{name: getattr(source, name) for name in taken},
        "purl": source.purl,
        "recorded_at": run.at,
    }


def source_rows(run: Run) -> list[Row]:
    """Rows of `source` for all sources of the run's corpus, by id."""
    return sorted((source_row(run, s) for s in run.sources), key=lambda r: r["source_id"])


def licence_rows(run: Run) -> list[Row]:
    """Rows of `licence_period`: one a part of each source whose licence step has run, held ones too.

    `valid_from` is when the source's bytes were first acquired, `recorded_at` when this judgement was first recorded:
    an unchanged judgement has the key that it had before.
    """
    rows = []
    for result in run.results("licence"):
        for fact in result.facts.get("parts", ()):
            rows.append(_period(result.source_id or "", fact, run.at))
    return sorted(rows, key=lambda r: (r["source_id"], r["part"]))


def _period(source_id: str, fact: Mapping[str, Any], at: datetime) -> Row:
    return {
        "source_id": source_id,
        **{name: fact.get(name) for name in PERIOD_COLUMNS},
        "valid_from": datetime.fromisoformat(fact["valid_from"]) if fact.get("valid_from") else at,
        "valid_to": datetime.fromisoformat(fact["valid_to"]) if fact.get("valid_to") else None,
        "recorded_at": datetime.fromisoformat(fact["recorded_at"]) if fact.get("recorded_at") else at,
        "evidence_id": None,
    }
