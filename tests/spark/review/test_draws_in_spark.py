"""One template draws in Spark and in delta-rs: the recorded items in the recorded order, by stratum, also a census."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from corpusgate.review.after_failure import redraw_after
from corpusgate.review.sampling import draw_for, redraw, redraw_sql
from corpusgate_testing.gates import AT, RUN_ID, Lake
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, at, retold, waiting


def planted(lake: Lake) -> None:
    """What frames look at: personal information, a generator, more tables than records."""
    retold(lake, lake.of("alpha")[0], "电话13800138000完", "pi_mobile:2-13")
    lake.find(lake.of("alpha")[0], family="personal_information", detector="personal_information", version="1",
              risk="pi_mobile", start=2, end=13)  # fmt: skip
    lake.of("delta")[0]["generator"] = "model-7"
    lake.rows["licence_period"] = [
        {"source_id": s, "part": p, "valid_from": AT, "recorded_at": AT, "declared": "MIT", "verdict": "pass",
         "read_from": "LICENSE"}
        for s in ("alpha", "gamma") for p in ("text", "code")
    ]  # fmt: skip
    lake.rows["assignment"] = [
        {"corpus": "test", "batch_id": "b1", "record_id": f"r{n:02d}", "annotator_id": who, "role": role}
        for n in range(12) for who, role in (("p2", "reviewer"), ("p1", "executor"))
    ]  # fmt: skip
    lake.rows["control_result"] = [
        {"run_id": RUN_ID, "gate": "source_gate", "control_id": "45654-4-1-1-a", "half": "computed", "scope": "source",
         "scope_id": f"s{n}", "stratum": "", "k": 0, "n": 20, "verdict": "pass", "judged_at": AT, "attempt": 1,
         "row_sha256": f"{n:064x}"}
        for n in range(25)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    made = waiting(tmp_path_factory.mktemp("lake"), records=30, change=planted)
    for number in ("45654-4-1-1-a", "45654-4-1-3-a", "45654-4-1-3-b", "45654-4-2-3-a", "45654-4-3-1-c",
                   "45652-draft-6-2-a", "45652-draft-7-2-b"):  # fmt: skip
        draw_for(made.place, number, made.release, AT)
    made.give("ann")
    made.judge_all(["ann"], bad=lambda n: n < 9)
    redraw_after(made.place, made.sample, "the words found were added", "lead", at(1))
    return made


def test_spark_draws_every_recorded_sample_again_in_its_order(spark: SparkSession, room: Room) -> None:
    samples = rows(room.place, "sample")
    assert {s["purpose"] for s in samples} == {"manual review", "assessor's draw", "looked at closely", "of all"}
    assert {s["stratum"] for s in samples} >= {"text", "open_source", "self_collected", ""}
    assert any(s["size"] == s["frame_rows"] for s in samples) and any(s["size"] < s["frame_rows"] for s in samples)
    assert any(s["follows"] for s in samples), "a draw after a failure too"
    for sample in samples:
        statement, tables = redraw_sql(room.place, sample["sample_id"], "spark")
        for table in tables:
            spark.read.format("delta").load(str(room.place.table(table))).createOrReplaceTempView(table)
        drawn = [(r["record_id"], r["released_sha256"]) for r in spark.sql(statement).collect()]
        items = [i for i in rows(room.place, "sample_item") if i["sample_id"] == sample["sample_id"]]
        recorded = [(i["record_id"], i["released_sha256"]) for i in sorted(items, key=lambda i: i["ordinal"])]
        assert drawn == recorded and len(drawn) == sample["size"], sample
        assert redraw(room.place, sample["sample_id"])[1] == [i for i, _ in drawn]


def test_the_order_depends_on_no_partition(spark: SparkSession, room: Room) -> None:
    statement, _ = redraw_sql(room.place, room.sample, "spark")
    frame = spark.read.format("delta").load(str(room.place.table("release_record")))
    orders = []
    for partitions in (1, 7):
        frame.repartition(partitions, "language").createOrReplaceTempView("release_record")
        orders.append([r["record_id"] for r in spark.sql(statement).collect()])
    assert orders[0] == orders[1] == redraw(room.place, room.sample)[0]
