"""In a group, what is masked in one text is masked in all, by the same token."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.decide.group_masks import in_group, member_batches, occurrences, value_batches
from corpusgate.decide.rules import Span, apply_masks, merge_spans, text_sha256

MASKED = {False: frozenset({"pi_mobile", "pi_qq"}), True: frozenset()}
NUMBER = [{"surface": "13800138000", "kind": "pi_mobile"}]


def released(text: str, *spans: Span, values: list[dict[str, str]] = NUMBER) -> str:
    return apply_masks(text, merge_spans(in_group(spans, text, values)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13800138000", "[pi_mobile]"), ("是138-0013-8000。", "是[pi_mobile]。"), ("138 0013 8000", "[pi_mobile]"),
        ("１３８００１３８０００", "[pi_mobile]"), ("他的13800138000和13800138000", "他的[pi_mobile]和[pi_mobile]"),
        ("213800138000", "213800138000"), ("13800138000x", "13800138000x"), ("1380013800", "1380013800"),
    ],
)  # fmt: skip
def test_a_value_is_found_in_each_form_and_only_as_a_word_of_its_own(text: str, expected: str) -> None:
    assert released(text) == expected


def test_short_values_are_not_looked_for_and_middling_ones_only_as_written() -> None:
    assert list(occurrences("1234", "1234", "pi_qq")) == []
    assert [s.start for s in occurrences("12345 和 12 345", "12345", "pi_qq")] == [0]


def test_one_value_has_one_token_whatever_a_detector_called_it_elsewhere() -> None:
    values = [{"surface": "10000123456", "kind": "pi_mobile"}, {"surface": "10000123456", "kind": "pi_qq"}]
    assert released("QQ 10000123456", Span(3, 14, "pi_qq"), values=values) == "QQ [pi_mobile]"


@given(st.text("ab1 -。０", max_size=40), st.text("ab1 -", min_size=5, max_size=12))
def test_spans_lie_in_the_text_and_hold_the_value(text: str, value: str) -> None:
    for span in in_group([], text, [{"surface": value, "kind": "pi_qq"}]):
        assert 0 <= span.start < span.end <= len(text)
        held = text[span.start : span.end].replace("０", "0")
        assert held.replace(" ", "").replace("-", "") == value.replace(" ", "").replace("-", "")


def batch(*rows: dict) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows))


def row(text: str | None, *spans: tuple[int, int, str], of: str = "", basis: bool = False, **more: object) -> dict:
    return {
        "record_id": f"r-{of or text}", "group_id": "g", "text_sha256": text_sha256(of or text or ""),
        "has_basis": basis,
        "spans": [{"start": s, "end": e, "risk": k} for s, e, k in spans], "incomplete": False, "text": text, **more,
    }  # fmt: skip


def test_values_are_what_is_masked_in_a_text() -> None:
    rows = batch(row("问13800138000", (1, 12, "pi_mobile")), row("答张三", (1, 3, "pi_name")))
    found = [r for b in value_batches(iter([rows]), MASKED, "1") for r in b.to_pylist()]
    assert found == [{"group_id": "g", "surface": "13800138000", "kind": "pi_mobile"}]


def test_members_without_a_finding_are_masked_too_and_a_lost_text_is_a_fault() -> None:
    rows = batch(
        row("答13800138000", values=NUMBER), row("无关", values=NUMBER), row(None, of="lost", values=NUMBER),
        row("changed", of="other", values=NUMBER),
    )  # fmt: skip
    found = [r for b in member_batches(iter([rows]), MASKED, "1") for r in b.to_pylist()]
    assert [(r["mask_set"], r["fault"]) for r in found] == [
        ("pi_mobile:1-12", None), ("", None), (None, "document_missing"), (None, "document_changed"),
    ]  # fmt: skip
    assert found[0]["released_sha256"] == text_sha256("答[pi_mobile]")
