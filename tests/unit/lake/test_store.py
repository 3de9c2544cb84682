"""Small tables without a JVM: written once, replaced by slice, chained where they must not be rewritten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpusgate.lake import store
from corpusgate.lake.tables import NO_STATISTICS, TABLES
from corpusgate.settings.place import Place
from corpusgate_testing.lake import commits, place_in, rows

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = place_in(tmp_path)
    store.ensure_tables(made)
    return made


def test_every_table_is_there_empty_and_making_them_again_changes_nothing(place):
    store.ensure_tables(place)
    assert {name: store.version(place, name) for name in TABLES} == dict.fromkeys(TABLES, 0)
    assert all(store.read(place, name).num_rows == 0 for name in TABLES)


def test_deletion_vectors_are_off_and_text_has_no_statistics(place):
    for name, table in TABLES.items():
        settings = next(c["metaData"]["configuration"] for c in commits(place, name) if "metaData" in c)
        assert settings["delta.enableDeletionVectors"] == "false"
        with_statistics = set(settings["delta.dataSkippingStatsColumns"].split(","))
        assert not with_statistics & {*NO_STATISTICS, *table.partition}
        assert with_statistics <= set(table.schema.names)


def test_a_fact_is_said_once(place):
    row = {"host": "example.org", "fetched_at": AT, "signal": "robots", "verdict": "allow"}
    assert store.append_new(place, "host_signal", [row, row], "r1") == 1
    assert store.append_new(place, "host_signal", [{**row, "verdict": "deny"}], "r2") == 0
    assert [r["verdict"] for r in rows(place, "host_signal")] == ["allow"]


def test_appending_nothing_new_makes_no_commit(place):
    store.append_new(place, "export", [{"release_id": "a", "path": "p"}], "r1")
    before = store.version(place, "export")
    store.append_new(place, "export", [{"release_id": "a", "path": "p"}], "r2")
    assert store.version(place, "export") == before


def test_replacing_a_slice_leaves_the_rest(place):
    items = [{"sample_id": s, "ordinal": n, "record_id": f"{s}{n}"} for s in "ab" for n in range(2)]
    store.replace(place, "sample_item", items[:2], "sample_id = 'a'", "r1")
    store.replace(place, "sample_item", items[2:], "sample_id = 'b'", "r1")
    store.replace(place, "sample_item", [{"sample_id": "a", "ordinal": 0, "record_id": "new"}], "sample_id = 'a'", "r2")
    assert sorted(r["record_id"] for r in rows(place, "sample_item")) == ["b0", "b1", "new"]


def test_a_slice_may_become_empty(place):
    store.replace(place, "sample_item", [{"sample_id": "a", "ordinal": 0}], "sample_id = 'a'", "r1")
    store.replace(place, "sample_item", [], "sample_id = 'a'", "r2")
    assert rows(place, "sample_item") == []


def test_a_row_outside_its_slice_is_refused(place):
    with pytest.raises(Exception, match=r"(?i)invariant|predicate|constraint|check"):
        store.replace(place, "sample_item", [{"sample_id": "b", "ordinal": 0}], "sample_id = 'a'", "r1")
    assert rows(place, "sample_item") == []


def test_a_name_that_is_no_column_is_refused(place):
    with pytest.raises(KeyError, match=r"export has no column.*recieved"):
        store.append_new(place, "export", [{"release_id": "a", "path": "p", "recieved": 1}], "r1")


def test_chained_rows_name_the_one_before_and_can_be_recomputed(place):
    said = {"run_id": "r", "corpus": "c", "step": "s", "removed_by_rule": {"x": 1, "a": 2}, "attempt": 1, "run_at": AT}
    store.append_new(place, "step_run", [{**said, "source_id": s} for s in "ab"], "r")
    store.append_new(place, "step_run", [{**said, "source_id": "c"}], "r")
    previous = "0" * 64
    for row in sorted(store.read(place, "step_run").to_pylist(), key=lambda r: r["source_id"]):
        assert row["previous_sha256"] == previous
        assert row["row_sha256"] == store.row_digest(row)
        previous = row["row_sha256"]


def test_a_changed_judgement_is_a_further_attempt_and_the_same_one_is_none(place):
    row = {"run_id": "r", "gate": "source", "control_id": "c", "half": "computed", "scope_id": "s", "stratum": "",
           "verdict": "fail", "judged_at": AT}  # fmt: skip
    where = "run_id = 'r' AND gate = 'source'"
    store.replace(place, "control_result", [row], where, "r")
    store.replace(place, "control_result", [row], where, "r")
    assert store.read(place, "control_result").num_rows == 1
    store.replace(place, "control_result", [{**row, "verdict": "pass"}], where, "r")
    assert [r["verdict"] for r in store.in_force(place, "control_result", where)] == ["pass"]
    assert store.read(place, "control_result").num_rows == 2
