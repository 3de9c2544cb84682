"""Manual pages, as installed (compressed or not): a page is a record, titled `ls(1)`. See `intake/roff.py`."""

from __future__ import annotations

from collections.abc import Iterator

from corpusgate.intake import roff
from corpusgate.intake.document import text_of
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.intake.rules import stored_text
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader


class Options(Declared):
    """Manual pages need none."""


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """The page's plain text; a page that only points to another (`.so`) has none and is a fault `no_text`."""
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
        return
    found = roff.page(stored_text(text))
    yield Item(member.name, found.text, title=found.title, attributes={"title": found.title} if found.title else {})
