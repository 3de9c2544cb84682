"""What a worker does in intake: read, bring into the stored form, name, screen, and lay out as rows. No Spark in here.

Every raw record ends as one row of `STAGED`: a record, a fault (quarantine), or removed by a rule. A further kind, a
signal, is no record: a field that nobody declared. So that counting rows is the accounting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusgate.collect import store as in_store
from corpusgate.errors import DetectorMissing, Mismatch
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit, Screened
from corpusgate.intake.items import Fault, Item, Signal, Stands
from corpusgate.intake.known import among
from corpusgate.intake.read import nothing_stands, read_items
from corpusgate.intake.register import NOT_AUTHORISED, restored
from corpusgate.intake.rules import (
    Ordinals,
    authorised,
    domain,
    generated_by,
    group_id,
    licence_part,
    locator,
    record_id,
    source_rule,
    text_sha256,
)
from corpusgate.intake.splits import Split
from corpusgate.intake.standing import Standing
from corpusgate.lake.tables import TABLES
from corpusgate.settings.source import Source

FLUSH_ITEMS = 1000
FLUSH_CHARACTERS = 2_000_000  # some 4 MB of text: what is screened at once, and what a worker holds

PART_HELD = "licence_part_held"
DUPLICATE = "duplicate_locator"

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


@dataclass(frozen=True, slots=True)
class Brought:
    """That all of an object came from its store, and the SHA-256 of it."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker is told: sources with their batch and the licence parts that pass, and what to screen with."""

    sources: Mapping[str, Source]
    batches: Mapping[str, str]
    parts: Mapping[str, frozenset[str]]
    kit: Kit
    versions: Mapping[str, str]
    registers: Mapping[str, str] = field(default_factory=dict)
    """Source of user input -> file with the authorisations in force (`intake/register.py`)."""
    known: str | None = None
    """File of the texts that need no screening (`intake/known.py`)."""
    standing: Mapping[str, Standing] = field(default_factory=dict)
    """Source -> lines of its last state; those that are found again are noted there and yield no row."""


@dataclass(slots=True)
class _Buffer:
    """Rows on their way out; those with a text wait for the detectors."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    characters: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)
        self.characters += row.get("characters") or 0

    def columns(self) -> dict[str, list[Any]]:
        """A list a column, of those that some row has."""
        names = {"text_sha256", "text"}.union(*self.rows)
        return {name: [row.get(name) for row in self.rows] for name in names}

    @property
    def full(self) -> bool:
        return len(self.rows) >= FLUSH_ITEMS or self.characters >= FLUSH_CHARACTERS


Screen = Callable[[Sequence[str]], Sequence[Screened]]

_ready: dict[Kit, detectors.Screener] = {}


def screener(kit: Kit, versions: Mapping[str, str]) -> Screen:
    """This process's detectors, made ready once, and proven to be those that the driver named.

    Raises:
        DetectorMissing: lexicon, model or code here is not the one of the run, or a canary stays silent.
    """
    if kit not in _ready:
        ready = detectors.load(kit)
        here = detectors.versions(kit)
        if here != dict(versions):
            raise DetectorMissing(f"This worker has detectors {here}, and the run names {dict(versions)}.")
        _ready.clear()
        _ready[kit] = ready
    return _ready[kit].screen


def stage(splits: Iterable[Split], work: Work, screen: Screen) -> Iterator[pa.RecordBatch]:
    """Rows of `STAGED` for everything in the splits, in batches of bounded size."""
    buffer = _Buffer()
    for split in splits:
        for row in _rows(split, work):
            buffer.add(row)
            if buffer.full:
                yield _screened(buffer, screen, work.known)
                buffer = _Buffer()
    if buffer.rows:
        yield _screened(buffer, screen, work.known)


def rescreener(kit: Kit, versions: Mapping[str, str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For Spark: from rows (text_sha256, text) to rows of `SCREENED`."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        screen = screener(kit, versions)
        for batch in batches:
            for hashes, texts in _parts(batch):
                said = screen(texts)
                columns = [hashes, [s.language for s in said], [s.script for s in said], *_said(said)]
                yield pa.record_batch(
                    [pa.array(c, f.type) for c, f in zip(columns, SCREENED, strict=True)], schema=SCREENED
                )

    return run


def _parts(batch: pa.RecordBatch) -> Iterator[tuple[list[str], list[str]]]:
    """Hashes and texts of the batch in pieces of at most FLUSH_ITEMS and about FLUSH_CHARACTERS."""
    hashes, texts, characters = list[str](), list[str](), 0
    for sha256, text in zip(*(c.to_pylist() for c in batch.columns), strict=True):
        if hashes and (len(hashes) >= FLUSH_ITEMS or characters + len(text) > FLUSH_CHARACTERS):
            yield hashes, texts
            hashes, texts, characters = [], [], 0
        hashes.append(sha256)
        texts.append(text)
        characters += len(text)
    if hashes:
        yield hashes, texts


def _rows(split: Split, work: Work) -> Iterator[dict[str, Any]]:
    source = work.sources[split.source_id]
    of_source = {"split": split.number, "source_id": source.id, "acquisition_id": split.acquisition_id,
                 "batch_id": work.batches[source.id], "first_acquired_at": split.fetched_at}  # fmt: skip
    of_record = {"modality": source.modality, "country": source.country,
                 "personal_information_basis": source.personal_information_basis}  # fmt: skip
    passing, ordinals, faults = work.parts[source.id], Ordinals(), dict[str, int]()
    kept = work.registers.get(source.id)
    register = restored(Path(kept).read_bytes()) if kept else None
    standing = work.standing.get(source.id)
    for row, one in enumerate(_found(split, source, standing)):
        if isinstance(one, Item):
            one = one if one.url or not split.url else replace(one, url=split.url)
            if authorised(source, one, register):
                said = _item(one, source, passing, ordinals)
            else:
                said = {"outcome": "removed", "rule": NOT_AUTHORISED}
            yield {**of_source, **of_record, "row": row, **said}
        elif isinstance(one, Fault):
            yield {**of_source, "row": row, **_fault(one, faults)}
        elif isinstance(one, Stands):
            assert standing is not None  # who asks for none gets none
            standing.note(one.record_id, split)
        elif isinstance(one, Brought):
            yield {**of_source, "row": row, "outcome": "brought", "rule": one.sha256}
        else:
            yield {**of_source, "row": row, **_signal(one)}


def _found(
    split: Split, source: Source, standing: Standing | None = None
) -> Iterator[Item | Fault | Signal | Stands | Brought]:
    """What is in the split. An object in a store is brought first, and one that is not what was listed is a fault."""
    stood = standing.lines if standing is not None and split.url is None else nothing_stands
    if split.etag is None:
        yield from read_items(Path(split.path), split.name, split.reader, start=split.start, end=split.end, stood=stood)
        return
    try:
        if split.hashed:
            yield Brought(in_store.sha256_of(source, split.path, split.etag, split.total))
            return
        with in_store.here(source, split.path, split.etag, split.total, split.start, split.end) as here:
            if here.sha256:
                yield Brought(here.sha256)
            yield from read_items(here.path, split.name, split.reader, start=split.start, end=split.end, stood=stood)
    except Mismatch as error:
        if not split.hashed:  # who reads it says so
            yield Fault(split.name, "changed_in_store", str(error), byte_offset=split.start or None)


def _item(item: Item, source: Source, passing: frozenset[str], ordinals: Ordinals) -> dict[str, Any]:
    part = licence_part(item.member, source.licence)
    if part not in passing:
        return {"outcome": "removed", "rule": PART_HELD, "licence_part": part}
    sha256 = text_sha256(item.text)
    where = locator(item, sha256, ordinals(item, sha256))
    return {
        "outcome": "record", "record_id": record_id(source.id, where, sha256), "locator": where, "url": item.url,
        "domain": domain(item.url), "text_sha256": sha256, "bytes": len(item.text.encode()),
        "characters": len(item.text), "turn": item.turn,
        "role": item.role, "group_id": group_id(source.id, item.group_id),
        "speaker": item.attributes.get("speaker") if source.reader.chat else None,
        "licence_part": part, "source_rule": source_rule(source.reader, item), "title": item.title,
        "generator": generated_by(source, item), "attributes": list(item.attributes.items()), "text": item.text,
        "raw_sha256": item.raw_sha256,
    }  # fmt: skip


def _fault(fault: Fault, seen: dict[str, int]) -> dict[str, Any]:
    """A fault's row; its locator is the place in the member, with an ordinal where one place has several."""
    member = _utf8(fault.member)
    if fault.byte_offset is not None:
        where = f"{member}@{fault.byte_offset}"
    else:
        where = f"{member}#{fault.raw_sha256[:16]}" if fault.raw_sha256 else member
    seen[where] = ordinal = seen.get(where, -1) + 1
    return {
        "outcome": "fault", "locator": f"{where}#{ordinal}" if ordinal else where, "reason": fault.reason,
        "detail": _utf8(fault.detail), "byte_offset": fault.byte_offset, "raw_sha256": fault.raw_sha256,
    }  # fmt: skip


def _signal(signal: Signal) -> dict[str, Any]:
    return {"outcome": "signal", "rule": _utf8(signal.field)}


def _screened(buffer: _Buffer, screen: Screen, known: str | None) -> pa.RecordBatch:
    """The buffer as a batch, each distinct text of it screened once; one that is known not at all."""
    columns = buffer.columns()
    texts: dict[str, str] = {}
    for sha256, text in zip(columns["text_sha256"], columns["text"], strict=True):
        if sha256 is not None:
            texts.setdefault(sha256, text)
    seen = among(known, list(texts)) if known else set[str]()
    columns["known"] = [sha256 in seen for sha256 in columns["text_sha256"]]
    if seen:
        texts = {sha256: text for sha256, text in texts.items() if sha256 not in seen}
        columns["text"] = [None if k else t for k, t in zip(columns["known"], columns["text"], strict=True)]
    said = dict(zip(texts, screen(list(texts.values())) if texts else (), strict=True))
    of_row = [said.get(sha256) for sha256 in columns["text_sha256"]]
    columns["language"] = [s and s.language for s in of_row]
    columns["script"] = [s and s.script for s in of_row]
    columns["findings"], columns["signature"] = _said(of_row)
    rows = len(buffer.rows)
    made = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type) for f in STAGED]
    return pa.record_batch(made, schema=STAGED)


def _said(screened: Sequence[Screened | None]) -> tuple[list[Any], list[bytes | None]]:
    """Columns `findings` and `signature`; the latter stays empty until a detector signs."""
    family = detectors.family_of()
    findings = [
        s and [{"family": family[f.detector], **{n: getattr(f, n) for n in _OF_FINDING[1:]}} for f in s.findings]
        for s in screened
    ]
    return findings, [getattr(s, "signature", None) for s in screened]


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
