"""Verdicts that come back in a file: CSV, XLSX and JSON lines as they were exported, and Label Studio's export.

A row is taken when it is about the text that was drawn and the person may judge it; every other row is refused with a
reason and a remedy, and the rest is in. The same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from corpusgate.errors import UserError
from corpusgate.review import journal
from corpusgate.review.assignments import may_say, may_see
from corpusgate.review.desk import Desk
from corpusgate.review.files import Row, rows_of
from corpusgate.review.journal import Verdict
from corpusgate.settings.place import Place

__all__ = ["Imported", "Refused", "import_file"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken: its number in the file (from 1, the header not counted), why, and what to do."""

    row: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Imported:
    """`accepted` rows are in the journal now, `unchanged` ones were in force already, `empty` ones say nothing."""

    accepted: int
    unchanged: int
    empty: int
    refused: tuple[Refused, ...]


def import_file(place: Place, sample_id: str | None, path: Path, reviewer: str | None, at: datetime) -> Imported:
    """Takes a file in. `sample_id` None: each row says it. `reviewer` None: each row says it (Label Studio's export
    does, by `completed_by`, where it is the person's login); a row that names another one than `reviewer` is refused.

    Raises:
        UserError: the file cannot be read, or is none of these forms; nothing was taken in.
    """
    desks: dict[tuple[str, str], Desk | UserError] = {}
    kept: list[Verdict] = []
    refused: list[Refused] = []
    unchanged = empty = 0
    for row in rows_of(path):
        try:
            verdict = _verdict(row, sample_id, reviewer, at)
            if verdict is None:
                empty += 1
                continue
            desk = _desk(place, verdict, desks)
            may_say(desk, verdict)
        except UserError as error:
            refused.append(Refused(row.number, str(error), _remedy(str(error))))
            continue
        said = desk.said.setdefault(verdict.record_id, {})
        if _same(said.get(verdict.reviewer), verdict):
            unchanged += 1
            continue
        said[verdict.reviewer] = verdict
        kept.append(verdict)
    journal.append_all(place, kept)
    return Imported(len(kept), unchanged, empty, tuple(refused))


def _verdict(row: Row, sample_id: str | None, reviewer: str | None, at: datetime) -> Verdict | None:
    """What the row says; None where it says nothing."""
    if row.fault:
        raise UserError(row.fault)
    if not row.verdict:
        if row.risks or row.comment:
            raise UserError("it has risks or a comment, but no verdict")
        return None
    named = row.reviewer or reviewer
    if named is None:
        raise UserError("it does not say who reviewed it")
    if reviewer is not None and row.reviewer and row.reviewer != reviewer:
        raise UserError(f"it is by {row.reviewer[:60]!r}, not by {reviewer!r}")
    if sample_id is not None and row.sample_id and row.sample_id != sample_id:
        raise UserError(f"it is of the sample {row.sample_id[:40]!r}, not of {sample_id}")
    sample = sample_id or row.sample_id
    if not sample:
        raise UserError("it does not say of which sample it is")
    return Verdict(
        sample, row.record_id, row.released_sha256, named, row.verdict, row.risks, row.comment, row.reviewed_at or at,
        row.seconds, row.origin,
    ).checked()  # fmt: skip


def _desk(place: Place, verdict: Verdict, desks: dict[tuple[str, str], Desk | UserError]) -> Desk:
    key = (verdict.sample_id, verdict.reviewer)
    if key not in desks:
        try:
            desks[key] = may_see(place, verdict.sample_id, verdict.reviewer)
        except UserError as error:
            desks[key] = error
    found = desks[key]
    if isinstance(found, UserError):
        raise found
    return found


def _same(there: Verdict | None, said: Verdict) -> bool:
    if there is None:
        return False
    plain = replace(said, reviewed_at=there.reviewed_at, seconds=there.seconds, origin=there.origin)
    return plain == there


_REMEDIES: Mapping[str, str] = {
    "no such risk": "write keys of Annex A, a1a to a5b, with commas between them",
    "an item with a risk": "write bad, or take the risks out",
    "the verdict is": "write good or bad",
    "but no verdict": "write good or bad, or clear the row",
    "who reviewed": "name the person with --reviewer",
    "it is by": "import each person's rows under that person's name",
    "of which sample": "leave the column sample_id as it was exported",
    "it is of the sample": "import it for its own sample",
    "is given to": "let a lead assign the sample: corpusgate review assign",
    "is no item": "leave the columns record_id and sample_id as they were exported",
    "not the text that was drawn": "export the sample anew and review what it holds now",
    "goes to somebody else": "import the verdict of the person whose item it is (corpusgate review status)",
    "labelled": "let another reviewer judge it",
    "the comment has": "shorten it",
}


def _remedy(reason: str) -> str:
    return next((r for said, r in _REMEDIES.items() if said in reason.lower()), "correct the row and import it again")
