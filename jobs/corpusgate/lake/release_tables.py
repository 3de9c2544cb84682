"""The tables of candidates and releases: decisions, samples, reviews, verdicts, and the accounts of every step."""

from __future__ import annotations

import pyarrow as pa

from corpusgate.lake.schema import COUNTS, F64, I64, STRINGS, TIME, B, S, Table, table

# fmt: off
RELEASES: tuple[Table, ...] = (
    table(
        "decision",
        "Records of a candidate that are not kept, and why.",
        "release_id record_id",
        [
            ("release_id", S), ("record_id", S), ("source_id", S), ("text_sha256", S), ("outcome", S), ("step", S),
            ("rule", S), ("version", S), ("cluster", S), ("survivor", S), ("cause", S), ("cause_record", S),
        ],
        partition="release_id",
        spark=True,
    ),
    table(
        "release_record",
        "Records of a candidate that are kept, with their masks.",
        "release_id record_id",
        [
            ("release_id", S), ("record_id", S), ("source_id", S), ("text_sha256", S), ("mask_set", S),
            ("released_sha256", S), ("modality", S), ("language", S), ("characters", I64), ("bytes", I64),
            ("domain", S), ("licence_part", S), ("role", S), ("group_id", S), ("turn", pa.int32()),
            ("speaker", S),
        ],
        partition="release_id",
        spark=True,
    ),
    table(
        "sample",
        "A draw: of what, by which seed, how many; enough to draw it again.",
        "sample_id",
        [
            ("sample_id", S), ("release_id", S), ("control_id", S), ("purpose", S), ("frame", S), ("frame_sha256", S),
            ("frame_rows", I64), ("stratum", S), ("seed", S), ("size", I64), ("algorithm", S), ("item_unit", S),
            ("drawn_at", TIME),
            # a draw that took the place of one that failed: of which, why, by whom
            ("follows", S), ("follows_because", S), ("drawn_by", S),
        ],
    ),
    table(
        "sample_item",
        "The items of a draw, in its order.",
        "sample_id ordinal",
        [
            ("sample_id", S), ("ordinal", I64), ("record_id", S), ("released_sha256", S), ("stratum", S),
        ],
    ),
    table(
        "review",
        "What a person said of an item, each word as a further attempt: the newest of a person is in force, `undone` "
        "takes it back. `entry_id` is its hash in the journal.",
        "sample_id record_id reviewer attempt",
        [
            ("sample_id", S), ("record_id", S), ("released_sha256", S), ("reviewer", S), ("verdict", S),
            ("risks", STRINGS), ("comment", S), ("reviewed_at", TIME), ("seconds", F64), ("origin", S),
            ("entry_id", S), ("attempt", I64),
        ],
        chained=True,
    ),
    table(
        "review_assignment",
        "To whom a sample was given for review, by whom; `double_share` of its items are judged by two. `withdrawn` "
        "ends it; the newest attempt is in force.",
        "sample_id reviewer attempt",
        [
            ("sample_id", S), ("reviewer", S), ("state", S), ("double_share", F64), ("assigned_by", S),
            ("because", S), ("assigned_at", TIME), ("attempt", I64),
        ],
        chained=True,
    ),
    table(
        "attestation",
        "What a person with a role vouches for, bound to a document or a manifest, until when.",
        "attestation_id",
        [
            ("attestation_id", S), ("control_id", S), ("scope", S), ("statement", S), ("by", S), ("role", S),
            ("at", TIME), ("document_sha256", S), ("binds_to", S), ("expires_at", TIME), ("waiver", B),
            ("because", S),
        ],
        chained=True,
    ),
    table(
        "evidence_file",
        "A file that proves something, by its hash.",
        "evidence_id",
        [
            ("evidence_id", S), ("name", S), ("sha256", S), ("bytes", I64), ("about", S), ("recorded_at", TIME),
        ],
    ),
    table(
        "signoff",
        "A person's signature under a manifest.",
        "signoff_id",
        [
            ("signoff_id", S), ("release_id", S), ("channel", S), ("manifest_root", S), ("by", S), ("role", S),
            ("at", TIME),
            ("seen_sha256", S), ("decision", S), ("because", S),
        ],
        chained=True,
    ),
    table(
        "control_result",
        "The verdict of a control on a source or a release, with its figure and bound.",
        "run_id gate control_id half scope_id stratum attempt",
        [
            ("run_id", S), ("corpus", S), ("release_id", S), ("gate", S), ("control_id", S), ("clause", S),
            ("half", S), ("scope", S), ("scope_id", S), ("stratum", S), ("figure", F64), ("comparator", S),
            ("bound", F64), ("unit", S), ("k", I64), ("n", I64), ("verdict", S), ("blocks", STRINGS), ("because", S),
            ("examples", STRINGS), ("next_act", S), ("evidence_ids", STRINGS), ("suite_sha256", S), ("attempt", I64),
            ("judged_at", TIME),
        ],
        chained=True,
    ),
    table(
        "release",
        "What was published, to which channel, on which parent.",
        "release_id channel published_at",
        [
            ("release_id", S), ("corpus", S), ("channel", S), ("parent", S), ("run_id", S), ("manifest_root", S),
            ("leaves_root", S), ("records", I64), ("characters", I64), ("digests", pa.map_(S, S)), ("signature", S),
            ("key_id", S), ("published_at", TIME),
        ],
    ),
    table(
        "export",
        "Where copies of a release went.",
        "release_id path",
        [
            ("release_id", S), ("path", S), ("format", S), ("records", I64), ("sha256", S), ("exported_at", TIME),
        ],
    ),
    table(
        "erasure_request",
        "A person's request to be forgotten, and its proof.",
        "request_id",
        [
            ("request_id", S), ("asked_at", TIME), ("value_hmac", S), ("hmac_key_id", S), ("found_in", STRINGS),
            ("done_at", TIME), ("proof", S),
        ],
    ),
    table(
        "step_run",
        "What went in and came out of every step of every run: in = kept + removed + errored.",
        "run_id step source_id attempt",
        [
            ("run_id", S), ("corpus", S), ("step", S), ("source_id", S), ("state", S), ("unit", S), ("rows_in", I64),
            ("kept", I64), ("removed", I64), ("errored", I64), ("removed_by_rule", COUNTS), ("seconds", F64),
            ("because", S), ("code_sha256", S), ("conf_sha256", S), ("lock_sha256", S), ("table_versions", COUNTS),
            ("attempt", I64), ("run_at", TIME),
        ],
        chained=True,
    ),
)
# fmt: on
