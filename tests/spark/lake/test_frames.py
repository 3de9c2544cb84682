"""Spark and delta-rs over the same tables: each reads what the other wrote, and both keep the tables' settings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from corpusgate.errors import LakeBusy, UserError
from corpusgate.lake import frames, store
from corpusgate.lake.dialect import one_of
from corpusgate.lake.lease import lease
from corpusgate.lake.tables import NO_STATISTICS, TABLES
from corpusgate_testing.lake import commits, rows

AT = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)


def frame(spark, name, made):
    return spark.createDataFrame(store.to_arrow(TABLES[name], made))


def record(n: int, batch: str = "b1", **more):
    return {"record_id": f"r{n}", "source_id": "s", "batch_id": batch, "text_sha256": f"t{n}", "turn": n,
            "first_acquired_at": AT, "attributes": {"栏目": "新闻", "empty": ""}, **more}  # fmt: skip


def test_delta_rs_reads_what_spark_wrote(spark, place):
    made = [record(1), record(2, "b2"), record(3, attributes=None)]
    frames.write_slice(frame(spark, "record", made), place, "record", one_of("batch_id", ["b1", "b2"]))
    found = {r["record_id"]: r for r in rows(place, "record")}
    assert len(found) == 3
    assert found["r1"]["first_acquired_at"] == AT
    assert dict(found["r2"]["attributes"]) == {"栏目": "新闻", "empty": ""}
    assert found["r3"]["attributes"] is None
    asked = store.query(place, "SELECT attributes['栏目'] AS v FROM record WHERE record_id = 'r1'").to_pylist()
    assert asked == [{"v": "新闻"}]


def test_spark_reads_what_delta_rs_wrote(spark, place):
    period = {"source_id": "s", "part": "all", "valid_from": AT, "recorded_at": AT, "obligations": ["署名", "同向"]}
    store.append_new(place, "licence_period", [period], "r")
    store.append_new(place, "release", [{"release_id": "r", "channel": "trial", "digests": {"code": "1"}}], "r")
    found = frames.read(spark, place, "licence_period").toArrow().to_pylist()[0]
    assert (found["obligations"], found["valid_from"]) == (["署名", "同向"], AT)
    assert dict(frames.read(spark, place, "release").toArrow().to_pylist()[0]["digests"]) == {"code": "1"}


def test_a_slice_replaces_itself_and_nothing_else(spark, place):
    where = one_of("batch_id", ["b1"])
    frames.write_slice(frame(spark, "record", [record(1), record(2)]), place, "record", where)
    frames.write_slice(frame(spark, "record", [record(9, "b2")]), place, "record", "batch_id = 'b2'")
    frames.write_slice(frame(spark, "record", [record(3)]), place, "record", where)
    assert [r["record_id"] for r in rows(place, "record")] == ["r3", "r9"]
    frames.write_slice(frame(spark, "record", []), place, "record", where)
    assert [r["record_id"] for r in rows(place, "record")] == ["r9"]


def test_a_row_outside_its_slice_is_refused(spark, place):
    with pytest.raises(Exception, match="DELTA_REPLACE_WHERE_MISMATCH"):
        frames.write_slice(frame(spark, "record", [record(1, "b2")]), place, "record", "batch_id = 'b1'")
    assert rows(place, "record") == []


def test_both_engines_may_write_one_table_in_turn(spark, place):
    store.replace(
        place, "finding", [{"text_sha256": "t", "batch_id": "a", "start": 1, "end": 2}], "batch_id = 'a'", "r"
    )
    new = [{"text_sha256": "u", "batch_id": "b", "start": 3, "end": 4, "surface": "词"}]
    frames.write_slice(frame(spark, "finding", new), place, "finding", "batch_id = 'b'")
    store.replace(place, "finding", [], "batch_id = 'a'", "r")
    assert [r["surface"] for r in frames.read(spark, place, "finding").collect()] == ["词"]


def test_spark_keeps_deletion_vectors_off_and_text_without_statistics(spark, place):
    made = [{"text_sha256": "t", "batch_id": "b", "text": "绝密原文", "characters": 4, "bytes": 12}]
    for _ in range(2):
        frames.write_slice(frame(spark, "document", made), place, "document", "batch_id = 'b'")
    log = commits(place, "document")
    added = [c["add"] for c in log if "add" in c]
    assert len(added) == 2 and all("deletionVector" not in a for a in added)
    assert all('"characters"' in a["stats"] and "绝密" not in a["stats"] for a in added)
    assert [c["protocol"] for c in log if "protocol" in c] == [{"minReaderVersion": 1, "minWriterVersion": 2}]
    assert len([c for c in log if "metaData" in c]) == 1  # Spark changed no setting
    assert "text" in NO_STATISTICS


def test_columns_are_brought_into_the_declared_order_and_types(spark, place):
    df = spark.sql("SELECT 7 AS turn, 'b1' AS batch_id, 'r1' AS record_id, CAST(5 AS INT) AS bytes")
    frames.write_slice(df, place, "record", "batch_id = 'b1'")
    (found,) = rows(place, "record")
    assert (found["bytes"], found["turn"], found["title"]) == (5, 7, None)
    with pytest.raises(KeyError, match=r"record has no column.*recieved"):
        frames.write_slice(spark.sql("SELECT 1 AS recieved"), place, "record", "batch_id = 'b1'")


def test_a_number_that_does_not_fit_is_an_error_not_a_null(spark, place):
    df = spark.sql("SELECT 'b1' AS batch_id, 3000000000 AS turn")
    with pytest.raises(Exception, match="CAST_OVERFLOW"):
        frames.write_slice(df, place, "record", "batch_id = 'b1'")


def test_commits_say_run_and_fence_and_stop_when_the_lake_was_lost(spark, place):
    with lease(place, "run 1") as mine:
        frames.write_slice(frame(spark, "record", [record(1)]), place, "record", "batch_id = 'b1'")
        mine.path.unlink()
        with pytest.raises(LakeBusy, match="no longer holds"):
            frames.write_slice(frame(spark, "record", []), place, "record", "batch_id = 'b1'")
    info = [c["commitInfo"] for c in commits(place, "record") if "commitInfo" in c][-1]
    assert info["userMetadata"] == '{"corpusgate.fence": "1", "corpusgate.run": "run 1"}'
    assert len(rows(place, "record")) == 1


def test_a_lake_without_tables_is_said_so(spark, tmp_path, place):
    from corpusgate_testing.lake import place_in

    with pytest.raises(UserError, match="No table record yet"):
        frames.read(spark, place_in(tmp_path / "new"), "record")
