"""The decided records of a candidate, whoever holds them: what is counted, hashed, drawn and written of them.

`InSpark` holds them as columns, `alone.InMemory` as rows of one process. Both say the same of the same records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.release.merkle import Bucket, buckets_sql, leaf_sql
from corpusgate.review import draw as draws

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from corpusgate.decide.records import Row

Counts = dict[str, dict[str, dict[str, int]]]

#: Rows that are written at a time.
_BATCH = 8192
_DECISION = (
    "release_id", "record_id", "source_id", "text_sha256", "outcome", "step", "rule", "version", "cluster", "survivor",
    "cause", "cause_record",
)  # fmt: skip
_RELEASE_RECORD = (
    "release_id", "record_id", "source_id", "text_sha256", "mask_set", "released_sha256", "modality", "language",
    "characters", "bytes", "domain", "licence_part", "role", "group_id", "turn", "speaker",
)  # fmt: skip


class Decided(Protocol):
    """The records of a candidate with their outcome."""

    def counts(self) -> Counts:
        """Records by source, outcome and rule (none: the empty string)."""
        ...

    def leaves(self) -> list[Bucket]:
        """The tree over all records (`release.merkle`)."""
        ...

    def items(self, grouped: bool) -> dict[str, list[Bucket]]:
        """Modality to the tree over the ids of its kept items: records, or whole groups."""
        ...

    def write(self, run: Run, release: str, version: str) -> None:
        """Writes `decision` and `release_record` of the candidate, a commit each. `version`: of the policy."""
        ...

    def drawn(self, run: Run, release: str, one: draws.Draw) -> list[tuple[str, str]]:
        """The items of a draw from what was written, in its order: id and hash of the released text."""
        ...


@dataclass(frozen=True, slots=True)
class InSpark:
    """Decided records as columns; `frame` is read several times, so it is kept by whoever made it."""

    session: SparkSession
    frame: DataFrame

    def counts(self) -> Counts:
        """See `Decided`."""
        counts: Counts = {}
        for row in self.frame.groupBy("source_id", "outcome", "rule").count().collect():
            rules = counts.setdefault(row["source_id"], {}).setdefault(row["outcome"], {})
            rules[row["rule"] or ""] = row["count"]
        return counts

    def leaves(self) -> list[Bucket]:
        """See `Decided`."""
        # What is not kept releases nothing, whatever its text would have become.
        released = "CASE WHEN outcome = 'kept' THEN released_sha256 END AS released_sha256"
        row = self.frame.selectExpr("record_id", "text_sha256", released, "outcome", "rule")
        leaves = row.selectExpr(f"{leaf_sql('spark')} AS leaf")
        rows = self.session.sql(buckets_sql("spark", "{leaves}"), leaves=leaves).collect()
        return [Bucket(r["bucket"], r["root"], r["leaves"]) for r in rows]

    def items(self, grouped: bool) -> dict[str, list[Bucket]]:
        """See `Decided`."""
        item = draws.ITEM if grouped else "record_id"
        kept = self.frame.where("outcome = 'kept'").selectExpr("modality", f"{item} AS leaf")
        kept = kept.distinct() if grouped else kept
        buckets: dict[str, list[Bucket]] = {}
        for r in self.session.sql(buckets_sql("spark", "{kept}", ("modality",)), kept=kept).collect():
            buckets.setdefault(r["modality"], []).append(Bucket(r["bucket"], r["root"], r["leaves"]))
        return buckets

    def drawn(self, run: Run, release: str, one: draws.Draw) -> list[tuple[str, str]]:
        """See `Decided`."""
        from pyspark.sql import functions as F

        frame = self.frame.where("outcome = 'kept'").withColumn("release_id", F.lit(release))
        sql = draws.drawn_sql("spark", "{frame}", release, one.frame, one.stratum, one.seed, one.size)
        return [(r["record_id"], r["released_sha256"]) for r in self.session.sql(sql, frame=frame).collect()]

    def write(self, run: Run, release: str, version: str) -> None:
        """See `Decided`."""
        from pyspark.sql import functions as F

        from corpusgate.lake.frames import write_slice

        where, named = one_of("release_id", [release]), self.frame.withColumn("release_id", F.lit(release))
        out = named.where("outcome <> 'kept'").withColumns({"step": F.lit("decide"), "version": F.lit(version)})
        write_slice(out.select(*_DECISION), run.place, "decision", where)
        size = {"characters": F.col("released_characters"), "bytes": F.col("released_bytes")}
        kept = named.where("outcome = 'kept'").withColumns(size)
        write_slice(kept.select(*_RELEASE_RECORD), run.place, "release_record", where)


def batches_of(name: str, rows: Sequence[Row], release: str, version: str) -> Iterator[pa.RecordBatch]:
    """Rows of `decision` or `release_record`, some thousands at a time: gone through column by column, they stay in the
    processor's cache."""
    given, schema = {"release_id": release, "step": "decide", "version": version}, TABLES[name].schema
    renamed = {"rule": "because"}
    if name == "release_record":
        renamed = {"characters": "released_characters", "bytes": "released_bytes"}
    read = [(f, attrgetter(renamed.get(f.name, f.name))) for f in schema]
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        columns = [
            pa.repeat(given[f.name], len(some)) if f.name in given else pa.array(map(of, some), f.type, size=len(some))
            for f, of in read
        ]
        yield pa.record_batch(columns, schema=schema)
