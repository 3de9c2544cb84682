"""Plain text: a file is a record, or each of its paragraphs (`split: paragraph`; parted by lines that are blank)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from corpusgate.intake.document import text_of
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.intake.rules import stored_text
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


class Options(Declared):
    """What this format understands."""

    split: Literal["file", "paragraph"] = "file"


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """The member's text as one record, or a record a paragraph, without the blank lines between."""
    options = Options.model_validate(reader.options)
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
    elif options.split == "file":
        yield Item(member.name, text)
    else:
        for paragraph in _BLANK_LINES.split(stored_text(text).strip("\n")):
            if paragraph.strip():
                yield Item(member.name, paragraph)
