"""Comparing whole buckets at a time says what comparing pair by pair says."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.decide.near import compare, rules
from corpusgate.decide.near.compare import Member, compare_group
from corpusgate.intake.detectors import signature
from corpusgate.intake.detectors.signature import ShingleSequence
from corpusgate_testing.near import edited, text_of

RUNS = st.lists(st.integers(0, 12), min_size=1, max_size=20)


def member(name: str, runs, *, new=True, shared=(7,), batch="b", whole=True) -> Member:
    return Member(name, batch, frozenset(shared), new, ShingleSequence(np.array(runs, dtype="<u4"), whole))


def told(rows) -> dict[tuple[str, str], tuple[float, float]]:
    return {(r.text_a, r.text_b): (r.jaccard, r.overlap) for r in rows}


def by_records(texts: dict[str, list[int]]) -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (a, b): (rules.jaccard(set(texts[a]), set(texts[b])), rules.overlap(texts[a], texts[b], signature.SHINGLE))
        for a, b in rules.links(list(texts))
    }


@settings(max_examples=150, deadline=None)
@given(st.lists(RUNS, min_size=2, max_size=7), st.randoms())
def test_a_bucket_is_compared_as_its_pairs_are(runs, rng):
    texts = {f"t{n}": r for n, r in enumerate(runs)}
    members = [member(n, r) for n, r in texts.items()]
    rng.shuffle(members)
    found = told(compare_group(7, members, floor=False))
    expected = by_records(texts)
    assert found.keys() == expected.keys()
    for one, likeness in expected.items():
        assert found[one] == pytest.approx(likeness)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(RUNS, st.booleans(), st.booleans(), st.sets(st.integers(4, 6))), max_size=7), st.booleans())
def test_whatever_a_bucket_holds_its_pairs_are_those_with_a_new_text_that_meet_in_no_smaller_one(made, floor):
    members = [
        member(f"t{n}", runs if whole else sorted(set(runs)), new=new, shared=(*others, 7), whole=whole)
        for n, (runs, new, whole, others) in enumerate(made)
    ]
    likenesses = {
        (a.text_sha256, b.text_sha256): compare.likeness(a.runs, b.runs)
        for a, b in combinations(members, 2)
        if (a.new or b.new) and not any(bucket < 7 for bucket in a.shared & b.shared)
    }
    found = told(compare_group(7, members, floor=floor))
    assert found == {pair: like for pair, like in likenesses.items() if like.is_edge or not floor}


@pytest.mark.parametrize("times", [1, 2, 3, 64, 1000])
def test_a_run_that_a_text_repeats_is_one_run_and_covers_every_place(times):
    a, b = [5] * times + [1, 2], [3] * times + [5] * 2 + [4]
    like = compare.likeness(member("a", a).runs, member("b", b).runs)
    assert like == (rules.jaccard(set(a), set(b)), rules.overlap(a, b, signature.SHINGLE))


def test_only_edges_are_told_unless_all_are_asked_for():
    members = [member("a", range(20)), member("b", range(1, 21)), member("c", range(50, 70))]
    assert told(compare_group(7, members)).keys() == {("a", "b")}


def test_pairs_of_two_old_texts_are_left_out():
    members = [member(n, range(20), new=n == "c") for n in "abc"]
    assert told(compare_group(7, members)).keys() == {("a", "c"), ("b", "c")}


def test_a_pair_that_meets_in_a_smaller_bucket_is_left_to_it():
    members = [member("a", range(20), shared=(3, 7)), member("b", range(20), shared=(3, 7)), member("c", range(20))]
    assert told(compare_group(7, members)).keys() == {("a", "c"), ("b", "c")}
    assert told(compare_group(3, members[:2])).keys() == {("a", "b")}


def test_a_pair_belongs_to_the_batch_of_its_new_text_and_of_two_to_the_greater():
    old = member("a", range(20), new=False, batch="z")
    fresh = [member("b", range(20), batch="m"), member("c", range(20), batch="n")]
    batches = {(r.text_a, r.text_b): r.batch_id for r in compare_group(7, [old, *fresh])}
    assert batches == {("a", "b"): "m", ("a", "c"): "n", ("b", "c"): "n"}


def test_a_text_that_stands_twice_in_a_bucket_is_one():
    assert len(compare_group(7, [member("a", range(20)), member("b", range(20)), member("b", range(20))])) == 1


def test_of_long_texts_the_similarity_is_estimated_and_the_overlap_promised_by_it(monkeypatch):
    monkeypatch.setattr(signature, "SEQUENCE_LIMIT", 3000)
    text = text_of(1, 9000)
    twin = edited(text, 0.02)
    whole = [np.unique(part) for part in (_runs(text), _runs(twin))]
    true = rules.jaccard(set(whole[0].tolist()), set(whole[1].tolist()))
    cut = [ShingleSequence(w[:3000], False) for w in whole]
    like = compare.likeness(*cut)
    assert like.jaccard == pytest.approx(true, abs=0.03)
    assert like.overlap == rules.overlap_at_least(like.jaccard)


def test_a_long_text_and_a_short_one_are_compared_where_both_are_known():
    short = ShingleSequence(np.arange(10, 20, dtype="<u4"), True)
    long = ShingleSequence(np.arange(0, 15, dtype="<u4"), False)
    assert compare.likeness(short, long).jaccard == 5 / 15


def test_rows_of_a_bucket_are_taken_together_across_batches():
    rows = [
        {"bucket": b, "text_sha256": n, "batch_id": "b", "buckets": [b], "new": True, "hashes": _bytes(), "whole": True}
        for b, names in ((1, "ab"), (2, "cd"), (2, "e"), (9, "f")) for n in names
    ]  # fmt: skip
    for cut in range(1, len(rows)):
        batches = [pa.RecordBatch.from_pylist(part, schema=_SCHEMA) for part in (rows[:cut], rows[cut:])]
        found = [
            r
            for batch in compare.compare_batches(iter(batches))
            for r in (compare.Compared(**row) for row in batch.to_pylist())
        ]
        assert told(found).keys() == {("a", "b"), ("c", "d"), ("c", "e"), ("d", "e")}


def test_edits_scattered_over_a_text_leave_an_edge_and_a_shared_trailer_does_not():
    """Both have a Jaccard similarity of about a half; a threshold on it alone cannot tell them apart."""
    text = text_of(2, 600)
    scattered = compare.likeness(*signature.sequences([text, edited(text, 0.07)]))
    trailer = text_of(3, 400)
    sayings = compare.likeness(*signature.sequences([text_of(n, 200) + trailer for n in (4, 5)]))
    assert scattered.jaccard == pytest.approx(sayings.jaccard, abs=0.06)
    assert scattered.overlap > 0.85 > 0.75 > sayings.overlap


def _runs(text: str) -> np.ndarray:
    return np.concatenate(
        [s.hashes for s in signature.sequences([text[i : i + 2504] for i in range(0, len(text), 2500)])]
    )


def _bytes() -> bytes:
    return np.arange(20, dtype="<u4").tobytes()


_SCHEMA = pa.schema([
    ("bucket", pa.int64()), ("text_sha256", pa.string()), ("batch_id", pa.string()), ("buckets", pa.list_(pa.int64())),
    ("new", pa.bool_()), ("hashes", pa.binary()), ("whole", pa.bool_()),
])  # fmt: skip
