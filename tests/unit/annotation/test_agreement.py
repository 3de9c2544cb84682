"""Coefficients of agreement, each held against a worked example that its author published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.annotation.agreement import (
    Ratings,
    by_label,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pairs,
    prevalence,
    ratings,
    raw_agreement,
)

#: Krippendorff (2011), example C: four observers, twelve units, missing values; also in Hayes and Krippendorff's macro.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
#: Krippendorff (2011), example A/B: two observers, ten units, two values.
TWO_OBSERVERS = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
#: Cohen (1960): two diagnosticians, 200 patients, three diagnoses.
COHEN = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]
#: Fleiss (1971): thirty patients, six psychiatrists each, five diagnoses.
FLEISS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 51000 02040 "
    "10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)


def of_observers(lines: tuple[str, ...]) -> Ratings:
    cells = [
        (f"u{unit:02}", f"o{person}", value)
        for person, line in enumerate(lines)
        for unit, value in enumerate(line.split())
        if value != "."
    ]
    return ratings(*map(list, zip(*cells, strict=True)))


def test_alpha_of_krippendorffs_example_with_missing_values() -> None:
    assert krippendorff_alpha(of_observers(OBSERVERS).counts()).value == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_krippendorffs_binary_example() -> None:
    assert krippendorff_alpha(of_observers(TWO_OBSERVERS).counts()).value == pytest.approx(0.095, abs=5e-4)


def test_kappa_of_cohens_example() -> None:
    assert cohen_kappa(np.array(COHEN)).value == pytest.approx(0.492, abs=5e-4)


def test_kappa_of_fleiss_example() -> None:
    counts = np.array([[int(c) for c in row] for row in FLEISS.split()])
    assert counts.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert prevalence(counts).round(3).tolist() == [0.144, 0.144, 0.167, 0.306, 0.239]
    assert fleiss_kappa(counts).value == pytest.approx(0.430, abs=5e-4)


def test_a_unanimous_batch_is_not_computable() -> None:
    counts = np.array([[3, 0], [3, 0], [3, 0]])
    for coefficient in (krippendorff_alpha(counts), fleiss_kappa(counts), cohen_kappa(np.array([[9, 0], [0, 0]]))):
        assert (coefficient.value, coefficient.why) == (None, "unanimous")
    assert raw_agreement(counts) == 1.0


def test_unanimous_on_every_item_but_not_on_one_label_is_full_agreement() -> None:
    assert krippendorff_alpha(np.array([[2, 0], [0, 2]])).value == 1.0


def test_single_labels_give_no_pairs() -> None:
    counts = np.array([[1, 0], [0, 1]])
    assert krippendorff_alpha(counts).why == "no_pairs"
    assert raw_agreement(counts) is None
    assert krippendorff_alpha(np.zeros((0, 2), int)).why == "empty"


def test_fleiss_wants_the_same_number_of_labels_everywhere() -> None:
    assert fleiss_kappa(np.array([[2, 1], [1, 1]])).why == "unequal_counts"


def test_kappa_falls_where_one_label_dominates_and_specific_agreement_says_so() -> None:
    """95 items both call clean, 2 both call a1a, 3 they differ on: 97 % raw; chance .98 x .95 + .02 x .05 = .932."""
    rows = [("clean", "clean")] * 95 + [("a1a", "a1a")] * 2 + [("clean", "a1a")] * 3
    cells = [(f"i{n:03}", p, label) for n, both in enumerate(rows) for p, label in zip("ab", both, strict=True)]
    (pair,) = pairs(r := ratings(*map(list, zip(*cells, strict=True))))
    assert (pair.items, pair.raw) == (100, 0.97)
    assert pair.kappa.value == pytest.approx(0.038 / 0.068)
    specific = {one.label: one.specific for one in by_label(r)}
    assert specific == {"a1a": pytest.approx(4 / 7), "clean": pytest.approx(190 / 193)}


def test_pairs_count_common_items_only_and_a_person_once_an_item() -> None:
    cells = [("i", "a", "x"), ("i", "b", "x"), ("i", "a", "y"), ("j", "a", "x"), ("k", "b", "y"), ("k", "c", "x")]
    found = {(p.one, p.other): (p.items, p.raw) for p in pairs(ratings(*map(list, zip(*cells, strict=True))))}
    assert found == {("a", "b"): (1, 1.0), ("b", "c"): (1, 0.0)}


@st.composite
def cells(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    items, people = draw(st.integers(1, 8)), draw(st.integers(2, 5))
    return [
        (f"i{i}", f"p{p}", label)
        for i in range(items)
        for p in range(people)
        if (label := draw(st.sampled_from(["", "x", "y", "z"])))
    ]


def alpha_by_definition(of: list[tuple[str, str, str]]) -> float | None:
    """Krippendorff's coincidence matrix, pair by pair."""
    by_item: dict[str, list[str]] = {}
    for item, _, label in of:
        by_item.setdefault(item, []).append(label)
    units = [labels for labels in by_item.values() if len(labels) > 1]
    values = [v for labels in units for v in labels]
    n = len(values)
    observed = sum(
        (a != b) / (len(labels) - 1)
        for labels in units
        for i, a in enumerate(labels)
        for j, b in enumerate(labels)
        if i != j
    )
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j)
    return None if not expected else 1 - (n - 1) * observed / expected


@given(cells())
@settings(max_examples=60, deadline=None)
def test_alpha_is_what_the_coincidence_matrix_gives(of: list[tuple[str, str, str]]) -> None:
    counts = ratings(*map(list, zip(*of, strict=True))).counts() if of else np.zeros((0, 1), int)
    expected = alpha_by_definition(of)
    assert krippendorff_alpha(counts).value == (None if expected is None else pytest.approx(expected))


@given(cells().filter(bool), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_rows_does_not_matter(of: list[tuple[str, str, str]], random: object) -> None:
    shuffled = list(of)
    random.shuffle(shuffled)  # ty: ignore[unresolved-attribute]
    one, other = (ratings(*map(list, zip(*rows, strict=True))) for rows in (of, shuffled))
    assert (one.counts() == other.counts()).all()
    assert [(p.one, p.other, p.raw) for p in pairs(one)] == [(p.one, p.other, p.raw) for p in pairs(other)]
