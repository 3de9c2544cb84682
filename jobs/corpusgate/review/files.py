"""The forms in which verdicts come back, read row by row. Nothing is judged here; what a row cannot say is a fault."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpusgate.decide.rules import text_sha256
from corpusgate.errors import UserError

#: Words for the verdict, as people write them.
GOOD = ("good", "ok", "pass", "合格", "通过")
BAD = ("bad", "fail", "不合格", "不通过")
#: Bytes of the largest file that is read.
LARGEST = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: `number` from 1. `verdict` empty: it says nothing. `fault`: why it cannot be taken."""

    number: int
    sample_id: str = ""
    record_id: str = ""
    released_sha256: str = ""
    reviewer: str = ""
    verdict: Any = ""
    risks: tuple[str, ...] = ()
    comment: str = ""
    reviewed_at: datetime | None = None
    seconds: float | None = None
    origin: str = "file"
    fault: str = ""


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a CSV, XLSX or JSON lines file, or of a Label Studio export (`.json`).

    Raises:
        UserError: it cannot be read, or is no such file.
    """
    readers = {".csv": _csv, ".xlsx": _xlsx, ".jsonl": _jsonl, ".json": _label_studio}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path.name}: .csv, .xlsx and .jsonl are read as exported, .json as Label Studio's export.")
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path.name} is larger than {LARGEST:,} bytes.")
        yield from reader(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path.name} is not UTF-8: save it as `CSV UTF-8`, or hand in the XLSX.") from None
    except csv.Error as error:
        raise UserError(f"{path.name} is no CSV: {error}.") from None


def said_verdict(word: Any) -> str:
    """`good`, `bad`, empty for nothing; other words as they are."""
    text = str(word or "").strip().casefold()
    return "good" if text in GOOD else "bad" if text in BAD else text


def said_risks(cell: Any) -> tuple[str, ...]:
    """Keys of risks out of a list or a text: `a1a`, `A.1 a)`, several with commas, semicolons or 、 between them."""
    parts = cell if isinstance(cell, list | tuple) else re.split(r"[,;，；、|\n]+", str(cell or ""))
    keys = (re.sub(r"[\s.()（）]", "", str(p)).casefold() for p in parts)
    return tuple(dict.fromkeys(k for k in keys if k))


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _columns(path, reader.fieldnames)
        for number, cells in enumerate(reader, 1):
            yield _row(number, cells)


def _xlsx(path: Path) -> Iterator[Row]:
    import zipfile

    from openpyxl import load_workbook

    try:
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        lines = sheet.iter_rows(values_only=True)
        names = [str(c or "") for c in next(lines, ())]
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError) as error:
        raise UserError(f"{path.name} is no XLSX that can be read: {type(error).__name__}.") from None
    _columns(path, names)
    for number, cells in enumerate(lines, 1):
        if any(c is not None for c in cells):
            yield _row(number, dict(zip(names, cells, strict=False)))


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                cells = json.loads(line)
            except ValueError:
                cells = None
            if not isinstance(cells, dict):
                yield Row(number, fault="it is no JSON object")
                continue
            yield _with_text(_row(number, cells), cells)


def _label_studio(path: Path) -> Iterator[Row]:
    try:
        tasks = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UserError(f"{path.name} is no JSON: {error}.") from None
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and "data" in t for t in tasks):
        raise UserError(f"{path.name} is no export of Label Studio in the form JSON: a list of tasks with `data`.")
    number = 0
    for task in tasks:
        if "annotations" not in task:
            raise UserError(f"{path.name}: tasks without `annotations`. Export the form JSON, not JSON_MIN or CSV.")
        for annotation in task["annotations"]:
            if not annotation.get("was_cancelled"):
                number += 1
                yield _annotation(number, task["data"], annotation)


def _annotation(number: int, data: Mapping[str, Any], annotation: Mapping[str, Any]) -> Row:
    said: dict[str, Any] = {}
    for result in annotation.get("result") or ():
        value = result.get("value") or {}
        said[result.get("from_name")] = value.get("choices") or value.get("text") or []
    who = annotation.get("completed_by")
    who = who.get("email") or who.get("username") if isinstance(who, dict) else who
    cells = {
        **{k: data.get(k) for k in ("sample_id", "record_id", "released_sha256")},
        "reviewer": who if isinstance(who, str) else "",  # a number is local to one server and names nobody
        "verdict": next(iter(said.get("verdict", [])), ""), "risks": list(said.get("risks", [])),
        "comment": "\n".join(map(str, said.get("comment", []))),
        "reviewed_at": annotation.get("updated_at") or annotation.get("created_at"),
        "seconds": annotation.get("lead_time"),
    }  # fmt: skip
    return _with_text(_row(number, cells, "label_studio"), data)


def _row(number: int, cells: Mapping[str, Any], origin: str = "file") -> Row:
    def text(name: str) -> str:
        return str(cells.get(name) or "").strip()

    try:
        moment = cells.get("reviewed_at")
        at = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment)) if moment else None
        seconds = float(cells["seconds"]) if cells.get("seconds") not in (None, "") else None
    except (ValueError, TypeError):
        return Row(number, fault="its time or seconds cannot be read")
    at = at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
    return Row(
        number, text("sample_id"), text("record_id"), text("released_sha256"), text("reviewer"),
        said_verdict(cells.get("verdict")), said_risks(cells.get("risks")), text("comment"), at, seconds, origin,
    )  # fmt: skip


def _with_text(row: Row, cells: Mapping[str, Any]) -> Row:
    """The row; at fault where the text beside it is not the one that it names: what was shown was another text."""
    text = cells.get("text")
    if row.fault or not isinstance(text, str) or not text or not row.verdict:
        return row
    if text_sha256(text) == row.released_sha256:
        return row
    return Row(row.number, fault="the text beside it is not the text that was drawn")


def _columns(path: Path, names: Sequence[str] | None) -> None:
    missing = {"record_id", "released_sha256", "verdict"} - set(names or ())
    if missing:
        raise UserError(f"{path.name} lacks the column {', '.join(sorted(missing))}: hand in the file as exported.")
