"""The session: in UTC, with Delta, without UI, its workers on this interpreter."""

from __future__ import annotations

import sys


def test_a_session_is_in_utc_with_delta_and_without_ui(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert "DeltaSparkSessionExtension" in spark.conf.get("spark.sql.extensions")
    assert spark.conf.get("spark.ui.enabled") == "false"
    assert spark.conf.get("spark.sql.shuffle.partitions") == "2"


def test_workers_run_this_interpreter(spark):
    def who(batches):
        import pyarrow as pa

        for batch in batches:
            yield pa.RecordBatch.from_pydict({"exe": [sys.executable] * batch.num_rows})

    assert {r.exe for r in spark.range(2).mapInArrow(who, "exe string").collect()} == {sys.executable}
