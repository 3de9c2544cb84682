"""Second match form: separators between two Han characters dropped, so that 赌*博 and 赌 博 meet 赌博.

Ordinary punctuation is dropped too, but a match across it counts only where *every* pair of characters is set apart:
「他赌，博得」 is no 赌博. The same holds for blanks, dashes and the like in a word of two or three characters,
since lists and tables have them; what nobody writes between two characters counts anywhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors.fold_table import CODE_POINTS

OTHER, HAN, ODD, SOFT, PLAIN = range(5)
SHORT = 4
"""Words with fewer characters need more evidence."""
LONGEST_RUN = 3
"""Separators between two characters; more is layout, not disguise."""

_ODD = "*_^#@`\\•●★☆■□◆◇○◎▲△※→←↑↓$%丶丨~"
_SOFT = " -.·+/|&='"
_PLAIN = ',;:!?。、\n\t\r"“”‘’'


@lru_cache(maxsize=1)
def classes() -> np.ndarray:
    """uint8 a code point: OTHER, HAN, and separators: ODD, SOFT (layout), PLAIN (punctuation)."""
    out = np.zeros(CODE_POINTS, dtype=np.uint8)
    for a, b in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0)):
        out[a:b] = HAN
    out[[ord(c) for c in _ODD]] = ODD
    out[[ord(c) for c in _SOFT]] = SOFT
    out[[ord(c) for c in _PLAIN]] = PLAIN
    return out


def squeeze(codes: np.ndarray) -> np.ndarray | None:
    """Indices of the folded code points that stay, or None where all do."""
    kinds = classes().take(codes)
    han, separator, keep = kinds == HAN, kinds >= ODD, np.ones(codes.size, dtype=bool)
    run = han[:-1] & separator[1:]  # at a Han character: only separators after it, as many as the loop's turn says
    for length in range(1, LONGEST_RUN + 1):
        between = run[:-1] & han[length + 1 :]
        for step in range(1, length + 1):
            keep[step : step + between.size] &= ~between
        run = run[:-1] & separator[length + 1 :]
    return None if keep.all() else np.flatnonzero(keep)


def disguised(codes: np.ndarray, kept: np.ndarray) -> bool:
    """Is a match whose code points lie at `kept` (indices into `codes`) one set apart on purpose? False if not set
    apart."""
    gaps = np.flatnonzero(np.diff(kept) > 1)
    if not gaps.size:
        return False
    worst = max(int(classes()[codes[kept[g] + 1 : kept[g + 1]]].max()) for g in gaps.tolist())
    every = gaps.size == kept.size - 1
    if worst == PLAIN:
        return every and kept.size > 2
    return worst == ODD or every or kept.size >= SHORT
