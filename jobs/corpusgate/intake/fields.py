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

    def read(self, row: Mapping[str, Any]) -> Iterator[Item | Fault | Signal]:
        """The row's record, or why there is none, after a signal for each field that is new and unknown."""
        if not row.keys() <= self._known:
            for name in row.keys() - self._known - self._said:
                if len(self._said) < _SIGNALS:
                    self._said.add(name)
                    yield Signal(self._member, str(name)[:_NAME])
        yield self._item(row)

    def _item(self, row: Mapping[str, Any]) -> Item | Fault:
        reader, member = self._reader, self._member
        text = row.get(self._text)
        if not isinstance(text, str) or not text.strip():
            kind = "blank" if isinstance(text, str) else type(text).__name__
            return Fault(member, "no_text", f"the field {self._text!r} is {'missing' if text is None else kind}")
        key = None
        if reader.key is not None:
            key = as_text(row.get(reader.key))
            if not key:
                return Fault(member, "no_key", f"the field {reader.key!r}, the record's name, is missing or empty")
            key = stored_text(key)
        declared = ((name, as_text(row.get(source))) for name, source in reader.fields.items())
        attributes = {name: value for name, value in declared if value is not None}
        turn = attributes.get("turn")
        if turn is not None and not (turn.isascii() and turn.isdigit() and len(turn) < 10):
            return Fault(member, "bad_turn", f"the field {reader.fields['turn']!r} is no whole number")
        return Item(
            member, text, key, attributes.get("title"), attributes.get("url"), attributes.get("role") or "text",
            attributes.get("group_id"), None if turn is None else int(turn), attributes,
        )  # fmt: skip


def as_text(value: Any) -> str | None:
    """A field's value as text: what JSON would write, a string as it is, a day as ISO 8601, nothing for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
