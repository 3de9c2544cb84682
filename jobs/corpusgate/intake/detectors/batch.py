"""A batch of texts on its way through the detectors: joined and folded once, shared by all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpusgate.intake.detectors.fold import Folded, fold_batch
from corpusgate.intake.detectors.marks import Marks

CODE_POINTS_A_BATCH = 400_000
"""Small enough for the arrays to stay near the processor, large enough for numpy's calls to cost nothing."""


@dataclass(slots=True)
class Batch:
    """The stored texts, their folded form, and (once somebody asked) the class of each stored code point
    (`code_classes`), how many of each class each text has, its language and script, and the marks of the folded form
    (`beginnings`)."""

    texts: Sequence[str]
    folded: Folded
    kinds: np.ndarray | None = None
    counts: np.ndarray | None = None
    about: list[Any] | None = None
    marks: Marks | None = None


def groups(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list of texts into runs that make a batch each, in order; a text longer than a batch is one by itself."""
    start, size = 0, 0
    for at, text in enumerate(texts):
        if at > start and size + len(text) > CODE_POINTS_A_BATCH:
            yield texts[start:at]
            start, size = at, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]


def batches(texts: Sequence[str]) -> Iterator[Batch]:
    """The texts in batches, in order."""
    return map(make_batch, groups(texts))


def make_batch(texts: Sequence[str]) -> Batch:
    """One batch of all these texts."""
    return Batch(texts, fold_batch(texts))
