"""Keywords of a lexicon in texts (F 4.2.1): hyperscan names the words of a text, only those are then looked for.

hyperscan's single-match mode reports a word once a text, which is enough to name it and not enough to quote it. Its
places
are found by plain search where few words are named (the rule), by ahocorasick_rs where many are, or where hyperscan
has no wheel; all ways find the same. Deny and allow words are looked for together: of overlapping matches the longest
wins, one that lies within a longer match is dropped, and a longer allow phrase is such a match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from corpusgate.banks.lexicon import LONGEST_WORD, Lexicon, Word, named_lexicon
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.compiled import compiled
from corpusgate.intake.detectors.fold import text_of
from corpusgate.intake.detectors.fold_table import fold_table
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
FEW = 24
"""Up to so many words of a text are looked for one by one; beyond, one pass for all of them is cheaper."""

Match = tuple[int, int, int]
"""Word index, start, end in a folded, squeezed text."""


@dataclass(frozen=True, slots=True)
class KeywordDetector:
    """A lexicon made ready. `locate` gives all matches, overlapping ones too, of a text that holds a deny word,
    else none."""

    version: str
    words: tuple[Word, ...]
    locate: Callable[[str], list[Match]]

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text of the batch, in the order of their place."""
        folded = batch.folded
        kept = squeeze(folded.codes)
        squeezed = folded.text if kept is None else text_of(folded.codes.take(kept))
        starts = np.asarray(folded.starts)
        ends = np.asarray(folded.ends)
        if kept is not None:  # sentinels are always kept, so the places just move
            starts, ends = np.searchsorted(kept, starts), np.searchsorted(kept, ends)
        out: list[list[Finding]] = []
        for no, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            found = self._matches(squeezed, start, end, kept, folded)
            out.append(self._findings(batch, no, found) if found else [])
        return out

    def _matches(self, squeezed: str, start: int, end: int, kept: np.ndarray | None, folded: Any) -> dict[tuple, list]:
        """{(word index, form): [count, first spans in the folded batch]} of one text."""
        found: dict[tuple, list] = {}
        for at in range(start, end, SLICE):
            low, high = max(start, at - 2 * LONGEST_WORD), min(end, at + SLICE + 2 * LONGEST_WORD)
            hits = []
            for word_no, a, b in self.locate(squeezed[low:high]):
                form = self._form(self.words[word_no], squeezed, low + a, low + b, kept, folded)
                if form:
                    hits.append((low + a, -(low + b), word_no, form))
            for a, b, word_no, form in _longest(hits, self.words) if hits else ():
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
    locate = _by_automaton(lexicon.words)
    return KeywordDetector(
        version_text, lexicon.words, (_by_hyperscan(lexicon.words, locate, cache) if hyperscan else None) or locate
    )


def _by_automaton(words: Sequence[Word]) -> Callable[[str], list[Match]]:
    from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

    automaton = AhoCorasick(
        [w.key for w in words], matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA
    )
    deny = [w.kind == "deny" for w in words]

    def locate(text: str) -> list[Match]:
        found = automaton.find_matches_as_indexes(text, overlapping=True)
        return found if any(deny[no] for no, _, _ in found) else []

    return locate


def _by_hyperscan(
    words: Sequence[Word], many: Callable[[str], list[Match]], cache: Path | None
) -> Callable[[str], list[Match]] | None:
    keys, deny = [w.key for w in words], [w.kind == "deny" for w in words]
    try:
        database = compiled(keys, cache)
    except ImportError:
        return None

    def note(word_no: int, start: int, end: int, flags: int, named: list[int]) -> None:
        named.append(word_no)

    def locate(text: str) -> list[Match]:
        named: list[int] = []
        database.scan(text.encode(), match_event_handler=note, context=named)
        if not named or not any(deny[no] for no in named):
            return []
        if len(named) > FEW:
            return many(text)
        return [match for no in set(named) for match in _occurrences(text, keys[no], no)]

    return locate


def _occurrences(text: str, key: str, word_no: int) -> Iterator[Match]:
    at = text.find(key)
    while at >= 0:
        yield word_no, at, at + len(key)
        at = text.find(key, at + 1)


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
