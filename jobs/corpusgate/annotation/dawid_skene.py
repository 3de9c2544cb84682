"""What is probably true of each item, and how each person errs, from labels alone (Dawid and Skene 1979).

Expectation and maximisation in turn: posteriors of the items' classes from the people's confusion matrices, and back.
Begins with the shares of each item's labels; there is no chance in it. Wants three labels an item: with two, whom to
believe is hardly determined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpusgate.annotation.agreement import Ratings

ITERATIONS, TOLERANCE = 300, 1e-5
#: Added to every cell before normalising, so that one unheard-of answer does not make an item impossible.
SMOOTHING = 1e-9
FEWEST_LABELS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """`posterior`: items by classes. `confusion`: people by true class by said class, rows adding up to 1 (a class of
    which a person saw nothing: all zero). `weight`: people by true class: how many items of it the person labelled.
    `prior`: share of each class. `labels_an_item`: the mean."""

    posterior: np.ndarray
    confusion: np.ndarray
    weight: np.ndarray
    prior: np.ndarray
    iterations: int
    converged: bool
    labels_an_item: float

    @property
    def reliable(self) -> bool:
        """Whether there are labels enough to tell people's errors from one another."""
        return self.converged and self.labels_an_item >= FEWEST_LABELS

    def accuracy(self) -> np.ndarray:
        """Of each person: the share of answers that are probably right, over the items that the person labelled."""
        right = (np.diagonal(self.confusion, axis1=1, axis2=2) * self.weight).sum(axis=1)
        total = self.weight.sum(axis=1)
        return np.divide(right, total, out=np.full(total.size, np.nan), where=total > 0)


def estimate(r: Ratings, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Estimate | None:
    """The estimate; None where there is nothing to tell apart: no annotation, or one class only."""
    if not r.item.size or len(np.unique(r.label)) < 2:
        return None
    items, people, classes = len(r.items), len(r.people), len(r.labels)
    posterior = np.bincount(r.item * classes + r.label, minlength=items * classes).reshape(items, classes).astype(float)
    labels = posterior.sum(axis=1)
    there = labels > 0
    posterior[there] /= labels[there, None]
    cell = r.person * classes + r.label
    before: np.ndarray | None = None
    done, confusion, weight, prior = 0, np.empty(0), np.empty(0), np.empty(0)
    converged = False
    while done < iterations and not converged:
        confusion, weight, prior = _maximise(r, posterior, cell, there, (people, classes))
        posterior = _expect(r, confusion, prior, cell, items)
        done += 1
        now = np.append(confusion.ravel(), prior)
        converged = before is not None and float(np.abs(now - before).max()) < tolerance
        before = now
    return Estimate(posterior, confusion, weight, prior, done, converged, float(labels[there].mean()))


def _maximise(
    r: Ratings, posterior: np.ndarray, cell: np.ndarray, there: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    people, classes = shape
    counted = np.stack([
        np.bincount(cell, weights=posterior[r.item, true], minlength=people * classes).reshape(people, classes)
        for true in range(classes)
    ], axis=1)  # fmt: skip
    weight = counted.sum(axis=2)
    seen = (weight > 0)[:, :, None]
    smoothed = np.where(seen, counted + SMOOTHING, 0.0)
    total = smoothed.sum(axis=2, keepdims=True)
    confusion = np.divide(smoothed, total, out=np.zeros_like(smoothed), where=total > 0)
    return confusion, weight, posterior[there].mean(axis=0)


def _expect(r: Ratings, confusion: np.ndarray, prior: np.ndarray, cell: np.ndarray, items: int) -> np.ndarray:
    people, classes, _ = confusion.shape
    logs = np.log(np.maximum(confusion, SMOOTHING * SMOOTHING))
    score = np.empty((items, classes))
    for true in range(classes):
        of_cell = np.ascontiguousarray(logs[:, true, :]).reshape(people * classes)
        score[:, true] = np.bincount(r.item, weights=of_cell[cell], minlength=items)
    score += np.log(np.maximum(prior, SMOOTHING * SMOOTHING))
    score -= score.max(axis=1, keepdims=True)
    np.exp(score, out=score)
    return score / score.sum(axis=1, keepdims=True)
