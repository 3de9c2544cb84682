"""What is written, hashed and drawn of decided records that one process holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpusgate.decide import outcome
from corpusgate.decide.alone import InMemory
from corpusgate.decide.records import Row
from corpusgate.decide.rules import text_sha256
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.release.merkle import buckets_of, leaf
from corpusgate.review import draw as draws
from corpusgate_testing.decide import AT, World, declare
from corpusgate_testing.lake import place_in, rows

RELEASE = "demo-1"


def a_row(n: int) -> Row:
    """A kept record; every third is removed, every seventh of the others errored; every fifth is in a group."""
    there = Row(
        text_sha256(f"record {n}"), n, "alpha", text_sha256(f"text {n}"), "zh", "code" if n % 4 == 0 else "text", n, n,
        None, "all", None, "text", text_sha256(f"group {n // 10}") if n % 5 == 0 else None, None, None, False,
    )  # fmt: skip
    there.released_sha256, there.released_characters, there.released_bytes = text_sha256(f"released {n}"), n + 1, n + 2
    there.rule, there.fault = "keyword" if n % 3 == 0 else None, "document_missing" if n % 7 == 0 else None
    return there


@pytest.fixture
def run(tmp_path):
    place = place_in(tmp_path)
    declare(place, World())
    store.ensure_tables(place)
    return Run("run-1", None, AT, place)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("many", [0, 1, 10, 11])
def test_all_rows_are_written_however_many_fit_into_a_batch_and_nothing_else_stays(run, monkeypatch, many):
    monkeypatch.setattr(outcome, "_BATCH", 5)
    InMemory([a_row(n) for n in range(100, 130)]).write(run, RELEASE, "policy")
    given = [a_row(n) for n in range(many)]
    InMemory(given).write(run, RELEASE, "policy")
    others = [
        (RELEASE, r.record_id, r.text_sha256, r.outcome, r.because, "decide", "policy")
        for r in given if r.outcome != "kept"
    ]  # fmt: skip
    names = ("release_id", "record_id", "text_sha256", "outcome", "rule", "step", "version")
    assert sorted(tuple(r[n] for n in names) for r in rows(run.place, "decision")) == sorted(others)
    kept = [
        (RELEASE, r.record_id, r.text_sha256, r.released_sha256, r.modality, r.released_characters, r.released_bytes)
        for r in given if r.outcome == "kept"
    ]  # fmt: skip
    names = ("release_id", "record_id", "text_sha256", "released_sha256", "modality", "characters", "bytes")
    assert sorted(tuple(r[n] for n in names) for r in rows(run.place, "release_record")) == sorted(kept)


def test_the_tree_says_of_every_record_what_became_of_it_and_a_released_text_of_the_kept_alone():
    given = [a_row(n) for n in range(50)]
    released = {r.record_id: r.released_sha256 if r.outcome == "kept" else None for r in given}
    assert InMemory(given).leaves() == buckets_of(
        leaf(r.record_id, r.text_sha256, released[r.record_id], r.outcome, r.because) for r in given
    )


@pytest.mark.parametrize("frame", draws.OF_CANDIDATE)
def test_items_are_drawn_from_the_kept_of_a_modality_and_are_those_of_its_tree(run, frame):
    given = [a_row(n) for n in range(80)]
    one = draws.Draw("c", "", "text", "seed", 9, 0, "", frame)
    kept = [r for r in given if r.outcome == "kept" and r.modality == "text"]
    items = {r.unit if frame == draws.GROUPS else r.record_id for r in kept}
    expected = sorted(items, key=lambda item: draws.place_in_draw("seed", item))
    decided = InMemory(given)
    decided.write(run, RELEASE, "policy")
    assert [item for item, _ in decided.drawn(run, RELEASE, one)] == expected[:9]
    assert [item for item, _ in decided.drawn(run, RELEASE, replace(one, size=1000))] == expected
    assert decided.items(frame == draws.GROUPS)["text"] == buckets_of(items)
    assert decided.drawn(run, RELEASE, replace(one, stratum="speech")) == []
