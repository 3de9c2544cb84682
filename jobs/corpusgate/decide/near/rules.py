"""Near duplicates as plain functions: what a bucket is, which of its texts are compared, what a cluster is.

Two texts share a *bucket* when a band of their signatures is equal. Texts of a bucket are compared, all with all; a
bucket of more than `OVERFULL` texts only links each to its `CENTRES` smallest hashes. Who is compared with whom depends
on which texts are there, so overfull buckets are judged anew for each candidate, among its own texts; what a comparison
says depends on the two texts alone, so it is a fact that is stored (`near_edge`) and never asked again.

`frames.py` does the same over columns; `Known` is the whole of it on records, against which the tests hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

OVERFULL = 1000
CENTRES = 3

#: A pair below these is no edge and is not stored; a policy may ask for more, not for less.
JACCARD_FLOOR = 0.4
OVERLAP_FLOOR = 0.7

Pair = tuple[str, str]  # two text hashes, the smaller first
Bucket = tuple[int, bytes]  # number of the band, its minima


class Likeness(NamedTuple):
    """How alike two texts are, each from 0 to 1.

    `jaccard`: distinct runs of five characters in both, of those in either (Broder 1997). `overlap`: share of the
    characters of both that stand in a run of five that the other has too (2 * coverage / (|A| + |B|) of Prechelt,
    Malpohl, Philippsen 2002, with sets instead of tiles). Scattered edits lower the first far more than the second; a
    shared trailer under two different sayings lowers the second. `None`: not computed, the texts are too long.
    """

    jaccard: float
    overlap: float

    @property
    def is_edge(self) -> bool:
        """Whether the pair is stored."""
        return self.jaccard >= JACCARD_FLOOR and self.overlap >= OVERLAP_FLOOR


def pair(a: str, b: str) -> Pair:
    """The two in the order in which pairs are stored."""
    return (a, b) if a < b else (b, a)


def buckets(signature: bytes, bands: int, rows: int) -> tuple[Bucket, ...]:
    """The buckets of a signature (`bands` * `rows` uint32): one a band."""
    width = rows * 4
    if len(signature) != bands * width:
        raise ValueError(f"a signature of {len(signature)} bytes, and not of {bands} bands of {rows} minima")
    return tuple((band, signature[band * width : (band + 1) * width]) for band in range(bands))


def jaccard(a: Set[int], b: Set[int]) -> float:
    """Jaccard similarity of two sets of runs; 0 where both are empty: nothing says that they are alike."""
    return len(a & b) / len(a | b) if a or b else 0.0


def overlap(a: Sequence[int], b: Sequence[int], run: int) -> float:
    """See `Likeness`. `a` and `b` are the hashes of all runs of `run` characters, in the order of the text."""

    def covered(left: Sequence[int], right: Set[int]) -> int:
        at = {i + step for i, value in enumerate(left) if value in right for step in range(run)}
        return len(at)

    if not a or not b:
        return 0.0
    return (covered(a, set(b)) + covered(b, set(a))) / (len(a) + len(b) + 2 * (run - 1))


def overlap_at_least(similarity: float) -> float:
    """The overlap that a Jaccard similarity promises (Dice): where one block is shared and the rest is not."""
    return 2 * similarity / (1 + similarity)


def links(members: Collection[str], limit: int = OVERFULL) -> set[Pair]:
    """The pairs of one bucket that are compared."""
    if len(members) <= limit:
        return set(combinations(sorted(members), 2))
    centres = sorted(members)[:CENTRES]
    return {pair(c, m) for c in centres for m in members if m != c}


def gather(members: Mapping[str, Iterable[Bucket]]) -> dict[Bucket, set[str]]:
    """Bucket to texts, for those buckets that more than one text shares."""
    found: dict[Bucket, set[str]] = {}
    for text, its in members.items():
        for bucket in its:
            found.setdefault(bucket, set()).add(text)
    return {b: texts for b, texts in found.items() if len(texts) > 1}


def candidates(members: Mapping[str, Iterable[Bucket]], limit: int = OVERFULL) -> set[Pair]:
    """All pairs that are compared among these texts: what a full rebuild compares."""
    return {p for texts in gather(members).values() for p in links(texts, limit)}


def components(pairs: Iterable[Pair]) -> dict[str, str]:
    """Each text that has an edge, and its cluster: the smallest hash that edges lead to. Any order, the same result."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        parent.setdefault(text, text)
        while parent[text] != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return {text: root(text) for text in list(parent)}


@dataclass(slots=True)
class Known:
    """What is stored between candidates: the texts taken in, the edges found, the buckets that were once overfull.

    `compare` is asked for a pair at most once, but for links of overfull buckets that are no edges.
    """

    compare: Callable[[str, str], Likeness]
    limit: int = OVERFULL
    texts: dict[str, tuple[Bucket, ...]] = field(default_factory=dict)
    edges: dict[Pair, Likeness] = field(default_factory=dict)
    overfull: set[Bucket] = field(default_factory=set)

    def take_in(self, fresh: Mapping[str, Iterable[Bucket]]) -> None:
        """Compares new texts with each other and with those that are there."""
        new = {text: tuple(its) for text, its in fresh.items() if text not in self.texts}
        self.texts |= new
        asked: set[Pair] = set()
        for bucket, members in gather(self.texts).items():
            if members.isdisjoint(new):
                continue
            if len(members) > self.limit:
                self.overfull.add(bucket)
            else:
                asked |= {p for p in links(members, self.limit) if p[0] in new or p[1] in new}
        self._ask(asked)

    def forget(self, gone: Collection[str]) -> None:
        """Texts that were erased. What is known of the others stays true."""
        for text in gone:
            self.texts.pop(text, None)
        self.edges = {p: like for p, like in self.edges.items() if not set(p) & set(gone)}

    def edges_among(self, eligible: Collection[str]) -> dict[Pair, Likeness]:
        """The edges of a candidate: those that a full rebuild of exactly these texts would find."""
        here = {text: its for text, its in self.texts.items() if text in set(eligible)}
        crowded = {b: texts for b, texts in gather(here).items() if b in self.overfull}
        linked = {p for texts in crowded.values() for p in links(texts, self.limit)}
        self._ask(linked)
        inside = {p: like for p, like in self.edges.items() if p[0] in here and p[1] in here}
        return {p: like for p, like in inside.items() if p in linked or self._meet_elsewhere(p)}

    def _meet_elsewhere(self, texts: Pair) -> bool:
        shared = set(self.texts[texts[0]]) & set(self.texts[texts[1]])
        return bool(shared - self.overfull)

    def _ask(self, pairs: Iterable[Pair]) -> None:
        for p in pairs:
            if p not in self.edges and (like := self.compare(*p)).is_edge:
                self.edges[p] = like
