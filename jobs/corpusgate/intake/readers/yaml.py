"""YAML: one tree a member, read by the safe loader; `records` leads to the records (`fields.nodes`).

A dialogue corpus has its conversations as lists of turns: `records: conversations.*` makes a record of each, one turn a
line. Anchors that are used again are refused: nine lines of them can stand for more text than a machine holds; so is
deep nesting, which takes the loader time without end.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from corpusgate.intake.document import text_of
from corpusgate.intake.fields import Fields, nodes
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

HAS_FIELDS = APART = True
YAML_MAX = 8 << 20
"""Characters of a document: the loader is slow, some 100 kB a second, and slower the more is nested."""
NESTED_MAX = 50


class Options(Declared):
    """What this format understands."""

    records: str | None = Field(None, description="path to the records, e.g. conversations.*")
    seconds: int = Field(300, ge=1, description="CPU time that one document may take")


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """The records of the tree: objects with fields, strings, or lists of strings that are joined line by line."""
    options = Options.model_validate(reader.options)
    text = text_of(member, reader)
    if isinstance(text, Fault):
        yield text
        return
    try:
        if refused := _refused(text):
            yield Fault(member.name, "not_yaml" if len(text) <= YAML_MAX else "too_large", refused)
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


def _refused(text: str) -> str | None:
    """Why the document is not loaded, found out before it is."""
    if len(text) > YAML_MAX:
        return f"more than {YAML_MAX} characters"
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, AliasEvent):
            return "an alias (*name): only plain YAML is read"
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > NESTED_MAX:
            return f"nested more than {NESTED_MAX} deep"
    return None
