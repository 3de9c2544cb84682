"""From a row with fields to a record, strictly: what nobody declared is said once, never lost in silence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from corpusgate.intake.conversation import ROLES, Incomplete, content_sha256, names_in_turns, turns_of
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.rules import stored_text
from corpusgate.settings.chat import Chat
from corpusgate.settings.source import Reader

_SIGNALS = 1000  # a hostile source could invent a new field in each row
_NAME = 200


class Fields:
    """Makes records of the rows of one member, by the reader's `key`, `text` or `chat`, `fields` and `ignore`."""

    def __init__(self, member: str, reader: Reader) -> None:
        self._member, self._reader = member, reader
        self._text = reader.text or "text"
        texts = reader.chat.fields if reader.chat else (self._text,)
        self._known = {*texts, *reader.fields.values(), *reader.ignore, *([reader.key] if reader.key else [])}
        self._key, self._fields = reader.key, tuple(reader.fields.items())
        self._said: set[str] = set()
        self.declared = self._known - set(reader.ignore)

    def read(self, row: Mapping[str, Any], raw_sha256: str | None = None) -> Iterator[Item | Fault | Signal]:
        """The row's record, or why there is none, after a signal for each field that is new and unknown.

        Of fine-tuning data a record for each turn, or one fault for the whole row. `raw_sha256`: of the line that is
        the row.
        """
        yield from self.signals(row)
        chat = self._reader.chat
        if chat is None:
            yield self._item(row, raw_sha256)
            return
        yield from self._new(names_in_turns(row, chat))
        try:
            yield from self._conversation(row, chat)
        except Incomplete as broken:
            yield Fault(self._member, broken.reason, broken.detail)

    def read_node(self, node: Any) -> Iterator[Item | Fault | Signal]:
        """As `read` for an element of a tree: an object has fields, a string is a text, so are the lines of a list.

        A text without fields has no place for a key: a reader that declares one gets a fault.
        """
        if isinstance(node, Mapping):
            yield from self.read(node)
        elif self._reader.chat is not None:
            yield Fault(self._member, "not_an_object", f"no object with the fields of chat, but {type(node).__name__}")
        elif isinstance(node, str | list):
            yield from self.read({self._text: self._joined(node)})
        else:
            yield Fault(self._member, "not_an_object", f"neither object nor text, but {type(node).__name__}")

    def signals(self, row: Mapping[str, Any], below: str | None = None) -> Iterable[Signal]:
        """A signal for each field of the row that is unknown and new; `below` is one that the declaration enters."""
        if row.keys() <= self._known:
            return ()
        return self._new(n for n in map(str, row.keys()) if n != below)

    def _new(self, names: Iterable[str]) -> Iterator[Signal]:
        for name in sorted(set(names) - self._known - self._said):
            if len(self._said) < _SIGNALS:
                self._said.add(name)
                yield Signal(self._member, name[:_NAME])

    def _joined(self, node: str | list[Any]) -> str | None:
        if isinstance(node, str):
            return node
        plain = [as_text(turn) for turn in node if not isinstance(turn, dict | list)]
        return "\n".join(t for t in plain if t is not None) if len(plain) == len(node) else None

    def _item(self, row: Mapping[str, Any], raw_sha256: str | None = None) -> Item | Fault:
        text = row.get(self._text)
        if not isinstance(text, str) or not text.strip():
            kind = "blank" if isinstance(text, str) else type(text).__name__
            return Fault(self._member, "no_text", f"the field {self._text!r} is {'missing' if text is None else kind}")
        try:
            key, attributes = self._about(row)
            role, turn = self._place(attributes)
        except Incomplete as broken:
            return Fault(self._member, broken.reason, broken.detail)
        return Item(
            self._member, text, key, attributes.get("title"), attributes.get("url"), role, attributes.get("group_id"),
            turn, attributes, raw_sha256,
        )  # fmt: skip

    def _conversation(self, row: Mapping[str, Any], chat: Chat) -> list[Item]:
        """A record for each turn, under one group: the row's key, else the hash of what is said."""
        turns = turns_of(row, chat)
        key, attributes = self._about(row)
        for value in (key or "", *attributes.values()):
            _encodable(value)
        group = key or content_sha256(turns)
        return [
            Item(
                self._member, t.text, f"{group}#{t.role}/{t.turn}", attributes.get("title"), attributes.get("url"),
                t.role, group, t.turn, {**attributes, "speaker": t.speaker},
            )
            for t in turns
        ]  # fmt: skip

    def _about(self, row: Mapping[str, Any]) -> tuple[str | None, dict[str, str]]:
        """The row's key and its declared attributes."""
        attributes: dict[str, str] = {}
        try:
            key = as_text(row.get(self._key)) if self._key else None
            for name, source in self._fields:
                value = as_text(row.get(source))
                if value is not None:
                    attributes[name] = value
        except (RecursionError, ValueError) as error:
            detail = f"a field that cannot be written as text: {type(error).__name__}"
            raise Incomplete("not_an_object", detail) from None
        if self._key and not key:
            raise Incomplete("no_key", f"the field {self._key!r}, the record's name, is missing or empty")
        return stored_text(key) if key else None, attributes

    def _place(self, attributes: Mapping[str, str]) -> tuple[str, int | None]:
        """Role and turn, where the source has a row for each."""
        role, turn = attributes.get("role") or "text", attributes.get("turn")
        if role not in ROLES:
            detail = f"the field {self._reader.fields['role']!r} says none of {', '.join(sorted(ROLES))}"
            raise Incomplete("bad_role", detail)
        if turn is not None and not (turn.isascii() and turn.isdigit() and len(turn) < 10):
            raise Incomplete("bad_turn", f"the field {self._reader.fields['turn']!r} is no whole number")
        return role, int(turn) if turn else None


def _encodable(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Incomplete("lone_surrogate", "a declared field: half of a surrogate pair, no character") from None


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
