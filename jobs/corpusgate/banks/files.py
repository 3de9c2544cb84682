"""How a bank's files are opened: CSV, JSON lines and XLSX give rows with a pointer each, by the declared column map."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpusgate.annotation.exports.given import Given, decoded, json_lines, table_rows, unescaped
from corpusgate.annotation.model import Refusal
from corpusgate.errors import UserError
from corpusgate.settings.bank import Bank, BankColumns

_CELLS_MAX, _BYTES_MAX = 20_000_000, 1 << 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a file: where it stands, and its cells under our names, constants and translations applied."""

    pointer: str
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not taken: where it stands, why, and what to do."""

    pointer: str
    reason: str
    detail: str
    remedy: str


PASSED_OVER = "passed over"


def read(bank: Bank, path: Path) -> Iterator[Entry | Refused | str]:
    """Every row of a file, in its order; `PASSED_OVER` for one that the map's `only` leaves out.

    Raises:
        UserError: the file cannot be read, is not in the declared format, or lacks a column that the map names.
    """
    given, columns = Given(path, path.name), bank.columns
    for number, (pointer, row) in enumerate(_rows(given, columns)):
        if isinstance(row, Refusal):
            yield Refused(pointer, row.reason, row.detail, row.remedy)
            continue
        if not number:
            _check(given, columns, row)
        if any(_text(row.get(theirs)) not in wanted for theirs, wanted in columns.only.items()):
            yield PASSED_OVER
            continue
        cells = {ours: row.get(theirs) for ours, theirs in columns.columns.items()} | columns.constants
        yield Entry(pointer, {name: _translated(columns, name, value) for name, value in cells.items()})


def listed(columns: BankColumns, value: Any) -> list[str] | None:
    """A cell that holds several words, or a list of them; None for what is neither."""
    if value is None:
        return []
    if isinstance(value, str):
        value = value.split(columns.split_by)
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        return None
    return list(dict.fromkeys(v.strip() for v in value if v.strip()))


def _rows(given: Given, columns: BankColumns) -> Iterator[tuple[str, Any]]:
    if columns.format == "xlsx":
        yield from _sheet(given, columns.sheet)
        return
    text = decoded(given, given.content(), columns.encoding)
    yield from (
        json_lines(text, given.name)
        if columns.format == "jsonl"
        else (
            (pointer, {name: unescaped(cell) for name, cell in row.items()})
            for pointer, row in table_rows(given, text, columns.delimiter)
        )
    )


def _sheet(given: Given, name: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(given.path) as packed:
            if sum(i.file_size for i in packed.infolist()) > _BYTES_MAX:
                raise ValueError("it unpacks to more than a bank can be")
        # values as they were last computed; links, formulas and macros stay untouched
        book = load_workbook(given.path, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise given.wrong(f"it cannot be read as XLSX ({error})", "Save it again as XLSX.") from None
    try:
        if name is not None and name not in book.sheetnames:
            raise given.wrong(f"no sheet {name!r}", f"Sheets there are: {', '.join(book.sheetnames)[:300]}.")
        sheet = book[name] if name is not None else book.worksheets[0]
        if (sheet.max_row or 0) * (sheet.max_column or 0) > _CELLS_MAX:
            raise given.wrong(f"more than {_CELLS_MAX} cells", "Split it.")
        lines = sheet.iter_rows(values_only=True)
        header = ["" if h is None else str(h).strip() for h in next(lines, ())]
        if doubled := sorted({h for h in header if h and header.count(h) > 1}):
            raise given.wrong(f"the column {', '.join(doubled)} stands twice", "Rename one of them.")
        for number, cells in enumerate(lines, 2):
            if any(c is not None and str(c).strip() for c in cells):
                row = dict(zip(header, cells, strict=False))
                yield f"{given.name}:{number}", {k: v if v is None else _text(v) for k, v in row.items()}
    finally:
        book.close()


def _check(given: Given, columns: BankColumns, row: Mapping[str, Any]) -> None:
    """A column that the map names and no row can have is a wrong map; in JSON lines any row may leave one out."""
    if columns.format == "jsonl":
        return
    if missing := sorted({*columns.columns.values(), *columns.only} - set(row)):
        raise UserError(
            f"{given.name}: the map names columns that are not there: {', '.join(missing)}. Nothing was taken. Columns "
            f"there are: {', '.join(map(str, row))[:300]}. Correct `columns` in the bank's declaration."
        )


def _translated(columns: BankColumns, name: str, value: Any) -> Any:
    told = columns.values.get(name)
    if told is None or isinstance(value, list | dict):
        return value
    return told.get(_text(value), value)


def _text(value: Any) -> str:
    """A plain cell as text: a spreadsheet makes 17.0 of an id, JSON true of yes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return "" if value is None else str(value).strip()
