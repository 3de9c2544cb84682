"""Staged rows: what stands in them, and from what was read and said of texts to batches of Arrow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Any, NamedTuple

import pyarrow as pa

from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Screened
from corpusgate.lake.tables import TABLES

_OF_FINDING = ("family", "detector", "version", "rule", "risk", "start", "end", "score", "weight", "surface",
               "value_hmac", "hmac_key_id", "count")  # fmt: skip
_RECORD = TABLES["record"].schema
FINDINGS = pa.list_(pa.struct([TABLES["finding"].schema.field(n) for n in _OF_FINDING]))
STAGED = pa.schema(
    [
        pa.field("split", pa.int32()), pa.field("row", pa.int64()), pa.field("outcome", pa.string()),
        pa.field("rule", pa.string()), *_RECORD, pa.field("text", pa.string()), pa.field("findings", FINDINGS),
        pa.field("signature", pa.binary()), pa.field("reason", pa.string()), pa.field("detail", pa.string()),
        pa.field("byte_offset", pa.int64()), pa.field("known", pa.bool_()),
    ]
)  # fmt: skip
"""One row an item, fault or signal. `outcome`: record, fault, removed (by `rule`), signal (`rule` is the field), or
brought (from a store; `rule` is the object's SHA-256). `raw_sha256` is a record's or a fault's.
`known`: the text is taken for one that is stored and screened: it does not stand here, nor what is said of it."""

SCREENED = pa.schema(
    [pa.field(n, pa.string()) for n in ("text_sha256", "language", "script")]
    + [pa.field("findings", FINDINGS), pa.field("signature", pa.binary())]
)
"""What is said of a stored text when it is screened again."""


class Origin(NamedTuple):
    """What all rows of a split have in common, under the names of `STAGED`'s columns, and what all of its records have.
    The time is in microseconds."""

    split: int
    source_id: str
    acquisition_id: str
    batch_id: str
    first_acquired_at: int
    modality: str | None = None
    country: str | None = None
    personal_information_basis: str | None = None


class Row(NamedTuple):
    """What reading says of a raw record, under the names of `STAGED`'s columns; `utf8` is its text."""

    of: Origin
    row: int
    outcome: str
    rule: str | None = None
    licence_part: str | None = None
    locator: str | None = None
    raw_sha256: str | None = None
    record_id: str | None = None
    url: str | None = None
    domain: str | None = None
    text_sha256: str | None = None
    turn: int | None = None
    role: str | None = None
    group_id: str | None = None
    speaker: str | None = None
    source_rule: str | None = None
    title: str | None = None
    generator: str | None = None
    attributes: list[tuple[str, str]] | None = None
    text: str | None = None
    utf8: bytes | None = None
    reason: str | None = None
    detail: str | None = None
    byte_offset: int | None = None


def staged(rows: Sequence[Row], known: Collection[str], said: Mapping[str, Screened]) -> pa.RecordBatch:
    """The rows as a batch of `STAGED`. `known`: hashes of texts that do not stand here, `said`: of the others' texts,
    by their hashes, what was."""
    columns: dict[str, Any] = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
    hashes, utf8 = columns["text_sha256"], columns["utf8"]
    of_text = [said.get(sha256) for sha256 in hashes]
    there = [sha256 in known for sha256 in hashes]
    kept = [None if stored else text for text, stored in zip(utf8, there, strict=True)] if known else utf8
    columns |= dict(zip(Origin._fields, zip(*columns["of"], strict=True), strict=True))
    columns |= {
        "bytes": [None if text is None else len(text) for text in utf8],
        "characters": [None if text is None else len(text) for text in columns["text"]],
        "text": pa.array(kept, pa.binary()).view(pa.string()),  # encoded by us: it needs no second look
        "language": [s and s.language for s in of_text],
        "script": [s and s.script for s in of_text],
        "findings": _findings(of_text),
        "signature": [s and s.signature for s in of_text],
        "known": there,
    }
    return pa.record_batch([_array(columns.get(f.name), f.type, len(rows)) for f in STAGED], schema=STAGED)


def _array(values: Any, type: pa.DataType, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, type)
    return values if isinstance(values, pa.Array) else pa.array(values, type)


def screened(hashes: Sequence[str], said: Sequence[Screened]) -> pa.RecordBatch:
    """What is said of stored texts as a batch of `SCREENED`."""
    told = [hashes, *([getattr(s, name) for s in said] for name in ("language", "script"))]
    signatures = pa.array([s.signature for s in said], pa.binary())
    return pa.record_batch([*(pa.array(c, pa.string()) for c in told), _findings(said), signatures], schema=SCREENED)


def _findings(said: Sequence[Screened | None]) -> pa.Array:
    """The column `findings`: null where nothing was said."""
    family = detectors.family_of()
    found = [f for s in said if s for f in s.findings]
    values = [[family[f.detector] for f in found], *(list(map(attrgetter(n), found)) for n in _OF_FINDING[1:])]
    fields = list(FINDINGS.value_type)
    flat = pa.StructArray.from_arrays([pa.array(v, f.type) for v, f in zip(values, fields, strict=True)], fields=fields)
    ends = pa.array([0, *accumulate(len(s.findings) if s else 0 for s in said)], pa.int32())
    nothing = [s is None for s in said]
    return pa.ListArray.from_arrays(ends, flat, type=FINDINGS, mask=pa.array(nothing) if any(nothing) else None)
