"""Match forms of lexicon words: what texts go through, words go through."""

from __future__ import annotations

from collections.abc import Sequence

from corpusgate.intake.detectors.fold import EDGE, fold_batch, text_of
from corpusgate.intake.detectors.squeeze import squeeze


def match_keys(words: Sequence[str]) -> list[str]:
    """Each word folded, squeezed and stripped of blanks at its ends; the empty string where nothing is left."""
    folded = fold_batch([word.strip() for word in words])
    kept = squeeze(folded.codes)
    text = folded.text if kept is None else text_of(folded.codes.take(kept))
    return [key.strip() for key in text.split(EDGE)[1:-1]]
