"""The draws of a candidate from its kept items: planned before its manifest is sealed, drawn when it has an id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.release.merkle import Bucket, buckets_sql, merkle_root
from corpusgate.review import draw as draws

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def planned(run: Run, session: SparkSession, decided: DataFrame, *, grouped: bool) -> list[draws.Draw]:
    """The draws, from each modality's kept items: records, or whole groups where there are any."""
    item = draws.ITEM if grouped else "record_id"
    kept = decided.where("outcome = 'kept'").selectExpr("modality", f"{item} AS leaf")
    kept = kept.distinct() if grouped else kept
    buckets: dict[str, list[Bucket]] = {}
    for r in session.sql(buckets_sql("spark", "{kept}", ("modality",)), kept=kept).collect():
        buckets.setdefault(r["modality"], []).append(Bucket(r["bucket"], r["root"], r["leaves"]))
    found = [(modality, sum(b.leaves for b in of), merkle_root(of)) for modality, of in buckets.items()]
    return draws.planned(run.corpus, found, draws.GROUPS if grouped else draws.RECORDS)


def drawn(run: Run, session: SparkSession, decided: DataFrame, release: str, plan: Sequence[draws.Draw]) -> None:
    """Writes `sample` and `sample_item` of a candidate."""
    from pyspark.sql import functions as F

    frame = decided.where("outcome = 'kept'").withColumn("release_id", F.lit(release))
    samples, items = [], []
    for one in plan:
        samples.append(draws.sample_row(release, one, run.corpus.item_unit, run.at))
        if one.recorded:
            sql = draws.drawn_sql("spark", "{frame}", release, one.frame, one.stratum, one.seed, one.size)
            found = [(r["record_id"], r["released_sha256"]) for r in session.sql(sql, frame=frame).collect()]
            items += draws.item_rows(release, one, found)
    if not samples:
        return  # nothing is kept, so there is nothing to draw from: the release gate fails it as empty
    names = ", ".join(draws.literal(s["sample_id"]) for s in samples)
    store.replace(run.place, "sample_item", items, f"sample_id IN ({names})", run.id)
    store.replace(run.place, "sample", samples, f"sample_id IN ({names})", run.id)
