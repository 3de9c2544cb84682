"""Match forms of lexicon words: what texts go through, words go through."""

from __future__ import annotations

from collections.abc import Sequence

from corpusgate.intake.detectors.fold import fold_batch
from corpusgate.intake.detectors.squeeze import squeeze


def match_keys(words: Sequence[str]) -> list[str]:
    """Each word folded, squeezed and stripped of blanks at its ends; the empty string where nothing is left."""
    folded = fold_batch([w.strip() for w in words])
    keys = []
    for start, end in zip(folded.starts, folded.ends, strict=True):
        codes = folded.codes[start:end]
        kept = squeeze(codes)
        keys.append((codes if kept is None else codes[kept]).tobytes().decode("utf-32-le").strip())
    return keys
