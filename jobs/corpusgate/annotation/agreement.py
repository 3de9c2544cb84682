"""How far people agree: raw agreement and prevalence, Cohen's and Fleiss' kappa, Krippendorff's alpha (nominal).

Labels are arrays of one entry an annotation: `item`, `person`, `label`, each a number from 0. People may have labelled
different items, and an item may have any number of labels. Where all labels are the same there is no chance agreement
to correct for: coefficients are then not computable, and a unanimous batch is never taken for a good one.

Sources: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), also Hayes and Krippendorff (2007); Cohen
(1960); Fleiss (1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Why = Literal["", "unanimous", "no_pairs", "unequal_counts", "empty"]

#: Krippendorff's customary bars: conventions, not norms.
RELIABLE, TENTATIVE = 0.800, 0.667


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement, or None and why it is not computable."""

    value: float | None
    why: Why = ""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Annotations as arrays of equal length; the names of items, people and labels by their numbers."""

    item: np.ndarray
    person: np.ndarray
    label: np.ndarray
    items: Sequence[str]
    people: Sequence[str]
    labels: Sequence[str]

    def where(self, chosen: np.ndarray) -> Ratings:
        """The annotations for which `chosen` holds; numbers keep their meaning."""
        return Ratings(self.item[chosen], self.person[chosen], self.label[chosen], self.items, self.people, self.labels)

    def counts(self) -> np.ndarray:
        """Items by labels: how many annotations of the item have the label. Only items with an annotation."""
        _, at = np.unique(self.item, return_inverse=True)
        size = int(at.max(initial=-1)) + 1
        flat = np.bincount(at * len(self.labels) + self.label, minlength=size * len(self.labels))
        return flat.reshape(size, len(self.labels))


def ratings(item: Sequence[str], person: Sequence[str], label: Sequence[str]) -> Ratings:
    """Ratings from names; numbers follow the names' order, so that the order of the rows does not matter."""
    names, numbers = zip(*(np.unique(np.asarray(c, dtype=str), return_inverse=True) for c in (item, person, label)),
                         strict=True)  # fmt: skip
    return Ratings(*(n.astype(np.int64) for n in numbers), *(n.tolist() for n in names))


def raw_agreement(counts: np.ndarray) -> float | None:
    """Share of pairs of labels of the same item that are equal; each item with m labels weighs m. None: no pairs.

    It is Krippendorff's observed agreement: 1 less his observed disagreement.
    """
    counts = counts[counts.sum(axis=1) > 1].astype(float)
    if not counts.size:
        return None
    m = counts.sum(axis=1)
    return float((((counts * (counts - 1)).sum(axis=1) / (m - 1)).sum()) / m.sum())


def prevalence(counts: np.ndarray) -> np.ndarray:
    """Share of each label among all labels; zeros where there is none."""
    total = counts.sum()
    return counts.sum(axis=0) / total if total else np.zeros(counts.shape[1])


def krippendorff_alpha(counts: np.ndarray) -> Coefficient:
    """Nominal alpha over items by labels; items with a single label say nothing and are left out (Krippendorff 2011).

    1: full agreement, 0: as by chance, below 0: less than by chance.
    """
    paired = counts[counts.sum(axis=1) > 1].astype(float)
    if not paired.size:
        return Coefficient(None, "empty" if not counts.sum() else "no_pairs")
    observed = raw_agreement(counts)
    of_label = paired.sum(axis=0)
    n = of_label.sum()
    expected = ((of_label * (n - of_label)).sum()) / (n * (n - 1))
    if observed is None or not expected:
        return Coefficient(None, "unanimous")
    return Coefficient(float(1 - (1 - observed) / expected))


def fleiss_kappa(counts: np.ndarray) -> Coefficient:
    """Fleiss' kappa (1971): every item has the same number of labels, at least two."""
    if not counts.sum():
        return Coefficient(None, "empty")
    m = counts.sum(axis=1)
    if (m != m[0]).any():
        return Coefficient(None, "unequal_counts")
    if m[0] < 2:
        return Coefficient(None, "no_pairs")
    observed = ((counts * (counts - 1)).sum(axis=1) / (m[0] * (m[0] - 1))).mean()
    return _corrected(float(observed), float((prevalence(counts) ** 2).sum()))


def cohen_kappa(table: np.ndarray) -> Coefficient:
    """Cohen's kappa (1960) from the two people's table: rows what one said, columns what the other said."""
    n = table.sum()
    if not n:
        return Coefficient(None, "no_pairs")
    return _corrected(float(np.trace(table) / n), float((table.sum(axis=1) @ table.sum(axis=0)) / n**2))


def _corrected(observed: float, by_chance: float) -> Coefficient:
    if by_chance >= 1.0:
        return Coefficient(None, "unanimous")
    return Coefficient((observed - by_chance) / (1 - by_chance))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people's agreement on the items that both labelled: table (rows `one`, columns `other`), raw, kappa."""

    one: str
    other: str
    items: int
    table: np.ndarray
    raw: float
    kappa: Coefficient


def pairs(r: Ratings) -> list[Pair]:
    """Every two people with a common item, by name. A person who labelled an item twice counts with the first label."""
    first = _one_each(r)
    order = np.lexsort((first.person, first.item))
    item, person, label = first.item[order], first.person[order], first.label[order]
    sizes = np.diff(np.append(np.flatnonzero(np.r_[True, item[1:] != item[:-1]]), item.size)) if item.size else item
    size, people = len(r.labels), len(r.people)
    keys = []
    starts = np.cumsum(sizes) - sizes
    for gap in range(1, int(sizes.max(initial=0))):  # each pair of one item's sorted labels, by their distance
        left = np.flatnonzero(np.arange(item.size) - np.repeat(starts, sizes) + gap < np.repeat(sizes, sizes))
        right = left + gap
        keys.append(((person[left] * people + person[right]) * size + label[left]) * size + label[right])
    if not keys:
        return []
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    of_pair, cell = np.divmod(found, size * size)
    names, at = np.unique(of_pair, return_inverse=True)
    tables = np.zeros((names.size, size * size), np.int64)
    tables[at, cell] = counts
    return [_pair(r, int(name), table.reshape(size, size)) for name, table in zip(names, tables, strict=True)]


def _pair(r: Ratings, name: int, table: np.ndarray) -> Pair:
    one, other = divmod(name, len(r.people))
    n = int(table.sum())
    return Pair(r.people[one], r.people[other], n, table, float(np.trace(table) / n), cohen_kappa(table))


def _one_each(r: Ratings) -> Ratings:
    _, first = np.unique(r.item * max(len(r.people), 1) + r.person, return_index=True)
    keep = np.zeros(r.item.size, bool)
    keep[first] = True
    return r.where(keep)


@dataclass(frozen=True, slots=True)
class OfLabel:
    """Agreement about one label: how common it is, how often a second person says it too (specific agreement; None: no
    pairs with it), and alpha of this label against the rest."""

    label: str
    prevalence: float
    specific: float | None
    alpha: Coefficient


def by_label(r: Ratings) -> list[OfLabel]:
    """Agreement about each label."""
    counts = r.counts()
    found = []
    for no, (label, share) in enumerate(zip(r.labels, prevalence(counts).tolist(), strict=True)):
        this = counts[:, no]
        against = np.stack([this, counts.sum(axis=1) - this], axis=1)
        paired = against[against.sum(axis=1) > 1].astype(float)
        with_it = paired[:, 0].sum()
        agreed = (paired[:, 0] * (paired[:, 0] - 1) / (paired.sum(axis=1) - 1)).sum()
        specific = float(agreed / with_it) if with_it else None
        found.append(OfLabel(label, share, specific, krippendorff_alpha(against)))
    return found
