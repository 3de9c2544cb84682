"""An export with what was stated beside it, and how its files are opened: JSON, JSON lines, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpusgate.annotation.model import Refusal
from corpusgate.annotation.sidecar import NOTHING_STATED, ColumnMap, Sidecar
from corpusgate.errors import UserError

#: An export above this is not read into memory.
BYTES_MAX = 4 << 30
#: Under this key stand the names that one JSON object had twice.
DOUBLED = "\0doubled"
_RECORD = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Given:
    """The export's file, its name as handed in, the lead's sidecar and, of a table, the column map."""

    path: Path
    name: str
    sidecar: Sidecar = NOTHING_STATED
    columns: ColumnMap | None = None

    @property
    def suffix(self) -> str:
        """The name's ending, lower case, with its dot."""
        return Path(self.name).suffix.lower()

    def content(self) -> bytes:
        """The file's bytes.

        Raises:
            UserError: it cannot be read, or is too big to be an export.
        """
        try:
            if self.path.stat().st_size > BYTES_MAX:
                raise UserError(f"{self.name} is larger than {BYTES_MAX >> 30} GiB: export batch by batch.")
            return self.path.read_bytes()
        except OSError as error:
            raise UserError(f"{self.name} cannot be read: {error.strerror or error}.") from None

    def wrong(self, found: str, wanted: str) -> UserError:
        """The error of a file that is not what its tool exports."""
        return UserError(f"{self.name}: {found}. Nothing was taken. {wanted}")


def decoded(given: Given, data: bytes, encoding: str = "utf-8") -> str:
    """The bytes as text, without byte order mark. Raises UserError with the offset of what is not in the encoding."""
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise given.wrong(f"not {encoding} at byte {error.start}", f"Export it again in {encoding}.") from None


def parsed(given: Given, text: str, wanted: str) -> Any:
    """The text as one JSON value. Raises UserError where it is none."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise given.wrong(f"not JSON: {str(error)[:120]}", wanted) from None


def json_lines(text: str, name: str) -> Iterator[tuple[str, dict[str, Any] | Refusal]]:
    """Each line's pointer and object; a line that is none is a refusal. Blank lines are passed over."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        pointer = f"{name}:{number}"
        try:
            value = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            yield pointer, value
        else:
            yield pointer, Refusal(pointer, pointer, "not_json", "the line is no JSON object", "export the file again")


def table_rows(given: Given, text: str, delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row's pointer (`name:line`) and cells by column name.

    Raises:
        UserError: no header, or two columns of one name: which of them is meant cannot be told.
    """
    csv.field_size_limit(1 << 27)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(lines, [])
    if not header:
        raise given.wrong("it is empty", "Export it again.")
    if doubled := sorted({h for h in header if header.count(h) > 1}):
        raise given.wrong(
            f"the column {', '.join(doubled)} stands twice", "Rename the task's field of that name and export again."
        )
    try:
        for cells in lines:
            if any(cells):
                padded = [*cells, *[""] * (len(header) - len(cells))]
                yield f"{given.name}:{lines.line_num}", dict(zip(header, padded, strict=False))
    except csv.Error as error:
        raise given.wrong(f"line {lines.line_num} is no CSV: {error}", "Export it again.") from None


def unescaped(text: str) -> str:
    """A cell that was written with an apostrophe so that no spreadsheet runs it, as it was."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r" else text


def record_id_in(*candidates: Any) -> str | None:
    """The first of the candidates that is a record id (64 hex digits)."""
    return next((c for c in candidates if isinstance(c, str) and _RECORD.fullmatch(c)), None)


def about_task(given: Given, data: Mapping[str, Any], *others: Any) -> dict[str, Any]:
    """What a task's own data say, as fields of `Raw`: our record id (else one of the `others`), the batch, the rules'
    version, the text."""
    text = data.get(given.sidecar.text)
    return {
        "record_id": record_id_in(data.get(given.sidecar.item), *others),
        "batch_id": text_or_none(data.get("batch_id")), "rule_version": text_or_none(data.get("rule_version")),
        "text": text if isinstance(text, str) else None,
    }  # fmt: skip


def texts(value: Any) -> tuple[str, ...] | None:
    """Labels as texts: one text, or a list of texts; None for anything else."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    return None


def text_or_none(value: Any) -> str | None:
    """A value as text; None for what is empty or no plain value."""
    return str(value) if isinstance(value, str | int | float) and value != "" and not isinstance(value, bool) else None


def number_or_none(value: Any) -> float | None:
    """A value as a number; None for what is none."""
    try:
        return float(value) if value not in (None, "") else None
    except (TypeError, ValueError):
        return None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        made[DOUBLED] = sorted({n for n in names if names.count(n) > 1})
    return made
