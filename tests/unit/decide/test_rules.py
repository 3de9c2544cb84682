"""Masks, the order of the rules, survivors and served languages, as plain functions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.decide.masking import spans_in_rounds
from corpusgate.decide.rules import (
    REMOVAL_ORDER,
    Facts,
    Span,
    apply_masks,
    is_served,
    languages_to_drop,
    mask_set,
    masked_classes,
    merge_spans,
    parse_mask_set,
    removal_rule,
    removed_classes,
    survivor,
    tokens_in_released,
)
from corpusgate.settings.model import PERSONAL

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@st.composite
def found(draw):
    """A text and findings in it, overlapping as they like."""
    text = draw(texts)
    spans = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        spans.append(Span(start, end, draw(st.sampled_from(PERSONAL))))
    return text, spans


@given(found())
def test_merged_spans_are_disjoint_in_order_and_cover_what_was_found_and_no_more(case):
    text, spans = case
    merged = merge_spans(spans)
    covered = [i for s in merged for i in range(s.start, s.end)]
    assert covered == sorted(set(covered)) == sorted({i for s in spans for i in range(s.start, s.end)})
    assert all(0 <= s.start < s.end <= len(text) for s in merged)
    assert merge_spans(merged) == merged == merge_spans(reversed(spans))


@given(found())
def test_the_released_text_is_the_rest_and_the_tokens(case):
    text, spans = case
    merged = merge_spans(spans)
    released = apply_masks(text, merged)
    assert len(released) == len(text) - sum(s.length for s in merged) + sum(len(s.token) for s in merged)
    tokens = tokens_in_released(merged)
    assert [released[t.start : t.end] for t in tokens] == [s.token for s in merged]
    rest = "".join(c for i, c in enumerate(text) if not any(s.start <= i < s.end for s in merged))
    assert "".join(c for i, c in enumerate(released) if not any(t.start <= i < t.end for t in tokens)) == rest


@given(found())
def test_masking_again_where_the_tokens_stand_changes_nothing(case):
    text, spans = case
    merged = merge_spans(spans)
    released = apply_masks(text, merged)
    assert apply_masks(released, tokens_in_released(merged)) == released


@given(found())
def test_a_mask_set_is_read_as_it_was_written(case):
    merged = merge_spans(case[1])
    assert parse_mask_set(mask_set(merged)) == merged


@given(st.lists(st.text("0123456789", min_size=11, max_size=11), min_size=1, max_size=5))
def test_a_masked_value_is_gone(numbers):
    text = "，".join(numbers)
    spans = merge_spans(Span(n * 12, n * 12 + 11, "pi_mobile") for n in range(len(numbers)))
    released = apply_masks(text, spans)
    assert not any(n in released for n in numbers)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([], "", id="none"),
        pytest.param([(0, 11, "pi_mobile"), (3, 6, "pi_qq")], "pi_mobile:0-11", id="one inside the other"),
        pytest.param(
            [(0, 5, "pi_qq"), (3, 20, "pi_email")], "pi_email:0-20", id="overlap: the longest gives the class"
        ),
        pytest.param([(0, 4, "pi_qq"), (2, 6, "pi_ip")], "pi_qq:0-6", id="equally long: the leftmost"),
        pytest.param([(0, 4, "pi_qq"), (0, 4, "pi_ip")], "pi_ip:0-4", id="the same place: the first by name"),
        pytest.param([(4, 6, "pi_qq"), (0, 4, "pi_ip")], "pi_ip:0-4;pi_qq:4-6", id="touching stay two"),
        pytest.param([(0, 4, "pi_qq"), (3, 6, "pi_ip"), (5, 12, "pi_mac")], "pi_mac:0-12", id="a chain is one"),
    ],
)
def test_overlapping_findings_leave_nothing_readable(spans, expected):
    assert mask_set(merge_spans(Span(*s) for s in spans)) == expected


@pytest.mark.parametrize("spans", [[(0, 9)], [(-1, 2)], [(2, 2)], [(0, 3), (2, 4)], [(2, 4), (0, 1)]])
def test_masks_that_do_not_fit_are_refused(spans):
    with pytest.raises(ValueError, match="mask"):
        apply_masks("八个字的一段文字", [Span(s, e, "pi_id") for s, e in spans])


@pytest.mark.parametrize("written", ["pi_id", "pi_id:1", "pi_id:1-2;", "PI:1-2", "pi_id:1-2,pi_id:3-4"])
def test_what_is_no_mask_set_is_refused(written):
    with pytest.raises(ValueError, match="not a mask"):
        parse_mask_set(written)


def test_a_detector_that_tells_some_at_a_time_is_asked_until_it_finds_no_more():
    def first_two(text):
        return [Span(i, i + 1, "pi_qq") for i, c in enumerate(text) if c == "7"][:2]

    assert {s.start for s in spans_in_rounds("7a7b7c7d7", first_two) or ()} == {0, 2, 4, 6, 8}
    assert spans_in_rounds("7" * 1000, first_two) is None


FACTS = {
    "source_held": {"source_id": "held"},
    "source_rule": {"source_rule": "law-not-in-force"},
    "language_not_served": {"language": "de"},
    "keyword": {"keyword_score": Decimal("1.0")},
    "personal_information": {"classes": frozenset({"pi_id"})},
    "contamination": {"test_sets": frozenset({"exam", "other"})},
    "quality": {"signs": frozenset({"q_mojibake", "q_short_lines"})},
}
GOOD = {
    "source_id": "s",
    "source_rule": None,
    "language": "zh",
    "keyword_score": Decimal("0.99"),
    "classes": frozenset(),
}


@pytest.mark.parametrize("rules", [REMOVAL_ORDER[n:7] for n in range(8)], ids=str)
def test_the_first_rule_in_order_names_the_removal(rules):
    merged = {**GOOD, **{k: v for rule in rules for k, v in FACTS[rule].items()}}
    expected = {"source_rule": "law-not-in-force"}.get(rules[0], rules[0]) if rules else None
    found = removal_rule(
        Facts(**merged),
        held=frozenset({"held"}),
        served=("zh",),
        remove_at=Decimal(1),
        removed=frozenset({"pi_id"}),
        unseen=frozenset({"exam"}),
        signs=frozenset({"q_mojibake"}),
    )
    assert found == expected


@pytest.mark.parametrize(
    ("language", "served"),
    [("zh", True), ("zh-Hant", True), ("ZH", True), ("und", True), (None, True), ("en", False), ("zhx", False)],
)
def test_a_language_is_served_by_its_primary_subtag_and_the_unknown_stays(language, served):
    assert is_served(language, ("zh-Hans",)) is served


def test_a_language_needs_two_providers():
    kept = [("zh", "a"), ("zh-Hant", "b"), ("en", "a"), ("en", "a"), (None, "b")]
    assert languages_to_drop(("zh", "en", "fr"), kept) == ("en", "fr")


def test_the_last_language_is_not_dropped_but_judged():
    assert languages_to_drop(("zh",), [("zh", "a")]) == ()
    assert languages_to_drop(("zh", "en"), []) == ()


def test_a_class_is_kept_only_with_a_basis_and_masked_where_the_policy_says_nothing():
    treatments = {"pi_email": "keep", "pi_id": "remove", "pi_mobile": "mask"}
    assert masked_classes(treatments, PERSONAL, has_basis=False) == frozenset(PERSONAL)
    assert masked_classes(treatments, PERSONAL, has_basis=True) == frozenset(PERSONAL) - {"pi_email"}
    assert removed_classes(treatments) == {"pi_id"}


def test_the_survivor_is_the_first_acquired_then_the_smallest_id():
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    assert survivor([(later, "a"), (first, "c"), (first, "b")]) == "b"
