"""What a lexicon does to texts: each word measured on harmless ones and on the corpus, before anybody relies on it.

A public list of 65,000 words hits half of all harmless texts, and two in a hundred of its words do nine tenths of that:
a list is measured before it is used. The detector that measures is the one that ships, so folding, allow phrases and
longest match count as they do in a rebuild.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from corpusgate.banks.lexicon import FILES, Fault, Lexicon, Word, read_meta, read_words
from corpusgate.errors import ConfigError
from corpusgate.settings.model import RISKS_OF_SOURCE

LOOKED_A_WORD = 1000
"""So many hits of a word are looked at for word boundaries, at most three a text; the share is of those."""
LOOKED_A_TEXT = 3
CLAUSE = 24
"""Characters on either side of a hit that the segmenter sees, cut at punctuation."""
_BATCH = 512
_STOPS = frozenset(" \t\n\r,.;:!?，。；：！？、（）()「」『』《》“”‘’【】…—")


@dataclass(slots=True)
class Counted:
    """One word in one sample: texts with a hit, hits, hits looked at for boundaries and those that stand on them."""

    texts: int = 0
    hits: int = 0
    looked: int = 0
    bounded: int = 0
    where: list[int] = field(default_factory=list)

    @property
    def boundary_share(self) -> float | None:
        return round(self.bounded / self.looked, 4) if self.looked else None


@dataclass(slots=True)
class Sample:
    """A sample measured: its texts, those with a hit, those that the lexicon would remove; word (by line) to counts."""

    name: str
    texts: int = 0
    hit: int = 0
    removed: int = 0
    words: dict[int, Counted] = field(default_factory=dict)

    def of(self, word: Word) -> Counted:
        """What was counted of a word; zeros where it never hit."""
        return self.words.get(word.line) or Counted()

    def share(self, texts: int) -> float | None:
        """Texts as a share of the sample's."""
        return round(texts / self.texts, 6) if self.texts else None


@dataclass(frozen=True, slots=True)
class Linted:
    """A lexicon read leniently: every word that can be looked for at all, and every fault."""

    folder: Path
    meta: dict[str, Any]
    words: tuple[Word, ...]
    faults: tuple[Fault, ...]
    mistakes: tuple[str, ...]


def read(folder: Path) -> Linted:
    """Reads the lexicon without refusing it.

    Raises:
        ConfigError: a file is missing, or `words.tsv` is none.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise ConfigError(f"{folder} has no {name}: a lexicon is a folder with {' and '.join(FILES)}.")
    meta, mistakes = read_meta(folder)
    words, faults = read_words(folder)
    canary = meta.get("canary") or {}
    if meta and not any(w.id == canary.get("word id") and w.kind == "deny" for w in words):
        mistakes.append(f"{FILES[0]}: canary: word id {canary.get('word id')!r} is no deny word of words.tsv.")
    if not words:
        raise ConfigError(f"{folder}: no word can be read: " + " ".join(map(str, faults)))
    return Linted(folder, meta, tuple(words), tuple(faults), tuple(mistakes))


def measurer(linted: Linted) -> Any:
    """The keyword detector over all words that can be looked for, of several with one match form the first. Findings
    name a word by its line, for an id may be there twice."""
    from corpusgate.intake.detectors import keywords

    first: dict[str, Word] = {}
    for word in linted.words:
        if word.key and not any(f.line == word.line and f.what in ("long", "break") for f in linted.faults):
            first.setdefault(word.key, replace(word, id=str(word.line), risks=word.risks or ("none",)))
    words = tuple(w for w in first.values() if w.kind in ("deny", "allow"))
    blank = dict.fromkeys(("id", "version", "title", "source", "licence", "date", "language"), "")
    return keywords.from_lexicon(Lexicon(**blank, canary_text="", canary_word="", words=words, sha256=""), "lint")


def measure(detector: Any, name: str, texts: Iterable[str], remove_at: float) -> Sample:
    """Counts every word's hits in the texts, which are read once and not kept."""
    from corpusgate.intake.detectors.batch import batches

    sample = Sample(name)
    texts = iter(texts)
    while some := list(islice(texts, _BATCH)):
        for batch in batches(some):
            looked: list[tuple[Counted, str, int, int]] = []
            for text, findings in zip(batch.texts, detector.find(batch), strict=True):
                _count(sample, text, findings, remove_at, looked)
            _look_at_boundaries(looked)
    return sample


def _count(sample: Sample, text: str, findings: Sequence[Any], remove_at: float, looked: list) -> None:
    rules: dict[str, list[Any]] = {}
    for finding in findings:
        rules.setdefault(finding.rule, []).append(finding)
    hits: dict[int, int] = {}
    for rule, found in rules.items():
        _, line, *form = rule.split(":")
        hits[int(line)] = hits.get(int(line), 0) + found[0].count
        counted = sample.words.setdefault(int(line), Counted())
        spans = sorted({(f.start, f.end) for f in found})[:LOOKED_A_TEXT]
        if form == ["inside"]:
            counted.looked += len(spans)
        elif not form and counted.looked < LOOKED_A_WORD:
            looked += [(counted, *_clause(text, start, end)) for start, end in spans]
    for line, n in hits.items():
        counted = sample.words[line]
        counted.texts, counted.hits = counted.texts + 1, counted.hits + n
        counted.where.append(sample.texts)
    weight = sum((Decimal(str(f.weight)) for f in findings if f.risk in RISKS_OF_SOURCE), Decimal(0))
    sample.removed += bool(findings) and weight >= Decimal(str(remove_at))
    sample.hit += bool(findings)
    sample.texts += 1


def _clause(text: str, start: int, end: int) -> tuple[str, int, int]:
    """What stands around a hit, up to punctuation, and the hit's place in it."""
    low = start
    while low > max(0, start - CLAUSE) and text[low - 1] not in _STOPS:
        low -= 1
    high = end
    while high < min(len(text), end + CLAUSE) and text[high] not in _STOPS:
        high += 1
    return text[low:high], start - low, end - low


def _look_at_boundaries(looked: Sequence[tuple[Counted, str, int, int]]) -> None:
    """Adds to each word whether its hit begins and ends where the segmenter cuts."""
    import rjieba

    from corpusgate.intake.detectors.fold import fold

    cut: dict[str, set[int]] = {}
    for counted, clause, start, end in looked:
        before, hit = fold(clause[:start]), fold(clause[start:end])  # folding knows no context, so parts may be folded
        if clause not in cut:
            at, ends = 0, {0}
            for word in rjieba.cut(fold(clause)):
                at += len(word)
                ends.add(at)
            cut[clause] = ends
        counted.looked += 1
        counted.bounded += {len(before), len(before) + len(hit)} <= cut[clause]


def damage(words: Sequence[Word], sample: Sample) -> Iterator[tuple[Word, int, int]]:
    """The deny words that hit the sample, each next one that which hits most texts that no earlier one hit: word, its
    own texts, and the texts that it and all before it hit."""
    by_line = {w.line: w for w in words}
    places = {n: np.asarray(c.where) for n, c in sample.words.items() if by_line[n].kind == "deny"}
    heap = [(-len(p), line) for line, p in places.items()]
    heapq.heapify(heap)
    covered, total = np.zeros(sample.texts, dtype=bool), 0
    while heap:
        stale, line = heapq.heappop(heap)
        gain = int((~covered[places[line]]).sum())
        if gain < -stale:  # others have hit some of its texts meanwhile: its turn may come later
            if gain:
                heapq.heappush(heap, (-gain, line))
            continue
        covered[places[line]] = True
        total += gain
        yield by_line[line], len(places[line]), total
