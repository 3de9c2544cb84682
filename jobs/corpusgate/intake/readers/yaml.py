"""YAML: one tree a member, read by the safe loader; `records` leads to the records (`fields.nodes`).

A dialogue corpus has its conversations as lists of turns: `records: conversations.*` makes a record of each, one turn a
line. Anchors that are used again are refused: nine lines of them can stand for more text than a machine holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from corpusgate.intake.document import text_of
from corpusgate.intake.fields import Fields, nodes
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader


class Options(Declared):
    """What this format understands."""

    records: str | None = Field(None, description="path to the records, e.g. conversations.*")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """The records of the tree: objects with fields, strings, or lists of strings that are joined line by line."""
    options = Options.model_validate(reader.options)
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
        return
    try:
        if "*" in text and any(isinstance(e, AliasEvent) for e in YAML(typ="safe", pure=True).parse(text)):
            yield Fault(member.name, "not_yaml", "an alias (*name): only plain YAML is read")
            return
        tree = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        yield Fault(member.name, "not_yaml", f"line {mark.line + 1 if mark else '?'}: {error.problem}"[:300])
        return
    except (YAMLError, ValueError, RecursionError) as error:
        yield Fault(member.name, "not_yaml", f"{type(error).__name__}: not plain YAML")
        return
    yield from nodes(tree, options.records, Fields(member.name, reader), member.name)
