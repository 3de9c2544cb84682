"""What a release's parts hold, over columns; and the writing of those that changed. Texts are read only for these.

`alone.py` does the same without Spark where the records are few; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpusgate.lake.dialect import one_of
from corpusgate.lake.frames import read
from corpusgate.lake.run import Run
from corpusgate.lake.session import spark
from corpusgate.release import parts
from corpusgate.release.parts import Wanted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BROADCAST_ROWS = 2_000_000
"""Up to so many records are sent to every worker to find their texts; beyond, Spark chooses the join."""

_NUMBER = f"pmod(cast(conv({parts.number_sql('spark')}, 16, 10) AS bigint), _into)"
_LIES = "regexp_extract(_metadata.file_name, '^records-(.*)[.]parquet$', 1) AS part"
_NARROW = (
    "part", "record_id", "source_id", "language", "url", "licence", "role", "group_id", "turn", "speaker",
    "text_sha256", "mask_set", "released_sha256",
)  # fmt: skip


def kept(run: Run, release: str, licences: Iterable[tuple[str, str, str | None]]) -> DataFrame:
    """The kept records of a candidate (`_NARROW`), each with the part in which it goes. `licences`: (source, part of
    its licence, expression)."""
    session, place, intake = spark("corpusgate publish", run.place), run.place, run.result("intake")
    batches = sorted(set(intake.facts["batches"].values())) if intake else []
    rows = read(session, place, "release_record", one_of("release_id", [release]))
    origins = read(session, place, "record", one_of("batch_id", batches)).groupBy("record_id")
    # One place that two sources' batches name is one record; whichever comes first, the same address.
    found = origins.agg(F.min("url").alias("url"), F.min("acquisition_id").alias("acquisition_id"))
    names = read(session, place, "acquisition").select("acquisition_id", "name")
    expressions = session.createDataFrame(list(licences), "source_id string, licence_part string, licence string")
    rows = rows.join(found, "record_id", "left").join(F.broadcast(names), "acquisition_id", "left")
    rows = rows.join(F.broadcast(expressions), ["source_id", "licence_part"], "left")
    rows = rows.withColumn("bucket", F.expr(parts.bucket_sql("spark"))).persist()
    sizes = rows.groupBy("bucket").agg(F.count("*").alias("rows"), F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes"))
    split = parts.splits({r["bucket"]: (r["rows"], r["bytes"]) for r in sizes.collect()})
    into = F.create_map(*[F.lit(x) for pair in split.items() for x in pair]) if split else F.lit(None)
    number = F.expr(_NUMBER).cast("string")
    return (
        rows.withColumn("_into", F.try_element_at(into, F.col("bucket")) if split else F.lit(1))
        .withColumn("part", F.concat_ws("-", "bucket", F.col("_into").cast("string"), number))
        .select(*_NARROW)
    )


def wanted(rows: DataFrame) -> dict[str, Wanted]:
    """The parts of these records by key."""
    hashed = rows.select("part", F.expr(parts.row_sql("spark")).alias("row"))
    found = hashed.groupBy("part").agg(
        F.sha2(F.concat_ws("", F.array_sort(F.collect_list("row"))), 256).alias("sha256"), F.count("*").alias("records")
    )
    return {r["part"]: Wanted(r["sha256"], r["records"]) for r in found.collect()}


def write(
    run: Run, rows: DataFrame, changed: Mapping[str, Wanted], before: parts.Earlier, made: Path
) -> list[dict[str, Any]]:
    """Writes the changed parts below `made`; rows of `parts.WRITTEN`. What the earlier release has of a part is taken
    from there, the rest from the stored texts."""
    session = rows.sparkSession
    few = sum(w.records for w in changed.values()) <= BROADCAST_ROWS
    keys = session.createDataFrame([(k,) for k in sorted(changed)], "part string")
    asked = rows.join(F.broadcast(keys), "part", "left_semi")
    files = {k: f for k, f in before.files.items() if k in changed and before.whole(f)}
    names = [str(before.folder / f["path"]) for f in files.values()]
    whole = None
    if names:
        # Only what the part itself had: with its file stands how many masks inside notices a record has.
        there = session.read.parquet(*names).selectExpr(_LIES, "record_id", "text AS had")
        same = _held(session, run, asked, before.folder.name, there)
        whole = there.join(_sent(same, few), ["part", "record_id"]).withColumn("stored", F.lit(None).cast("string"))
        asked = asked.join(same.select("record_id"), "record_id", "left_anti")
    stored = read(session, run.place, "document").select("text_sha256", F.col("text").alias("stored"))
    texts = stored.join(_sent(asked, few), "text_sha256").withColumn("had", F.lit(None).cast("string"))
    columns = [*_NARROW, "stored", "had"]
    both = texts.select(*columns) if whole is None else texts.select(*columns).unionByName(whole.select(*columns))
    spread = both.repartition(_tasks(session, changed), "part").sortWithinPartitions("part", "record_id")
    written = spread.mapInArrow(parts.writer(str(made), files), from_arrow_schema(parts.WRITTEN))
    return [r.asDict() for r in written.collect()]


def _held(session: SparkSession, run: Run, asked: DataFrame, release: str, there: DataFrame) -> DataFrame:
    """Of the records asked for, those whose text the earlier release's files have as it is wanted."""
    was = read(session, run.place, "release_record", one_of("release_id", [release]))
    same = asked.join(was.select("record_id", "released_sha256"), ["record_id", "released_sha256"], "left_semi")
    return same.join(there.select("part", "record_id"), ["part", "record_id"], "left_semi").persist()


def _sent(rows: DataFrame, few: bool) -> DataFrame:
    return F.broadcast(rows) if few else rows


def _tasks(session: SparkSession, changed: Mapping[str, Wanted]) -> int:
    cores = session.sparkContext.defaultParallelism
    return max(1, min(len(changed), max(2 * cores, sum(w.records for w in changed.values()) // (4 * parts.ROWS))))
