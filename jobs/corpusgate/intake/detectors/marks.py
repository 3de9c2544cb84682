"""Where in a batch something may begin: one look at all code points, for up to sixteen kinds of beginnings together.

A beginning is told by two code points, so that most of those that turn out to be none are left out at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from corpusgate.intake.detectors.fold_table import CODE_POINTS

Pair = tuple[int, str, str]
"""Kind (one bit of sixteen), characters that stand there, characters of which one stands behind (none named: any)."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a batch in order: their places and their kinds (uint16, bits)."""

    places: np.ndarray
    kinds: np.ndarray

    def of(self, kind: int) -> np.ndarray:
        """Places of one kind."""
        return self.places[(self.kinds & kind) > 0]


def marks_of(codes: np.ndarray, table: np.ndarray) -> Marks:
    """The marks among the code points of a batch; its last one, a sentinel, is none."""
    able = table.take(codes)
    kinds = (able[:-1] & (able[1:] >> 16)).astype(np.uint16)
    places = np.flatnonzero(kinds != 0)  # of numbers it is ten times as slow as of a mask
    return Marks(places, kinds[places])


def table_of(pairs: Iterable[Pair]) -> np.ndarray:
    """uint32 a code point: below, of which kinds it may be the mark, above, behind which kinds it may stand."""
    here, behind = np.zeros(CODE_POINTS, dtype=np.uint32), np.zeros(CODE_POINTS, dtype=np.uint32)
    for kind, these, those in pairs:
        here[[ord(c) for c in these]] |= kind
        if those:
            behind[[ord(c) for c in those]] |= kind
        else:
            behind |= kind
    return here | (behind << 16)


def standing(codes: np.ndarray, places: np.ndarray, word: str) -> np.ndarray:
    """Those of the places at which the word stands. No place lies behind the last code point, a sentinel, which ends
    every comparison."""
    for step, char in enumerate(word):
        if not places.size:
            break
        places = places[codes[places + step] == ord(char)]
    return places
