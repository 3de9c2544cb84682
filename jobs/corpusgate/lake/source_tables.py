"""The tables of sources: declarations, licences, acquisitions, what hosts and rights holders said."""

from __future__ import annotations

from corpusgate.lake.schema import I64, STRINGS, TIME, B, S, Table, table

# fmt: off
SOURCES: tuple[Table, ...] = (
    table(
        "source",
        "What a source said of itself, a row a version of its declaration.",
        "source_id version",
        [
            ("source_id", S), ("version", S), ("title", S), ("kind", S), ("modality", S), ("language", S),
            ("country", S), ("category", S), ("owner", S), ("provider", S), ("description", S), ("purl", S),
            ("fixture", B), ("recorded_at", TIME),
        ],
    ),
    table(
        "licence_period",
        "Which licence held for which part of a source, from when (valid) and known since when (recorded).",
        "source_id part valid_from recorded_at",
        [
            ("source_id", S), ("part", S), ("valid_from", TIME), ("valid_to", TIME), ("recorded_at", TIME),
            ("declared", S), ("concluded", S), ("read_from", S), ("quote", S), ("text_sha256", S),
            ("concluded_by", S), ("concluded_role", S), ("concluded_at", S), ("because", S), ("provisional", B),
            ("use_training", S), ("use_commercial", S), ("use_redistribution", S), ("use_derivatives", S),
            ("obligations", STRINGS), ("notes", STRINGS),
            # null: not a judgement of a run, but a person's conclusion that judgements may rest on
            ("verdict", S), ("reason", S),
            # what a person's conclusion was drawn from, each with its hash
            ("basis", STRINGS), ("evidence_id", S),
        ],
    ),
    table(
        "acquisition",
        "One raw file or object, by its hash, of one source.",
        "acquisition_id",
        [
            ("acquisition_id", S), ("source_id", S), ("batch_id", S), ("name", S), ("purl", S), ("path", S),
            ("fetched_at", TIME), ("bytes", I64), ("sha256", S), ("etag", S), ("status", S), ("agent", S),
            ("run_id", S), ("redacted_at", TIME), ("url", S),
            # of a host: what its rules said of this address, and the hash of the file seen
            ("permission", S),
        ],
    ),
    table(
        "tombstone",
        "A record that its source has no more: with which batch it was seen last, and since which batch and run it is "
        "gone. `returned_in`: the run in which the source had it again.",
        "record_id batch_id",
        [
            ("record_id", S), ("source_id", S), ("locator", S), ("text_sha256", S), ("acquisition_id", S),
            ("last_batch_id", S), ("batch_id", S), ("first_acquired_at", TIME), ("because", S), ("vanished_in", S),
            ("vanished_at", TIME), ("returned_in", S), ("returned_at", TIME),
        ],
        partition="batch_id",
    ),
    table(
        "host_signal",
        "What a host, or a file itself, said about crawling and mining when it was asked.",
        "host fetched_at signal",
        [
            ("host", S), ("fetched_at", TIME), ("signal", S), ("status", I64), ("sha256", S), ("verdict", S),
            ("agent", S), ("run_id", S),
            # the address that it was said of; null: of the host as a whole
            ("url", S),
        ],
    ),
    table(
        "admission_label",
        "What a person said of a record of a source's admission sample; the newest word of each person counts.",
        "label_id",
        [
            ("label_id", S), ("source_id", S), ("record_id", S), ("reviewer", S), ("verdict", S), ("risks", STRINGS),
            ("comment", S), ("reviewed_at", TIME), ("recorded_at", TIME),
        ],
        chained=True,
    ),
    table(
        "takedown",
        "What people said of complaints of rights holders: held or lifted, by subject (record or address) and record. "
        "The newest word counts; what is held no candidate keeps, nor another copy of its text.",
        "takedown_id",
        [
            ("takedown_id", S), ("subject", S), ("state", S), ("record_id", S), ("source_id", S), ("text_sha256", S),
            ("url", S), ("by", S), ("because", S), ("recorded_at", TIME),
        ],
    ),
)
# fmt: on
