"""The tables of texts: records, documents, what detectors found in them, which are nearly the same."""

from __future__ import annotations

import pyarrow as pa

from corpusgate.lake.schema import F64, I64, TIME, S, Table, table

# fmt: off
TEXTS: tuple[Table, ...] = (
    table(
        "record",
        "A place where a text was found.",
        "record_id",
        [
            ("record_id", S), ("source_id", S), ("batch_id", S), ("acquisition_id", S), ("locator", S), ("url", S),
            ("domain", S), ("text_sha256", S), ("language", S), ("script", S), ("modality", S), ("bytes", I64),
            ("characters", I64), ("tokens", I64), ("country", S), ("role", S), ("group_id", S), ("turn", pa.int32()),
            ("speaker", S),
            ("first_acquired_at", TIME), ("personal_information_basis", S), ("generator", S), ("licence_part", S),
            ("source_rule", S), ("title", S), ("attributes", pa.map_(S, S)),
            # of the line of UTF-8 that the record was read from, its end included; null: of no one line
            ("raw_sha256", S),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "document",
        "A distinct stored text, kept once. Readable by the pipeline only.",
        "text_sha256",
        [
            ("text_sha256", S), ("batch_id", S), ("text", S), ("characters", I64), ("bytes", I64),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "quarantine",
        "What could not be read, with its reason and a way out.",
        "acquisition_id locator",
        [
            ("acquisition_id", S), ("source_id", S), ("batch_id", S), ("locator", S), ("step", S), ("reason", S),
            ("detail", S), ("byte_offset", I64), ("raw_sha256", S), ("state", S), ("state_by", S),
            ("state_because", S), ("recorded_at", TIME), ("state_at", TIME),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "screening",
        "Which detector family, in which version, saw which text: the proof of the 100 %.",
        "text_sha256 family version",
        [
            ("text_sha256", S), ("batch_id", S), ("family", S), ("version", S),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "finding",
        "A fact about a text, by one version of one detector; spans are code points of the stored text.",
        "text_sha256 detector version rule start",
        [
            ("text_sha256", S), ("batch_id", S), ("family", S), ("detector", S), ("version", S), ("rule", S),
            ("risk", S), ("start", I64), ("end", I64), ("score", F64), ("weight", F64), ("surface", S),
            ("value_hmac", S), ("hmac_key_id", S), ("count", I64),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "signature",
        "MinHash of a text, with its algorithm's version.",
        "text_sha256 algorithm",
        [
            ("text_sha256", S), ("batch_id", S), ("algorithm", S), ("signature", pa.binary()),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "near_edge",
        "Pairs of texts that are nearly the same: Jaccard similarity, and the share of their characters in common. "
        "`batch_id`: with which batch the pair came.",
        "text_a text_b algorithm batch_id",
        [
            ("text_a", S), ("text_b", S), ("batch_id", S), ("algorithm", S), ("jaccard", F64), ("overlap", F64),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "near_bucket",
        "Buckets of the near search that were overfull when a batch came: their texts are linked anew each time.",
        "bucket algorithm batch_id",
        [
            ("bucket", I64), ("batch_id", S), ("algorithm", S), ("texts", I64),
        ],
        partition="batch_id",
        spark=True,
    ),
    table(
        "near_batch",
        "Batches whose signatures were compared with all others, with their number and a checksum of their texts.",
        "batch_id algorithm",
        [
            ("batch_id", S), ("algorithm", S), ("texts", I64), ("checksum", I64), ("run_id", S),
        ],
    ),
)
# fmt: on
