"""Words and their runs as numbers, over a folded batch: what overlaps with a test set is told by hashes.

A token is a character of a script that is written without blanks (Han, kana, Thai, Tibetan), or a run of letters, marks
and digits of another. Punctuation and case do not count (GPT-3: Brown et al. 2020, appendix C).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors import code_classes as cc
from corpusgate.intake.detectors.fold import Folded

_ALONE = (cc.HANI, cc.HANS, cc.HANT, cc.YUE, cc.KANA, cc.THAI, cc.TIBT)
_JOINED = (cc.HANG, cc.LATN, cc.CYRL, cc.GREK, cc.ARAB, cc.HEBR, cc.MONG, cc.DEVA, cc.DIGIT, cc.MARK)
_OF_LETTERS, _OF_TOKENS = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F  # odd, so that nothing is lost in 64 bits
_LONGEST = 64
"""Letters of a word after which their order counts from the start again: nothing but a hash gets poorer."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a batch in order: hash, text number, place in the folded text (end-exclusive), alone (one character of
    a script without blanks)."""

    hashes: np.ndarray
    texts: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    alone: np.ndarray

    def runs(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Hash and first token of each run of `n` tokens that lies in one text."""
        if self.hashes.size < n:
            return self.hashes[:0], np.zeros(0, dtype=np.int64)
        inside = np.flatnonzero(self.texts[: self.hashes.size - n + 1] == self.texts[n - 1 :])
        return _runs(self.hashes, n)[inside], inside


def tokens(folded: Folded) -> Tokens:
    """The tokens of all texts of the batch."""
    kinds = _kinds().take(folded.codes)
    before = np.concatenate((np.zeros(1, dtype=kinds.dtype), kinds[:-1]))
    first = (kinds == 1) | ((kinds == 2) & (before != 2))
    places = np.flatnonzero(kinds != 0)
    starts = np.flatnonzero(first)
    if not starts.size:
        none = np.zeros(0, dtype=np.int64)
        return Tokens(none.astype(np.uint64), none, none, none, none.astype(bool))
    begins = np.flatnonzero(first[places])
    letter = (places - np.repeat(starts, np.diff(np.append(begins, places.size)))) % _LONGEST
    mixed = (folded.codes[places].astype(np.uint64) + np.uint64(1)) * _powers()[letter]
    hashes = np.add.reduceat(mixed, begins)
    hashes ^= hashes >> np.uint64(29)
    hashes *= np.uint64(_OF_TOKENS)
    ends = places[np.append(begins[1:], places.size) - 1] + 1
    texts = np.searchsorted(np.asarray(folded.starts), starts, side="right") - 1
    return Tokens(hashes, texts, starts, ends, kinds[starts] == 1)


def _runs(hashes: np.ndarray, n: int) -> np.ndarray:
    """Hash of every run of `n`: sum of hash times a power of its place, built by doubling."""
    whole, done, power, width = None, 0, hashes, 1
    size = hashes.size - n + 1
    while True:
        if n & width:
            part = power[done : done + size]
            whole = part if whole is None else whole * np.uint64(pow(_OF_LETTERS, width, 1 << 64)) + part
            done += width
        if done == n:
            return whole if whole is not None else hashes
        power = power[:-width] * np.uint64(pow(_OF_LETTERS, width, 1 << 64)) + power[width:]
        width *= 2


@lru_cache(maxsize=1)
def _kinds() -> np.ndarray:
    """uint8 a code point: 0 no token, 1 a token by itself, 2 part of a word."""
    out = np.zeros(cc.CLASSES, dtype=np.uint8)
    out[list(_ALONE)], out[list(_JOINED)] = 1, 2
    return out[cc.code_classes()]


@lru_cache(maxsize=1)
def _powers() -> np.ndarray:
    return np.array([pow(_OF_LETTERS, k + 1, 1 << 64) for k in range(_LONGEST)], dtype=np.uint64)
