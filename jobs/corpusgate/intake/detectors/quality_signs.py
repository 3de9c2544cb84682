"""Published signs of poor text, each with a reason code: Gopher (Rae et al. 2021, A1.1), C4 (Raffel et al. 2020, 2.2),
FineWeb (Penedo et al. 2024, 3.6). They inform; what a policy does with them is its own.

Language-aware: a Han character counts as three letters, so a line of ten is no shorter than one of thirty letters;
rules about words look only at texts in scripts that are written with blanks, the one about stop words only at English.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors import code_classes as cc
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.fold_table import CODE_POINTS, SENTINEL

FEWEST_LINES = 5
"""Lines from which the signs about lines are looked for: a title over a paragraph is no list."""
FEWEST_WORDS = 50
"""Gopher's least number of words."""
HAN_LETTERS = 3
SHORT_LINE = 30
UNPUNCTUATED, SHORT_LINES, LIST_LINES, ELLIPSIS_LINES = 0.12, 0.67, 0.9, 0.3
WORD_LENGTH = (3, 10)
WORDS_WITH_LETTERS = 0.8
REPEATED_LINES, REPEATED_CHARACTERS = 0.3, 0.1
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
FEWEST_STOP_WORDS = 2

_ENDS = ".!?…。！？；”’」』\"'"
_BULLETS = "•*-·●○■□▪▫▶►◆◇–—"
_BOILERPLATE = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
    "enable javascript", "隐私政策", "使用条款", "服务条款", "启用javascript", "使用cookie",
)  # fmt: skip
_LOREM = "lorem ipsum"

Sign = tuple[int, str, float]
"""Text number, reason code, score."""


def signs(batch: Batch, languages: Sequence[str]) -> list[Sign]:
    """The signs of all texts of a batch but for those of `language_quality` itself; `languages` of the texts."""
    kinds = cc.code_classes()[batch.folded.stored]
    return [
        *_of_lines(batch, kinds),
        *_of_words(batch, kinds, languages),
        *_of_phrases(batch),
        *_of_repeats(batch.texts),
    ]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines that are not empty: text number, first and last place that is no blank, length in letters."""

    texts: np.ndarray
    first: np.ndarray
    last: np.ndarray
    letters: np.ndarray


def _lines(batch: Batch, kinds: np.ndarray) -> _Lines:
    codes = batch.folded.stored
    edge = codes == SENTINEL
    breaks = np.flatnonzero(edge | (codes == 0x0A))
    solid = np.flatnonzero((kinds != cc.SPACE) & ~edge)
    low, high = np.searchsorted(solid, breaks[:-1]), np.searchsorted(solid, breaks[1:])
    some = high > low
    low, high = low[some], high[some]
    weights = np.ones(kinds.size, dtype=np.int32)
    weights[(kinds >= cc.HANI) & (kinds <= cc.KANA)] = HAN_LETTERS
    total = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(weights)))
    first, last = solid[low], solid[high - 1]
    texts = np.searchsorted(np.asarray(batch.folded.stored_starts), first, side="right") - 1
    return _Lines(texts, first, last, total[last + 1] - total[first])


def _of_lines(batch: Batch, kinds: np.ndarray) -> list[Sign]:
    lines, codes, size = _lines(batch, kinds), batch.folded.stored, len(batch.texts)
    counted = np.bincount(lines.texts, minlength=size)
    if not (counted >= FEWEST_LINES).any():
        return []
    last = codes[lines.last]
    dots = (last == 0x2E) & (codes[lines.last - 1] == 0x2E) & (codes[lines.last - 2] == 0x2E)
    shares = (
        ("q_unpunctuated_lines", ~_among(_ENDS)[last], lambda s: s >= 1 - UNPUNCTUATED),
        ("q_short_lines", lines.letters < SHORT_LINE, lambda s: s >= SHORT_LINES),
        ("q_list_lines", _among(_BULLETS)[codes[lines.first]], lambda s: s > LIST_LINES),
        ("q_ellipsis_lines", dots | (last == 0x2026), lambda s: s > ELLIPSIS_LINES),
    )
    out = list[Sign]()
    for reason, so, too_many in shares:
        share = np.bincount(lines.texts, weights=so, minlength=size) / np.maximum(counted, 1)
        out += [
            (no, reason, float(share[no]))
            for no in np.flatnonzero((counted >= FEWEST_LINES) & too_many(share)).tolist()
        ]
    return out


def _of_words(batch: Batch, kinds: np.ndarray, languages: Sequence[str]) -> list[Sign]:
    starts = np.asarray(batch.folded.stored_starts)
    if not starts.size:
        return []
    letter = (kinds >= cc.HANG) & (kinds <= cc.DEVA)
    alone = (kinds >= cc.HANI) & (kinds <= cc.KANA)
    solid = (kinds != cc.SPACE) & (batch.folded.stored != SENTINEL)
    begins = solid & ~np.concatenate(([False], solid[:-1]))
    words, letters, han = (np.add.reduceat(m, starts, dtype=np.int64) for m in (begins, letter, alone))
    blanks = np.flatnonzero((words >= FEWEST_WORDS) & (letters > 9 * han)).tolist()
    if not blanks:
        return []
    places = np.flatnonzero(begins)
    spoken = np.logical_or.reduceat(letter, places)
    texts = np.searchsorted(starts, places, side="right") - 1
    with_letters = np.bincount(texts, weights=spoken, minlength=starts.size)
    out = list[Sign]()
    for no in blanks:
        mean, share = letters[no] / words[no], with_letters[no] / words[no]
        if not WORD_LENGTH[0] <= mean <= WORD_LENGTH[1]:
            out.append((no, "q_word_length", float(mean)))
        if share < WORDS_WITH_LETTERS:
            out.append((no, "q_words_without_letters", float(1 - share)))
        if languages[no] == "en" and _stop_words(batch, no) < FEWEST_STOP_WORDS:
            out.append((no, "q_stop_words", float(_stop_words(batch, no))))
    return out


def _stop_words(batch: Batch, no: int) -> int:
    """How many of Gopher's stop words the text has; counted no further than needed."""
    folded, found = batch.folded, 0
    for word in STOP_WORDS:
        found += folded.text.find(f" {word} ", folded.starts[no], folded.ends[no]) >= 0
        if found >= FEWEST_STOP_WORDS:
            break
    return found


def _of_phrases(batch: Batch) -> list[Sign]:
    text, ends = batch.folded.text, np.asarray(batch.folded.ends)
    out = set[Sign]()
    for phrase, reason in (
        (_LOREM, "q_lorem_ipsum"),
        ("{", "q_curly_bracket"),
        *((p, "q_boilerplate") for p in _BOILERPLATE),
    ):
        at = text.find(phrase)
        while at >= 0:
            no = int(np.searchsorted(ends, at, side="right"))
            out.add((no, reason, 1.0))
            at = text.find(phrase, batch.folded.ends[no])  # once a text
    return sorted(out)


def _of_repeats(texts: Sequence[str]) -> list[Sign]:
    out = list[Sign]()
    for no, text in enumerate(texts):
        lines, characters = repeated(text)
        if lines > REPEATED_LINES:
            out.append((no, "q_repeated_lines", lines))
        if characters >= REPEATED_CHARACTERS:
            out.append((no, "q_repeated_characters", characters))
    return out


def repeated(text: str) -> tuple[float, float]:
    """Share of lines (of 5 characters or more) that repeat an earlier one (Gopher), and of the characters that they are
    (FineWeb); 0 under four lines."""
    if text.count("\n") < 3:
        return 0.0, 0.0
    lines = text.split("\n")
    if len(set(lines)) == len(lines):  # the rule, and quickly told
        return 0.0, 0.0
    lines = [line for line in lines if len(line) > 4 and not line.isspace()]
    distinct = set(lines)
    if len(lines) < 4 or len(distinct) == len(lines):
        return 0.0, 0.0
    total = sum(map(len, lines))
    return 1 - len(distinct) / len(lines), 1 - sum(map(len, distinct)) / total


@lru_cache(maxsize=2)
def _among(characters: str) -> np.ndarray:
    """bool a code point: is it one of these?"""
    out = np.zeros(CODE_POINTS, dtype=bool)
    out[[ord(c) for c in characters]] = True
    return out
