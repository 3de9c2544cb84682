"""A group on records: why its rest goes, what it is compared by, when nobody can put it together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.decide.rules import (
    Facts,
    Member,
    cause_in_group,
    group_print,
    is_unclear,
    may_hold_risk,
    removal_rule,
)

PROMPT, GOOD, BAD = (
    Member("a", "prompt", 0, "t0"),
    Member("b", "chosen", 1, "t1"),
    Member("c", "rejected", 1, "t2"),
)


def test_the_first_member_that_is_gone_is_the_cause() -> None:
    lost = [PROMPT, replace(BAD, gone="keyword"), replace(GOOD, gone="personal_information")]
    assert cause_in_group(lost) == ("personal_information", "b")
    assert cause_in_group([PROMPT, GOOD]) is None
    assert cause_in_group([replace(PROMPT, turn=None, gone="x"), replace(BAD, gone="keyword")]) == ("keyword", "c")


@given(st.permutations([PROMPT, GOOD, BAD]))
def test_a_groups_print_does_not_depend_on_order_or_ids(members: list[Member]) -> None:
    assert group_print(replace(m, record_id=m.record_id * 2) for m in members) == group_print([PROMPT, GOOD, BAD])


@pytest.mark.parametrize(
    "other",
    [
        [PROMPT], [PROMPT, GOOD], [PROMPT, GOOD, replace(BAD, token="t3")], [PROMPT, GOOD, replace(BAD, turn=2)],
        [PROMPT, replace(GOOD, token="t2"), replace(BAD, token="t1")],
    ],
)  # fmt: skip
def test_a_text_more_less_other_or_elsewhere_makes_another_group(other: list[Member]) -> None:
    assert group_print(other) != group_print([PROMPT, GOOD, BAD])


def test_two_texts_in_one_place_are_unclear_but_for_the_chosen_and_the_rejected() -> None:
    assert not is_unclear([PROMPT, GOOD, BAD])
    assert is_unclear([PROMPT, GOOD, replace(GOOD, record_id="d")])
    assert is_unclear([PROMPT, GOOD, BAD, replace(BAD, record_id="d")])
    assert not is_unclear([replace(PROMPT, role="text"), replace(PROMPT, role="text")])
    assert not is_unclear([replace(PROMPT, turn=None), replace(PROMPT, turn=None)])


@given(st.booleans(), st.sampled_from(["text", "prompt", "chosen", "rejected", None]),
       st.sets(st.sampled_from(["prompt", "rejected", "chosen", "text"])))  # fmt: skip
def test_only_named_prompts_and_rejected_answers_of_safety_data_may_hold_risk(safety, role, allowed) -> None:
    may = may_hold_risk(safety, role, allowed)
    assert may == (safety and role in allowed and role in ("prompt", "rejected"))
    facts = Facts("alpha", None, "zh", Decimal(2), frozenset({"pi_id"}), may)
    asked = {"held": frozenset(), "served": ["zh"], "remove_at": Decimal(1)}
    assert removal_rule(facts, **asked, removed=frozenset()) == (None if may else "keyword")
    assert removal_rule(facts, **asked, removed=frozenset({"pi_id"})) is not None  # nothing else is allowed by it
