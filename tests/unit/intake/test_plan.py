"""What intake has to do: who reads what, evenly and always the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.errors import UserError
from corpusgate.intake import plan
from corpusgate.intake.plan import Batch
from corpusgate.intake.splits import Split
from corpusgate.settings.profile import Profile
from corpusgate.settings.source import Reader, Source

AT = datetime(2026, 1, 1, tzinfo=UTC)


def source(**more) -> Source:
    body = {
        "id": "s", "title": "s", "kind": "self_collected", "language": "zh", "country": "CN", "category": "c",
        "owner": "o", "provider": "p", "description": "d", "channel": {"type": "folder", "path": "x"},
        "reader": {"format": "jsonl", "key": "id"}, "licence": [{}],
    }  # fmt: skip
    return Source.model_validate({**body, **more})


def fact(path: Path, acquisition: str = "a") -> dict:
    return {"acquisition_id": acquisition, "name": path.name, "path": str(path), "fetched_at": AT.isoformat()}


def batch(of: Source, *facts: dict) -> Batch:
    return Batch(plan.fetched_batch(facts), of, facts, frozenset({"all"}))


@pytest.fixture
def big(tmp_path) -> Path:
    path = tmp_path / "big.jsonl"
    path.write_text("".join(json.dumps({"id": n, "text": "x" * 90}) + "\n" for n in range(2000)), "utf-8")
    return path


def test_a_big_file_with_keys_is_read_in_ranges_that_touch_and_cover_it(big):
    made = plan.splits([batch(source(), fact(big))], Profile(split_bytes=2**16))
    size = big.stat().st_size
    assert [(s.start, s.end) for s in made] == [(0, 65536), (65536, 131072), (131072, 196608), (196608, None)]
    assert sum(s.size for s in made) == size
    assert [s.number for s in made] == [0, 1, 2, 3]


def test_without_keys_or_when_small_it_is_read_whole(big):
    nameless = source(reader={"format": "jsonl"})
    assert [(s.start, s.end) for s in plan.splits([batch(nameless, fact(big))], Profile(split_bytes=2**16))] == [
        (0, None)
    ]
    assert [(s.start, s.end) for s in plan.splits([batch(source(), fact(big))], Profile())] == [(0, None)]


def test_raw_bytes_that_are_gone_are_said_so(tmp_path):
    with pytest.raises(UserError, match="step fetch --source s"):
        plan.splits([batch(source(), fact(tmp_path / "gone"))], Profile())


@given(st.lists(st.integers(0, 10**9), max_size=40), st.integers(1, 9))
def test_bins_hold_every_split_once_and_none_is_far_above_the_mean(sizes, tasks):
    made = [Split(n, "s", "a", "p", "n", AT, size, Reader(format="jsonl")) for n, size in enumerate(sizes)]
    bins = plan.bins(made, Profile(tasks=tasks, split_bytes=2**40))
    assert sorted(s.number for b in bins for s in b) == list(range(len(sizes)))
    assert len(bins) == max(1, min(tasks, len(sizes)))
    loads = [sum(s.size + 1 for s in b) for b in bins]
    assert max(loads) <= sum(loads) / len(bins) + max(sizes, default=0) + 1


def test_the_reading_depends_on_what_shapes_records_and_on_nothing_else(big):
    base = batch(source(), fact(big)).reading_sha256
    assert batch(source(title="another", owner="another"), fact(big)).reading_sha256 == base
    assert batch(source(country="DE"), fact(big)).reading_sha256 != base
    assert batch(source(reader={"format": "jsonl"}), fact(big)).reading_sha256 != base
    assert batch(source(), fact(big, "b")).reading_sha256 != base
    assert Batch("x", source(), (fact(big),), frozenset()).reading_sha256 != base


def test_what_was_forgotten_of_a_batch_does_not_go_over_into_its_next_reading(tmp_path):
    facts = [fact(tmp_path / n, n) for n in ("a", "b")]
    now = batch(source(), *facts)
    told = {"fetched_at": AT.isoformat(), "kept": 1}
    last = {"batch_id": now.id, "way_sha256": now.way_sha256, "acquisitions": {"a": told}}  # b was to be read again
    over = plan.carried_over(now, last)
    assert over is not None and (set(over.acquisitions), over.gone) == ({"a"}, ("b",))
    earlier = plan.carried_over(now, last | {"batch_id": "0" * 16})
    assert earlier is not None and earlier.gone == (), "of another batch what is new is not there"
