"""From staged rows to the slices of intake's tables. Only ids and hashes are shuffled, never a text.

Staging is read once a table, each time only the columns of that table. What distinguishes a row from a plain one (it
has a twin, its text is stored or screened elsewhere) stands in a small frame of exceptions, made from hashes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpusgate.intake.plan import Plan
from corpusgate.intake.stage import DUPLICATE, SCREENED, STAGED, Split, rescreener, stager
from corpusgate.lake.frames import one_of, read
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

AGAIN = -1
"""`split` of rows that were not read from raw but screened again."""
BROADCAST_ROWS = 2_000_000
"""Up to so many exceptions are sent to every worker; beyond, Spark chooses the join."""

_ROW = ("split", "row", "record_id")
_RECORD = TABLES["record"].schema.names


@dataclass(frozen=True, slots=True)
class Staging:
    """Where a run's rows lie between reading and writing: `rows` (STAGED) and `exceptions`, both Parquet."""

    folder: Path

    @property
    def rows(self) -> str:
        return str(self.folder / "rows")

    @property
    def exceptions(self) -> str:
        return str(self.folder / "exceptions")


def read_raw(spark: SparkSession, staging: Staging, bins: Sequence[Sequence[Split]], plan: Plan) -> None:
    """Reads and screens every split, one task a bin, and stages the rows."""
    numbers = spark.range(0, len(bins), 1, len(bins)).withColumnRenamed("id", "bin")
    rows = numbers.mapInArrow(stager(bins, plan.work), from_arrow_schema(STAGED))
    rows.write.mode("append").parquet(staging.rows)


def screen_again(spark: SparkSession, place: Place, staging: Staging, plan: Plan) -> None:
    """Stages the records of batches whose detectors changed, their stored texts screened again; nothing is read raw."""
    mine = one_of("batch_id", [b.id for b in plan.again])
    records = read(spark, place, "record", mine).drop("language", "script")
    wanted = records.select("text_sha256").distinct()
    documents = read(spark, place, "document").select("text_sha256", "text", "batch_id")
    elsewhere = documents.where(f"NOT ({mine})").join(wanted, "text_sha256", "left_semi")
    texts = documents.where(mine).unionByName(elsewhere.select(documents.columns)).select("text_sha256", "text")
    said = texts.mapInArrow(rescreener(plan.kit, plan.versions), from_arrow_schema(SCREENED))
    staged = records.join(said, "text_sha256").withColumns(
        {"split": F.lit(AGAIN), "row": F.lit(0), "outcome": F.lit("record")}
    )
    there = set(staged.columns)
    columns = [
        (F.col(f.name) if f.name in there else F.lit(None)).cast(f.dataType).alias(f.name)
        for f in from_arrow_schema(STAGED).fields
    ]
    staged.select(*columns).write.mode("append").parquet(staging.rows)


def stage_exceptions(
    spark: SparkSession, place: Place, staging: Staging, plan: Plan, others: Mapping[str, bool]
) -> int:
    """Marks the staged records that are not plain; returns how many.

    Columns: split, row, record_id; `twin` (the record's id was there before: dropped), `owner` (the text is written
    under this record's batch: one record of each text is), `stored` (another batch has the text already), `done`
    (families whose current version has seen the text under another batch). `others` says of which tables batches
    outside this plan have rows.
    """
    keys = _staged(spark, staging).where("outcome = 'record'")
    keys = keys.select(*_ROW, "text_sha256", "first_acquired_at", "batch_id")
    keys = keys.withColumn("twin", _first("record_id", "split", "row") > 1)
    # A record that was read goes before one that was only screened again: the text of the former is at hand.
    order = ("twin", F.col("split") == AGAIN, "first_acquired_at", "batch_id", "record_id")
    keys = keys.withColumn("owner", _first("text_sha256", *order) == 1)
    keys = (
        keys.join(_stored(spark, place, plan), "text_sha256", "left")
        if others["document"]
        else _with(keys, stored=False)
    )
    keys = keys.join(_done(spark, place, plan), "text_sha256", "left") if others["screening"] else _with(keys, done=[])
    keys = keys.withColumns(
        {"stored": F.coalesce("stored", F.lit(False)), "done": F.coalesce("done", F.array().cast("array<string>"))}
    )
    odd = keys.where("twin OR NOT owner OR stored OR size(done) > 0").select(*_ROW, "twin", "owner", "stored", "done")
    odd.write.mode("overwrite").parquet(staging.exceptions)
    return spark.read.parquet(staging.exceptions).count()


def marked(spark: SparkSession, staging: Staging, exceptions: int) -> DataFrame:
    """Staged rows with twin, owner, stored and done."""
    odd = spark.read.parquet(staging.exceptions)
    if exceptions <= BROADCAST_ROWS:
        odd = F.broadcast(odd)
    rows = _staged(spark, staging)
    if not exceptions:
        return _with(rows, twin=False, owner=True, stored=False, done=[])
    return rows.join(odd, list(_ROW), "left").withColumns(
        {
            "twin": F.coalesce("twin", F.lit(False)), "owner": F.coalesce("owner", F.lit(True)),
            "stored": F.coalesce("stored", F.lit(False)),
            "done": F.coalesce("done", F.array().cast("array<string>")),
        }
    )  # fmt: skip


def counts(rows: DataFrame) -> DataFrame:
    """Rows by source, outcome and rule, twins as removed; `acquisitions` in which there were any. Small."""
    outcome = F.when(F.col("twin"), "removed").otherwise(F.col("outcome"))
    rule = F.when(F.col("twin"), DUPLICATE).otherwise(F.col("rule"))
    read_now = rows.where(F.col("split") != AGAIN).select(
        "source_id", outcome.alias("outcome"), rule.alias("rule"), "acquisition_id"
    )
    return read_now.groupBy("source_id", "outcome", "rule").agg(
        F.count("*").alias("rows"), F.countDistinct("acquisition_id").alias("acquisitions")
    )


def slices(rows: DataFrame, plan: Plan) -> dict[str, DataFrame]:
    """The rows of each of intake's tables, from marked rows."""
    records = rows.where("outcome = 'record' AND NOT twin")
    owners = records.where("owner")
    families = F.array(
        *[F.struct(F.lit(f).alias("family"), F.lit(v).alias("version")) for f, v in sorted(plan.versions.items())]
    )
    screened = owners.select("text_sha256", "batch_id", "done", F.explode(families).alias("of"))
    found = owners.select("text_sha256", "batch_id", "done", F.explode("findings").alias("of"))
    faults = rows.where("outcome = 'fault'")
    made = {
        "document": owners.where(f"NOT stored AND split <> {AGAIN}").select(*TABLES["document"].schema.names),
        "screening": screened.where(~_among("of.family")).select("text_sha256", "batch_id", "of.*"),
        "finding": found.where(~_among("of.family")).select("text_sha256", "batch_id", "of.*"),
        "quarantine": faults.select(
            "acquisition_id", "source_id", "batch_id", "locator", F.lit("intake").alias("step"), "reason", "detail",
            "byte_offset", "raw_sha256", F.lit("open").alias("state"), F.col("first_acquired_at").alias("recorded_at"),
        ),
        "record": records.select(*_RECORD),
    }  # fmt: skip
    if algorithm := plan.versions.get("signature"):
        signed = owners.where("signature IS NOT NULL").where(~F.array_contains("done", "signature"))
        made["signature"] = signed.select("text_sha256", "batch_id", F.lit(algorithm).alias("algorithm"), "signature")
    return made


def with_states(spark: SparkSession, faults: DataFrame, states: pa.Table) -> DataFrame:
    """Quarantined rows with what people said of them before (`states`: acquisition_id, locator, state, state_by,
    state_because, state_at; few): reading a batch anew must not reopen what was dismissed."""
    said = ("state", "state_by", "state_because", "state_at")
    known = spark.createDataFrame(states).withColumnsRenamed({n: f"known_{n}" for n in said})
    joined = faults.join(F.broadcast(known), ["acquisition_id", "locator"], "left")
    there = set(faults.columns)
    return joined.withColumns(
        {n: F.coalesce(f"known_{n}", F.col(n)) if n in there else F.col(f"known_{n}") for n in said}
    ).drop(*(f"known_{n}" for n in said))


def carried(spark: SparkSession, place: Place, staging: Staging, plan: Plan) -> Callable[[str], DataFrame]:
    """Rows of the slices to be replaced that must stay: of texts that only records of other batches still have.

    Returns a function from table (document, screening, finding, signature) to those rows.
    """
    mine = one_of("batch_id", plan.new_ids)
    slices_now = [read(spark, place, t, mine).select("text_sha256") for t in ("document", "screening")]
    used = read(spark, place, "record", f"NOT ({mine})").select("text_sha256").distinct()
    here = _staged(spark, staging).where("outcome = 'record'").select("text_sha256")
    texts = slices_now[0].unionByName(slices_now[1]).distinct().join(used, "text_sha256", "left_semi")
    texts = texts.join(here, "text_sha256", "left_anti").localCheckpoint()

    def rows(table: str) -> DataFrame:
        where = one_of("batch_id", plan.read_ids if table == "document" else plan.new_ids)
        return (
            read(spark, place, table, where).join(texts, "text_sha256", "left_semi").select(TABLES[table].schema.names)
        )

    return rows


def _staged(spark: SparkSession, staging: Staging) -> DataFrame:
    return spark.read.schema(from_arrow_schema(STAGED)).parquet(staging.rows)


def _stored(spark: SparkSession, place: Place, plan: Plan) -> DataFrame:
    elsewhere = read(spark, place, "document", f"NOT ({one_of('batch_id', plan.read_ids)})")
    return elsewhere.select("text_sha256").distinct().withColumn("stored", F.lit(True))


def _done(spark: SparkSession, place: Place, plan: Plan) -> DataFrame:
    elsewhere = read(spark, place, "screening", f"NOT ({one_of('batch_id', plan.new_ids)})")
    current = F.create_map(*[F.lit(x) for pair in sorted(plan.versions.items()) for x in pair])
    seen = elsewhere.where(F.try_element_at(current, F.col("family")) == F.col("version"))
    return seen.groupBy("text_sha256").agg(F.collect_set("family").alias("done"))


def _first(partition: str, *order: str | Column) -> Column:
    return F.row_number().over(Window.partitionBy(partition).orderBy(*order))


def _among(family: str) -> Column:
    return F.array_contains("done", F.col(family))


def _with(frame: DataFrame, **values: bool | list[str]) -> DataFrame:
    made = {n: F.lit(v) if isinstance(v, bool) else F.array().cast("array<string>") for n, v in values.items()}
    return frame.withColumns(made)
