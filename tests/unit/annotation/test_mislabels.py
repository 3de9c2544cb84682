"""Labels that are probably wrong: planted ones are found, clean ones are left alone."""

from __future__ import annotations

import numpy as np

from corpusgate.annotation.mislabels import confident_joint, likely_mislabelled, named, thresholds

#: Northcutt, Jiang and Chuang (2021) judge a class by its own mean: an unsure class needs less to be confident.
SURE = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.45, 0.55], [0.1, 0.9]])
GIVEN = np.array([0, 0, 1, 1, 0])


def test_the_threshold_of_a_class_is_its_mean_over_its_own_items() -> None:
    assert thresholds(SURE, GIVEN).tolist() == [(0.9 + 0.8 + 0.1) / 3, (0.6 + 0.55) / 2]


def test_the_planted_mistake_is_found_and_nothing_else() -> None:
    (one,) = likely_mislabelled(SURE, GIVEN)
    assert (one.index, one.given, one.likelier) == (4, 0, 1) and abs(one.margin - 0.8) < 1e-12
    assert confident_joint(SURE, GIVEN).tolist() == [[2, 1], [0, 1]]


def test_half_of_what_is_planted_is_found_and_hardly_anything_else() -> None:
    draw = np.random.default_rng(5)
    truth = draw.integers(0, 3, 3000)
    probability = draw.dirichlet([1, 1, 1], 3000) * 0.4
    probability[np.arange(3000), truth] += 0.6
    given = truth.copy()
    planted = draw.choice(3000, 300, replace=False)
    given[planted] = (given[planted] + 1) % 3
    found = {s.index for s in likely_mislabelled(probability, given)}
    assert len(found & set(planted.tolist())) >= 150
    assert len(found - set(planted.tolist())) <= 3


def test_the_surest_come_first_and_ties_by_place() -> None:
    probability = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.1, 0.9]])
    found = likely_mislabelled(probability, np.array([0, 0, 1, 1, 0, 0]))
    assert [s.index for s in found] == [2, 4, 5]


def test_a_class_that_nobody_gave_is_never_the_likelier() -> None:
    assert likely_mislabelled(np.array([[0.1, 0.9], [0.2, 0.8]]), np.array([0, 0])) == []


def test_nothing_in_nothing_out() -> None:
    assert likely_mislabelled(np.zeros((0, 2)), np.zeros(0, int)) == []


def test_names() -> None:
    assert named(likely_mislabelled(SURE, GIVEN), "abcde", "xy")[0] | {"margin": 0} == {
        "item": "e", "label": "x", "likelier": "y", "margin": 0,
    }  # fmt: skip
