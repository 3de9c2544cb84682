"""Parts, thresholds, figures and the promotion of a model."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.classify.rules import (
    FEWEST_TESTED,
    Example,
    by_class,
    calibration,
    distinct,
    macro_f1,
    may_follow,
    part_of,
    share_with_interval,
    threshold_by_source,
    threshold_for,
    training_digest,
)
from corpusgate_testing.classify import example, sha


def test_a_text_belongs_to_one_part_for_good_seventy_fifteen_fifteen() -> None:
    shares = Counter(part_of(sha(str(n))) for n in range(20_000))
    assert {p: round(n / 20_000, 2) for p, n in shares.items()} == {"train": 0.70, "tune": 0.15, "test": 0.15}
    assert part_of(sha("x")) == part_of(sha("x"))


def test_what_annotators_say_beats_a_review_and_a_review_an_assumption() -> None:
    said = [example("clean", 1, origin="register"), example("clean", 1, origin="review")]
    harmful = Example(said[0].text, said[0].text_sha256, ("a2i",), "s", "annotation")
    assert [e.origin for e in distinct(said)] == ["review"]
    assert [e.risks for e in distinct([*said, harmful])] == [("a2i",)]


def test_people_who_contradict_one_another_teach_nothing() -> None:
    one = example("clean", 1)
    assert distinct([one, Example(one.text, one.text_sha256, ("a1a",), "s", "annotation")]) == []


def test_the_digest_follows_labels_and_settings_and_no_order() -> None:
    rows = [example("clean", n) for n in range(5)] + [example("a2i", 1)]
    digest = training_digest(rows, {"c": 1})
    assert training_digest(rows[::-1], {"c": 1}) == digest
    assert len({digest, training_digest(rows[1:], {"c": 1}), training_digest(rows, {"c": 2})}) == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300), st.floats(0, 0.5))
def test_a_threshold_keeps_its_promise_on_the_texts_it_was_chosen_on(scores: list[float], rate: float) -> None:
    harm = np.array(scores)
    threshold = threshold_for(harm, rate)
    if harm.max() < 1:
        assert (harm >= threshold).mean() <= rate + 1e-12


def test_the_threshold_is_the_smallest_one() -> None:
    harm = np.arange(100) / 100
    threshold = threshold_for(harm, 0.05)
    assert (harm >= threshold).sum() == 5 and 0.94 < threshold < 0.95


def test_a_source_with_texts_enough_has_a_say_of_its_own() -> None:
    harm = np.concatenate([np.full(950, 0.1), np.linspace(0.5, 0.6, 50)])
    sources = ["quiet"] * 950 + ["loud"] * 50
    assert threshold_for(harm, 0.05) < 0.2
    chosen = threshold_by_source(harm, sources, 0.05)
    assert (harm[950:] >= chosen).mean() <= 0.05
    with pytest.raises(ValueError, match="clean texts"):
        threshold_for(np.array([]), 0.1)


def test_figures_of_a_class_have_exact_intervals() -> None:
    figures = by_class(["a"] * 10 + ["clean"] * 10, ["a"] * 8 + ["clean"] * 12, ["clean", "a", "b"])
    assert figures["a"]["recall"]["share"] == 0.8 and figures["a"]["precision"]["share"] == 1.0
    assert figures["a"]["recall"]["low"] == pytest.approx(0.444, abs=5e-4)
    assert figures["a"]["f1"] == pytest.approx(16 / 18)
    assert figures["b"]["f1"] is None and macro_f1(figures) == pytest.approx((16 / 18 + 20 / 22) / 2)


def test_calibration_of_a_perfect_and_of_a_boastful_score() -> None:
    truth = np.array([True] * 8 + [False] * 2)
    assert calibration(np.full(10, 0.8), truth)["expected_calibration_error"] == pytest.approx(0.0)
    assert calibration(np.full(10, 1.0), truth)["expected_calibration_error"] == pytest.approx(0.2)
    assert calibration(np.full(10, 1.0), truth)["brier"] == pytest.approx(0.2)
    assert calibration(np.array([]), np.array([]))["brier"] is None


def figures(f1: float = 0.9, alarms: int = 0, clean: int = 1000, harmful: int = 100, found: int = 90) -> dict:
    return {
        "macro_f1": f1, "harmful": harmful, "clean": clean, "false_alarms": share_with_interval(alarms, clean),
        "recall_at_threshold": share_with_interval(found, 100),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("new", "old", "against"),
    [
        (figures(), None, ""),
        (figures(0.895), figures(0.90), ""),
        (figures(0.885), figures(0.90), "macro-F1 0.885"),
        (figures(alarms=5), figures(), ""),
        (figures(found=86), figures(), ""),
        (figures(found=84), figures(), "finds 84.0%"),
        (figures(alarms=30), None, "30 of 1000 clean"),
        (figures(alarms=15, clean=100), figures(alarms=1, clean=100), "false alarms rose"),
        (figures(harmful=FEWEST_TESTED - 1), None, "29 harmful"),
        (figures(clean=FEWEST_TESTED - 1), None, "29 clean"),
    ],
)
def test_a_model_follows_unless_it_is_worse_beyond_the_margin_or_cannot_be_judged(
    new: dict, old: dict | None, against: str
) -> None:
    said = may_follow(new, old, asked_rate=0.005)
    assert (not said) if not against else any(against in s for s in said)
