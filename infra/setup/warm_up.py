"""warm_up.py FOLDER: a little of all that a rebuild asks of Spark and Delta, so that its classes are archived."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F


def main(folder: Path) -> None:
    """Writes, reads, joins, ranks, aggregates and hands rows to Python, on a handful of rows."""
    session = SparkSession.builder.appName("corpusgate warm-up").getOrCreate()
    table, staged = str(folder / "table"), str(folder / "staged")
    rows = session.range(0, 200, 1, 2).selectExpr(
        "sha2(cast(id as string), 256) AS k",
        "id % 7 AS g",
        "cast(id AS string) AS batch_id",
        "current_timestamp() AS at",
    )
    python = rows.select("k", "g").mapInArrow(lambda batches: batches, "k string, g bigint")
    python.write.mode("overwrite").parquet(staged)
    batches = rows.withColumn("batch_id", F.when(F.col("g") < 3, "a").otherwise("b"))
    write = batches.write.format("delta").partitionBy("batch_id").mode("overwrite")
    write.save(table)
    batches.where("g < 3").write.format("delta").mode("overwrite").option("replaceWhere", "batch_id = 'a'").save(table)
    there = session.read.format("delta").load(table).where("batch_id IN ('a', 'b')")
    order = Window.partitionBy("g").orderBy("at", "k")
    ranked = there.withColumns({"n": F.row_number().over(order), "f": F.first("k").over(order)}).persist()
    few = session.createDataFrame([(1, "x")], "g bigint, what string")
    joined = ranked.join(F.broadcast(few), "g", "left").join(session.read.parquet(staged).select("k"), "k", "left_semi")
    found = joined.groupBy("g").agg(
        F.count("*"), F.max("n"), F.bit_xor(F.xxhash64("k")), F.array_sort(F.collect_set(F.struct("k", "n"))),
        F.sum(F.col("n").cast("decimal(18,6)")), F.countDistinct("k"),
    )  # fmt: skip
    found.collect()
    sql = "SELECT g, concat_ws('', array_sort(collect_list(k))) AS r FROM {t} GROUP BY g ORDER BY r LIMIT 3"
    session.sql(sql, t=ranked).collect()
    ranked.select("k", F.explode(F.array("g", "n"))).repartition(2, "k").sortWithinPartitions("k").toArrow()
    ranked.unpersist()
    session.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
