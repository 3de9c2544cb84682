"""Tagged text: `word/tag` tokens, as in the Brown corpus; the words are kept, a file is a record."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from corpusgate.intake.document import text_of
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.intake.rules import stored_text
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader


class Options(Declared):
    """What this format understands."""

    separator: str = Field("/", min_length=1, description="between word and tag; the last one in a token counts")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """The member's words: one blank between them, its lines kept, of several blank lines one."""
    separator = Options.model_validate(reader.options).separator
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
        return
    lines: list[str] = []
    for line in stored_text(text).split("\n"):
        words = " ".join(_word(token, separator) for token in line.split())
        if words or (lines and lines[-1]):
            lines.append(words)
    yield Item(member.name, "\n".join(lines).strip("\n"))


def _word(token: str, separator: str) -> str:
    word, found, _ = token.rpartition(separator)
    return word if found and word else token
