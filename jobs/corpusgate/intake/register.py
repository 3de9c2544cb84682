"""The register of authorisations of user input (GB/T 45654-2025 4.1.3 d): who agreed to what, from when, until when.

What counts is the effective time: an item is covered by a period of its key that contains the moment when it was typed
and whose end has not come yet. So what was typed before consent or after an opt-out is not covered, and an opt-out that
has taken effect ends the use of what was typed before it too: a new build is a new use. An opt-out dated ahead holds
from its day on. An opt-out ends every consent of its key that does not begin after it, whichever row names it: a
service that writes it down as a row of its own is obeyed like one that completes the row of the consent.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from corpusgate.errors import UserError

COLUMNS = ("key", "user", "clause_version", "authorised_at", "withdrawn_at")
#: Rule under which an item without authorisation is left out; nothing of it is stored.
NOT_AUTHORISED = "not_authorised"

Period = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Register:
    """Key -> periods [from, to) as ISO 8601 in UTC, `to` empty where it is open; only those in force at one time."""

    periods: Mapping[str, tuple[Period, ...]]

    def covers(self, key: str | None, entered_at: str | None) -> bool:
        """Whether an authorisation covers what was typed then. Without key or time nothing is proven."""
        moment = _moment(entered_at)
        if not key or moment is None:
            return False
        at = moment.isoformat()
        return any(start <= at and (not end or at < end) for start, end in self.periods.get(key, ()))

    @property
    def content(self) -> bytes:
        """Canonical bytes: equal for equal periods, whatever the order and form of the file."""
        ordered = {k: sorted(v) for k, v in sorted(self.periods.items())}
        return json.dumps(ordered, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def sha256(self) -> str:
        """Hash of `content`."""
        return hashlib.sha256(self.content).hexdigest()


def restored(content: bytes) -> Register:
    """The register whose `content` this is."""
    return Register({k: tuple((a, b) for a, b in v) for k, v in json.loads(content).items()})


def effective(rows: Iterable[Mapping[str, Any]], at: datetime) -> Register:
    """The periods of the rows that are in force at `at`.

    Raises:
        UserError: a row without key, user, version of the clause or time of authorisation, or a time that is none: half
            an authorisation proves nothing, and it must not be passed over.
    """
    begun: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for number, row in enumerate(rows, 1):
        said = {name: str(row.get(name) or "").strip() for name in COLUMNS}
        lacking = [n for n in COLUMNS[:4] if not said[n]]
        start, end = _moment(said["authorised_at"]), _moment(said["withdrawn_at"])
        if lacking or start is None or (said["withdrawn_at"] and end is None):
            what = f"lacks {', '.join(lacking)}" if lacking else "has a time that is not ISO 8601"
            raise UserError(f"row {number} of the register of authorisations {what}; columns: {', '.join(COLUMNS)}.")
        begun.setdefault(said["key"], []).append((start, end))
    found = {key: tuple(_in_force(rows, at)) for key, rows in begun.items()}
    return Register({key: periods for key, periods in found.items() if periods})


def _in_force(rows: Iterable[tuple[datetime, datetime | None]], at: datetime) -> Iterator[Period]:
    """The periods of one key that are in force at `at`, in order, without overlap.

    Two rows that begin at one time are one consent: what withdraws either withdraws it, also a time before it began.
    """
    rows = sorted(rows, key=lambda r: r[0])
    ends = [(start, end) for start, end in rows if end is not None]
    last: datetime | None = None
    for start in dict.fromkeys(start for start, _ in rows):
        end = min((e for of, e in ends if e >= start or of == start), default=None)
        if start > at or (end is not None and end <= max(start, at)) or (last is not None and start <= last):
            continue
        yield start.isoformat(), end.isoformat() if end else ""
        last = end or datetime.max.replace(tzinfo=UTC)


def rows_of(name: str, content: bytes) -> Iterator[Mapping[str, Any]]:
    """The rows of the file: CSV with a header where its name ends so, else JSON Lines.

    Raises:
        UserError: it is neither.
    """
    try:
        text = content.decode("utf-8-sig")
        if name.lower().endswith(".csv"):
            yield from csv.DictReader(io.StringIO(text, newline=""), strict=True)
            return
        for line in filter(str.strip, text.splitlines()):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line that is no object")
            yield row
    except (ValueError, csv.Error, RecursionError) as error:
        raise UserError(f"the register of authorisations {name} cannot be read: {error}") from None


def _moment(text: str | None) -> datetime | None:
    """The time in UTC; one without zone is UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
