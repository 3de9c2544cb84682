"""Fortune files (strfile(1)): records parted by lines that hold nothing but `%`.

Terminal colour sequences are markup and are left out, as tags of HTML are; everything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpusgate.intake.document import text_of
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.intake.rules import stored_text
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

_COLOUR = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
_PARTED = re.compile(r"^%$", re.MULTILINE)  # exactly: a `%` with blanks behind it is text to strfile


class Options(Declared):
    """Fortune files need none."""


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """A record between two `%` lines; between which there is nothing, there is no record."""
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
        return
    for part in _PARTED.split(stored_text(text)):
        plain = _COLOUR.sub("", part).strip("\n")
        if plain.strip():
            yield Item(member.name, plain)
