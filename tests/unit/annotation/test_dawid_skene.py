"""Dawid and Skene's estimates, held against their own data, and against people whose habits are known."""

from __future__ import annotations

import numpy as np
import pytest

from corpusgate.annotation.agreement import ratings
from corpusgate.annotation.dawid_skene import estimate

#: Dawid and Skene (1979), table 1: 45 patients, fitness for anaesthesia in four grades; the first observer saw each
#: patient's form three times.
PATIENTS = (
    "111 1 1 1 1,333 4 3 3 4,112 2 1 2 2,222 3 1 2 1,222 3 2 2 2,222 3 3 2 2,122 2 1 1 1,333 3 4 3 3,222 2 2 2 3,"
    "232 2 2 2 3,444 4 4 4 4,222 3 3 4 3,111 1 1 1 1,222 3 2 1 2,121 1 1 1 1,111 2 1 1 1,111 1 1 1 1,111 1 1 1 1,"
    "222 2 2 2 1,222 1 3 2 2,222 2 2 2 2,222 2 2 2 1,222 3 2 2 2,221 2 2 2 2,111 1 1 1 1,111 1 1 1 1,232 2 2 2 2,"
    "111 1 1 1 1,111 1 1 1 1,112 1 1 2 1,111 1 1 1 1,333 3 2 3 3,111 1 1 1 1,222 2 2 2 2,222 3 2 3 2,433 4 3 4 3,"
    "221 2 2 3 2,232 3 2 3 3,333 3 4 3 2,111 1 1 1 1,111 1 1 1 1,121 2 1 1 1,232 2 2 2 2,121 1 1 1 1,222 2 2 2 2"
)


def test_the_authors_own_example() -> None:
    """Their table 2: shares .40 .42 .11 .07, and the first observer's errors."""
    cells = [
        (f"{n:02}", f"o{observer}", grade)
        for n, patient in enumerate(PATIENTS.split(","))
        for observer, grades in enumerate(patient.split(), 1)
        for grade in grades
    ]
    told = estimate(ratings(*map(list, zip(*cells, strict=True))))
    assert told is not None and told.converged
    assert told.prior.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert told.confusion[0].round(2).tolist() == [
        [0.89, 0.11, 0.0, 0.0], [0.07, 0.88, 0.05, 0.0], [0.0, 0.34, 0.66, 0.0], [0.0, 0.0, 0.56, 0.44],
    ]  # fmt: skip
    assert told.labels_an_item == 7 and told.reliable


def simulated(seed: int, items: int = 1500) -> tuple[list[tuple[str, str, str]], np.ndarray, np.ndarray]:
    """Cells, truth, and the habits of four people, one of whom says the opposite more often than not."""
    draw = np.random.default_rng(seed)
    habits = np.array([[[0.95, 0.05], [0.1, 0.9]], [[0.9, 0.1], [0.2, 0.8]], [[0.85, 0.15], [0.1, 0.9]],
                       [[0.3, 0.7], [0.75, 0.25]]])  # fmt: skip
    truth = (draw.random(items) < 0.3).astype(int)
    cells = [
        (f"i{n:05}", f"p{p}", "xy"[int(draw.random() < habits[p, true, 1])])
        for n, true in enumerate(truth.tolist())
        for p in range(len(habits))
    ]
    return cells, truth, habits


def test_it_finds_the_habits_of_made_up_people_and_beats_the_majority() -> None:
    cells, truth, habits = simulated(7)
    r = ratings(*map(list, zip(*cells, strict=True)))
    told = estimate(r)
    assert told is not None
    assert np.abs(told.confusion - habits).max() < 0.06
    assert told.prior[1] == pytest.approx(0.3, abs=0.04)
    right = (told.posterior.argmax(axis=1) == truth).mean()
    assert right > (r.counts().argmax(axis=1) == truth).mean() + 0.02
    assert np.allclose(told.posterior.sum(axis=1), 1)
    assert told.accuracy()[3] < 0.5 < told.accuracy()[0]


def test_it_says_the_same_every_time_whatever_the_order() -> None:
    cells, _, _ = simulated(3, 200)
    one = estimate(ratings(*map(list, zip(*cells, strict=True))))
    other = estimate(ratings(*map(list, zip(*cells[::-1], strict=True))))
    assert one is not None and other is not None
    assert np.allclose(one.posterior, other.posterior) and one.iterations == other.iterations


def test_one_label_only_has_no_estimate() -> None:
    assert estimate(ratings(["i", "i"], ["a", "b"], ["x", "x"])) is None


def test_two_labels_an_item_are_too_few_to_rely_on() -> None:
    told = estimate(ratings(["i", "i", "j", "j"], ["a", "b", "a", "b"], ["x", "x", "y", "x"]))
    assert told is not None and not told.reliable
