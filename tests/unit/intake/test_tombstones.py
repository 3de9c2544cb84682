"""Tombstones, over tables written by hand: what went, what came back, and the same once more after a kill."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from corpusgate.intake.states import State
from corpusgate.intake.tombstones import GONE, bury
from corpusgate.lake import store
from corpusgate_testing.lake import place_in, rows

AT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    made = place_in(tmp_path)
    store.ensure_tables(made, ["record", "tombstone"])
    return made


def run(place, name="r2"):
    return SimpleNamespace(place=place, id=name, at=AT)


def hold(place, batch, **acquisitions):
    """The batch's records, by acquisition; returns its state."""
    made = [
        {"record_id": r, "source_id": "s", "batch_id": batch, "acquisition_id": a, "locator": f"key:{r}",
         "text_sha256": "t" + r, "first_acquired_at": AT}
        for a, records in acquisitions.items() for r in records
    ]  # fmt: skip
    store.replace(place, "record", made, f"batch_id = '{batch}'", "test")
    return State(batch, store.version(place, "record"))


def graves(place):
    return {(r["record_id"], r["batch_id"], r["returned_in"]) for r in rows(place, "tombstone")}


def test_only_what_is_nowhere_in_the_new_batch_is_buried(place):
    before = hold(place, "b1", x="123", y="45")
    hold(place, "b2", y="45", z="29")
    assert bury(run(place), "s", before, "b2", GONE, ["x"]) == (2, 0)
    assert graves(place) == {("1", "b2", None), ("3", "b2", None)}
    assert bury(run(place), "s", before, "b2", GONE, ["x"]) == (2, 0), "after a kill the same"
    assert len(graves(place)) == 2


def test_what_returns_is_closed_and_stays_told(place):
    first = hold(place, "b1", x="12")
    second = hold(place, "b2", x="1")
    bury(run(place, "r2"), "s", first, "b2", GONE, None)
    hold(place, "b3", x="12")
    assert bury(run(place, "r3"), "s", second, "b3", GONE, None) == (0, 1)
    assert graves(place) == {("2", "b2", "r3")}
    third = State("b3", store.version(place, "record"))
    hold(place, "b4", x="1")
    assert bury(run(place, "r4"), "s", third, "b4", GONE, None) == (1, 0)
    assert graves(place) == {("2", "b2", "r3"), ("2", "b4", None)}


def test_a_slice_that_was_written_over_is_read_as_it_was(place):
    before = hold(place, "b1", x="12")
    hold(place, "b1", x="1")  # the same batch, read in another way, and killed before a word was said
    assert bury(run(place), "s", before, "b1", GONE, None) == (1, 0)
    assert graves(place) == {("2", "b1", None)}


def test_a_version_that_the_log_no_longer_has_is_read_as_it_is_now(place):
    hold(place, "b1", x="12")
    hold(place, "b2", x="1")
    assert bury(run(place), "s", State("b1", 10**6), "b2", GONE, None) == (1, 0)
