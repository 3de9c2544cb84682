"""The form that the classifier sees: the detectors' match form with every run of white space as one space, in windows.

A text of up to `WHOLE` characters is one window; a longer one is cut into windows of `SIZE` characters, each beginning
`STEP` after the one before, the last ending with the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors.batch import groups
from corpusgate.intake.detectors.fold import Folded, fold_batch
from corpusgate.intake.detectors.fold_table import CODE_POINTS

WHOLE, SIZE, STEP = 200, 128, 64
SPACE = 0x20


@dataclass(frozen=True, slots=True)
class Formed:
    """A batch in the classifier's form: `codes` of all texts with their ranges; `kept[i]`: place of code point i in the
    folded batch, None where nothing was left out."""

    codes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    kept: np.ndarray | None


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of a batch: the text each is of, its first code point and its length; ordered by text and place."""

    text: np.ndarray
    start: np.ndarray
    length: np.ndarray


def formed(folded: Folded) -> Formed:
    """The classifier's form of a folded batch."""
    space = _spaces()[folded.codes]
    starts, ends = np.asarray(folded.starts, np.int64), np.asarray(folded.ends, np.int64)
    if not space.any():
        return Formed(folded.codes, starts, ends, None)
    codes = np.where(space, np.uint32(SPACE), folded.codes)
    keep = ~space
    keep[0] = True
    keep[1:] |= ~space[:-1]  # the first of each run
    before = np.concatenate(([0], np.cumsum(keep)))
    return Formed(codes[keep], before[starts], before[ends], np.flatnonzero(keep))


def windows(form: Formed) -> Windows:
    """The windows of a batch; an empty text has one, of length 0."""
    lengths = form.ends - form.starts
    long = lengths > WHOLE
    counts = np.where(long, -(-(lengths - SIZE) // STEP) + 1, 1)
    text = np.repeat(np.arange(lengths.size), counts)
    nth = np.arange(text.size) - np.repeat(np.cumsum(counts) - counts, counts)
    size = np.where(long, SIZE, lengths)[text]
    start = form.starts[text] + np.minimum(nth * STEP, lengths[text] - size)
    return Windows(text, start, size)


def window_texts(texts: Sequence[str], most: int | None = None) -> list[list[str]]:
    """The windows of each text as strings: what a model is trained on; at most `most` a text, evenly chosen."""
    out: list[list[str]] = []
    for group in groups(texts):
        form = formed(fold_batch(group))
        cut = windows(form)
        of_text: list[list[str]] = [[] for _ in group]
        for no, start, length in zip(cut.text.tolist(), cut.start.tolist(), cut.length.tolist(), strict=True):
            of_text[no].append(form.codes[start : start + length].tobytes().decode("utf-32-le", "surrogatepass"))
        out += [_evenly(w, most) for w in of_text]
    return out


def whole_texts(texts: Sequence[str]) -> list[str]:
    """The form of each text, uncut."""
    out: list[str] = []
    for group in groups(texts):
        form = formed(fold_batch(group))
        out += [
            form.codes[a:b].tobytes().decode("utf-32-le", "surrogatepass")
            for a, b in zip(form.starts.tolist(), form.ends.tolist(), strict=True)
        ]
    return out


def _evenly(windows_of_one: list[str], most: int | None) -> list[str]:
    if most is None or len(windows_of_one) <= most:
        return windows_of_one
    return [windows_of_one[n * len(windows_of_one) // most] for n in range(most)]


@lru_cache(maxsize=1)
def _spaces() -> np.ndarray:
    """Which code points are white space (`str.isspace`)."""
    table = np.zeros(CODE_POINTS, dtype=bool)
    table[[c for c in range(0x3001) if chr(c).isspace()]] = True
    return table
