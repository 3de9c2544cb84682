"""A group as one item: its texts in their places, one under the other, as people read and judge it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from corpusgate.decide.rules import NO_TURN
from corpusgate.review.draw import GROUPS, group_digest

Row = Mapping[str, Any]


def by_item(rows: Iterable[Row], frame: str) -> Iterator[list[Row]]:
    """The rows of each item, in their places; `rows` have `item`, `record_id`, `role`, `turn`. Where each record is an
    item nothing is held."""
    if frame != GROUPS:
        yield from ([row] for row in rows)
        return
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["item"], []).append(row)
    yield from (sorted(members, key=_place) for members in found.values())


def is_group(rows: Sequence[Row]) -> bool:
    """Whether the rows of an item are a group, be it of one record."""
    return rows[0]["record_id"] is not None and rows[0]["item"] != rows[0]["record_id"]


def is_as_drawn(rows: Sequence[Row], drawn: str) -> bool:
    """Whether the released hashes (`now_sha256`) of a group's rows are those that were drawn."""
    return group_digest((r["record_id"], r["now_sha256"]) for r in rows) == drawn


def as_one(rows: Sequence[Row], texts: Sequence[str]) -> tuple[str, list[int]]:
    """The group as one text, a heading above each of its texts, and where each text begins."""
    shown, starts = "", []
    for row, text in zip(rows, texts, strict=True):
        turn = "" if row["turn"] is None else f" {row['turn']}"
        shown += ("\n\n" if shown else "") + f"[{row['role'] or 'text'}{turn}]\n"
        starts.append(len(shown))
        shown += text
    return shown, starts


def _place(row: Row) -> tuple[int, bool, str]:
    turn = NO_TURN if row["turn"] is None else row["turn"]
    return (turn, row["role"] == "rejected", row["record_id"] or "")
