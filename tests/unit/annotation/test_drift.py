"""What changes from week to week."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from corpusgate.annotation.agreement import Ratings, ratings
from corpusgate.annotation.drift import by_week, monday, week_numbers, weeks


def seconds(*when: str) -> np.ndarray:
    return np.array([int(datetime.fromisoformat(w).replace(tzinfo=UTC).timestamp()) for w in when])


def test_a_week_begins_on_monday_where_the_annotators_are() -> None:
    """Sunday 16:00 UTC is Monday 00:00 in China."""
    first, second, third = week_numbers(seconds("2026-03-01T15:59", "2026-03-01T16:00", "2026-03-08T15:59"))
    assert (monday(first), monday(second), second == third) == ("2026-02-23", "2026-03-02", True)


def work(shares: list[float], items: int = 100) -> tuple[Ratings, np.ndarray]:
    """Person a agrees with b on this share of a week's items; labels alternate."""
    cells, week = [], []
    for number, share in enumerate(shares):
        for n in range(items):
            right, other = ("x", "y") if n % 2 else ("y", "x")
            cells += [(f"{number}-{n}", "a", right if n < share * items else other), (f"{number}-{n}", "b", right)]
            week += [2900 + number] * 2
    return ratings(*map(list, zip(*cells, strict=True))), np.array(week)


def test_agreement_that_falls_is_drift_and_says_so_for_the_week_it_falls_in() -> None:
    r, week = work([0.95, 0.94, 0.6, 0.62])
    found = [w for w in weeks(r, week, np.full(week.size, np.nan)) if w.person == "a"]
    assert [w.agreed for w in found] == [0.95, 0.94, 0.6, 0.62]
    assert [w.drifted for w in found] == [False, False, True, True] and found[2].down
    assert [w.before and round(w.before, 3) for w in found] == [None, 0.95, 0.945, 0.83]


def test_small_changes_and_small_weeks_are_not_drift() -> None:
    for shares, items in (([0.95, 0.90], 100), ([1.0, 0.5], 20)):
        r, week = work(shares, items)
        assert not any(w.drifted for w in weeks(r, week, np.full(week.size, np.nan)))


def test_haste_is_a_tenth_of_the_answers_under_three_seconds() -> None:
    r, week = work([1.0], 50)
    lead = np.where((np.arange(week.size) % 2 == 0) & (np.arange(week.size) < 10), 1.0, 9.0)
    mine, other = weeks(r, week, lead)
    assert (mine.fast, mine.hasty, mine.seconds) == (0.1, True, 9.0)
    assert (other.fast, other.hasty) == (0.0, False)


def test_without_times_nothing_is_said_of_speed() -> None:
    r, week = work([1.0], 5)
    assert all(w.seconds is None and w.fast is None and not w.hasty for w in weeks(r, week, np.full(10, np.nan)))


def test_a_persons_two_labels_of_one_item_are_not_two_people() -> None:
    r = ratings(["i", "i", "i"], ["a", "a", "b"], ["x", "y", "x"])
    mine = weeks(r, np.zeros(3, int), np.full(3, np.nan))[0]
    assert (mine.compared, mine.agreed) == (2, 0.5)


def test_agreement_of_each_week() -> None:
    r, week = work([1.0, 0.5])
    first, second = by_week(r, week)
    assert (first.annotations, first.raw, first.alpha.value) == (200, 1.0, 1.0)
    assert second.raw == 0.5 and second.alpha.value == pytest.approx(0.0, abs=0.01)
