"""Match forms of lexicon words: what texts go through, words go through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpusgate.intake.detectors.fold import fold_batch
from corpusgate.intake.detectors.squeeze import ODD, classes, squeeze


def match_keys(words: Sequence[str]) -> list[str]:
    """Each word folded, squeezed and stripped of blanks at its ends; the empty string where nothing is left."""
    folded = fold_batch([w.strip() for w in words])
    text = folded.codes.tobytes().decode("utf-32-le")
    apart = np.concatenate(([0], np.cumsum(classes()[folded.codes] >= ODD)))
    keys = []
    for start, end in zip(folded.starts, folded.ends, strict=True):
        key = text[start:end]
        if apart[start] < apart[end]:  # most words hold no separator
            codes = folded.codes[start:end]
            kept = squeeze(codes)
            key = key if kept is None else codes[kept].tobytes().decode("utf-32-le")
        keys.append(key.strip())
    return keys
