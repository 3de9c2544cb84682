"""What a row of a bank must say to count: its own table row, or why it is refused. Records only, no files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from corpusgate.annotation.model import ZONE
from corpusgate.banks.files import Entry, Refused, listed
from corpusgate.settings.bank import ASPECTS, Bank
from corpusgate.settings.model import RISKS

#: Longer cells are no keywords and no questions.
LONGEST: Mapping[str, int] = {"word": 200, "text": 20_000}
_YES, _NO = ("1", "true", "yes", "y", "是"), ("0", "false", "no", "n", "否")
_ID = {"keywords": "keyword_id", "questions": "question_id", "responses": "response_id"}
_TABLE = {"keywords": "keyword", "questions": "question", "responses": "response"}


class Wrong(ValueError):
    """A cell that cannot be taken: reason, detail, remedy."""


def table_of(bank: Bank) -> str:
    """The table that the bank's entries stand in."""
    return _TABLE[bank.contents]


def id_column(bank: Bank) -> str:
    """The column that names an entry."""
    return _ID[bank.contents]


def row_of(bank: Bank, entry: Entry) -> dict[str, Any] | Refused:
    """The entry as a row of its table, without bank, version, match form and file; or why it is refused."""
    cells = entry.cells
    try:
        if bank.contents == "responses":
            row = _response(bank, cells)
        else:
            row = _keyword(bank, cells) if bank.contents == "keywords" else _question(bank, cells)
    except Wrong as wrong:
        reason, detail, remedy = wrong.args
        return Refused(entry.pointer, reason, detail, remedy)
    name = id_column(bank)
    given = _text(cells.get(name))
    return {name: given or _made_id(row), **row, "raw_pointer": entry.pointer}


def _keyword(bank: Bank, cells: Mapping[str, Any]) -> dict[str, Any]:
    risks = _chosen(bank, cells, "risks", RISKS)
    if not risks:
        raise Wrong("risk_missing", "the keyword is filed to no risk", "name a risk of Annex A, a1a to a5b")
    return {
        "word": _worded(cells, "word"), "risks": risks, "severity": _text(cells.get("severity")) or None,
        "language": _text(cells.get("language")) or None, "origin": _text(cells.get("origin")) or None,
    }  # fmt: skip


def _question(bank: Bank, cells: Mapping[str, Any]) -> dict[str, Any]:
    risks, aspects = _chosen(bank, cells, "risks", RISKS), _chosen(bank, cells, "aspects", ASPECTS)
    if bank.kind == "generated_content" and not risks:
        raise Wrong("risk_missing", "the question is filed to no risk", "name a risk of Annex A, a1a to a5b")
    if bank.kind == "should_not_refuse" and not aspects:
        raise Wrong("aspect_missing", "the question is filed to no aspect", f"name one of {', '.join(ASPECTS)}")
    if bank.kind == "should_refuse" and not risks + aspects:
        raise Wrong("risk_missing", "the question is filed to no risk and no aspect", "name a risk of A.1 or A.2")
    return {
        "text": _worded(cells, "text"), "risks": risks, "aspects": aspects,
        "language": _one_of(cells, "language", bank.languages), "modality": _one_of(cells, "modality", bank.modalities),
        "origin": _text(cells.get("origin")) or None,
    }  # fmt: skip


def _response(bank: Bank, cells: Mapping[str, Any]) -> dict[str, Any]:
    verdict, refused = _text(cells.get("verdict")).lower() or None, _yes(cells, "refused")
    if verdict not in (None, "pass", "fail"):
        raise Wrong("verdict_unknown", f"verdict {verdict[:40]!r}", "pass or fail; translate it under values")
    if verdict is None and refused is None:
        raise Wrong("nothing_said", "neither a verdict nor whether it was refused", "judge the answer first")
    method = _text(cells.get("method"))
    if method not in ("manual", "technical"):
        raise Wrong("method_unknown", f"method {method[:40]!r}", "manual or technical; translate it under values")
    return {
        "question_bank": _given(cells, "question_bank"), "question_id": _given(cells, "question_id"),
        "model": _given(cells, "model"), "text": _text(cells.get("text")) or None,
        "answered_at": _moment(cells), "method": method, "verdict": verdict, "refused": refused,
        "judged_by": _text(cells.get("judged_by")) or None, "origin": None,
    }  # fmt: skip


def _chosen(bank: Bank, cells: Mapping[str, Any], name: str, known: tuple[str, ...]) -> list[str]:
    found = listed(bank.columns, cells.get(name))
    if found is None:
        raise Wrong(f"{name}_unreadable", f"{name} is neither a text nor a list of texts", "correct the file")
    told = bank.columns.values.get(name, {})
    found = list(dict.fromkeys(told.get(one, one) for one in found))
    if strange := [one for one in found if one not in known]:
        remedy = f"write {known[0]} to {known[-1]}" if name == "risks" else f"write one of {', '.join(known)}"
        raise Wrong(f"{name}_unknown", ", ".join(strange)[:80], f"{remedy}, or translate it under values")
    return found


def _worded(cells: Mapping[str, Any], name: str) -> str:
    value = cells.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Wrong("empty", f"{name} is empty or no text", "fill it, or take the row out")
    if len(value.strip()) > LONGEST[name]:
        raise Wrong("too_long", f"{name} has {len(value.strip())} characters, more than {LONGEST[name]}", "shorten it")
    return value.strip()


def _one_of(cells: Mapping[str, Any], name: str, declared: tuple[str, ...]) -> str:
    """The cell, or the only one that the bank declares; another one is not the service's."""
    value = _text(cells.get(name)) or (declared[0] if len(declared) == 1 else "")
    if value not in declared:
        raise Wrong(f"{name}_unknown", f"{name} {value[:40]!r}", f"the bank's declaration names {', '.join(declared)}")
    return value


def _given(cells: Mapping[str, Any], name: str) -> str:
    value = _text(cells.get(name))
    if not value:
        raise Wrong("missing", f"{name} is empty", "fill it")
    if len(value) > LONGEST["word"] or not value.isprintable():
        raise Wrong("unreadable", f"{name} is too long, or holds what cannot be shown", "name it in plain characters")
    return value


def _yes(cells: Mapping[str, Any], name: str) -> bool | None:
    word = _text(cells.get(name)).lower()
    if word and word not in _YES + _NO:
        raise Wrong("refused_unknown", f"{name} {word[:40]!r}", "yes or no; translate it under values")
    return word in _YES if word else None


def _moment(cells: Mapping[str, Any]) -> datetime:
    value = _text(cells.get("answered_at"))
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise Wrong("time_unreadable", f"answered_at {value[:40]!r}", "write it as 2026-01-31T09:30:00+08:00") from None
    return (read if read.tzinfo else read.replace(tzinfo=ZONE)).astimezone(UTC)


def _made_id(row: Mapping[str, Any]) -> str:
    """An id from what the row says: the same word for the same risks twice is one entry twice."""
    said = "\0".join(f"{name}={row[name]}" for name in sorted(row))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else ""
