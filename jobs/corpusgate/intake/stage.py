"""What a worker does in intake: read, bring into the stored form, name, screen, and lay out as rows. No Spark in here.

Every raw record ends as one row of `STAGED`: a record, a fault (quarantine), or removed by a rule. A further kind, a
signal, is no record: a field that nobody declared. So that counting rows is the accounting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from corpusgate.collect import store as in_store
from corpusgate.errors import DetectorMissing, Mismatch
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit, Screened
from corpusgate.intake.items import Fault, Item, Signal, Stands
from corpusgate.intake.known import among
from corpusgate.intake.read import nothing_stands, read_items
from corpusgate.intake.register import NOT_AUTHORISED, restored
from corpusgate.intake.rows import STAGED, Origin, Row, screened, staged
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
from corpusgate.settings.source import Source

FLUSH_ITEMS = 1000
FLUSH_CHARACTERS = 2_000_000  # some 4 MB of text: what is screened at once, and what a worker holds

PART_HELD = "licence_part_held"
DUPLICATE = "duplicate_locator"


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

    rows: list[Row] = field(default_factory=list)
    characters: int = 0

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.characters += len(row.text or "")

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
                yield screened(hashes, screen(texts))

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


def _rows(split: Split, work: Work) -> Iterator[Row]:
    source = work.sources[split.source_id]
    since = pa.scalar(split.fetched_at, STAGED.field("first_acquired_at").type).value
    of_split = Origin(split.number, source.id, split.acquisition_id, work.batches[source.id], since)
    of_record = of_split._replace(
        modality=source.modality, country=source.country, personal_information_basis=source.personal_information_basis
    )
    passing, ordinals, faults = work.parts[source.id], Ordinals(), dict[str, int]()
    kept = work.registers.get(source.id)
    register = restored(Path(kept).read_bytes()) if kept else None
    standing = work.standing.get(source.id)
    for row, one in enumerate(_found(split, source, standing)):
        if isinstance(one, Item):
            if split.url and not one.url:
                one.url = split.url
            if authorised(source, one, register):
                yield _item(of_record, row, one, source, passing, ordinals)
            else:
                yield Row(of_record, row, "removed", NOT_AUTHORISED)
        elif isinstance(one, Fault):
            yield _fault(of_split, row, one, faults)
        elif isinstance(one, Stands):
            assert standing is not None  # who asks for none gets none
            standing.note(one.record_id, split)
        elif isinstance(one, Brought):
            yield Row(of_split, row, "brought", one.sha256)
        else:
            yield Row(of_split, row, "signal", _utf8(one.field))


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


def _item(of: Origin, row: int, item: Item, source: Source, passing: frozenset[str], ordinals: Ordinals) -> Row:
    part = licence_part(item.member, source.licence)
    if part not in passing:
        return Row(of, row, "removed", PART_HELD, part)
    utf8 = item.utf8 or item.text.encode()
    sha256 = text_sha256(utf8)
    where = locator(item, sha256, ordinals(item, sha256))
    return Row(
        of, row, "record", None, part, where, item.raw_sha256, record_id(source.id, where, sha256), item.url,
        domain(item.url), sha256, item.turn, item.role, group_id(source.id, item.group_id),
        item.attributes.get("speaker") if source.reader.chat else None, source_rule(source.reader, item), item.title,
        generated_by(source, item), list(item.attributes.items()), item.text, utf8,
    )  # fmt: skip


def _fault(of: Origin, row: int, fault: Fault, seen: dict[str, int]) -> Row:
    """A fault's row; its locator is the place in the member, with an ordinal where one place has several."""
    member = _utf8(fault.member)
    if fault.byte_offset is not None:
        where = f"{member}@{fault.byte_offset}"
    else:
        where = f"{member}#{fault.raw_sha256[:16]}" if fault.raw_sha256 else member
    seen[where] = ordinal = seen.get(where, -1) + 1
    return Row(
        of, row, "fault", locator=f"{where}#{ordinal}" if ordinal else where, reason=fault.reason,
        detail=_utf8(fault.detail), byte_offset=fault.byte_offset, raw_sha256=fault.raw_sha256,
    )  # fmt: skip


def _screened(buffer: _Buffer, screen: Screen, known: str | None) -> pa.RecordBatch:
    """The buffer as a batch, each distinct text of it screened once; one that is known not at all."""
    texts: dict[str, str] = {}
    for row in buffer.rows:
        if row.text_sha256 is not None and row.text is not None:
            texts.setdefault(row.text_sha256, row.text)
    seen = among(known, list(texts)) if known else set[str]()
    if seen:
        texts = {sha256: text for sha256, text in texts.items() if sha256 not in seen}
    said = dict(zip(texts, screen(list(texts.values())) if texts else (), strict=True))
    return staged(buffer.rows, seen, said)


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
