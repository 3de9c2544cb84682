"""CSV and TSV: a row is a record, the first row names the fields unless `columns` does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from pydantic import Field

from corpusgate.intake import encoding
from corpusgate.intake.fields import Fields
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

HAS_FIELDS = True

CELL_MAX = 16 << 20
"""Characters of a cell; the csv module's own bound of 128 KiB is less than an article."""
ROW_MAX = 2 * CELL_MAX


#: What `surrogateescape` makes of bytes that are not in the encoding.
_BROKEN = re.compile("[\udc80-\udcff]")


class Options(Declared):
    """What this format understands."""

    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)
    columns: tuple[str, ...] | None = Field(None, description="names of the fields, where the file has no header")


class _TooLong(Exception):
    """A row passes its bound."""


class _Lines:
    """The lines of a stream; `held` counts the characters of the row that they belong to."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream, self.held = stream, 0

    def __iter__(self) -> Iterator[str]:
        while line := self._stream.readline(ROW_MAX + 1):
            self.held += len(line)
            if self.held > ROW_MAX:
                raise _TooLong
            yield line


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """A record a row; rows are streamed. A row with more or fewer cells than there are fields is a fault."""
    options = Options.model_validate(reader.options)
    codec = encoding.of_lines(member.open, reader.encoding)
    fields = Fields(member.name, reader)
    csv.field_size_limit(CELL_MAX)
    with member.open() as raw, io.TextIOWrapper(raw, codec, "surrogateescape", newline="") as stream:
        lines = _Lines(stream)
        rows = csv.reader(lines, delimiter=options.delimiter, quotechar=options.quote, strict=True)
        names = options.columns
        try:
            for row in rows:
                lines.held = 0
                if names is None:
                    names = tuple(row)
                    names = (names[0].removeprefix("\ufeff"), *names[1:]) if names else names
                elif _BROKEN.search("".join(row)):
                    yield Fault(member.name, "undecodable", f"line {rows.line_num}: not {codec}")
                elif row and len(row) != len(names):
                    detail = f"line {rows.line_num}: {len(row)} cells, {len(names)} fields"
                    yield Fault(member.name, "ragged_row", detail)
                elif row:
                    yield from fields.read(dict(zip(names, row, strict=True)))
        except _TooLong:
            detail = f"line {rows.line_num + 1}: a row of more than {ROW_MAX} characters; nothing after it was read"
            yield Fault(member.name, "line_too_long", detail)
        except csv.Error as error:
            yield Fault(member.name, "not_csv", f"line {rows.line_num}: {error}; nothing after it was read")
        except UnicodeDecodeError as error:  # UTF-16 and the like, which have no bytes to put aside
            yield Fault(member.name, "undecodable", f"after line {rows.line_num}: not {codec}: {error.reason}")
