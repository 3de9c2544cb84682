"""`corpusgate source conclude`: a named person says which licence holds for a part of a source, and why.

The word is a row of `licence_period`, never an edit of a file: who said it, as what, when, from which content. The
licence step then judges by it, as long as that content stays as it was (`recorded.basis`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from corpusgate.collect.job import fetch
from corpusgate.errors import UserError
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.licence import USES, LicenceTable, load_licences, spelling
from corpusgate.settings.load import load_corpus, load_source, plain
from corpusgate.settings.person import BECAUSE_LEAST, LONGEST, NOBODY
from corpusgate.settings.place import Place
from corpusgate.settings.source import LicencePart, Source
from corpusgate.sources.expressions import grants, read
from corpusgate.sources.job import judged, periods, walk
from corpusgate.sources.new import TO_FILL
from corpusgate.sources.recorded import BY_PERSON, TAKEN_BACK, basis

#: What makes two recordings the same word.
_SAME = ("concluded", "concluded_by", "concluded_role", "because", "notes", "provisional", "basis", "valid_to")


@dataclass(frozen=True, slots=True)
class Word:
    """What the person says. Without `valid_from` it is valid since the source's bytes were first acquired; from
    `valid_to` on it no longer is, and the part is pending again."""

    expression: str
    by: str
    role: str
    because: str
    notes: tuple[str, ...] = ()
    valid_from: datetime | None = None
    definitive: bool = False
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The row of `licence_period`, whether it is new, and what each corpus's licence step now makes of the source."""

    row: dict[str, Any]
    fresh: bool
    outlook: dict[str, StepResult]


def conclude(place: Place, source_id: str, word: Word, at: datetime, part_id: str | None = None) -> Recorded:
    """Records the word, under the lake's lease; the same word about the same content is recorded once.

    Raises:
        UserError: no such source or part, an expression that the table does not know (near ones are named), a person or
            reason that is none, or bytes that cannot be had here. LakeBusy: a rebuild is at work.
    """
    source, table = load_source(place, source_id), load_licences(place)
    part = _part(source, part_id)
    _complete(word)
    if word.valid_to is not None and word.valid_to <= max(at, word.valid_from or at):
        raise UserError(
            f"--until: it would end at {word.valid_to:%Y-%m-%d %H:%M} UTC, before it holds for any rebuild."
        )
    expression = understood(word.expression, table)
    corpora = [load_corpus(place, c) for c in corpora_with(place, source_id)]
    if not corpora:
        raise UserError(
            f"No corpus takes {source_id}: add its id to `sources` in a file of {place.conf / 'corpora'} first. A "
            "licence is concluded for a use, and the corpus says which."
        )
    fetched = _fetched(place, corpora[0], source, at)
    acquisitions = fetched.facts["acquisitions"]
    with lease(place, f"conclude {source_id}"):
        row, fresh = _record(place, source, part, word, expression, acquisitions, at, table)
    outlook = {c.id: judged(Run("conclude", c, at, place), source, acquisitions) for c in corpora}
    return Recorded(row, fresh, outlook)


def understood(written: str, table: LicenceTable) -> str:
    """The expression in its normal form, or `NOASSERTION`.

    Raises:
        UserError: the table does not know it, or it can mean several licences; says which word, and what is near.
    """
    if spelling(written) == spelling(TAKEN_BACK):
        return TAKEN_BACK
    reading = read(written, table)
    if reading.expression is not None:
        return reading.expression
    close = ", ".join(near(written, table))
    raise UserError(
        f"--expression: {reading.says}. {f'Near: {close}. ' if close else ''}Write one that "
        "conf/licences.yaml knows, or have the licence added there first (a legal act: read it, say what it allows)."
    )


def after(day: str) -> datetime:
    """The moment, in UTC, from which a conclusion no longer holds whose last day this is.

    Raises:
        UserError: it is no day.
    """
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError):
        raise UserError(f"--until {day!r} is no day: write it as 2026-12-31.") from None


def near(written: str, table: LicenceTable, most: int = 5) -> list[str]:
    """Licences of the table whose identifier or alias looks like what was written, or like a word of it."""
    names = {spelling(n): key for key, licence in table.licences.items() for n in (key, *licence.aliases)}
    words = [w for w in re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", written) if w.strip() and not table.alias(w)]
    found: dict[str, None] = {}
    for word in dict.fromkeys([*words, written]):
        for name in difflib.get_close_matches(spelling(word), names, n=most, cutoff=0.6):
            found.setdefault(names[name])
    return list(found)[:most]


def corpora_with(place: Place, source_id: str) -> list[str]:
    """Ids of the corpora that take the source."""
    files = sorted((place.conf / "corpora").glob("*.yaml"))
    return [path.stem for path in files if source_id in (plain(path).get("sources") or ())]


def _part(source: Source, part_id: str | None) -> LicencePart:
    parts = list(source.licence) or [LicencePart()]
    named = [p for p in parts if p.id == part_id]
    if named or (part_id is None and len(parts) == 1):
        return (named or parts)[0]
    there = ", ".join(p.id for p in parts)
    wrong = f"has no licence part {part_id!r}" if part_id else "has several licence parts"
    raise UserError(f"{source.id} {wrong}: name one of {there} with --part.")


def _complete(word: Word) -> None:
    said = {"--by": word.by, "--role": word.role, "--because": word.because}
    for name, text in (*said.items(), *(("--note", note) for note in word.notes)):
        if not text.strip() or TO_FILL in text:
            raise UserError(f"{name} is empty; a conclusion names a person, a role and a reason.")
        if len(text) > LONGEST or any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text):
            raise UserError(f"{name} holds control or direction characters, or more than {LONGEST:,} characters.")
    by = word.by.strip()
    if by.casefold() in NOBODY or by.casefold() == word.role.strip().casefold() or not any(map(str.isalpha, by)):
        raise UserError(f"--by {by!r} names nobody: write the name of the person who answers for this.")
    if len(word.because.strip()) < BECAUSE_LEAST:
        raise UserError("--because says too little: what was read or agreed, where, and why it allows the use.")


def _fetched(place: Place, corpus: Corpus, source: Source, at: datetime) -> StepResult:
    """What is there now of the source: listed in place, or taken from the archive, or fetched."""
    result = fetch(Run("conclude", corpus, at, place), source)
    if result.state != "ok":
        raise UserError(f"Nothing is concluded on bytes that nobody has: {source.id} is {result.because}")
    return result


def _record(
    place: Place, source: Source, part: LicencePart, word: Word, expression: str,
    acquisitions: list[Mapping[str, Any]], at: datetime, table: LicenceTable,
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    from corpusgate.lake import store

    store.ensure_tables(place, ["licence_period"])
    parts = list(source.licence) or [part]
    look = walk([(Path(a["path"]), a["name"]) for a in acquisitions], source, parts)
    since = min(datetime.fromisoformat(a["fetched_at"]) for a in acquisitions)
    row = {
        **_said(part, word, expression, at, table),
        "source_id": source.id, "valid_from": word.valid_from or since, "valid_to": word.valid_to, "recorded_at": at,
        "basis": basis(source, part, acquisitions, look.files),
    }  # fmt: skip
    before = [r for r in periods(place, source.id) if r["verdict"] is None and r["part"] == part.id]
    last = max(before, key=lambda r: r["recorded_at"], default=None)
    same = last is not None and all((last.get(c) or None) == (row[c] or None) for c in _SAME)
    if last is not None and same and word.valid_from in (None, last["valid_from"]):
        return last, False
    store.append_new(place, "licence_period", [row], f"conclude {source.id}")
    return row, True


def _said(part: LicencePart, word: Word, expression: str, at: datetime, table: LicenceTable) -> dict[str, Any]:
    declared = part.declared
    granted = None if expression == TAKEN_BACK else grants(expression, table, USES)
    return {
        "part": part.id,
        "declared": declared.expression if declared else None, "concluded": expression,
        "read_from": declared.read_from if declared else None, "quote": declared.quote if declared else None,
        "text_sha256": declared.sha256 if declared else None,
        "concluded_by": word.by.strip(), "concluded_role": word.role.strip(), "concluded_at": f"{at:%Y-%m-%d}",
        "because": word.because.strip(), "provisional": not word.definitive,
        **{f"use_{use}": granted.use(use) if granted else None for use in USES},
        "obligations": list(granted.obligations) if granted else [], "notes": [n.strip() for n in word.notes],
        "verdict": None, "reason": BY_PERSON, "evidence_id": None,
    }  # fmt: skip
