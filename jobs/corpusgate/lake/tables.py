"""Every Delta table: name, columns, key, partition, which engine writes it. The only place where a schema is said.

Names are snake_case and singular; `_at` is UTC, `_sha256` lower-case hex. Big tables are written by Spark, small
ones by delta-rs in the driver's process. Deletion vectors stay off and text columns have no statistics: erasure must
reach the bytes, and readers without deletion vectors must see the truth. Chained tables are append-only: each row names
the hash of the one before; what is judged or counted again for the same run is a further `attempt`, and the highest
one is in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
S, I64, F64, B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
STRINGS = pa.list_(pa.string())
COUNTS = pa.map_(pa.string(), pa.int64())


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `schema` in column order, `key` unique in it, `partition` columns, `writer` engine."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition: tuple[str, ...] = ()
    writer: Literal["spark", "rs"] = "rs"
    chained: bool = False
    about: str = ""


def _table(
    name: str,
    about: str,
    key: str,
    columns: list[tuple[str, pa.DataType]],
    *,
    partition: str = "",
    spark: bool = False,
    chained: bool = False,
) -> Table:
    if chained:
        columns = [*columns, ("previous_sha256", S), ("row_sha256", S)]
    return Table(
        name=name,
        schema=pa.schema([pa.field(n, t) for n, t in columns]),
        key=tuple(key.split()),
        partition=tuple(partition.split()),
        writer="spark" if spark else "rs",
        chained=chained,
        about=about,
    )


_ALL = (
    _table(
        "source",
        "What a source said of itself, a row a version of its declaration.",
        "source_id version",
        [
            ("source_id", S),
            ("version", S),
            ("title", S),
            ("kind", S),
            ("modality", S),
            ("language", S),
            ("country", S),
            ("category", S),
            ("owner", S),
            ("provider", S),
            ("description", S),
            ("purl", S),
            ("fixture", B),
            ("recorded_at", TIME),
        ],
    ),
    _table(
        "licence_period",
        "Which licence held for which part of a source, from when (valid) and known since when (recorded).",
        "source_id part valid_from recorded_at",
        [
            ("source_id", S),
            ("part", S),
            ("valid_from", TIME),
            ("valid_to", TIME),
            ("recorded_at", TIME),
            ("declared", S),
            ("concluded", S),
            ("read_from", S),
            ("quote", S),
            ("text_sha256", S),
            ("concluded_by", S),
            ("concluded_role", S),
            ("concluded_at", S),
            ("because", S),
            ("provisional", B),
            ("use_training", S),
            ("use_commercial", S),
            ("use_redistribution", S),
            ("use_derivatives", S),
            ("obligations", STRINGS),
            ("notes", STRINGS),
            ("verdict", S),  # null: not a judgement of a run, but a person's conclusion that judgements may rest on
            ("reason", S),
            ("basis", STRINGS),  # what a person's conclusion was drawn from, each with its hash
            ("evidence_id", S),
        ],
    ),
    _table(
        "acquisition",
        "One raw file or object, by its hash, of one source.",
        "acquisition_id",
        [
            ("acquisition_id", S),
            ("source_id", S),
            ("batch_id", S),
            ("name", S),
            ("purl", S),
            ("path", S),
            ("fetched_at", TIME),
            ("bytes", I64),
            ("sha256", S),
            ("etag", S),
            ("status", S),
            ("agent", S),
            ("run_id", S),
            ("redacted_at", TIME),
        ],
    ),
    _table(
        "host_signal",
        "What a host said about crawling and mining when it was asked.",
        "host fetched_at signal",
        [
            ("host", S),
            ("fetched_at", TIME),
            ("signal", S),
            ("status", I64),
            ("sha256", S),
            ("verdict", S),
            ("agent", S),
            ("run_id", S),
        ],
    ),
    _table(
        "record",
        "A place where a text was found.",
        "record_id",
        [
            ("record_id", S),
            ("source_id", S),
            ("batch_id", S),
            ("acquisition_id", S),
            ("locator", S),
            ("url", S),
            ("domain", S),
            ("text_sha256", S),
            ("language", S),
            ("script", S),
            ("modality", S),
            ("bytes", I64),
            ("characters", I64),
            ("tokens", I64),
            ("country", S),
            ("role", S),
            ("group_id", S),
            ("turn", pa.int32()),
            ("first_acquired_at", TIME),
            ("personal_information_basis", S),
            ("generator", S),
            ("licence_part", S),
            ("source_rule", S),
            ("title", S),
            ("attributes", pa.map_(S, S)),
        ],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "document",
        "A distinct stored text, kept once. Readable by the pipeline only.",
        "text_sha256",
        [("text_sha256", S), ("batch_id", S), ("text", S), ("characters", I64), ("bytes", I64)],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "quarantine",
        "What could not be read, with its reason and a way out.",
        "acquisition_id locator",
        [
            ("acquisition_id", S),
            ("source_id", S),
            ("batch_id", S),
            ("locator", S),
            ("step", S),
            ("reason", S),
            ("detail", S),
            ("byte_offset", I64),
            ("raw_sha256", S),
            ("state", S),
            ("state_by", S),
            ("state_because", S),
            ("recorded_at", TIME),
        ],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "screening",
        "Which detector family, in which version, saw which text: the proof of the 100 %.",
        "text_sha256 family version",
        [("text_sha256", S), ("batch_id", S), ("family", S), ("version", S)],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "finding",
        "A fact about a text, by one version of one detector; spans are code points of the stored text.",
        "text_sha256 detector version rule start",
        [
            ("text_sha256", S),
            ("batch_id", S),
            ("family", S),
            ("detector", S),
            ("version", S),
            ("rule", S),
            ("risk", S),
            ("start", I64),
            ("end", I64),
            ("score", F64),
            ("weight", F64),
            ("surface", S),
            ("value_hmac", S),
            ("hmac_key_id", S),
            ("count", I64),
        ],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "signature",
        "MinHash of a text, with its algorithm's version.",
        "text_sha256 algorithm",
        [("text_sha256", S), ("batch_id", S), ("algorithm", S), ("signature", pa.binary())],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "near_edge",
        "Pairs of texts that are nearly the same: Jaccard similarity, and the share of their characters in common. "
        "`batch_id`: with which batch the pair came.",
        "text_a text_b algorithm batch_id",
        [("text_a", S), ("text_b", S), ("batch_id", S), ("algorithm", S), ("jaccard", F64), ("overlap", F64)],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "near_bucket",
        "Buckets of the near search that were overfull when a batch came: their texts are linked anew each time.",
        "bucket algorithm batch_id",
        [("bucket", I64), ("batch_id", S), ("algorithm", S), ("texts", I64)],
        partition="batch_id",
        spark=True,
    ),
    _table(
        "near_batch",
        "Batches whose signatures were compared with all others, with their number and a checksum of their texts.",
        "batch_id algorithm",
        [("batch_id", S), ("algorithm", S), ("texts", I64), ("checksum", I64), ("run_id", S)],
    ),
    _table(
        "decision",
        "Records of a candidate that are not kept, and why.",
        "release_id record_id",
        [
            ("release_id", S),
            ("record_id", S),
            ("source_id", S),
            ("text_sha256", S),
            ("outcome", S),
            ("step", S),
            ("rule", S),
            ("version", S),
            ("cluster", S),
            ("survivor", S),
        ],
        partition="release_id",
        spark=True,
    ),
    _table(
        "release_record",
        "Records of a candidate that are kept, with their masks.",
        "release_id record_id",
        [
            ("release_id", S),
            ("record_id", S),
            ("source_id", S),
            ("text_sha256", S),
            ("mask_set", S),
            ("released_sha256", S),
            ("modality", S),
            ("language", S),
            ("characters", I64),
            ("bytes", I64),
            ("domain", S),
            ("licence_part", S),
        ],
        partition="release_id",
        spark=True,
    ),
    _table(
        "sample",
        "A draw: of what, by which seed, how many; enough to draw it again.",
        "sample_id",
        [
            ("sample_id", S),
            ("release_id", S),
            ("control_id", S),
            ("purpose", S),
            ("frame", S),
            ("frame_sha256", S),
            ("frame_rows", I64),
            ("stratum", S),
            ("seed", S),
            ("size", I64),
            ("algorithm", S),
            ("item_unit", S),
            ("drawn_at", TIME),
        ],
    ),
    _table(
        "sample_item",
        "The items of a draw, in its order.",
        "sample_id ordinal",
        [("sample_id", S), ("ordinal", I64), ("record_id", S), ("released_sha256", S), ("stratum", S)],
    ),
    _table(
        "review",
        "What a person said of an item.",
        "sample_id record_id reviewer",
        [
            ("sample_id", S),
            ("record_id", S),
            ("released_sha256", S),
            ("reviewer", S),
            ("verdict", S),
            ("risks", STRINGS),
            ("comment", S),
            ("reviewed_at", TIME),
            ("seconds", F64),
        ],
        chained=True,
    ),
    _table(
        "attestation",
        "What a person with a role vouches for, bound to a document or a manifest, until when.",
        "attestation_id",
        [
            ("attestation_id", S),
            ("control_id", S),
            ("scope", S),
            ("statement", S),
            ("by", S),
            ("role", S),
            ("at", TIME),
            ("document_sha256", S),
            ("binds_to", S),
            ("expires_at", TIME),
            ("waiver", B),
            ("because", S),
        ],
        chained=True,
    ),
    _table(
        "evidence_file",
        "A file that proves something, by its hash.",
        "evidence_id",
        [("evidence_id", S), ("name", S), ("sha256", S), ("bytes", I64), ("about", S), ("recorded_at", TIME)],
    ),
    _table(
        "signoff",
        "A person's signature under a manifest.",
        "signoff_id",
        [
            ("signoff_id", S),
            ("release_id", S),
            ("manifest_root", S),
            ("by", S),
            ("role", S),
            ("at", TIME),
            ("seen_sha256", S),
            ("decision", S),
            ("because", S),
        ],
        chained=True,
    ),
    _table(
        "control_result",
        "The verdict of a control on a source or a release, with its figure and bound.",
        "run_id gate control_id half scope_id stratum attempt",
        [
            ("run_id", S),
            ("corpus", S),
            ("release_id", S),
            ("gate", S),
            ("control_id", S),
            ("clause", S),
            ("half", S),
            ("scope", S),
            ("scope_id", S),
            ("stratum", S),
            ("figure", F64),
            ("comparator", S),
            ("bound", F64),
            ("unit", S),
            ("k", I64),
            ("n", I64),
            ("verdict", S),
            ("blocks", STRINGS),
            ("because", S),
            ("examples", STRINGS),
            ("next_act", S),
            ("evidence_ids", STRINGS),
            ("suite_sha256", S),
            ("attempt", I64),
            ("judged_at", TIME),
        ],
        chained=True,
    ),
    _table(
        "release",
        "What was published, to which channel, on which parent.",
        "release_id channel published_at",
        [
            ("release_id", S),
            ("corpus", S),
            ("channel", S),
            ("parent", S),
            ("run_id", S),
            ("manifest_root", S),
            ("leaves_root", S),
            ("records", I64),
            ("characters", I64),
            ("digests", pa.map_(S, S)),
            ("signature", S),
            ("key_id", S),
            ("published_at", TIME),
        ],
    ),
    _table(
        "export",
        "Where copies of a release went.",
        "release_id path",
        [("release_id", S), ("path", S), ("format", S), ("records", I64), ("sha256", S), ("exported_at", TIME)],
    ),
    _table(
        "erasure_request",
        "A person's request to be forgotten, and its proof.",
        "request_id",
        [
            ("request_id", S),
            ("asked_at", TIME),
            ("value_hmac", S),
            ("hmac_key_id", S),
            ("found_in", STRINGS),
            ("done_at", TIME),
            ("proof", S),
        ],
    ),
    _table(
        "step_run",
        "What went in and came out of every step of every run: in = kept + removed + errored.",
        "run_id step source_id attempt",
        [
            ("run_id", S),
            ("corpus", S),
            ("step", S),
            ("source_id", S),
            ("state", S),
            ("unit", S),
            ("rows_in", I64),
            ("kept", I64),
            ("removed", I64),
            ("errored", I64),
            ("removed_by_rule", COUNTS),
            ("seconds", F64),
            ("because", S),
            ("code_sha256", S),
            ("conf_sha256", S),
            ("lock_sha256", S),
            ("table_versions", COUNTS),
            ("attempt", I64),
            ("run_at", TIME),
        ],
        chained=True,
    ),
)

TABLES: dict[str, Table] = {t.name: t for t in _ALL}

#: Columns whose statistics would copy text into the log.
NO_STATISTICS: tuple[str, ...] = ("text", "title", "surface", "signature", "attributes", "detail")


def spark_schema(name: str):
    """The table's schema as a Spark `StructType`."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(TABLES[name].schema)
