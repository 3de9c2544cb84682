"""The match form of a batch of texts, and the way back to the stored text (issue 7, 2; performance.md, finding 2).

One look-up over the UTF-32 code points of the joined batch. What it drops makes the offset map a cumulative count.
Texts and words go through the same table, so full-width, traditional, zero-width and look-alike forms meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpusgate.intake.detectors.fold_table import CODE_POINTS, SENTINEL, fold_table

_EDGE = chr(SENTINEL)


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
    joined = _EDGE.join(("", *texts, ""))
    if joined.count(_EDGE) != len(texts) + 1:
        joined = _EDGE.join(("", *(t.replace(_EDGE, "\ufffd") for t in texts), ""))
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def fold_codes(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Folded code points and, for each, the index it came from (None: identity)."""
    table = fold_table()
    out = table.to[codes]
    source = None
    if not out.all():
        source = np.flatnonzero(out).astype(np.int32)
        out = out[source]
    many = np.flatnonzero(out >= CODE_POINTS)
    many = many[out[many] != SENTINEL] if many.size else many
    if many.size:
        out, source = _expand(out, source, many)
    return out, source


def _expand(out: np.ndarray, source: np.ndarray | None, many: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put several code points where a code point folds to several; each keeps its origin."""
    table = fold_table()
    which = out[many] - CODE_POINTS
    lengths = table.lengths[which]
    more = lengths - 1
    first = many + np.cumsum(more) - more
    origin = np.arange(out.size, dtype=np.int32) if source is None else source
    # They are few: making room at their places costs a third of repeating every code point as often as it stands there.
    room = np.repeat(many, more)
    result, origin = np.insert(out, room + 1, 0), np.insert(origin, room + 1, origin[room])
    ends = np.cumsum(table.lengths)[which]
    inner = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    result[np.repeat(first, lengths) + inner] = table.flat[np.repeat(ends - lengths, lengths) + inner]
    return result, origin


def fold_batch(texts: Sequence[str]) -> Folded:
    """Fold a batch; never raises on a str. About 120 MB of UTF-8 a second; some 20 bytes of memory a code point."""
    stored = join(texts)
    codes, source = fold_codes(stored)
    edges = np.flatnonzero(codes == SENTINEL)
    stored_starts, at = [], 1
    for text in texts:
        stored_starts.append(at)
        at += len(text) + 1
    text = codes.tobytes().decode("utf-32-le")
    return Folded(text, codes, source, (edges[:-1] + 1).tolist(), edges[1:].tolist(), stored, stored_starts)


def fold(text: str) -> str:
    """The match form of one text or word."""
    return fold_batch([text]).text[1:-1]
