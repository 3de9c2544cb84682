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
    kinds = classes()[codes]
    seps = np.flatnonzero(kinds >= ODD)
    if not seps.size:
        return None
    cut = np.flatnonzero(np.diff(seps) > 1)
    first = np.concatenate((seps[:1], seps[cut + 1]))
    last = np.concatenate((seps[cut], seps[-1:]))
    good = (first > 0) & (last < codes.size - 1) & (last - first < LONGEST_RUN)
    first, last = first[good], last[good]
    between = (kinds[first - 1] == HAN) & (kinds[last + 1] == HAN)
    first, last = first[between], last[between]
    if not first.size:
        return None
    keep = np.ones(codes.size, dtype=bool)
    for step in range(LONGEST_RUN):
        at = first + step
        keep[at[at <= last]] = False
    return np.flatnonzero(keep)


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
