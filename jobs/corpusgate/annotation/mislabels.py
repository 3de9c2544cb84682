"""Which labels are probably wrong: the idea of confident learning (Northcutt, Jiang and Chuang 2021), in own code.

An item is suspected when some other class is as likely for it as for a typical item that carries that class's label.
The probabilities may come from people's posteriors or from a model that has not seen the item's own label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Suspect:
    """An item whose label is probably wrong: its place in the arrays, its label, what it rather is, and by how much
    that is likelier (`margin`, from 0 to 1)."""

    index: int
    given: int
    likelier: int
    margin: float


def thresholds(probability: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Of each class: the mean probability of the class over the items that carry its label; 2 (never reached) where no
    item does."""
    classes = probability.shape[1]
    counts = np.bincount(given, minlength=classes)
    sums = np.bincount(given, weights=probability[np.arange(given.size), given], minlength=classes)
    return np.divide(sums, counts, out=np.full(classes, 2.0), where=counts > 0)


def likely_mislabelled(probability: np.ndarray, given: np.ndarray) -> list[Suspect]:
    """The suspected items, the surest first. `probability`: items by classes; `given`: class number of each item."""
    if not given.size:
        return []
    reached = np.where(probability >= thresholds(probability, given) - 1e-12, probability, -1.0)
    likelier = reached.argmax(axis=1)
    rows = np.arange(given.size)
    own = probability[rows, given]
    suspected = np.flatnonzero((reached[rows, likelier] >= 0) & (likelier != given) & (reached[rows, likelier] > own))
    margin = probability[suspected, likelier[suspected]] - own[suspected]
    order = np.lexsort((suspected, -margin))
    return [Suspect(int(suspected[o]), int(given[suspected[o]]), int(likelier[suspected[o]]), float(margin[o]))
            for o in order]  # fmt: skip


def confident_joint(probability: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Counts of items by given class and confident class: off the diagonal stands what is confused with what."""
    classes = probability.shape[1]
    reached = np.where(probability >= thresholds(probability, given) - 1e-12, probability, -1.0)
    sure = reached.max(axis=1) >= 0
    cell = given[sure] * classes + reached[sure].argmax(axis=1)
    return np.bincount(cell, minlength=classes * classes).reshape(classes, classes)


def named(suspects: Sequence[Suspect], items: Sequence[str], classes: Sequence[str]) -> list[dict[str, str | float]]:
    """The suspects by name."""
    return [
        {"item": items[s.index], "label": classes[s.given], "likelier": classes[s.likelier], "margin": s.margin}
        for s in suspects
    ]
