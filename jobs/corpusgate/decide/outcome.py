"""The decided records of a candidate, whoever holds them: what is counted, hashed, drawn and written of them.

`InSpark` holds them as columns, `alone.InMemory` as rows of one process. Both say the same of the same records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.release.merkle import Bucket, buckets_sql, leaf_sql
from corpusgate.review import draw as draws

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from corpusgate.decide.records import Row

Counts = dict[str, dict[str, dict[str, int]]]

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

    def drawn(self, release: str, one: draws.Draw) -> list[tuple[str, str]]:
        """The items of a draw, in its order: id and hash of the released text."""
        ...

    def write(self, run: Run, release: str, version: str) -> None:
        """Writes `decision` and `release_record` of the candidate, a commit each. `version`: of the policy."""
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

    def drawn(self, release: str, one: draws.Draw) -> list[tuple[str, str]]:
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


def rows_of(name: str, rows: Sequence[Row], release: str, version: str) -> Mapping[str, Sequence[Any]]:
    """Rows of `decision` or `release_record`, column by column."""
    columns = _DECISION if name == "decision" else _RELEASE_RECORD
    given = {"release_id": release, "step": "decide", "version": version}
    renamed = {"rule": "because"}
    if name == "release_record":
        renamed = {"characters": "released_characters", "bytes": "released_bytes"}
    return {
        c: [given[c]] * len(rows) if c in given else list(map(attrgetter(renamed.get(c, c)), rows)) for c in columns
    }
