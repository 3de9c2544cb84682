"""Admission samples as files for people, and what comes back: labels by named persons (45654-2025 4.1.1 a).

Nothing of the source is in the lake yet, so its texts are read again from where they were fetched. What people say goes
into `admission_label`; the next rebuild counts it (`intake/labels.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.intake.admission import sampled_texts
from corpusgate.intake.labels import TABLE, labels
from corpusgate.intake.rules import text_sha256
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run
from corpusgate.review.export import FORMATS, ITEM, TO_FILL, written
from corpusgate.review.files import Row, rows_of
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles
from corpusgate.sources.plan import last_run

ROLE = "reviewer"
COLUMNS = (*ITEM, "source_id", "text", "machine", *TO_FILL)
_COMMENT = 2000


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file of labels gave: rows recorded, rows that were known, rows that say nothing, and rows that were not
    taken, each with its number and why."""

    recorded: int
    known: int
    empty: int
    refused: tuple[tuple[int, str], ...]


def export(place: Place, corpus_id: str, source_id: str, path: Path, form: str) -> int:
    """Writes the sample that the corpus's last run assessed of the source; returns how many records.

    Raises:
        UserError: no such form or run, nothing was assessed of the source, or its bytes are other ones now.
    """
    if form not in FORMATS:
        raise UserError(f"No form {form!r}: {', '.join(FORMATS)}.")
    run, sample, bad = _sample(place, corpus_id, source_id)
    texts = dict(sampled_texts(run, run.source(source_id), set(sample)))
    if missing := [r for r in sample if r not in texts]:
        raise UserError(
            f"{len(missing)} of the {len(sample)} records drawn are not in what lies there now. Rebuild first."
        )
    rows = [
        {
            "sample_id": f"admission-{source_id}", "ordinal": n, "record_id": record, "stratum": source_id,
            "released_sha256": text_sha256(texts[record]), "source_id": source_id, "text": texts[record],
            "machine": "bad" if record in bad else "good",
        }
        for n, record in enumerate(sample, 1)
    ]  # fmt: skip
    written(path, form, COLUMNS, [{**dict.fromkeys(COLUMNS, ""), **r} for r in rows])
    return len(rows)


def take(place: Place, corpus_id: str, path: Path, by: str | None, at: datetime) -> Taken:
    """Takes labels in. `by` None: each row names its reviewer. Rows of several sources may stand in one file.

    Raises:
        UserError: no such file or form; nothing was taken.
    """
    drawn: dict[str, frozenset[str] | UserError] = {}
    rows: list[dict[str, Any]] = []
    refused: list[tuple[int, str]] = []
    empty = 0
    for row in rows_of(path):
        try:
            if not row.verdict and not row.fault:
                empty += 1
                continue
            rows.append(_label(place, corpus_id, row, by, at, drawn))
        except UserError as error:
            refused.append((row.number, str(error)))
    with lease(place, "admission labels"):
        store.ensure_tables(place, [TABLE])
        there = {s: labels(place, s, at) for s in {r["source_id"] for r in rows}}
        fresh = [r for r in rows if not _said_already(r, there[r["source_id"]])]
        recorded = store.append_new(place, TABLE, fresh, "admission labels")
    return Taken(recorded, len(rows) - recorded, empty, tuple(refused))


def _sample(place: Place, corpus_id: str, source_id: str) -> tuple[Run, list[str], set[str]]:
    """The corpus's last run, the ids that it drew of the source, and those that the detectors found bad."""
    run = last_run(place, corpus_id)
    result = run.result("admission", source_id) if run is not None else None
    if run is None or result is None or not result.facts.get("sample"):
        raise UserError(
            f"No run of the corpus {corpus_id} has assessed a record of {source_id}: rebuild first, then give its "
            "sample to people."
        )
    return run, list(result.facts["sample"]), set(result.facts["machine_bad"])


def _label(
    place: Place, corpus_id: str, row: Row, by: str | None, at: datetime, drawn: dict[str, frozenset[str] | UserError]
) -> dict[str, Any]:  # fmt: skip
    if row.fault:
        raise UserError(row.fault)
    if row.verdict not in ("good", "bad"):
        raise UserError(f"the verdict is {str(row.verdict)[:40]!r}: write good or bad")
    if wrong := [r for r in row.risks if r not in RISKS]:
        raise UserError(f"no such risk: {wrong[0][:40]!r}; write keys of Annex A, a1a to a5b")
    if row.verdict == "good" and row.risks:
        raise UserError("an item with a risk is not good: write bad, or take the risks out")
    reviewer = row.reviewer or by
    if reviewer is None or (by and row.reviewer and row.reviewer != by):
        raise UserError(f"it is by {row.reviewer[:60]!r}, not by {by!r}" if by else "it does not say who reviewed it")
    load_roles(place).check(reviewer, ROLE)
    source_id = row.sample_id.removeprefix("admission-")
    if source_id not in drawn:
        drawn[source_id] = _drawn(place, corpus_id, source_id)
    sample = drawn[source_id]
    if isinstance(sample, UserError):
        raise sample
    if row.record_id not in sample:
        raise UserError(f"{row.record_id[:64]!r} is no record of the sample of {source_id} that was drawn last")
    said = {
        "source_id": source_id, "record_id": row.record_id, "reviewer": reviewer, "verdict": row.verdict,
        "risks": list(row.risks), "comment": row.comment[:_COMMENT], "reviewed_at": row.reviewed_at or at,
    }  # fmt: skip
    return {"label_id": _id(said), **said, "recorded_at": at}


def _drawn(place: Place, corpus_id: str, source_id: str) -> frozenset[str] | UserError:
    try:
        return frozenset(_sample(place, corpus_id, source_id)[1])
    except UserError as error:
        return error


def _said_already(row: Mapping[str, Any], there: list[dict[str, Any]]) -> bool:
    """Whether this is the person's newest word about the record already."""
    own = [r for r in there if (r["record_id"], r["reviewer"]) == (row["record_id"], row["reviewer"])]
    last = max(own, key=lambda r: (r["reviewed_at"], r["recorded_at"]), default=None)
    return last is not None and (last["verdict"], list(last["risks"] or ())) == (row["verdict"], row["risks"])


def _id(said: Mapping[str, Any]) -> str:
    parts = [str(said[name]) for name in ("source_id", "record_id", "reviewer", "verdict", "risks", "reviewed_at")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
