"""Taking a bank's files in as one version: whole, dated, by hash; and recording a review that found nothing to change.

The version's own row is written last: a process that dies before has imported nothing, and the same import again
leaves what an undisturbed one leaves.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from corpusgate.annotation.model import ZONE
from corpusgate.banks.files import PASSED_OVER, Refused, read
from corpusgate.banks.rules import id_column, row_of, table_of
from corpusgate.errors import UserError
from corpusgate.gates.documents import Document, document, keep
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.lease import lease
from corpusgate.settings.bank import Bank, Contents
from corpusgate.settings.load import load_bank
from corpusgate.settings.person import named_and_reasoned
from corpusgate.settings.place import Place

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Taken:
    """The row of `bank_version`, the rows that were refused, and whether it was taken in just now."""

    version: dict[str, Any]
    refusals: Sequence[dict[str, Any]]
    fresh: bool


def import_bank(
    place: Place, contents: Contents, files: Sequence[Path], bank_id: str, at: datetime, *, version: str | None = None,
    released_on: date | None = None,
) -> Taken:  # fmt: skip
    """Takes files in as one version of a bank; the same content again changes nothing.

    `version` defaults to a hash of the content, `released_on` to the day of `at`.

    Raises:
        UserError: no such bank, one of another kind, a file that cannot be read, no row that could be taken, a version
            that is there with other content, a day that lies ahead. LakeBusy: a step of a rebuild is writing.
    """
    bank = load_bank(place, bank_id)
    if bank.contents != contents:
        raise UserError(f"{bank_id} is a bank of kind {bank.kind}: import it with `corpusgate bank import "
                        f"{bank.contents}`.")  # fmt: skip
    if version is not None and not _VERSION.fullmatch(version):
        raise UserError(f"--version {version[:70]!r}: letters, digits, dot, hyphen, plus and underscore, at most 64.")
    papers = [document(place, str(path), None) for path in files]
    if len({p.name for p in papers}) != len(papers):
        raise UserError("Two of the files have one name, and rows are pointed at by it; rename one.")
    digest = _digest(bank, papers)
    day = _day(released_on, at)
    with lease(place, f"bank import {bank_id}"):
        store.ensure_tables(place, ["bank_version", "bank_review", "bank_refusal", "evidence_file", table_of(bank)])
        there = _versions(place, bank_id)
        known = next((v for v in there if v["content_sha256"] == digest and version in (None, v["version"])), None)
        if known is not None:
            return Taken(known, _refusals(place, known), False)
        name = version or digest[:12]
        if any(v["version"] == name for v in there):
            raise UserError(f"{bank_id} has a version {name!r} with other content already; give the new one its own "
                            "name with --version.")  # fmt: skip
        return _take(place, bank, files, papers, digest, name, day, at)


def review_bank(
    place: Place, bank_id: str, by: str, because: str, at: datetime, reviewed_on: date | None = None
) -> dict[str, Any]:  # fmt: skip
    """Records that somebody looked at the version in force and found nothing to change; returns the row.

    Raises:
        UserError: no version is there, nobody or no reason is named, or the day lies ahead or before the version.
    """
    load_bank(place, bank_id)
    who, why = named_and_reasoned(by, because)
    day = _day(reviewed_on, at)
    with lease(place, f"bank review {bank_id}"):
        store.ensure_tables(place, ["bank_version", "bank_review"])
        there = [v for v in _versions(place, bank_id) if v["released_on"] <= day]
        if not there:
            raise UserError(f"{bank_id} has no version of {day} or before: `corpusgate bank import` takes one in.")
        newest = max(there, key=lambda v: (v["released_on"], v["recorded_at"]))
        row = {"bank_id": bank_id, "version": newest["version"], "reviewed_on": day, "by": who, "because": why}
        said = "\0".join(str(row[name]) for name in sorted(row))
        row |= {"review_id": hashlib.sha256(said.encode()).hexdigest()[:16], "recorded_at": at}
        store.append_new(place, "bank_review", [row], f"bank review {bank_id}")
        return row


def _take(
    place: Place, bank: Bank, files: Sequence[Path], papers: Sequence[Document], digest: str, version: str, day: date,
    at: datetime,
) -> Taken:  # fmt: skip
    rows, refused, passed_over = _sorted_out(bank, files, papers)
    if not rows:
        first = f"; the first: {refused[0]['raw_pointer']}: {refused[0]['detail']}" if refused else ""
        raise UserError(f"{bank.id}: no row of {', '.join(p.name for p in papers)} could be taken ({len(refused)} "
                        f"refused, {passed_over} passed over{first}). Nothing was imported.")  # fmt: skip
    about = {"bank_id": bank.id, "version": version}
    where = f"bank_id = {literal(bank.id)} AND version = {literal(version)}"
    name, job = id_column(bank), f"bank import {bank.id}"
    for paper in papers:
        keep(place, paper, f"bank {bank.id}, version {version}", at)
    refusals = [r | about | {"recorded_at": at} for r in refused]
    store.replace(place, table_of(bank), [r | about for r in rows], where, job)
    store.replace(place, "bank_refusal", refusals, where, job)
    told = about | {
        "kind": bank.kind, "service": bank.service, "released_on": day, "content_sha256": digest,
        "files": {p.name: p.sha256 for p in papers}, "rows_in": len(rows) + len(refused) + passed_over,
        "kept": len(rows), "refused": len(refused), "passed_over": passed_over,
        "distinct_entries": len({r.get("match_form", r[name]) for r in rows}), "source": bank.source,
        "licence": bank.licence, "owner": bank.owner, "recorded_at": at,
    }  # fmt: skip
    store.append_new(place, "bank_version", [told], job)
    return Taken(told, refusals, True)


def _sorted_out(
    bank: Bank, files: Sequence[Path], papers: Sequence[Document]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Rows that are taken, with their match forms; rows that are not, with the reason; how many were passed over."""
    rows: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    passed_over = 0
    for path, paper in zip(files, papers, strict=True):
        found = list(read(bank, path))
        passed_over += found.count(PASSED_OVER)
        kept = [e if isinstance(e, Refused) else row_of(bank, e) for e in found if not isinstance(e, str)]
        for row in _once(bank, _folded(bank, kept), rows):
            if isinstance(row, Refused):
                refused.append({"raw_pointer": row.pointer, "reason": row.reason, "detail": row.detail,
                                "remedy": row.remedy, "raw_file_sha256": paper.sha256})  # fmt: skip
            else:
                rows.append(row | {"raw_file_sha256": paper.sha256})
    return rows, refused, passed_over


def _once(
    bank: Bank, found: Iterable[dict[str, Any] | Refused], before: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any] | Refused]:
    """An entry's id stands once in a version: the second one is refused, and points at the first."""
    name = id_column(bank)
    seen = {r[name]: r["raw_pointer"] for r in before}
    for row in found:
        if not isinstance(row, Refused) and row[name] in seen:
            yield Refused(row["raw_pointer"], "twice", f"the same as {seen[row[name]]}", "take one of them out")
            continue
        if not isinstance(row, Refused):
            seen[row[name]] = row["raw_pointer"]
        yield row


def _folded(bank: Bank, found: Sequence[dict[str, Any] | Refused]) -> Iterator[dict[str, Any] | Refused]:
    """The entries with their match forms: folded as the detectors fold. One of which nothing is left is refused."""
    if bank.contents == "responses":
        yield from found
        return
    from corpusgate.intake.detectors.keys import match_keys

    name = "word" if bank.contents == "keywords" else "text"
    rows = [r for r in found if not isinstance(r, Refused)]
    keys = iter(match_keys([r[name] for r in rows]))
    for row in found:
        if isinstance(row, Refused):
            yield row
        elif key := next(keys):
            yield row | {"match_form": key}
        else:
            yield Refused(row["raw_pointer"], "empty", f"nothing of {name} is left once it is folded", "take it out")


def _digest(bank: Bank, papers: Sequence[Document]) -> str:
    """Over the files and how they are read: another map makes other entries of the same bytes."""
    read_as = bank.model_dump(mode="json", include={"kind", "languages", "modalities", "columns"})
    said = [json.dumps(read_as, sort_keys=True, ensure_ascii=False), *sorted(f"{p.name} {p.sha256}" for p in papers)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _day(given: date | None, at: datetime) -> date:
    today = at.astimezone(ZONE).date()
    if given is not None and given > today:
        raise UserError(f"--on {given} lies after today ({today}): a bank cannot be of a day that has not come.")
    return given or today


def _versions(place: Place, bank_id: str) -> list[dict[str, Any]]:
    found = store.read(place, "bank_version", where=f"bank_id = {literal(bank_id)}").to_pylist()
    return [v | {"files": dict(v["files"] or ()), "recorded_at": v["recorded_at"].astimezone(UTC)} for v in found]


def _refusals(place: Place, version: dict[str, Any]) -> list[dict[str, Any]]:
    where = f"bank_id = {literal(version['bank_id'])} AND version = {literal(version['version'])}"
    return store.read(place, "bank_refusal", where=where).to_pylist()
