"""Every Delta table: name, columns, key, partition, which engine writes it. Schemas are said in the files beside this
one and nowhere else, a file a part of the lake.

Names are snake_case and singular; `_at` is UTC, `_sha256` lower-case hex. Big tables are written by Spark, small
ones by delta-rs in the driver's process. Deletion vectors stay off and text columns have no statistics: erasure must
reach the bytes, and readers without deletion vectors must see the truth. Chained tables are append-only: each row names
the hash of the one before; what is judged or counted again for the same run is a further `attempt`, and the highest
one is in force.
"""

from __future__ import annotations

from corpusgate.lake.annotation_tables import ANNOTATION
from corpusgate.lake.bank_tables import BANKS
from corpusgate.lake.release_tables import RELEASES
from corpusgate.lake.schema import Table
from corpusgate.lake.source_tables import SOURCES
from corpusgate.lake.text_tables import TEXTS

__all__ = ["NO_STATISTICS", "TABLES", "Table", "spark_schema"]


TABLES: dict[str, Table] = {t.name: t for t in (*SOURCES, *TEXTS, *RELEASES, *ANNOTATION, *BANKS)}

#: Columns whose statistics would copy text into the log.
NO_STATISTICS: tuple[str, ...] = (
    "text",
    "title",
    "surface",
    "signature",
    "attributes",
    "detail",
    "old_content",
    "new_content",
    "word",
    "match_form",
)


def spark_schema(name: str):
    """The table's schema as a Spark `StructType`."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(TABLES[name].schema)
