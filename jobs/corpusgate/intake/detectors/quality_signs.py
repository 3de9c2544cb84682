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
from corpusgate.intake.detectors.beginnings import marks_in
from corpusgate.intake.detectors.fold_table import CODE_POINTS
from corpusgate.intake.detectors.marks import standing
from corpusgate.intake.detectors.quality_phrases import PHRASES, mark_of

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
_SPREAD = 0x9E3779B97F4A7C15
"""An odd number with bits all over. Two lines that only seem alike cost a split."""

Sign = tuple[int, str, float]
"""Text number, reason code, score."""


def signs(batch: Batch, languages: Sequence[str]) -> list[Sign]:
    """The signs of all texts of a batch but for those of `language_quality` itself; `languages` of the texts."""
    words = _words(batch)
    lines = _lines(batch, words)
    return [
        *_of_lines(batch, lines),
        *_of_words(batch, words, languages),
        *_of_phrases(batch),
        *_of_repeats(batch, lines),
    ]


@dataclass(frozen=True, slots=True)
class _Words:
    """Runs of what is no blank, of all texts: first place of each, and the place behind it."""

    begins: np.ndarray
    ends: np.ndarray


def _words(batch: Batch) -> _Words:
    solid = cc.classes_of(batch) != cc.SPACE
    solid[_edges(batch)] = False
    turns = np.flatnonzero(solid[1:] != solid[:-1]) + 1  # into a word and out of it, in turn: edges are in none
    return _Words(turns[::2], turns[1::2])


def _edges(batch: Batch) -> np.ndarray:
    """The places of the sentinels in the stored text."""
    return np.append(np.asarray(batch.folded.stored_starts, dtype=np.int64) - 1, batch.folded.stored.size - 1)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines that are not empty: text number, first and last place that is no blank, length in letters."""

    texts: np.ndarray
    first: np.ndarray
    last: np.ndarray
    letters: np.ndarray


def _lines(batch: Batch, words: _Words) -> _Lines:
    kinds, starts = cc.classes_of(batch), np.asarray(batch.folded.stored_starts)
    broken = batch.folded.stored == 0x0A
    broken[_edges(batch)] = True
    before = np.searchsorted(words.begins, np.flatnonzero(broken))  # words before each break: none goes over one
    low, high = before[:-1], before[1:]
    some = high > low
    first, last = words.begins[low[some]], words.ends[high[some] - 1] - 1
    texts = np.searchsorted(starts, first, side="right") - 1
    han = (kinds >= cc.HANI) & (kinds <= cc.KANA)
    # up to the next line's first place: nothing but blanks stands between the two
    more = np.add.reduceat(han.view(np.uint8), first, dtype=np.uint32) if first.size else first
    return _Lines(texts, first, last, last + 1 - first + (HAN_LETTERS - 1) * more)


def _of_lines(batch: Batch, lines: _Lines) -> list[Sign]:
    codes, size = batch.folded.stored, len(batch.texts)
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


def _of_words(batch: Batch, words: _Words, languages: Sequence[str]) -> list[Sign]:
    counted = np.diff(np.searchsorted(words.begins, _edges(batch)))
    counts = cc.histogram(batch)
    letters, han = counts[:, cc.HANG : cc.DEVA + 1].sum(axis=1), counts[:, cc.HANI : cc.KANA + 1].sum(axis=1)
    blanks = np.flatnonzero((counted >= FEWEST_WORDS) & (letters > 9 * han)).tolist()
    if not blanks:
        return []
    kinds = cc.classes_of(batch)
    spoken = np.logical_or.reduceat((kinds >= cc.HANG) & (kinds <= cc.DEVA), words.begins)
    with_letters = np.bincount(np.repeat(np.arange(counted.size), counted)[spoken], minlength=counted.size)
    out = list[Sign]()
    for no in blanks:
        mean, share = letters[no] / counted[no], with_letters[no] / counted[no]
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
    codes, ends = batch.folded.codes, np.asarray(batch.folded.ends)
    marks = marks_in(batch)
    out = set[Sign]()
    for phrase, reason in PHRASES:
        kind, behind = mark_of(phrase)
        at = marks.of(kind) - behind
        at = standing(codes, at[at > 0], phrase)
        having = np.flatnonzero(np.bincount(np.searchsorted(ends, at, side="right")))
        out.update((no, reason, 1.0) for no in having.tolist())
    return sorted(out)


def _of_repeats(batch: Batch, lines: _Lines) -> list[Sign]:
    out = list[Sign]()
    for no in _alike(lines, batch.folded.stored):
        share, characters = repeated(batch.texts[no])
        if share > REPEATED_LINES:
            out.append((no, "q_repeated_lines", share))
        if characters >= REPEATED_CHARACTERS:
            out.append((no, "q_repeated_characters", characters))
    return out


def _alike(lines: _Lines, codes: np.ndarray) -> list[int]:
    """Numbers of the texts that have two lines of one length with the same first and last character: most texts have
    none, and need not be split to tell that no line of theirs repeats."""
    key = lines.texts.astype(np.uint64)
    for part in (codes[lines.first], codes[lines.last], lines.last - lines.first):
        key = key * np.uint64(_SPREAD) + part.astype(np.uint64)
    order = np.argsort(key)
    again = order[1:][key[order[1:]] == key[order[:-1]]]
    return np.flatnonzero(np.bincount(lines.texts[again])).tolist()


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
