"""The match form of a batch of texts, and the way back to the stored text (issue 7, 2; performance.md, finding 2).

One look-up over the UTF-32 code points of the joined batch. What it drops makes the offset map a cumulative count.
Texts and words go through the same table, so full-width, traditional, zero-width and look-alike forms meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpusgate.intake.detectors.fold_table import CODE_POINTS, SENTINEL, fold_table

EDGE = chr(SENTINEL)
"""The sentinel as a character."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded batch. All texts stand in one string, with a sentinel before, between and after them.

    `text`/`codes`: the folded string and its code points. `source[i]`: place of folded code point i in the joined
    stored
    text, None where nothing moved. `starts`, `ends`: each text's range in the folded string. `stored_starts`: each
    text's place in the joined stored text; `stored`: the stored code points (uint32).
    """

    text: str
    codes: np.ndarray
    source: np.ndarray | None
    starts: list[int]
    ends: list[int]
    stored: np.ndarray
    stored_starts: list[int]

    def span(self, text_no: int, start: int, end: int) -> tuple[int, int]:
        """Folded range (end-exclusive, not empty) to code points of stored text number `text_no`."""
        first, last = start, end - 1
        if self.source is not None:
            first, last = int(self.source[first]), int(self.source[last])
        at = self.stored_starts[text_no]
        return first - at, last + 1 - at


def join(texts: Sequence[str]) -> np.ndarray:
    """Code points (uint32) of the texts with a sentinel before, between and after; lone surrogates stay what they
    are."""
    joined = EDGE.join(("", *texts, ""))
    if joined.count(EDGE) != len(texts) + 1:
        joined = EDGE.join(("", *(t.replace(EDGE, "\ufffd") for t in texts), ""))
    return np.array(joined).reshape(1).view(np.uint32)  # numpy keeps a str as UTF-32: a copy, no encoder


def text_of(codes: np.ndarray) -> str:
    """The code points (uint32, not ending in NUL, as behind a sentinel) as a str, in a third of a decoder's time."""
    return codes.view(f"U{codes.size}").item() if codes.size else ""


def fold_codes(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Folded code points and, for each, the index it came from (None: identity)."""
    out = fold_table().to.take(codes)
    changed = np.flatnonzero(out - np.uint32(1) >= np.uint32(CODE_POINTS - 1))  # dropped (0 wraps around) or several
    return _moved(out, changed) if changed.size else (out, None)


def _moved(out: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The code points at `changed` dropped, or put there with all that they fold to; each keeps its origin.

    They are few: what stands between two of them moves by the same number of places.
    """
    table, folded = fold_table(), out[changed]
    which = np.where(folded > 0, folded, CODE_POINTS) - CODE_POINTS
    lengths = np.where(folded > 0, table.lengths[which], 0)
    moves = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths - 1)))
    size = out.size + int(moves[-1])
    source = np.arange(size, dtype=np.int32)
    reach = np.concatenate((np.zeros(1, dtype=np.int64), changed + 1 + moves[1:], np.full(1, size)))
    source -= np.repeat(moves.astype(np.int32), np.diff(reach))
    inner = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.repeat(changed + moves[:-1], lengths) + inner
    source[places] = np.repeat(changed, lengths)
    codes = out.take(source)
    codes[places] = table.flat[np.repeat(table.ends[which] - lengths, lengths) + inner]
    return codes, source


def fold_batch(texts: Sequence[str]) -> Folded:
    """Fold a batch; never raises on a str. Some 250 MB of UTF-8 a second; some 20 bytes of memory a code point."""
    stored = join(texts)
    codes, source = fold_codes(stored)
    edges = np.flatnonzero(codes == SENTINEL)
    stored_starts, at = [], 1
    for text in texts:
        stored_starts.append(at)
        at += len(text) + 1
    return Folded(text_of(codes), codes, source, (edges[:-1] + 1).tolist(), edges[1:].tolist(), stored, stored_starts)


def fold(text: str) -> str:
    """The match form of one text or word."""
    return fold_batch([text]).text[1:-1]
