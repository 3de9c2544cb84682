"""Which staged records are not plain: they have a twin, their text is stored or screened elsewhere, they were there
before. Made from ids and hashes alone; no text is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from corpusgate.intake.frames import AGAIN, Staging, gone_over, staged
from corpusgate.intake.plan import Plan
from corpusgate.lake.dialect import one_of
from corpusgate.lake.frames import read
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_ROW = ("split", "row", "record_id")
_COLUMNS = (
    *_ROW, "acquisition_id", "batch_id", "twin", "owner", "stored", "done", "winner", "held_by", "since", "known",
    "language", "script",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Odd:
    """How many exceptions there are, and of how many known rows the text is not known after all (another begins with
    the same digits): then nothing may be written."""

    rows: int
    mistaken: int


def stage_exceptions(
    spark: SparkSession, place: Place, staging: Staging, plan: Plan, others: Mapping[str, bool]
) -> Odd:
    """Marks the staged records that are not plain.

    Columns: split, row, record_id, acquisition_id, batch_id; `twin` (the record's id was there before: dropped) and
    `winner` (the acquisition whose record stays), `held_by` (the acquisition that goes over unread and has the record
    too: it loses it where this row is no twin), `owner` (the text is written under this record's batch: one record of
    each text is), `stored` (another batch has the text already), `done` (families whose current version has seen the
    text under another batch), `since` (when the record was acquired first, in an earlier state), `known` with the
    text's `language` and `script`. `others` says of which tables batches outside this plan have rows.
    """
    narrow = staged(spark, staging).where("outcome = 'record'")
    narrow = narrow.select(*_ROW, "acquisition_id", "text_sha256", "first_acquired_at", "batch_id", "known")
    keys = _twins(narrow, _held(spark, place, plan, narrow))
    # A record that was read goes before one that was only screened again: the text of the former is at hand.
    order = ("twin", "known", F.col("split") == AGAIN, "first_acquired_at", "batch_id", "record_id")
    keys = keys.withColumn("owner", _first("text_sha256", *order) == 1)
    fresh = narrow.where("NOT coalesce(known, false)").select("text_sha256").distinct()
    keys = _joined(keys, _stored(spark, place, plan, fresh) if others["document"] else None, stored="boolean")
    keys = _joined(keys, _done(spark, place, plan, fresh) if others["screening"] else None, done="array<string>")
    keys = keys.withColumns(
        {"stored": F.coalesce("stored", F.lit(False)), "done": F.coalesce("done", F.array().cast("array<string>"))}
    )
    keys = _joined(keys, _since(spark, place, plan, narrow), on="record_id", since="timestamp")
    keys = _joined(keys, _said(spark, place, plan, narrow), language="string", script="string", there="boolean")
    odd = keys.where(
        "twin OR NOT owner OR stored OR size(done) > 0 OR held_by IS NOT NULL OR since < first_acquired_at OR known"
    )
    odd.select(*_COLUMNS, "there").write.mode("overwrite").parquet(staging.exceptions)
    made = spark.read.parquet(staging.exceptions)
    counted = made.agg(F.count("*").alias("rows"), F.count_if(F.expr("known AND there IS NULL")).alias("mistaken"))
    row = counted.collect()[0]
    return Odd(row["rows"], row["mistaken"])


def shadows(spark: SparkSession, staging: Staging) -> list[tuple[str, str, str]]:
    """(batch, acquisition, acquisition whose records took the places of twins in it) of what was read."""
    odd = spark.read.parquet(staging.exceptions).where("twin AND winner <> acquisition_id")
    rows = odd.select("batch_id", "acquisition_id", "winner").distinct().collect()
    return sorted((r["batch_id"], r["acquisition_id"], r["winner"]) for r in rows)


def losses(spark: SparkSession, staging: Staging) -> tuple[DataFrame, list[tuple[str, str, str, int]]]:
    """Carried records (record_id) whose places were taken by records that were read now, and (batch, acquisition that
    lost them, acquisition that has them, how many)."""
    lost = spark.read.parquet(staging.exceptions).where("NOT twin AND held_by IS NOT NULL")
    rows = lost.groupBy("batch_id", "held_by", "acquisition_id").count().collect()
    counted = sorted((r["batch_id"], r["held_by"], r["acquisition_id"], r["count"]) for r in rows)
    return lost.select("record_id").distinct(), counted


def _twins(keys: DataFrame, held: DataFrame | None) -> DataFrame:
    """Adds twin, winner, held_by. Of twins that of the smallest acquisition stays, whichever was read first."""
    order = Window.partitionBy("record_id").orderBy("split", "row")
    keys = keys.withColumns({
        "_rank": F.row_number().over(order), "_best": F.first("acquisition_id").over(order),
        "known": F.coalesce("known", F.lit(False)),
    })  # fmt: skip
    keys = _joined(keys, held, on="record_id", held_by="string")
    beaten = F.coalesce(F.col("held_by") < F.col("_best"), F.lit(False))
    return keys.withColumns({"twin": (F.col("_rank") > 1) | beaten, "winner": F.least("_best", "held_by")}).drop(
        "_rank", "_best"
    )


def _held(spark: SparkSession, place: Place, plan: Plan, keys: DataFrame) -> DataFrame | None:
    """record_id, held_by: records that were read and that an acquisition which goes over has too."""
    over = gone_over(spark, place, "record", plan)
    if over is None:
        return None
    there = over.select("record_id", F.col("acquisition_id").alias("held_by"))
    return there.join(keys.select("record_id").distinct(), "record_id", "left_semi")


def _stored(spark: SparkSession, place: Place, plan: Plan, fresh: DataFrame) -> DataFrame:
    elsewhere = read(spark, place, "document", f"NOT ({one_of('batch_id', plan.read_ids)})").select("text_sha256")
    found = elsewhere.join(fresh, "text_sha256", "left_semi")
    return found.distinct().withColumn("stored", F.lit(True))


def _done(spark: SparkSession, place: Place, plan: Plan, fresh: DataFrame) -> DataFrame:
    elsewhere = read(spark, place, "screening", f"NOT ({one_of('batch_id', plan.new_ids)})")
    current = F.create_map(*[F.lit(x) for pair in sorted(plan.versions.items()) for x in pair])
    seen = elsewhere.where(F.try_element_at(current, F.col("family")) == F.col("version"))
    return (
        seen.join(fresh, "text_sha256", "left_semi").groupBy("text_sha256").agg(F.collect_set("family").alias("done"))
    )


def _since(spark: SparkSession, place: Place, plan: Plan, keys: DataFrame) -> DataFrame | None:
    """record_id, since: when a record that was read now was acquired first, as its source's earlier states say."""
    before = {b.source.id: plan.before[b.source.id] for b in plan.read if b.source.id in plan.before}
    if not before:
        return None
    batches = one_of("batch_id", [s.batch_id for s in before.values()])
    earlier = read(spark, place, "record", batches).select("record_id", "first_acquired_at")
    buried = read(spark, place, "tombstone", one_of("source_id", before)).select("record_id", "first_acquired_at")
    both = earlier.unionByName(buried).join(keys.select("record_id").distinct(), "record_id", "left_semi")
    return both.groupBy("record_id").agg(F.min("first_acquired_at").alias("since"))


def _said(spark: SparkSession, place: Place, plan: Plan, keys: DataFrame) -> DataFrame | None:
    """text_sha256, language, script, there: of the texts that were taken for known, those that are."""
    if not plan.known:
        return None
    asked = keys.where("known").select("text_sha256").distinct()
    records = read(spark, place, "record", one_of("batch_id", plan.known)).select("text_sha256", "language", "script")
    return (
        records.join(asked, "text_sha256", "left_semi").dropDuplicates(["text_sha256"]).withColumn("there", F.lit(True))
    )


def _joined(keys: DataFrame, found: DataFrame | None, on: str = "text_sha256", **columns: str) -> DataFrame:
    """`keys` with the columns of `found` (name to type), null where it is None or has no such row."""
    if found is None:
        return keys.withColumns({n: F.lit(None).cast(t) for n, t in columns.items()})
    return keys.join(found, on, "left")


def _first(partition: str, *order: str | Column) -> Column:
    return F.row_number().over(Window.partitionBy(partition).orderBy(*order))
