"""Drawing an admission sample: which files of a source are looked into, and the smallest ranks of their records."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from pathlib import Path
from typing import Any

from corpusgate.collect import store as in_store
from corpusgate.decide.rules import may_hold_risk
from corpusgate.intake.items import Fault, Item, Stands
from corpusgate.intake.read import Stood, in_parts, read_items
from corpusgate.intake.rules import Ordinals, licence_part, locator, record_id, text_sha256
from corpusgate.intake.standing import Standing
from corpusgate.lake.run import Run
from corpusgate.settings.source import Source

OBJECTS, BEGINNING = 16, 64 << 20
"""Of what stays in its store so many objects are assessed, and of a big file of lines so many bytes."""


@dataclass(slots=True)
class Draw:
    """The `size` records with the smallest SHA-256 of `seed|record_id` of all that are offered.

    `frame` counts the records offered and `faults` what could not be read.
    """

    seed: str
    size: int
    frame: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    _heap: list[tuple[int, str, str]] = field(default_factory=list)  # the largest rank first, as a negative number
    _ids: set[str] = field(default_factory=set)

    def offer(self, record: str, text: str) -> None:
        """Takes the record if it is among the smallest so far. One offered twice is taken once."""
        self.frame += 1
        place = -int(rank(self.seed, record), 16)
        full = len(self._heap) == self.size
        if record in self._ids or (full and place <= self._heap[0][0]):
            return
        self._ids.add(record)
        if full:
            _, gone, _ = heapreplace(self._heap, (place, record, text))
            self._ids.discard(gone)
        else:
            heappush(self._heap, (place, record, text))

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Record ids and stored texts, in the order of the draw."""
        return [(record, text) for _, record, text in sorted(self._heap, reverse=True)]


def drawn_from(
    run: Run, source: Source, passing: frozenset[str], size: int, fact: Mapping[str, Any], above: Standing | None = None
) -> Draw | None:
    """The smallest ranks of one acquisition; None where a record came twice of which one line was passed over."""
    draw, allowed = Draw(run.corpus.seed, size), run.corpus.policy.risk_allowed_in
    read, stood = set[str](), set[str]()
    with here(source, fact) as (path, end):
        lines = above.lines if above is not None and not fact.get("url") else None
        for record, text, role in records(source, path, fact["name"], passing, draw.faults, end, lines):
            if text is not None:
                # what may hold risk counts among the records drawn, and nothing is looked for in it
                draw.offer(record, "" if may_hold_risk(source.safety, role, allowed) else text)
                if lines is not None:
                    read.add(record)
            elif record in stood:
                return None
            else:
                draw.frame += 1
                stood.add(record)
    return None if stood & read else draw


def assessed(facts: Sequence[Mapping[str, Any]], seed: str) -> list[Mapping[str, Any]]:
    """The acquisitions of which records are drawn: all that lie here, and of objects that stay in their store the
    `OBJECTS` with the smallest SHA-256 of seed and id, since this step brings what it reads."""
    away = [f for f in facts if in_store.stays(f["path"])]
    chosen = sorted(away, key=lambda f: rank(seed, f["acquisition_id"]))[:OBJECTS]
    return [f for f in facts if not in_store.stays(f["path"])] + chosen


@contextmanager
def here(source: Source, fact: Mapping[str, Any]) -> Generator[tuple[Path, int | None]]:
    """Where the acquisition's bytes can be read, and up to where: of a big file of lines in a store the beginning."""
    if not in_store.stays(fact["path"]):
        yield Path(fact["path"]), None
        return
    end = BEGINNING if fact["bytes"] > BEGINNING and in_parts(source.reader) and _plain(fact["name"]) else None
    with in_store.here(source, fact["path"], fact["etag"], fact["bytes"], 0, end) as brought:
        yield brought.path, end


def _plain(name: str) -> bool:
    return not name.lower().endswith((".gz", ".zst", ".bz2", ".xz"))


def rank(seed: str, record: str) -> str:
    """What a draw sorts records by."""
    return hashlib.sha256(f"{seed}|{record}".encode()).hexdigest()


def records(
    source: Source, path: Path, name: str, passing: frozenset[str], faults: Counter[str], end: int | None = None,
    stood: Stood | None = None,
) -> Iterator[tuple[str, str | None, str]]:  # fmt: skip
    """Id, text and role of each record; no text where its line stood there before."""
    ordinals = Ordinals()
    for found in read_items(path, name, source.reader, end=end, stood=stood):
        if isinstance(found, Stands):
            yield found.record_id, None, ""
        elif isinstance(found, Fault):
            faults[found.reason] += 1
        elif isinstance(found, Item) and (not passing or licence_part(found.member, source.licence) in passing):
            sha256 = text_sha256(found.text)
            where = locator(found, sha256, ordinals(found, sha256))
            yield record_id(source.id, where, sha256), found.text, found.role
