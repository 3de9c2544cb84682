"""Reading and writing Delta tables with Spark: a write replaces its own slice, so a retry overwrites itself.

No MERGE and no `txnVersion`: a retry whose rows changed would be skipped without a word.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from corpusgate.errors import UserError
from corpusgate.lake.alone import SMALL_PAGES
from corpusgate.lake.lease import commit_metadata
from corpusgate.lake.tables import TABLES, spark_schema
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def read(spark: SparkSession, place: Place, name: str, where: str | None = None) -> DataFrame:
    """The table's current version, or the rows of it that `where` (SQL) selects.

    Raises:
        UserError: the table is not there.
    """
    frame = spark.read.format("delta").load(str(_there(place, name)))
    return frame.where(where) if where else frame


def write_slice(df: DataFrame, place: Place, name: str, where: str) -> None:
    """Makes `df` the whole of the slice that `where` selects, in one commit; rows outside of `where` are refused.

    Columns are brought into the declared order and types (an overflow raises); one that `df` lacks is null, one that
    the table lacks raises `KeyError`. The commit says which run wrote it, under which fence of the lease.

    Raises:
        UserError: the table is not there. LakeBusy: another run has taken the lake over.
    """
    path = _there(place, name)
    declared(df, name).write.format("delta").mode("overwrite").options(
        replaceWhere=where, userMetadata=json.dumps(commit_metadata(place), sort_keys=True)
    ).save(str(path))


def write_few(df: DataFrame, place: Place, name: str, where: str) -> None:
    """`write_slice` for rows that fit into the driver: it writes them itself, since a commit by Spark costs seconds.

    Raises:
        UserError: the table is not there. LakeBusy: another run has taken the lake over.
    """
    from deltalake import CommitProperties, write_deltalake

    path = _there(place, name)
    rows = declared(df, name).toArrow().cast(TABLES[name].schema)
    write_deltalake(
        str(path), rows, mode="overwrite", predicate=where, writer_properties=SMALL_PAGES,
        commit_properties=CommitProperties(custom_metadata=commit_metadata(place)),
    )  # fmt: skip


def declared(df: DataFrame, name: str) -> DataFrame:
    """`df` with the columns of the table `name`, in its order and types."""
    from pyspark.sql import functions as F

    schema = spark_schema(name)
    if unknown := sorted(set(df.columns) - set(schema.names)):
        raise KeyError(f"{name} has no column {unknown}")
    there = set(df.columns)
    return df.select(
        *((F.col(f.name) if f.name in there else F.lit(None)).cast(f.dataType).alias(f.name) for f in schema.fields)
    )


def _there(place: Place, name: str) -> Path:
    path = place.table(TABLES[name].name)
    if not (path / "_delta_log").is_dir():
        raise UserError(f"No table {name} yet in the lake {place.lake}. Run a rebuild first, or check CORPUSGATE_LAKE.")
    return path
