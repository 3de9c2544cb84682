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

CELL_MAX = 16 << 20
"""Characters of a cell; the csv module's own bound of 128 KiB is less than an article."""


#: What `surrogateescape` makes of bytes that are not in the encoding.
_BROKEN = re.compile("[\udc80-\udcff]")


class Options(Declared):
    """What this format understands."""

    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)
    columns: tuple[str, ...] | None = Field(None, description="names of the fields, where the file has no header")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """A record a row; rows are streamed. A row with more or fewer cells than there are fields is a fault."""
    options = Options.model_validate(reader.options)
    codec = encoding.of_lines(member.open, reader.encoding)
    fields = Fields(member.name, reader)
    csv.field_size_limit(CELL_MAX)
    with member.open() as raw, io.TextIOWrapper(raw, codec, "surrogateescape", newline="") as stream:
        rows = csv.reader(stream, delimiter=options.delimiter, quotechar=options.quote, strict=True)
        names = options.columns
        try:
            for row in rows:
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
        except csv.Error as error:
            yield Fault(member.name, "not_csv", f"line {rows.line_num}: {error}; nothing after it was read")
        except UnicodeDecodeError as error:  # UTF-16 and the like, which have no bytes to put aside
            yield Fault(member.name, "undecodable", f"after line {rows.line_num}: not {codec}: {error.reason}")
