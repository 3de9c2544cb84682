"""The search for near duplicates over columns: who meets whom in a bucket, and what a comparison says.

Narrow columns are shuffled, keyed by hashes. Of texts only those that meet another one are read; they are not shuffled,
but the 32-bit hashes of their runs are. `rules.Known` is the same on records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpusgate.decide.near import compare
from corpusgate.decide.near.rules import CENTRES, OVERFULL
from corpusgate.intake.detectors.signature import BANDS, ROWS

if TYPE_CHECKING:
    from corpusgate.settings.corpus import NearDuplicates

MEMBERS = "text_sha256 string, batch_id string, buckets array<bigint>, new boolean"
_MEMBER = ("text_sha256", "batch_id", "buckets", "new")
_SEQUENCES = "text_sha256 string, hashes binary, whole boolean"
_COMPARED = "text_a string, text_b string, batch_id string, jaccard double, overlap double"


def in_buckets(signatures: DataFrame) -> DataFrame:
    """text_sha256, batch_id, who (its hash as a number), bucket: a row for each band of each signature.

    A bucket's number names band and minima.
    """
    width = ROWS * 4
    number = F.expr(f"xxhash64(band, substring(signature, band * {width} + 1, {width}))").alias("bucket")
    # Joined, not exploded: a join is compiled with what follows, so that no row is copied before it is one number.
    bands = signatures.sparkSession.range(BANDS).select(F.col("id").cast("int").alias("band"))
    narrow = signatures.select("text_sha256", "batch_id", F.xxhash64("text_sha256").alias("who"), "signature")
    return narrow.crossJoin(F.broadcast(bands)).select("text_sha256", "batch_id", "who", number)


def gathering(new: DataFrame, old: DataFrame | None = None) -> DataFrame:
    """text_sha256, batch_id, who, bucket, new: new signatures (`text_sha256, batch_id, signature`) in all buckets of
    theirs, old ones in those that a new one is in.
    """
    everyone = in_buckets(new).withColumn("new", F.lit(True))
    if old is None:
        return everyone
    touched = in_buckets(new).select("bucket").distinct()
    others = in_buckets(old).join(touched, "bucket", "left_semi").withColumn("new", F.lit(False))
    return everyone.unionByName(others)


def shared(gathered: DataFrame) -> DataFrame:
    """The buckets in which a new text meets another one: bucket, texts (how many), who (a checksum of them).

    Few rows out of many.
    """
    # Numbers only: with a text among the aggregates Spark would sort all rows instead of hashing them.
    counted = gathered.groupBy("bucket").agg(
        F.count("*").alias("texts"), F.bit_xor("who").alias("who"), F.max("new").alias("new")
    )
    return counted.where((F.col("texts") > 1) & F.col("new")).drop("new")


def members(gathered: DataFrame, buckets: DataFrame, limit: int = OVERFULL) -> DataFrame:
    """Who is compared (`MEMBERS`): each text and the `buckets` (of `shared`) in which it meets others, but for those
    that are overfull."""
    # Near copies meet in a dozen buckets with nobody else in them: one of those is enough.
    distinct = buckets.where(F.col("texts") <= limit).groupBy("texts", "who").agg(F.min("bucket").alias("bucket"))
    inside = gathered.join(distinct.select("bucket"), "bucket", "left_semi")
    return inside.groupBy("text_sha256", "batch_id", "new").agg(F.sort_array(F.collect_list("bucket")).alias("buckets"))


def overfull(buckets: DataFrame, gathered: DataFrame, limit: int = OVERFULL) -> DataFrame:
    """Of `shared` buckets those of more than `limit` texts: bucket, batch_id (the greatest of the new texts), texts."""
    full = buckets.where(F.col("texts") > limit).select("bucket", "texts")
    inside = gathered.where("new").join(full, "bucket")
    return inside.groupBy("bucket", "texts").agg(F.max("batch_id").alias("batch_id"))


def check(compared: DataFrame, document: DataFrame, *, few: bool = False, edges_only: bool = True) -> DataFrame:
    """Compares the texts (`MEMBERS`) of each bucket: text_a, text_b, batch_id and their `rules.Likeness`.

    A pair is compared where one of the two is new there, once; only edges are given unless told otherwise. `document`
    has text_sha256, text. A text that is gone from it takes no part. `few`: every worker can hold all of `compared`, so
    that no text has to be shuffled to be found.
    """
    wanted = compared.select("text_sha256")
    if few:
        wanted, compared = F.broadcast(wanted), F.broadcast(compared)
    texts = document.select("text_sha256", "text").join(wanted, "text_sha256", "left_semi")
    runs = texts.mapInArrow(compare.sequence_batches, _SEQUENCES)
    rows = runs.join(compared, "text_sha256").select(*_MEMBER, "hashes", "whole", F.explode("buckets").alias("bucket"))
    # Spread by bucket alone, and sorted, so that a bucket's members come one after the other.
    return rows.repartition("bucket").sortWithinPartitions("bucket").mapInArrow(_comparing(edges_only), _COMPARED)


def _comparing(edges_only: bool):
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return compare.compare_batches(batches, edges_only)

    return run


def between(edges: DataFrame, eligible: DataFrame) -> DataFrame:
    """The rows of `edges` both ends of which are in `eligible` (text_sha256)."""
    for end in ("text_a", "text_b"):
        edges = edges.join(eligible.select(F.col("text_sha256").alias(end)), end, "left_semi")
    return edges


def alike_enough(policy: NearDuplicates) -> Column:
    """Whether an edge makes its two texts duplicates under a policy."""
    return (F.col("jaccard") >= policy.jaccard) & (F.col("overlap") >= policy.overlap)


def crowd(signatures: DataFrame, noted: DataFrame) -> DataFrame:
    """Which of these texts stand in a bucket that ever was overfull: bucket, text_sha256, batch_id, texts, rank.

    `texts`: how many of these stand in it now; `rank` from 1 in the order of their hashes.
    """
    order = Window.partitionBy("bucket").orderBy("text_sha256")
    everyone = Window.partitionBy("bucket")
    inside = in_buckets(signatures).join(noted.select("bucket").distinct(), "bucket", "left_semi")
    return inside.withColumns({"texts": F.count("*").over(everyone), "rank": F.row_number().over(order)})


def links(crowded: DataFrame, limit: int = OVERFULL) -> DataFrame:
    """The pairs that are compared in such buckets (text_a, text_b, batch_b): all with its three smallest hashes in one
    that is overfull now, all with all in one that no longer is."""
    linking = crowded.where((F.col("texts") <= limit) | (F.col("rank") <= CENTRES))
    first = linking.select("bucket", F.col("text_sha256").alias("text_a"), F.col("rank").alias("rank_a"))
    return (
        crowded.join(first, "bucket")
        .where(F.col("rank_a") < F.col("rank"))
        .groupBy("text_a", F.col("text_sha256").alias("text_b"))
        .agg(F.min("batch_id").alias("batch_b"))
    )


def link_members(pairs: DataFrame) -> DataFrame:
    """Members for `check` of single pairs (text_a, text_b, batch_b): each text_b in a bucket of its own, the only one
    that is new there."""
    own = F.array(F.xxhash64("text_b"))
    later = pairs.select(F.col("text_b").alias("text_sha256"), F.col("batch_b").alias("batch_id"), own.alias("buckets"))
    earlier = pairs.select(F.col("text_a").alias("text_sha256"), F.lit("").alias("batch_id"), own.alias("buckets"))
    return (
        later.distinct().withColumn("new", F.lit(True)).unionByName(earlier.distinct().withColumn("new", F.lit(False)))
    )


def standing(edges: DataFrame, linked: DataFrame, crowded: DataFrame, signatures: DataFrame) -> DataFrame:
    """Of `edges`, those that hold among these texts: found in a bucket that never was overfull, or in `linked`.

    What met only in an overfull bucket before it was one would not be compared by a full rebuild.
    """
    ends = crowded.select("bucket", "text_sha256")
    a, b = (ends.withColumnRenamed("text_sha256", end) for end in ("text_a", "text_b"))
    doubtful = edges.select("text_a", "text_b").join(a, "text_a").join(b, ["bucket", "text_b"])
    doubtful = doubtful.select("text_a", "text_b").distinct().join(linked, ["text_a", "text_b"], "left_anti")
    calm = in_buckets(signatures).join(crowded.select("bucket").distinct(), "bucket", "left_anti")
    calm = calm.select("bucket", "text_sha256")
    a, b = (calm.withColumnRenamed("text_sha256", end) for end in ("text_a", "text_b"))
    elsewhere = doubtful.join(a, "text_a").join(b, ["bucket", "text_b"]).select("text_a", "text_b").distinct()
    gone = doubtful.join(elsewhere, ["text_a", "text_b"], "left_anti")
    return edges.join(gone, ["text_a", "text_b"], "left_anti")


def near_duplicates(records: DataFrame, clusters: DataFrame) -> DataFrame:
    """Gives `near_duplicate` to all but one record of each cluster of texts (text_sha256, cluster).

    Takes and returns the frame of `decide.frames.without_copies`: records with `rule` or `fault` take no part. Records
    of one text that differ by their masks only are near duplicates too.
    """
    taking_part = F.col("rule").isNull() & F.col("fault").isNull()
    found = clusters.select("text_sha256", F.col("cluster").alias("_near"))
    joined = records.join(found, "text_sha256", "left")
    group = F.when(taking_part, F.coalesce("_near", "text_sha256")).otherwise(F.concat(F.lit("-"), F.col("record_id")))
    window = Window.partitionBy("_group").orderBy(F.col("first_acquired_at").asc_nulls_last(), "record_id")
    ranked = joined.withColumn("_group", group).withColumns(
        {"_rank": F.row_number().over(window), "_first": F.first("record_id").over(window)}
    )
    copy = F.col("_rank") > 1
    return ranked.withColumns({
        "rule": F.when(copy, F.lit("near_duplicate")).otherwise(F.col("rule")),
        "cluster": F.when(copy, F.col("_group")).otherwise(F.col("cluster")),
        "survivor": F.when(copy, F.col("_first")).otherwise(F.col("survivor")),
    }).select(*records.columns)  # fmt: skip
