"""From staged rows to the slices of intake's tables. Only ids and hashes are shuffled, never a text.

Staging is read once a table, each time only the columns of that table. What distinguishes a row from a plain one (it
has a twin, its text is stored or screened elsewhere, it was there before) stands in a frame of exceptions, made from
hashes alone (`exceptions.py`). What goes over from a source's last state is joined by no row: its slice is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpusgate.intake.plan import Carried, Plan
from corpusgate.intake.rows import SCREENED, STAGED
from corpusgate.intake.splits import Split
from corpusgate.intake.stage import DUPLICATE, rescreener
from corpusgate.intake.staging import WRITTEN, writer
from corpusgate.lake.dialect import one_of
from corpusgate.lake.frames import read
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

AGAIN = -1
"""`split` of rows that were not read from raw but screened again."""
BROADCAST_ROWS = 2_000_000
"""Up to so many exceptions are sent to every worker; beyond, Spark chooses the join."""
LISTED = 1000
"""Up to so many acquisitions are named in a query; beyond, they are joined."""

_ROW = ("split", "row", "record_id")
_SAID = ("twin", "owner", "stored", "done", "since", "language", "script")
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

    @property
    def known(self) -> Path:
        """The texts that need no screening (`known.py`)."""
        return self.folder / "known.npy"


def read_raw(
    spark: SparkSession, staging: Staging, bins: Sequence[Sequence[Split]], plan: Plan, known: str | None = None
) -> None:
    """Reads every split, one task a bin, screens what is not `known`, and stages the rows."""
    Path(staging.rows).mkdir(parents=True, exist_ok=True)  # also where there is nothing to read
    numbers = spark.range(0, len(bins), 1, max(1, len(bins))).withColumnRenamed("id", "bin")
    numbers.mapInArrow(writer(bins, plan.work(known), staging.rows), from_arrow_schema(WRITTEN)).collect()


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


def marked(spark: SparkSession, staging: Staging, exceptions: int) -> DataFrame:
    """Staged rows with what the exceptions say of them: twin, owner, stored, done, since, and the language and script
    of a known text."""
    rows = staged(spark, staging)
    if not exceptions:
        return _plain(rows)
    odd = spark.read.parquet(staging.exceptions).select(*_ROW, *_SAID)
    if exceptions <= BROADCAST_ROWS:
        odd = F.broadcast(odd)
    joined = rows.join(odd.withColumnsRenamed({"language": "_language", "script": "_script"}), list(_ROW), "left")
    return joined.withColumns(
        {
            "twin": F.coalesce("twin", F.lit(False)), "owner": F.coalesce("owner", F.lit(True)),
            "stored": F.coalesce("stored", F.lit(False)),
            "done": F.coalesce("done", F.array().cast("array<string>")),
            "language": F.coalesce("language", "_language"), "script": F.coalesce("script", "_script"),
            "first_acquired_at": F.least("first_acquired_at", "since"),
        }
    ).drop("_language", "_script", "since")  # fmt: skip


def counts(rows: DataFrame) -> DataFrame:
    """Rows by batch, acquisition, outcome and rule, twins as removed; `known`: how many of them are."""
    outcome = F.when(F.col("twin"), "removed").otherwise(F.col("outcome"))
    rule = F.when(F.col("twin"), DUPLICATE).otherwise(F.col("rule"))
    read_now = rows.where(F.col("split") != AGAIN).select(
        "batch_id", outcome.alias("outcome"), rule.alias("rule"), "acquisition_id", F.col("known").cast("int")
    )
    return read_now.groupBy("batch_id", "acquisition_id", "outcome", "rule").agg(
        F.count("*").alias("rows"), F.coalesce(F.sum("known"), F.lit(0)).alias("known")
    )


def slices(rows: DataFrame, plan: Plan) -> dict[str, DataFrame]:
    """The rows of each of intake's tables, from marked rows."""
    records = rows.where("outcome = 'record' AND NOT twin")
    owners = records.where("owner AND NOT coalesce(known, false)")
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


def gone_over(
    spark: SparkSession, place: Place, name: str, plan: Plan, lost: DataFrame | None = None
) -> DataFrame | None:
    """Rows of `record` or `quarantine` that go over from last states into batches that are read; None where there are
    none. `lost` (record_id): carried records whose places twins took that were read now."""
    made: DataFrame | None = None
    for batch in plan.read:
        if (over := plan.carried.get(batch.id)) is None:
            continue
        rows = _of_acquisitions(spark, read(spark, place, name, one_of("batch_id", [over.batch_id])), over)
        rows = rows.withColumn("batch_id", F.lit(batch.id))
        made = rows if made is None else made.unionByName(rows)
    if made is None or lost is None:
        return made
    return made.join(F.broadcast(lost), "record_id", "left_anti").select(made.columns)


def staying(spark: SparkSession, place: Place, staging: Staging, plan: Plan) -> Callable[[str], DataFrame]:
    """Rows of the slices to be replaced that must stay: of texts that records of other batches have, or carried ones,
    or ones whose text was known and so is not at hand.

    Returns a function from table (document, screening, finding, signature) to those rows.
    """
    mine = one_of("batch_id", plan.new_ids)
    slices_now = [read(spark, place, t, mine).select("text_sha256") for t in ("document", "screening")]
    here = staged(spark, staging).where("outcome = 'record'").select("text_sha256", "known")
    used = read(spark, place, "record", f"NOT ({mine})").select("text_sha256")
    used = used.unionByName(here.where("known").select("text_sha256"))
    if (over := gone_over(spark, place, "record", plan)) is not None:
        used = used.unionByName(over.select("text_sha256"))
    texts = slices_now[0].unionByName(slices_now[1]).distinct().join(used.distinct(), "text_sha256", "left_semi")
    texts = texts.join(here.where("NOT coalesce(known, false)"), "text_sha256", "left_anti").localCheckpoint()

    def rows(table: str) -> DataFrame:
        where = one_of("batch_id", plan.read_ids if table == "document" else plan.new_ids)
        return (
            read(spark, place, table, where).join(texts, "text_sha256", "left_semi").select(TABLES[table].schema.names)
        )

    return rows


def staged(spark: SparkSession, staging: Staging) -> DataFrame:
    """The staged rows (`rows.STAGED`)."""
    return spark.read.schema(from_arrow_schema(STAGED)).parquet(staging.rows)


def _of_acquisitions(spark: SparkSession, rows: DataFrame, over: Carried) -> DataFrame:
    if len(over.acquisitions) <= LISTED:
        return rows.where(F.col("acquisition_id").isin(sorted(over.acquisitions)))
    chosen = spark.createDataFrame([(a,) for a in sorted(over.acquisitions)], "acquisition_id string")
    return rows.join(F.broadcast(chosen), "acquisition_id", "left_semi").select(rows.columns)


def _among(family: str) -> Column:
    return F.array_contains("done", F.col(family))


def _plain(rows: DataFrame) -> DataFrame:
    no = F.lit(False)
    return rows.withColumns({"twin": no, "owner": F.lit(True), "stored": no, "done": F.array().cast("array<string>")})
