"""Who judges what and what decides: properties of plain functions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.review import rules

PEOPLE = st.sets(st.sampled_from(["ann", "ben", "mia", "lead", "zoe"]), min_size=1)
RECORDS = st.sets(st.text("0123456789abcdef", min_size=4, max_size=8), min_size=1, max_size=40)
VERDICTS = st.lists(st.sampled_from(["good", "bad"]), max_size=5)


@given(PEOPLE, st.text("abc", min_size=1), st.text("0123", min_size=1))
def test_who_comes_moves_no_item_between_the_others(people: set[str], seed: str, record: str) -> None:
    order = rules.in_turn(seed, record, people)
    assert sorted(order) == sorted(people)
    for gone in people:
        assert rules.in_turn(seed, record, people - {gone}) == [p for p in order if p != gone]


@given(RECORDS, st.floats(0, 1), st.text("abc", min_size=1))
def test_at_least_the_declared_share_is_judged_twice_and_a_larger_share_holds_the_smaller(
    records: set[str], share: float, seed: str
) -> None:
    twice = rules.doubled(seed, records, share)
    assert twice <= records and len(twice) == math.ceil(round(share * len(records), 9))
    assert twice <= rules.doubled(seed, records, min(1.0, share + 0.1))


@given(VERDICTS, st.booleans())
def test_what_decides_does_not_depend_on_who_spoke_first(verdicts: list[str], double: bool) -> None:
    said = rules.decision(verdicts, double)
    assert said == rules.decision(verdicts[::-1], double)
    if said.outcome != "open":
        assert verdicts.count(said.outcome) * 2 > len(verdicts) >= (2 if double else 1)


@given(PEOPLE, st.text("0123", min_size=1), st.booleans(), st.data())
def test_with_three_people_every_item_is_decided_whatever_they_say(
    people: set[str], record: str, double: bool, data: st.DataObject
) -> None:
    said: dict[str, str] = {}
    while turn := rules.asked("s", record, people, said, double):
        assert not set(turn) & set(said), "nobody is asked twice"
        said[turn[0]] = data.draw(st.sampled_from(["good", "bad"]))
    decided = rules.decision(said.values(), double).outcome != "open"
    assert decided or len(people) < (3 if double else 1)
    assert len(said) <= (3 if double else 1)


@pytest.mark.parametrize(("needed", "bound", "most"), [
    (4000, 0.96, 160), (50, 0.96, 2), (20, 0.96, 0), (25, 0.96, 1), (1, 0.96, 0), (4000, 1.0, 0), (0, 0.96, 0),
])  # fmt: skip
def test_how_many_may_be_bad(needed: int, bound: float, most: int) -> None:
    assert rules.bad_at_most(needed, bound) == most
    assert not rules.lost(needed, most, bound) and rules.lost(needed, most + 1, bound) is (needed > 0)


@given(st.integers(1, 9000), st.integers(0, 9000))
def test_what_is_lost_would_fail_and_what_is_not_could_pass(needed: int, bad: int) -> None:
    bad = min(bad, needed)
    assert rules.lost(needed, bad, 0.96) is ((needed - bad) * 100 < 96 * needed)


def test_agreement_is_raw_and_beyond_chance_and_says_why_not() -> None:
    assert rules.agreement([]) == (None, None, "no_pairs")
    assert rules.agreement([("good", "good")] * 4) == (1.0, None, "unanimous")
    raw, kappa, why = rules.agreement([("good", "good")] * 8 + [("bad", "bad"), ("good", "bad")])
    assert raw == pytest.approx(0.9) and why == "" and kappa == pytest.approx(0.607843, abs=1e-6)
