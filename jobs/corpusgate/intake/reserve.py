"""A draw that goes on: the smallest ranks of a source's records with what screening said of them, kept between runs.

The sample of admission is the records with the smallest SHA-256 of `seed|record_id`. Keeping some more of them than are
drawn, each with its acquisition, makes the next draw exact without reading again what is still there: what is gone is
left out, what is new is offered. Where too few are left the whole source is read again. No text is kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpusgate.lake.run import write_atomically
from corpusgate.settings.place import Place

TIMES = 4
"""How many times the sample's size are kept."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One record: its rank, the acquisition that has it, the risks for which it counts as bad (none: it does not)."""

    rank: str
    record: str
    acquisition: str
    risks: tuple[str, ...] = ()


@dataclass(slots=True)
class Reserve:
    """All records of the acquisitions in `frames` (to records offered, and faults by reason) whose rank is at most
    `floor`; None: all there are."""

    size: int
    floor: str | None = None
    frames: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict)
    ranked: list[Ranked] = field(default_factory=list)

    def only(self, acquisitions: Iterable[str]) -> Reserve:
        """Without the acquisitions that are not among these."""
        there = set(acquisitions)
        frames = {a: f for a, f in self.frames.items() if a in there}
        return Reserve(self.size, self.floor, frames, [r for r in self.ranked if r.acquisition in there])

    def add(
        self, acquisition: str, offered: int, faults: Mapping[str, int], ranked: Iterable[Ranked], whole: bool
    ) -> None:
        """An acquisition with its smallest ranks; `whole`: they are all that it has."""
        self.frames[acquisition] = (offered, dict(faults))
        more = sorted(ranked, key=lambda r: r.rank)
        if not whole:
            self._lower(more[-1].rank)
        self.ranked = sorted([*self.ranked, *more], key=lambda r: (r.rank, r.acquisition))
        if len(self.ranked) > self.size:
            self._lower(self.ranked[self.size - 1].rank)
        if self.floor is not None:
            self.ranked = [r for r in self.ranked if r.rank <= (self.floor or "")]

    def sample(self, size: int) -> list[Ranked] | None:
        """The `size` records with the smallest ranks, each once, in order; None where the reserve cannot tell."""
        found = list({r.record: r for r in reversed(self.ranked)}.values())[::-1]
        return found[:size] if len(found) >= size or self.floor is None else None

    @property
    def offered(self) -> int:
        """Records of all acquisitions."""
        return sum(n for n, _ in self.frames.values())

    @property
    def faults(self) -> Counter[str]:
        """What could not be read, by reason."""
        found = Counter[str]()
        for _, faults in self.frames.values():
            found.update(faults)
        return found

    def _lower(self, rank: str) -> None:
        self.floor = rank if self.floor is None else min(self.floor, rank)


def remembered(place: Place, source_id: str, key: str, size: int) -> Reserve:
    """What the last run kept of the source under the same key; an empty reserve where it kept nothing."""
    path = place.lake / "_admissions" / f"{source_id}.json"
    said: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if said.get("key") != key:
        return Reserve(size)
    frames = {a: (n, faults) for a, (n, faults) in said["frames"].items()}
    ranked = [Ranked(rank, record, of, tuple(risks)) for rank, record, of, risks in said["ranked"]]
    return Reserve(size, said["floor"], frames, ranked)


def remember(place: Place, source_id: str, key: str, kept: Reserve) -> None:
    """Keeps the reserve for the next run."""
    ranked = [[r.rank, r.record, r.acquisition, list(r.risks)] for r in kept.ranked]
    body = {"key": key, "floor": kept.floor, "frames": kept.frames, "ranked": ranked}
    write_atomically(place.lake / "_admissions" / f"{source_id}.json", json.dumps(body, sort_keys=True))
