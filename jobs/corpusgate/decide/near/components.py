"""Connected components of edges, over columns: one task where they are few, rounds of joins where they are many."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from corpusgate.decide.near.rules import components

#: Edges that one task may hold: two hashes each, some 250 bytes.
ONE_TASK = 1_000_000

_CLUSTERS = pa.schema([("text_sha256", pa.string()), ("cluster", pa.string())])


def clusters(edges: DataFrame, *, few: bool) -> DataFrame:
    """text_sha256, cluster: each text that has an edge (text_a, text_b) with the smallest hash that edges lead to.

    `few`: there are at most `ONE_TASK` edges. Either way the result is the same, whatever the partitioning.
    """
    pairs = edges.select("text_a", "text_b")
    if few:
        return pairs.coalesce(1).mapInArrow(_united, "text_sha256 string, cluster string")
    return _by_rounds(pairs)


def _united(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    pairs = (
        pair for batch in batches for pair in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
    )
    found = sorted(components(pairs).items())
    yield pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()) for column in (zip(*found, strict=True) if found else ((), ()))],
        schema=_CLUSTERS,
    )


def _by_rounds(pairs: DataFrame) -> DataFrame:
    """Large-star and small-star in turn (Kiveris et al. 2014, alternating algorithm), until nothing changes: every text
    then hangs from the smallest of its component. About log2 of the longest path rounds, two shuffles each."""
    stars = pairs.distinct()
    before = None
    while True:
        stars = _small_star(_large_star(stars)).localCheckpoint()
        row = stars.agg(F.count("*"), F.bit_xor(F.xxhash64("text_a", "text_b"))).collect()[0]
        if (after := tuple(row)) == before:
            break
        before = after
    leaves = stars.select(F.col("text_b").alias("text_sha256"), F.col("text_a").alias("cluster"))
    roots = stars.select(F.col("text_a").alias("text_sha256"), F.col("text_a").alias("cluster")).distinct()
    return leaves.unionByName(roots)


def _large_star(stars: DataFrame) -> DataFrame:
    """Hangs every greater neighbour of a text from the smallest of them and itself. Pairs: smaller, greater."""
    both = stars.unionByName(stars.select(F.col("text_b").alias("text_a"), F.col("text_a").alias("text_b")))
    least = F.least("text_a", F.min("text_b").over(Window.partitionBy("text_a")))
    hung = both.withColumn("least", least).where(F.col("text_b") > F.col("text_a"))
    return hung.select(F.col("least").alias("text_a"), "text_b").distinct()


def _small_star(stars: DataFrame) -> DataFrame:
    """Hangs a text and its smaller neighbours from the smallest of those."""
    least = stars.withColumn("least", F.min("text_a").over(Window.partitionBy("text_b")))
    itself = least.select(F.col("least").alias("text_a"), "text_b")
    others = least.where(F.col("text_a") != F.col("least")).select(
        F.col("least").alias("text_a"), F.col("text_a").alias("text_b")
    )
    return itself.unionByName(others).distinct()
