"""JSON: one tree a member; `records` leads to the records (`fields.nodes`)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import Field

from corpusgate.intake.document import text_of
from corpusgate.intake.fields import Fields, nodes
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

HAS_FIELDS = APART = True


class Options(Declared):
    """What this format understands."""

    records: str | None = Field(None, description="path to the records, e.g. data.*; without it the list at the top")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """The records of the tree: objects with fields, or strings that are the texts themselves."""
    options = Options.model_validate(reader.options)
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
        return
    try:
        tree = json.loads(text)
    except ValueError as error:
        at = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        yield Fault(member.name, "not_json", f"{getattr(error, 'msg', 'a number too long')}{at}")
        return
    except RecursionError:
        yield Fault(member.name, "not_json", "nested too deeply")
        return
    yield from nodes(tree, options.records, Fields(member.name, reader), member.name)
