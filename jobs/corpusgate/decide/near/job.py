"""Near duplicates on disk: new batches are compared once, and their edges stored; clusters follow for each candidate.

A batch is new while `near_batch` does not say of it that just these signatures were compared. That row is written
last: killed before, the batches are compared again and overwrite what was written. A batch that lost texts (erasure)
counts as new too, which costs a comparison and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpusgate.decide.near.rules import JACCARD_FLOOR, OVERFULL, OVERLAP_FLOOR
from corpusgate.lake import store
from corpusgate.lake.dialect import one_of
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from corpusgate.settings.corpus import NearDuplicates

_OVERFULL = "overfull-"  # slices of near_edge with the links of overfull buckets, one a corpus
BROADCAST_ROWS = 2_000_000  # members up to which every worker is sent all of them
_FEW = 20_000  # rows that the driver writes itself: a commit by Spark costs some 3 CPU seconds


@dataclass(frozen=True, slots=True)
class Search:
    """Where and by what near duplicates are looked for.

    `algorithm`: the version of the signatures (`signature.version`); only its rows are read and written.
    """

    place: Place
    session: SparkSession
    algorithm: str
    run_id: str
    corpus: str
    limit: int = OVERFULL

    def read(self, name: str) -> DataFrame:
        """The rows of a table that belong to the algorithm."""
        from corpusgate.lake.frames import read

        return read(self.session, self.place, name, one_of("algorithm", [self.algorithm]))

    def write(self, name: str, rows: DataFrame, batches: list[str]) -> None:
        """Makes `rows` all that the table has of the algorithm and these batches."""
        from pyspark.sql import functions as F

        from corpusgate.lake.frames import write_slice

        where = f"{one_of('batch_id', batches)} AND {one_of('algorithm', [self.algorithm])}"
        rows = rows.withColumn("algorithm", F.lit(self.algorithm)).persist()
        if rows.count() <= _FEW:
            store.replace(self.place, name, rows.toArrow().to_pylist(), where, self.run_id)
        else:
            write_slice(rows, self.place, name, where)
        rows.unpersist()

    def rows(self, name: str) -> int:
        """How many rows of the table belong to the algorithm; without Spark."""
        sql = f"SELECT count(*) AS n FROM {name} WHERE algorithm = '{self.algorithm}'"
        return store.query(self.place, sql, [name]).to_pylist()[0]["n"]


def without_near_duplicates(search: Search, policy: NearDuplicates, records: DataFrame) -> DataFrame:
    """Judges near duplicates among records that `decide.frames.without_copies` judged; see `frames.near_duplicates`.

    Compares first what was not compared yet. `records` is read several times: persist it.
    """
    from pyspark.sql import functions as F

    from corpusgate.decide.near import components, frames

    compare_new(search)
    open_records = records.where(F.col("rule").isNull() & F.col("fault").isNull())
    edges = edges_among(search, open_records.select("text_sha256").distinct())
    few = search.rows("near_edge") <= components.ONE_TASK
    found = components.clusters(edges.where(frames.alike_enough(policy)), few=few)
    return frames.near_duplicates(records, found)


def compare_new(search: Search) -> list[str]:
    """Compares the signatures of new batches with all others, writes `near_edge`, `near_bucket` and then `near_batch`.

    Returns the batches; none where all were compared before.
    """
    from pyspark.sql import functions as F

    from corpusgate.decide.near import frames
    from corpusgate.lake.frames import read

    there = _batches(search)
    known = store.read(search.place, "near_batch", where=f"algorithm = '{search.algorithm}'").to_pylist()
    compared = {r["batch_id"]: (r["texts"], r["checksum"]) for r in known}
    fresh = sorted(b for b, what in there.items() if compared.get(b) != what)
    if not fresh:
        return []
    signature, chosen = search.read("signature"), one_of("batch_id", fresh)
    old = signature.where(f"NOT ({chosen})") if len(fresh) < len(there) else None
    gathered = frames.gathering(signature.where(chosen), old)
    if old is not None:  # then they are few, and to find them all signatures are read
        gathered.persist()
    buckets = frames.shared(gathered).persist()
    members = frames.members(gathered, buckets, search.limit).persist()
    few = members.count() <= BROADCAST_ROWS
    found = frames.check(members, read(search.session, search.place, "document"), few=few)
    others = search.read("near_edge").where(f"NOT ({chosen}) AND NOT startswith(batch_id, '{_OVERFULL}')")
    search.write("near_edge", found.join(others, ["text_a", "text_b"], "left_anti"), fresh)
    if not buckets.where(F.col("texts") > search.limit).isEmpty():
        overfull = frames.overfull(buckets, gathered, search.limit)
        # What was overfull once stays noted: only its links were compared, even if texts have gone since.
        noted = search.read("near_bucket").where(chosen).select("bucket", "batch_id", "texts")
        overfull = overfull.unionByName(noted).groupBy("bucket", "batch_id").max("texts")
        search.write("near_bucket", overfull.withColumnRenamed("max(texts)", "texts"), fresh)
    for frame in (members, buckets, gathered):
        frame.unpersist()
    _note_compared(search, {b: there[b] for b in fresh}, chosen)
    return fresh


def _note_compared(search: Search, batches: Mapping[str, tuple[int, int]], chosen: str) -> None:
    """Says in `near_batch` that these batches (texts and checksum each) were compared; `chosen` is their condition."""
    rows = [
        {"batch_id": b, "algorithm": search.algorithm, "texts": texts, "checksum": checksum, "run_id": search.run_id}
        for b, (texts, checksum) in batches.items()
    ]
    where = f"{chosen} AND algorithm = '{search.algorithm}'"
    store.replace(search.place, "near_batch", rows, where, search.run_id)


def edges_among(search: Search, eligible: DataFrame) -> DataFrame:
    """The edges of a candidate: text_a, text_b, jaccard, overlap, both texts of each in `eligible` (text_sha256).

    They are those that a full rebuild of these texts alone would find (`rules.Known.edges_among`): where a bucket ever
    was overfull, its links are chosen anew among these texts, and those not yet compared are.
    """
    from corpusgate.decide.near import frames

    stored = search.read("near_edge").select("text_a", "text_b", "jaccard", "overlap")
    floor = f"jaccard >= {JACCARD_FLOOR} AND overlap >= {OVERLAP_FLOOR}"
    if not search.rows("near_bucket"):
        return frames.between(stored.where(floor), eligible)
    signatures = search.read("signature").join(eligible, "text_sha256", "left_semi")
    crowded = frames.crowd(signatures, search.read("near_bucket")).persist()
    linked = frames.links(crowded, search.limit).persist()
    _compare_links(search, linked)
    stored = search.read("near_edge").select("text_a", "text_b", "jaccard", "overlap").where(floor)
    stored = frames.between(stored.dropDuplicates(["text_a", "text_b"]), eligible)
    return frames.standing(stored, linked, crowded, signatures)


def _compare_links(search: Search, linked: DataFrame) -> None:
    """Compares the links of overfull buckets that were not yet, and keeps the likeness of all of them, edge or not."""
    from pyspark.sql import functions as F

    from corpusgate.decide.near import frames
    from corpusgate.lake.frames import read

    stored, mine = search.read("near_edge"), f"{_OVERFULL}{search.corpus}"
    missing = linked.join(stored, ["text_a", "text_b"], "left_anti").persist()
    if not missing.isEmpty():
        document = read(search.session, search.place, "document")
        found = frames.check(frames.link_members(missing), document, edges_only=False)
        kept = stored.where(f"batch_id = '{mine}'").join(linked, ["text_a", "text_b"], "left_semi")
        columns = ["text_a", "text_b", "jaccard", "overlap"]
        both = found.select(*columns).unionByName(kept.select(*columns))
        search.write("near_edge", both.withColumn("batch_id", F.lit(mine)), [mine])
    missing.unpersist()


def _batches(search: Search) -> dict[str, tuple[int, int]]:
    """Batch to number and checksum of its signed texts."""
    from pyspark.sql import functions as F

    counted = search.read("signature").groupBy("batch_id")
    rows = counted.agg(F.count("*").alias("texts"), F.bit_xor(F.xxhash64("text_sha256")).alias("checksum")).collect()
    return {r["batch_id"]: (r["texts"], r["checksum"]) for r in rows}
