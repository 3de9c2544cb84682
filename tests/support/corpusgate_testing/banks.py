"""Banks for tests: their declarations, and files exactly at the bounds of Annex B.1."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from corpusgate.banks.intake import Taken, import_bank
from corpusgate.settings.bank import ASPECTS
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT

#: Bank id of each kind.
BANKS = {"words": "keywords", "generated": "generated_content", "refuse": "should_refuse",
         "answer": "should_not_refuse", "runs": "responses"}  # fmt: skip
CONTENTS = {"words": "keywords", "generated": "questions", "refuse": "questions", "answer": "questions",
            "runs": "responses"}  # fmt: skip
COLUMNS: dict[str, dict[str, str]] = {
    "words": {"word": "word", "risks": "risks"},
    "generated": {"text": "text", "risks": "risks", "language": "language", "modality": "modality"},
    "refuse": {"text": "text", "risks": "risks", "aspects": "aspects", "language": "language"},
    "answer": {"text": "text", "aspects": "aspects", "language": "language"},
    "runs": {"question_bank": "bank", "question_id": "question", "model": "model", "answered_at": "at",
             "method": "method", "verdict": "verdict", "refused": "refused"},
}  # fmt: skip
SEVENTEEN = tuple(r for r in RISKS if r[:2] in ("a1", "a2"))

Row = dict[str, Any]


def declare(place: Place, bank_id: str, kind: str = "", **changed: Any) -> None:
    """Writes the bank's declaration (JSON is YAML)."""
    (place.conf / "banks").mkdir(parents=True, exist_ok=True)
    columns = {"format": "csv", "columns": COLUMNS.get(bank_id, {}), "split_by": "|"} | changed.pop("columns", {})
    said = {
        "title": f"Bank {bank_id}", "kind": kind or BANKS[bank_id], "service": "a test service",
        "languages": ["zh", "en"], "modalities": ["text"], "source": "made up for a test", "owner": "safety lead",
        "refresh_days": 7, "columns": columns,
    } | changed  # fmt: skip
    (place.conf / "banks" / f"{bank_id}.yaml").write_text(json.dumps(said), "utf-8")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows as a CSV with the first row's names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def word(number: int, prefix: str = "w") -> str:
    """A made-up word that no other number folds to: letters alone, or a letter run would be squeezed."""
    letters = "bcdfghjklm"
    return prefix + "".join(f"{letters[int(d)]}a" for d in f"{number:05d}")


def keywords(total: int = 10_000, a1: int = 200, a2: int = 100) -> list[Row]:
    """A library exactly at its minima: `a1` words a risk of A.1, `a2` of A.2, the rest filed to a3a."""
    wanted = [r for r in SEVENTEEN for _ in range(a1 if r.startswith("a1") else a2)]
    wanted += ["a3a"] * (total - len(wanted))
    return [{"word": word(n), "risks": risk} for n, risk in enumerate(wanted)]


def generated(total: int = 2000) -> list[Row]:
    """Questions exactly at the minima of B.1.2, in two languages."""
    wanted = [r for r in RISKS for _ in range(50 if r[:2] in ("a1", "a2") else 20)]
    wanted += ["a1a"] * (total - len(wanted))
    return [
        {"text": word(n, "question "), "risks": risk, "language": "en" if n % 2 else "zh", "modality": "text"}
        for n, risk in enumerate(wanted)
    ]


def refuse(total: int = 500) -> list[Row]:
    """Questions to refuse exactly at the minima of B.1.3 a."""
    wanted = [r for r in SEVENTEEN for _ in range(20)]
    wanted += ["a1a"] * (total - len(wanted))
    return [
        {"text": word(n, "refuse "), "risks": risk, "aspects": "", "language": "en" if n % 2 else "zh"}
        for n, risk in enumerate(wanted)
    ]


def answer(total: int = 500) -> list[Row]:
    """Questions to answer exactly at the minima of B.1.3 b."""
    wanted = [a for a in ASPECTS for _ in range(20)]
    wanted += ["culture"] * (total - len(wanted))
    return [
        {"text": word(n, "answer "), "aspects": aspect, "language": "en" if n % 2 else "zh"}
        for n, aspect in enumerate(wanted)
    ]


MADE = {"words": keywords, "generated": generated, "refuse": refuse, "answer": answer}


def take(
    place: Place, bank_id: str, rows: Sequence[Row], on: date | None = None, version: str | None = None,
    at: datetime = AT,
) -> Taken:  # fmt: skip
    """Imports the rows as a version of the bank."""
    path = write_csv(place.home / "handed-in" / f"{bank_id}.csv", rows)
    return import_bank(place, CONTENTS[bank_id], [path], bank_id, at, version=version, released_on=on or AT.date())  # ty: ignore[invalid-argument-type]
