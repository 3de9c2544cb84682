"""Keywords of a lexicon in texts (F 4.2.1): all places of all words in a folded, squeezed batch, then what counts.

Deny and allow words are looked for together (`located`): of overlapping matches the longest wins, one that lies within
a longer match is dropped, and a longer allow phrase is such a match.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from corpusgate.banks.lexicon import LONGEST_WORD, Lexicon, Word, named_lexicon
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.fold import Folded
from corpusgate.intake.detectors.fold_table import fold_table
from corpusgate.intake.detectors.located import Locate, by_automaton, by_hyperscan
from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding, Kit
from corpusgate.intake.detectors.squeeze import HAN, classes, disguised, squeeze
from corpusgate.settings.model import RISKS_OF_SOURCE

NAME = FAMILY = "keyword"
CODE_VERSION = "2"
SLICE = 1_000_000
"""Code points searched at a time, so that a text of one repeated character does not fill the memory with matches."""
INSIDE = 0.25
"""Share of its weight that a Latin word keeps inside a longer one; short ones (under 5 letters) are no hit there."""
SHORT_HAN = 4
"""A word with fewer Han characters counts half when set apart by separators: chance makes those."""

FORMS = ("plain", "apart", "inside")
"""How a word may stand in a text, the heaviest first: a word's weight counts once, in the heaviest form that is there.
"""

Hit = tuple[int, int, int, str]
"""Start and end in the folded, squeezed batch, word index, form."""


@dataclass(frozen=True, slots=True)
class KeywordDetector:
    """A lexicon made ready. `locate` gives all matches of its words' match forms, overlapping ones too."""

    version: str
    words: tuple[Word, ...]
    locate: Locate

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text of the batch, in the order of their place."""
        folded = batch.folded
        kept = squeeze(folded.codes)
        codes = folded.codes if kept is None else folded.codes.take(kept)
        starts = folded.starts  # sentinels are always kept, so the places just move
        if kept is not None:
            starts = np.searchsorted(kept, starts)
        found: dict[int, dict[tuple, list]] = {}
        for at in range(0, codes.size, SLICE):
            low = max(0, at - 2 * LONGEST_WORD)
            matches = self.locate(codes[low : at + SLICE + 2 * LONGEST_WORD]) + np.array([0, low, low])
            for no, of_text in _by_text(matches, starts):
                noted = found.setdefault(no, {})
                for a, b, word_no, form in self._hits(of_text, kept, folded):
                    if at <= a < at + SLICE:
                        _note(noted, (word_no, form), _folded_span(a, b, kept))
        return [self._findings(batch, no, found[no]) if no in found else [] for no in range(len(batch.texts))]

    def _hits(self, matches: np.ndarray, kept: np.ndarray | None, folded: Folded) -> list[Hit]:
        """Those of the matches in one text that count, in the order of their place."""
        nos, starts, ends = matches.T.tolist()
        if not any(self.words[no].kind == "deny" for no in set(nos)):
            return []
        formed = (
            (a, b, no, self._form(self.words[no], a, b, kept, folded))
            for no, a, b in zip(nos, starts, ends, strict=True)
        )
        return _longest([hit for hit in formed if hit[3]], self.words)

    def _form(self, word: Word, a: int, b: int, kept: np.ndarray | None, folded: Folded) -> str:
        """How the word stands there: `plain`, `apart`, `inside`, or empty where it is no hit."""
        if kept is not None and int(kept[b - 1]) - int(kept[a]) != b - 1 - a:
            return "apart" if disguised(folded.codes, kept[a:b]) else ""
        before, after = _neighbours(folded, a, b, kept)
        glued = (_joins(before) and _joins(word.key[0])) or (_joins(after) and _joins(word.key[-1]))
        if not glued:
            return "plain"
        return "inside" if len(word.key) >= 5 else ""

    def _findings(self, batch: Batch, no: int, found: dict[tuple, list]) -> list[Finding]:
        out: list[Finding] = []
        carriers = set[int]()
        for (word_no, form), (count, spans) in sorted(found.items(), key=lambda of: FORMS.index(of[0][1])):
            word = self.words[word_no]
            carrier = None if word_no in carriers else carrying(word.risks)
            carriers.add(word_no)
            rule = rule_of(word, form)
            score, weight = score_of(word, form)
            for nth, (a, b) in enumerate(spans[: max(1, SPANS_A_RULE // len(word.risks))]):
                start, end = batch.folded.span(no, a, b)
                surface = batch.texts[no][start:end]
                for risk in word.risks:
                    carried = weight if nth == 0 and risk == carrier else 0.0
                    out.append(
                        Finding(NAME, self.version, rule, risk, start, end, score, carried, surface, None, None, count)
                    )
        return sorted(out, key=lambda f: (f.start, f.end, f.rule, f.risk))


@lru_cache(maxsize=4096)
def carrying(risks: tuple[str, ...]) -> str:
    """The risk on which a word's weight lies: the first that counts for a source (A.1 to A.4), else the first."""
    return next((r for r in risks if r in RISKS_OF_SOURCE), risks[0])


def version(kit: Kit) -> str:
    """Code version, lexicon digest and fold digest: another of any of them may give other findings."""
    return f"{CODE_VERSION}+lexicon.{kit.lexicon_sha256[:12]}+fold.{fold_table().digest[:8]}"


def prepare(kit: Kit) -> KeywordDetector:
    """The detector of this kit's lexicon. Raises ConfigError where the lexicon is wrong."""
    cache = Path(kit.cache_dir) if kit.cache_dir else None
    return from_lexicon(named_lexicon(kit.lexicon_dir, kit.lexicon_sha256), version(kit), cache=cache)


def from_lexicon(
    lexicon: Lexicon, version_text: str, hyperscan: bool = True, cache: Path | None = None
) -> KeywordDetector:
    """Make a loaded lexicon ready; `hyperscan=False` takes the fallback, which finds the same."""
    keys = [w.key for w in lexicon.words]
    try:
        locate = by_hyperscan(keys, cache) if hyperscan else by_automaton(keys)
    except ImportError:
        locate = by_automaton(keys)
    return KeywordDetector(version_text, lexicon.words, locate)


def _by_text(matches: np.ndarray, starts: Sequence[int] | np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Number of each text that has matches, and those; texts start at `starts`."""
    texts = np.searchsorted(starts, matches[:, 1], side="right") - 1
    order, counts = np.argsort(texts, kind="stable"), np.bincount(texts)
    numbers = np.flatnonzero(counts)
    cuts = np.cumsum(counts[numbers]).tolist()
    for no, start, end in zip(numbers.tolist(), [0, *cuts], cuts, strict=False):
        yield no, matches[order[start:end]]


def _longest(hits: list[Hit], words: Sequence[Word]) -> list[Hit]:
    """Deny matches that lie in no longer match. A match inside a longer Latin word covers nothing but itself."""
    out, reach = [], -1
    for a, b, word_no, form in sorted(hits, key=lambda hit: (hit[0], -hit[1], *hit[2:])):
        deny = words[word_no].kind == "deny"
        if b > reach and deny:
            out.append((a, b, word_no, form))
        if form != "inside" or not deny:
            reach = max(reach, b)
    return out


def _note(found: dict[tuple, list], key: tuple, span: tuple[int, int]) -> None:
    entry = found.setdefault(key, [0, []])
    entry[0] += 1
    if len(entry[1]) < SPANS_A_RULE:
        entry[1].append(span)


def _folded_span(a: int, b: int, kept: np.ndarray | None) -> tuple[int, int]:
    return (a, b) if kept is None else (int(kept[a]), int(kept[b - 1]) + 1)


def _neighbours(folded: Folded, a: int, b: int, kept: np.ndarray | None) -> tuple[str, str]:
    a, b = _folded_span(a, b, kept)
    return folded.text[a - 1], folded.text[b]


def _joins(char: str) -> bool:
    """Does the character join others to a word written with blanks around it (Latin, Cyrillic, Greek, digits)?"""
    return char.isalnum() and (char < "\u0590" or "\u1e00" <= char < "\u2000")


def rule_of(word: Word, form: str) -> str:
    """Name of the rule under which a word's findings stand."""
    return f"kw:{word.id}" if form == "plain" else f"kw:{word.id}:{form}"


def score_of(word: Word, form: str) -> tuple[float, float]:
    """Score and weight of a word that stands in this form."""
    if form == "plain":
        return 1.0, word.weight
    if form == "inside":
        return 0.3, word.weight * INSIDE
    han = sum(classes()[ord(c)] == HAN for c in word.key)
    return 0.8, word.weight if han >= SHORT_HAN else word.weight / 2
