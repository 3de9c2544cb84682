"""The draw that goes on: whatever came and went, it is the draw that a full reading would make."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.intake import reserve
from corpusgate.intake.reserve import Ranked, Reserve
from corpusgate_testing.lake import place_in

SIZE, SAMPLE = 8, 2
ids = st.integers(0, 60).map(str)
sources = st.dictionaries(st.sampled_from("abcdef"), st.lists(ids, max_size=12, unique=True), max_size=6)


def rank(record: str) -> str:
    return hashlib.sha256(record.encode()).hexdigest()


def add(kept: Reserve, acquisition: str, records: list[str]) -> None:
    smallest = sorted(records, key=rank)[:SIZE]
    kept.add(acquisition, len(records), {"fault": 1}, [Ranked(rank(r), r, acquisition) for r in smallest],
             len(records) < SIZE)  # fmt: skip


def truth(there: dict[str, list[str]]) -> list[str]:
    return sorted({r for records in there.values() for r in records}, key=rank)[:SAMPLE]


@settings(max_examples=300, deadline=None)
@given(st.lists(sources, min_size=1, max_size=5))
def test_a_sample_from_what_was_kept_is_that_of_all_records_or_none_is_given(states):
    kept: Reserve = Reserve(SIZE)
    before: dict[str, list[str]] = {}
    for there in states:
        same = [a for a in kept.frames if there.get(a) == before.get(a)]
        kept = kept.only(same)
        for acquisition, records in there.items():
            if acquisition not in kept.frames:
                add(kept, acquisition, records)
        found = kept.sample(SAMPLE)
        if found is None:
            kept = Reserve(SIZE)
            for acquisition, records in there.items():
                add(kept, acquisition, records)
            found = kept.sample(SAMPLE)
        assert [r.record for r in found or []] == truth(there)
        assert kept.offered == sum(map(len, there.values())) and len(kept.frames) == len(there)
        assert len(kept.ranked) <= 6 * SIZE
        before = there


def test_what_is_kept_is_found_again_under_the_same_key_and_no_other(tmp_path):
    place, kept = place_in(tmp_path), Reserve(SIZE)
    add(kept, "a", [str(n) for n in range(30)])
    reserve.remember(place, "s", "key", kept)
    assert reserve.remembered(place, "s", "key", SIZE) == kept
    assert reserve.remembered(place, "s", "other", SIZE) == Reserve(SIZE)
    assert reserve.remembered(place, "t", "key", SIZE) == Reserve(SIZE)
