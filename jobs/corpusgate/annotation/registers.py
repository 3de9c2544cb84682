"""The registers that an annotation lead keeps: people, roles, exams, qualifications, withdrawals, rules; and what was
done with each batch. CSV (named after its register) or XLSX (a sheet a register), read as text, mistakes by line.

A register is taken whole or not at all: one that is half right would judge people by halves. Blank cells that a control
asks for (the old time of a correction, the measures of a verification) are no mistakes here; the control finds them.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from corpusgate.annotation.model import KINDS, REGISTERS_OF_BATCHES, REGISTERS_OF_PEOPLE, ROLES, ZONE, digest
from corpusgate.errors import ConfigError, UserError
from corpusgate.lake.schema import DAY, F64, I64, STRINGS, TIME, B
from corpusgate.lake.tables import TABLES
from corpusgate.settings.model import RISKS

REGISTERS: tuple[str, ...] = (*REGISTERS_OF_PEOPLE, *REGISTERS_OF_BATCHES)
#: Columns that are filled in here, not by the lead.
_OURS = {"corpus", "raw_file_sha256", "raw_pointer", "fact_origin", "recorded_at"}
#: Ids that are made from other columns where the lead gives none; whoever corrects such a column gives the id.
_MADE: Mapping[str, tuple[str, ...]] = {
    "approval": ("approval_id", "batch_id", "record_id", "reviewer_id", "reviewed_at"),
    "verification": ("verification_id", "batch_id", "record_id", "verifier_id", "verified_at"),
    "correction": ("correction_id", "batch_id", "record_id", "corrector_id", "new_at"),
}
#: Beside the key: what a row says nothing without.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "exam": ("annotator_id", "taken_on", "passed"), "approval": ("batch_id", "record_id", "reviewer_id", "decision"),
    "rule_document": ("valid_from", "document_sha256"), "arbitration": ("arbitrator_id", "outcome"),
    "verification": ("batch_id", "record_id", "method"), "correction": ("batch_id", "record_id"),
}  # fmt: skip
_POINTS = ("pass", "fail", "not_applicable")
_CHOICES: Mapping[tuple[str, str], Sequence[str]] = {
    ("annotator_role", "role"): ROLES, ("assignment", "role"): ROLES, ("supervision", "role"): ROLES,
    ("exam", "kind"): (*KINDS, "both"), ("qualification", "kind"): (*KINDS, "both"), ("rule_document", "kind"): KINDS,
    ("qualification", "state"): ("granted", "suspended", "cancelled"),
    ("approval", "decision"): ("approve", "reject", "fix"), ("verification", "result"): ("pass", "fail"),
    ("arbitration", "outcome"): ("upheld", "discarded", "redo"), ("verification", "method"): ("manual", "automatic"),
    ("verification", "understanding"): _POINTS, ("verification", "agreement"): _POINTS,
    ("verification", "language_quality"): _POINTS,
}  # fmt: skip
_PEOPLE = (
    "annotator_id", "reviewer_id", "arbitrator_id", "verifier_id", "original_annotator_id", "corrector_id",
    "supervisor_id",
)  # fmt: skip
_DEFAULTS: Mapping[tuple[str, str], Any] = {("qualification", "state"): "granted", ("rule_document", "material"): True}
_YES, _NO = ("1", "true", "yes", "y", "是", "通过"), ("0", "false", "no", "n", "否", "不通过")
_HEADER_ROWS = 1
_CELLS_MAX, _BYTES_MAX = 5_000_000, 1 << 30


@dataclass(frozen=True, slots=True)
class Sheet:
    """One register as handed in: its name, and its rows as texts by column, each with its line."""

    register: str
    rows: Sequence[tuple[int, Mapping[str, Any]]]
    columns: Sequence[str]


def columns_of(register: str) -> list[tuple[str, pa.DataType]]:
    """The columns that a lead fills in, with their types."""
    return [(f.name, f.type) for f in TABLES[register].schema if f.name not in _OURS]


def read_sheets(path: Path, register: str | None = None) -> list[Sheet]:
    """The registers of a file; of a CSV its stem names the register, or `register` does.

    Raises:
        UserError: it is neither CSV nor XLSX, or names no register.
    """
    if path.suffix.lower() == ".xlsx":
        return list(_workbook(path))
    if path.suffix.lower() != ".csv":
        raise UserError(f"{path}: registers are CSV or XLSX.")
    name = register or path.stem.split(".")[0]
    _known(path, name)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as UTF-8: {error}.") from None
    lines = csv.reader(io.StringIO(text, newline=""))
    header = [h.strip() for h in next(lines, [])]
    filled = (cells for cells in lines if any(c.strip() for c in cells))
    rows = [(lines.line_num, dict(zip(header, cells, strict=False))) for cells in filled]
    return [Sheet(name, rows, header)]


def _workbook(path: Path) -> Iterator[Sheet]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(i.file_size for i in packed.infolist()) > _BYTES_MAX:
                raise ValueError("it unpacks to more than a register can be")
        # values as they were last computed; links, formulas and macros stay untouched
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as XLSX: {error}.") from None
    try:
        for sheet in book.worksheets:
            _known(path, sheet.title)
            if (sheet.max_row or 0) * (sheet.max_column or 0) > _CELLS_MAX:
                raise UserError(f"{path}, sheet {sheet.title}: more than {_CELLS_MAX} cells; split it.")
            lines = sheet.iter_rows(values_only=True)
            header = ["" if h is None else str(h).strip() for h in next(lines, ())]
            rows = [
                (n, dict(zip(header, cells, strict=False)))
                for n, cells in enumerate(lines, _HEADER_ROWS + 1)
                if any(c is not None and str(c).strip() for c in cells)
            ]
            yield Sheet(sheet.title, rows, header)
    finally:
        book.close()


def _known(path: Path, name: str) -> None:
    if name not in REGISTERS:
        raise UserError(f"{path}: {name!r} is no register. Registers are {', '.join(REGISTERS)}.")


@dataclass(frozen=True, slots=True)
class Against:
    """What rows are checked against: who is registered, and the items of each batch of the corpus."""

    people: frozenset[str]
    items: Mapping[str, frozenset[str]]


def rows_of(path: Path, sheets: Sequence[Sheet], against: Against) -> dict[str, list[dict[str, Any]]]:
    """Register -> rows in the tables' types, each with its pointer.

    Raises:
        ConfigError: every mistake of every sheet, with its line and column.
    """
    people = against.people | {
        str(row["annotator_id"]).strip() for s in sheets if s.register == "annotator"
        for _, row in s.rows if row.get("annotator_id")
    }  # fmt: skip
    against = Against(people, against.items)
    found: dict[str, list[dict[str, Any]]] = {}
    mistakes: list[str] = []
    for sheet in sheets:
        where = f"{path}" + (f", sheet {sheet.register}" if path.suffix.lower() == ".xlsx" else "")
        mistakes += [f"{where}:1: {m}" for m in _columns_wrong(sheet)]
        seen: set[tuple[Any, ...]] = set()
        for line, cells in sheet.rows:
            row, wrong = _row(sheet.register, cells, against)
            key = tuple(row.get(c) for c in TABLES[sheet.register].key)
            if not wrong and key in seen:
                wrong = [f"the same {', '.join(TABLES[sheet.register].key)} stands above already"]
            seen.add(key)
            mistakes += [f"{where}:{line}: {w}" for w in wrong]
            found.setdefault(sheet.register, []).append(row | {"raw_pointer": f"{sheet.register}:{line}"})
    if mistakes:
        raise ConfigError("\n".join([*mistakes[:100], f"{len(mistakes)} mistakes; nothing was taken."]))
    return found


def _columns_wrong(sheet: Sheet) -> list[str]:
    known = [name for name, _ in columns_of(sheet.register)]
    unknown = [h for h in sheet.columns if h and h not in known]
    doubled = sorted({h for h in sheet.columns if h and list(sheet.columns).count(h) > 1})
    missing = [c for c in _needed(sheet.register) if c not in sheet.columns]
    return [
        *(f"{h}: no column of {sheet.register}; columns are {', '.join(known)}" for h in unknown),
        *(f"{h}: the column stands twice" for h in doubled), *(f"{c}: the column is missing" for c in missing),
    ]  # fmt: skip


def _needed(register: str) -> list[str]:
    made = _MADE.get(register, ("",))[0]
    wanted = dict.fromkeys((*TABLES[register].key, *_REQUIRED.get(register, ())))
    return [c for c in wanted if c != made and (register, c) not in _DEFAULTS]


def _row(register: str, cells: Mapping[str, Any], against: Against) -> tuple[dict[str, Any], list[str]]:
    row: dict[str, Any] = {}
    wrong: list[str] = []
    for name, kind in columns_of(register):
        value = cells.get(name)
        value = value.strip() if isinstance(value, str) else value
        if value is None or value == "":
            row[name] = _DEFAULTS.get((register, name))
            continue
        try:
            row[name] = _typed(value, kind)
        except ValueError as error:
            row[name] = None
            wrong.append(f"{name}: {error}")
            continue
        wrong += [f"{name}: {w}" for w in _unknown(register, name, row[name], against)]
    wrong += [f"{c}: is missing" for c in _needed(register) if row.get(c) is None and f"{c}: " not in "".join(wrong)]
    wrong += _of_batch(row, against)
    if _backwards(row):
        wrong.append("valid_to: lies before valid_from")
    made, *parts = _MADE.get(register, ("",))
    if made and row.get(made) is None:
        row[made] = digest(register, *(row[name] for name in parts))[:32]
    return row, wrong


def _unknown(register: str, name: str, value: Any, against: Against) -> list[str]:
    choices = _CHOICES.get((register, name))
    if choices and value not in choices:
        return [f"{str(value)[:40]!r} is none of {', '.join(choices)}"]
    if name in _PEOPLE and register != "annotator" and value not in against.people:
        return [f"{str(value)[:40]!r} is not in the register of annotators"]
    if name == "risks" and (strange := sorted(set(value) - set(RISKS))):
        return [f"{', '.join(strange)[:80]}: risks are a1a to a5b"]
    return []


def _of_batch(row: Mapping[str, Any], against: Against) -> list[str]:
    name, record = row.get("batch_id"), row.get("record_id")
    if name is None:
        return []
    if name not in against.items:
        return [f"batch_id: {str(name)[:40]!r} is no batch of this corpus"]
    if record is not None and record not in against.items[name]:
        return [f"record_id: {str(record)[:16]}… is not in the batch {name} as it was drawn"]
    return []


def _backwards(row: Mapping[str, Any]) -> bool:
    first, last = row.get("valid_from"), row.get("valid_to")
    return first is not None and last is not None and last < first


def _typed(value: Any, kind: pa.DataType) -> Any:
    """A cell in the column's type. Raises ValueError saying what was asked for."""
    if kind == DAY:
        return _day(value)
    if kind == TIME:
        return _time(value)
    if kind == B:
        return _yes(value)
    if kind == STRINGS:
        for other in ("；", ";", "，", "、", "|"):
            value = str(value).replace(other, ",")
        return [part.strip() for part in str(value).split(",") if part.strip() and part.strip() != "-"]
    if kind in (F64, I64):
        return _number(value, kind)
    # a spreadsheet makes 17.0 of an id
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).replace("/", "-"))
    except ValueError:
        raise ValueError(f"{str(value)[:40]!r} is no day; write it as 2026-01-31") from None


def _time(value: Any) -> datetime:
    try:
        read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{str(value)[:40]!r} is no time; write it as 2026-01-31T09:30:00+08:00") from None
    return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(ZONE.key))).astimezone(UTC)


def _yes(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError(f"{str(value)[:40]!r} is neither yes nor no")


def _number(value: Any, kind: pa.DataType) -> float | int:
    try:
        return int(float(value)) if kind == I64 else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{str(value)[:40]!r} is no number") from None
