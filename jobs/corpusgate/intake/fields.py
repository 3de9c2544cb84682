"""From a row with fields to a record, strictly: what nobody declared is said once, never lost in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.rules import stored_text
from corpusgate.settings.source import Reader

_SIGNALS = 1000  # a hostile source could invent a new field in each row
_NAME = 200


class Fields:
    """Makes records of the rows of one member, by the reader's `key`, `text`, `fields` and `ignore`."""

    def __init__(self, member: str, reader: Reader) -> None:
        self._member, self._reader = member, reader
        self._text = reader.text or "text"
        self._known = {self._text, *reader.fields.values(), *reader.ignore, *([reader.key] if reader.key else [])}
        self._said: set[str] = set()
        self.declared = self._known - set(reader.ignore)

    def read(self, row: Mapping[str, Any]) -> Iterator[Item | Fault | Signal]:
        """The row's record, or why there is none, after a signal for each field that is new and unknown."""
        yield from self.signals(row)
        yield self._item(row)

    def read_node(self, node: Any) -> Iterator[Item | Fault | Signal]:
        """As `read` for an element of a tree: an object has fields, a string is a text, so are the lines of a list.

        A text without fields has no place for a key: a reader that declares one gets a fault.
        """
        if isinstance(node, Mapping):
            yield from self.read(node)
        elif isinstance(node, str | list):
            yield from self.read({self._text: self._joined(node)})
        else:
            yield Fault(self._member, "not_an_object", f"neither object nor text, but {type(node).__name__}")

    def signals(self, row: Mapping[str, Any], below: str | None = None) -> Iterator[Signal]:
        """A signal for each field of the row that is unknown and new; `below` is one that the declaration enters."""
        if row.keys() <= self._known:
            return
        for name in sorted(map(str, row.keys() - self._known - self._said)):
            if name != below and len(self._said) < _SIGNALS:
                self._said.add(name)
                yield Signal(self._member, name[:_NAME])

    def _joined(self, node: str | list[Any]) -> str | None:
        if isinstance(node, str):
            return node
        plain = [as_text(turn) for turn in node if not isinstance(turn, dict | list)]
        return "\n".join(t for t in plain if t is not None) if len(plain) == len(node) else None

    def _item(self, row: Mapping[str, Any]) -> Item | Fault:
        reader, member = self._reader, self._member
        text = row.get(self._text)
        if not isinstance(text, str) or not text.strip():
            kind = "blank" if isinstance(text, str) else type(text).__name__
            return Fault(member, "no_text", f"the field {self._text!r} is {'missing' if text is None else kind}")
        try:
            key = as_text(row.get(reader.key)) if reader.key else None
            declared = [(name, as_text(row.get(source))) for name, source in reader.fields.items()]
        except (RecursionError, ValueError) as error:
            return Fault(member, "not_an_object", f"a field that cannot be written as text: {type(error).__name__}")
        if reader.key and not key:
            return Fault(member, "no_key", f"the field {reader.key!r}, the record's name, is missing or empty")
        attributes = {name: value for name, value in declared if value is not None}
        turn = attributes.get("turn")
        if turn is not None and not (turn.isascii() and turn.isdigit() and len(turn) < 10):
            return Fault(member, "bad_turn", f"the field {reader.fields['turn']!r} is no whole number")
        return Item(
            member, text, stored_text(key) if key else None, attributes.get("title"), attributes.get("url"),
            attributes.get("role") or "text", attributes.get("group_id"), int(turn) if turn else None, attributes,
        )  # fmt: skip


def nodes(tree: Any, path: str | None, fields: Fields, member: str) -> Iterator[Item | Fault | Signal]:
    """Records of a tree as JSON and YAML give it.

    `path` leads to them: names of fields, and `*` for each element of a list or each value of an object, parted by
    dots: `conversations.*`. Without it a list at the top holds the records, anything else is one. Fields beside the
    path are known to nobody unless they are ignored.
    """
    steps = path.split(".") if path else (["*"] if isinstance(tree, list) else [])
    yield from _walk(tree, steps, fields, member)


def _walk(node: Any, steps: list[str], fields: Fields, member: str) -> Iterator[Item | Fault | Signal]:
    if not steps:
        yield from fields.read_node(node)
    elif steps[0] == "*" and isinstance(node, list | dict):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _walk(inner, steps[1:], fields, member)
    elif isinstance(node, dict) and steps[0] in node:
        yield from fields.signals(node, below=steps[0])
        yield from _walk(node[steps[0]], steps[1:], fields, member)
    else:
        yield Fault(member, "no_records", f"{steps[0]!r} of the declared path is not in this {type(node).__name__}")


def as_text(value: Any) -> str | None:
    """A field's value as text: what JSON would write, a string as it is, a day as ISO 8601, nothing for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
