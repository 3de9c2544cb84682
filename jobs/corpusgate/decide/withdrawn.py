"""Records that may no longer be used: taken down after a complaint, or reserved by their host since they were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpusgate.settings.place import Place
from corpusgate.sources.takedown import withdrawn

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def without_withdrawn(session: SparkSession, place: Place, records: DataFrame) -> DataFrame:
    """Gives them the rule `takedown` or `opted_out` in the place of the source's own rule, which they go before."""
    from pyspark.sql import functions as F

    found = withdrawn(place)
    if not found:
        return records
    named = session.createDataFrame(sorted(found.items()), "record_id string, _withdrawn string")
    joined = records.join(F.broadcast(named), "record_id", "left")
    return joined.withColumn("source_rule", F.coalesce("_withdrawn", "source_rule")).drop("_withdrawn")
