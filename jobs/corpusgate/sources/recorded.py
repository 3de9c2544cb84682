"""Conclusions that people recorded with `corpusgate source conclude`: which one holds, and for which content.

Each is a row of `licence_period` without a verdict. It is bitemporal: valid from the day that the person names, known
since the moment it was recorded. It binds to what it was drawn from (`basis`): where that changed, it holds no longer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from corpusgate.intake.rules import member_path
from corpusgate.settings.source import Conclusion, FolderChannel, HttpChannel, LicencePart, S3Channel, Source, Statement

Row = Mapping[str, Any]

#: `reason` of the rows that people record; those of the licence step carry its reason and a verdict.
BY_PERSON = "licence_concluded_by_person"
#: SPDX's word for "nothing is asserted": a conclusion taken back. The declaration speaks again.
TAKEN_BACK = "NOASSERTION"


def in_force(rows: Iterable[Row], at: datetime) -> dict[str, Row]:
    """The conclusion that holds for each part at the time `at`: known by then, valid by then, the newest of these.

    A part that nobody concluded about, or whose conclusion was taken back or has ended, is left out: an earlier one
    that the newest replaced does not come back.
    """
    return {part: r for part, r in _newest(rows, at).items() if not _over(r, at)}


def ended(rows: Iterable[Row], at: datetime) -> dict[str, Row]:
    """The conclusion of each part that held until a day that is past, and that no other has followed."""
    return {part: r for part, r in _newest(rows, at).items() if _over(r, at)}


def _newest(rows: Iterable[Row], at: datetime) -> dict[str, Row]:
    known = [r for r in rows if r["verdict"] is None and r["recorded_at"] <= at and r["valid_from"] <= at]
    newest = {r["part"]: r for r in sorted(known, key=lambda r: (r["recorded_at"], r["valid_from"]))}
    return {part: r for part, r in newest.items() if r["concluded"] != TAKEN_BACK}


def _over(row: Row, at: datetime) -> bool:
    return row.get("valid_to") is not None and row["valid_to"] <= at


def basis(
    source: Source, part: LicencePart, acquisitions: Sequence[Mapping[str, Any]], files: Mapping[str, bytes]
) -> list[str]:
    """What a conclusion about the part is drawn from, a line each with its hash, sorted.

    The declaration of the part without its own conclusion; each file that a statement of it names; and the fetched
    packages. A folder, a site or a bucket may grow: there the files of the statements are enough, where there are any.

    Args:
        acquisitions: facts of the fetch step, with `name` and `sha256`.
        files: member path -> bytes, of the files that statements name (`job.Look.files`).
    """
    said = part.model_dump(
        mode="json", exclude_defaults=True, include={"include", "declared", "evidence", "finding", "contradicted"}
    )
    lines = {f"declaration sha256:{_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode())}"}
    for path in sorted({statement_path(s) for s in statements(part) if "://" not in str(s.read_from)}):
        content = files.get(path)
        lines.add(f"file {path} {'missing' if content is None else f'sha256:{_sha256(content)}'}")
    if not isinstance(source.channel, FolderChannel | HttpChannel | S3Channel):
        lines |= {f"package {a['name']} sha256:{a['sha256']}" for a in acquisitions}
    elif len(lines) == 1:
        listed = sorted(f"{a['name']}\0{a['sha256']}" for a in acquisitions)
        lines.add(f"folder of {len(listed)} sha256:{_sha256(chr(10).join(listed).encode())}")
    return sorted(lines)


def changed(row: Row, now: Sequence[str]) -> list[str]:
    """What is not as it was when the conclusion was drawn, by name; empty: it still holds."""
    differing = set(row.get("basis") or ()) ^ set(now)
    return sorted({line.rsplit(" ", 1)[0] for line in differing})


def applied(part: LicencePart, row: Row) -> LicencePart:
    """The part as that person concluded; what the declaration left open or called contradicted is thereby settled."""
    concluded = Conclusion(
        expression=row["concluded"], by=row["concluded_by"], role=row.get("concluded_role"), at=row["concluded_at"],
        because=row["because"], provisional=row["provisional"], notes=tuple(row["notes"] or ()),
    )  # fmt: skip
    return part.model_copy(update={"concluded": concluded, "finding": None, "contradicted": False})


def statements(part: LicencePart) -> list[Statement]:
    """The statements of a part that name where they were read."""
    said = [*([part.declared] if part.declared else []), *part.evidence]
    return [s for s in said if s.read_from]


def statement_path(statement: Statement) -> str:
    """The member that a statement was read in, or "" where it names none."""
    try:
        return member_path(statement.read_from or "")
    except ValueError:
        return ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
