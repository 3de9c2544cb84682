"""Keywords of a lexicon in texts (F 4.2.1): hyperscan picks the texts with any hit, only those get a full pass.

hyperscan's single-match mode reports one end a word, which is enough to pick and not enough to quote; so the full pass runs
on ahocorasick_rs, over deny and allow words at once. Of overlapping matches the longest wins: one that lies within a longer
match is dropped, and a longer allow phrase is such a match. Where hyperscan has no wheel, ahocorasick_rs picks too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpusgate.banks.lexicon import LONGEST_WORD, Lexicon, Word, load_lexicon
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.fold_table import fold_table
from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding, Kit
from corpusgate.intake.detectors.squeeze import HAN, classes, disguised, squeeze

NAME = FAMILY = "keyword"
CODE_VERSION = "1"
SLICE = 1_000_000
"""Code points searched at a time, so that a text of one repeated character does not fill the memory with matches."""
INSIDE = 0.25
"""Share of its weight that a Latin word keeps inside a longer one; short ones (under 5 letters) are no hit there."""
SHORT_HAN = 4
"""A word with fewer Han characters counts half when set apart by separators: chance makes those."""


@dataclass(frozen=True, slots=True)
class KeywordDetector:
    """A lexicon made ready. `picks(bytes)` tells whether a folded, squeezed text holds any deny word."""

    version: str
    words: tuple[Word, ...]
    automaton: Any
    picks: Callable[[str], bool]

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text of the batch, in the order of their place."""
        folded = batch.folded
        kept = squeeze(folded.codes)
        squeezed = folded.text if kept is None else folded.codes[kept].tobytes().decode("utf-32-le")
        starts = np.asarray(folded.starts)
        ends = np.asarray(folded.ends)
        if kept is not None:                  # sentinels are always kept, so the places just move
            starts, ends = np.searchsorted(kept, starts), np.searchsorted(kept, ends)
        out: list[list[Finding]] = []
        for no, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            if end > start and self.picks(squeezed[start:end]):
                found = self._matches(squeezed, start, end, kept, folded)
                out.append(self._findings(batch, no, found))
            else:
                out.append([])
        return out

    def _matches(self, squeezed: str, start: int, end: int, kept: np.ndarray | None, folded: Any) -> dict[tuple, list]:
        """{(word index, form): [count, first spans in the folded batch]} of one text."""
        found: dict[tuple, list] = {}
        for at in range(start, end, SLICE):
            low, high = max(start, at - 2 * LONGEST_WORD), min(end, at + SLICE + 2 * LONGEST_WORD)
            hits = []
            for word_no, a, b in self.automaton.find_matches_as_indexes(squeezed[low:high], overlapping=True):
                form = self._form(self.words[word_no], squeezed, low + a, low + b, kept, folded)
                if form:
                    hits.append((low + a, -(low + b), word_no, form))
            for a, b, word_no, form in _longest(hits, self.words):
                if at <= a < at + SLICE:
                    _note(found, (word_no, form), _folded_span(a, b, kept))
        return found

    def _form(self, word: Word, squeezed: str, a: int, b: int, kept: np.ndarray | None, folded: Any) -> str:
        """How the word stands there: `plain`, `apart`, `inside`, or empty where it is no hit."""
        if kept is not None and int(kept[b - 1]) - int(kept[a]) != b - 1 - a:
            return "apart" if disguised(folded.codes, kept[a:b]) else ""
        before, after = _neighbours(squeezed, folded, a, b, kept)
        glued = (_joins(before) and _joins(word.key[0])) or (_joins(after) and _joins(word.key[-1]))
        if not glued:
            return "plain"
        return "inside" if len(word.key) >= 5 else ""

    def _findings(self, batch: Batch, no: int, found: dict[tuple, list]) -> list[Finding]:
        out = []
        for (word_no, form), (count, spans) in found.items():
            word = self.words[word_no]
            rule = f"kw:{word.id}" if form == "plain" else f"kw:{word.id}:{form}"
            score, weight = _score(word, form)
            for nth, (a, b) in enumerate(spans[:max(1, SPANS_A_RULE // len(word.risks))]):
                start, end = batch.folded.span(no, a, b)
                surface = batch.texts[no][start:end]
                for risk_no, risk in enumerate(word.risks):
                    carried = weight if nth == risk_no == 0 else 0.0
                    out.append(Finding(NAME, self.version, rule, risk, start, end, score, carried, surface, None, None, count))
        return sorted(out, key=lambda f: (f.start, f.end, f.rule, f.risk))


def version(kit: Kit) -> str:
    """Code version, lexicon digest and fold digest: another of any of them may give other findings."""
    return f"{CODE_VERSION}+lexicon.{kit.lexicon_sha256[:12]}+fold.{fold_table().digest[:8]}"


def prepare(kit: Kit) -> KeywordDetector:
    """The detector of this kit's lexicon. Raises ConfigError where the lexicon is wrong."""
    return from_lexicon(load_lexicon(kit.lexicon_dir), version(kit))


def from_lexicon(lexicon: Lexicon, version_text: str, hyperscan: bool = True) -> KeywordDetector:
    """Make a loaded lexicon ready; `hyperscan=False` takes the fallback, which finds the same."""
    from ahocorasick_rs import AhoCorasick, MatchKind

    deny = [w.key for w in lexicon.words if w.kind == "deny"]
    automaton = AhoCorasick([w.key for w in lexicon.words], matchkind=MatchKind.Standard)
    picks = (_hyperscan_picks(deny) if hyperscan else None) or _fallback_picks(deny)
    return KeywordDetector(version_text, lexicon.words, automaton, picks)


def _hyperscan_picks(keys: Sequence[str]) -> Callable[[str], bool] | None:
    try:
        import hyperscan as hs
    except ImportError:
        return None
    database = hs.Database(mode=hs.HS_MODE_BLOCK)
    database.compile(expressions=[k.encode() for k in keys], ids=list(range(len(keys))), elements=len(keys),
                     flags=[hs.HS_FLAG_SINGLEMATCH] * len(keys), literal=True)

    def stop(*_: Any) -> bool:
        return True

    def picks(text: str) -> bool:
        try:
            database.scan(text.encode(), match_event_handler=stop)
        except hs.ScanTerminated:             # how the binding says that the callback asked to stop
            return True
        return False

    return picks


def _fallback_picks(keys: Sequence[str]) -> Callable[[str], bool]:
    from ahocorasick_rs import AhoCorasick

    automaton = AhoCorasick(keys)

    def picks(text: str) -> bool:
        return any(automaton.find_matches_as_indexes(text[at:at + SLICE + LONGEST_WORD]) for at in range(0, len(text), SLICE))

    return picks


def _longest(hits: list[tuple], words: Sequence[Word]) -> list[tuple[int, int, int, str]]:
    """Deny matches that lie in no longer match. A match inside a longer Latin word covers nothing but itself."""
    out, reach = [], -1
    for a, minus_b, word_no, form in sorted(hits):
        b, deny = -minus_b, words[word_no].kind == "deny"
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


def _neighbours(squeezed: str, folded: Any, a: int, b: int, kept: np.ndarray | None) -> tuple[str, str]:
    a, b = _folded_span(a, b, kept)
    return folded.text[a - 1], folded.text[b]


def _joins(char: str) -> bool:
    """Does the character join others to a word written with blanks around it (Latin, Cyrillic, Greek, digits)?"""
    return char.isalnum() and (char < "\u0590" or "\u1e00" <= char < "\u2000")


def _score(word: Word, form: str) -> tuple[float, float]:
    if form == "plain":
        return 1.0, word.weight
    if form == "inside":
        return 0.3, word.weight * INSIDE
    han = sum(classes()[ord(c)] == HAN for c in word.key)
    return 0.8, word.weight if han >= SHORT_HAN else word.weight / 2
