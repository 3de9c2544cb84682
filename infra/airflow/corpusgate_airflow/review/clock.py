"""How long somebody looked at an item: measured by the page, believed no further than the server can know."""

from __future__ import annotations

from threading import Lock
from time import monotonic

#: Longer than this on one item, nobody was there.
LONGEST = 3600.0
#: Items that are remembered; more are forgotten, and then only LONGEST bounds.
REMEMBERED = 50_000

Key = tuple[str, str, int]


class Shown:
    """When each person was first shown each item; kept in memory, since a bound may be lost but never wrong."""

    def __init__(self) -> None:
        self._first: dict[Key, float] = {}
        self._lock = Lock()

    def show(self, key: Key) -> None:
        """Notes that the item (person, sample, ordinal) goes out now."""
        with self._lock:
            if len(self._first) >= REMEMBERED:
                self._first.clear()
            self._first.setdefault(key, monotonic())

    def bounded(self, key: Key, claimed: float) -> float:
        """The seconds that the page claims, at most those since the item went out, and forgets the item."""
        with self._lock:
            first = self._first.pop(key, None)
        since = LONGEST if first is None else monotonic() - first
        return round(max(0.0, min(claimed, since, LONGEST)), 3)
