"""SQLite: each row of the declared query is a record. The file is opened read-only, and its schema is not trusted."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from pydantic import Field

from corpusgate.intake.document import local_copy
from corpusgate.intake.fields import Fields
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

HAS_FIELDS = APART = True
_STEPS = 1_000_000
#: Instructions of SQLite's machine that a query may take in all: minutes, where a file is made to have it never end.
STEPS_MAX = 20_000_000_000
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})


class Options(Declared):
    """What this format understands."""

    query: str = Field(min_length=1, description="SELECT whose columns are the fields; order it, so that runs agree")
    seconds: int = Field(600, ge=1, description="CPU time until the next row")


class _NotText(bytes):
    """Bytes of a text cell that are no UTF-8."""


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """The rows of the query. What the query may do is read: no other file, no extension, no writing."""
    query = Options.model_validate(reader.options).query
    fields = Fields(member.name, reader)
    with tempfile.TemporaryDirectory(prefix="corpusgate-") as folder:
        path = local_copy(member, Path(folder))
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as database:
            _restrict(database)
            try:
                rows = database.execute(query)
                names = [column[0] for column in rows.description or ()]
                for number, row in enumerate(rows, 1):
                    yield from _row(member.name, number, dict(zip(names, row, strict=True)), fields)
            except sqlite3.Error as error:
                yield Fault(member.name, "not_sqlite", f"{type(error).__name__}: {error}"[:300])


def _row(member: str, number: int, row: dict, fields: Fields) -> Iterator[Item | Fault | Signal]:
    if broken := [name for name, value in row.items() if isinstance(value, _NotText)]:
        yield Fault(member, "undecodable", f"row {number}: {', '.join(broken)} not UTF-8")
    else:
        yield from fields.read(row)


def _restrict(database: sqlite3.Connection) -> None:
    steps = [STEPS_MAX // _STEPS]

    def spent() -> int:
        steps[0] -= 1
        return steps[0] < 0

    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    database.text_factory = _text
    database.set_progress_handler(spent, _STEPS)
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _NotText(raw)
