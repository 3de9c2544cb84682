"""Masks the texts of records without Spark, and takes from the same reading what the near search compares.

One pass over `document`: the texts of a lake are read once, whatever is wanted of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corpusgate.decide import group_masks
from corpusgate.decide.masking import Finder, masked
from corpusgate.decide.records import Found, Row
from corpusgate.decide.rules import DOCUMENT_MISSING, masked_classes
from corpusgate.intake.detectors.signature import ShingleSequence, sequences
from corpusgate.intake.rules import detector_version
from corpusgate.lake import store
from corpusgate.lake.alone import among, picked, texts_named
from corpusgate.lake.run import Run
from corpusgate.settings.model import PERSONAL

if TYPE_CHECKING:
    from corpusgate.decide.job import Inputs
    from corpusgate.settings.place import Place

MEMORY = 1 << 30
"""Bytes of runs, and characters of texts, that are held at once; beyond, Spark does it."""

NAMED = 20_000
"""Up to so many texts are asked for by name, and only the pages that hold them are read: those with personal
information lie together (`intake.staging`)."""

Runs = Mapping[str, ShingleSequence]
Key = tuple[str, bool]  # a text, and whether the record has a basis for its personal information
Classes = Mapping[bool, frozenset[str]]


@dataclass(slots=True)
class _Reading:
    """What one pass over the texts gave: masks of texts, texts of groups, runs of the near search."""

    said: dict[Key, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    runs: dict[str, ShingleSequence] = field(default_factory=dict)
    held: int = 0


def mask(
    run: Run, given: Inputs, rows: Sequence[Row], found: Mapping[str, Found], rule: Callable[[Row], str | None],
    compared: Collection[str],
) -> Runs | None:  # fmt: skip
    """Gives each record its masks, the hash and size of its released text, or why it could not be masked.

    `rule`: the first rules; of what they remove no text is read. Returns what the texts `compared` are compared by;
    None where it takes more than `MEMORY`.
    """
    policy, version = run.corpus.policy, detector_version("personal_information", given.versions)
    classes = {basis: masked_classes(policy.personal_information, PERSONAL, basis) for basis in (True, False)}
    wanted = {r.record_id for r in rows if (of := found.get(r.text_sha256)) and of.classes & classes[r.has_basis]}
    keys: dict[str, set[bool]] = defaultdict(set)
    asked = [r for r in rows if r.group_id is None and r.record_id in wanted and rule(r) is None]
    for row in asked:
        keys[row.text_sha256].add(row.has_basis)
    members = _members(rows, wanted, rule)
    reading = _read(run.place, keys, {r.text_sha256 for r in members}, compared, found, classes, version)
    if reading is None:
        return None
    said = _said((r for r in rows if r.text_sha256 in keys), asked, reading)
    said |= _said_of_groups(members, wanted, reading.texts, found, classes, version)
    for row in rows:
        row.released_sha256, row.released_characters, row.released_bytes = row.text_sha256, row.characters, row.bytes
        if (one := said.get(row.record_id)) is not None:
            row.mask_set, row.mask_fault = one.get("mask_set") or "", one.get("fault")
            row.released_sha256 = one.get("released_sha256") or row.text_sha256
            row.released_characters = _else(one.get("released_characters"), row.characters)
            row.released_bytes = _else(one.get("released_bytes"), row.bytes)
    return reading.runs


def _else(value: int | None, other: int | None) -> int | None:
    return other if value is None else value


def _members(rows: Sequence[Row], wanted: Collection[str], rule: Callable[[Row], str | None]) -> list[Row]:
    """The records of groups in which something is masked, and none of whose records a first rule removes."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.group_id is not None:
            groups[row.group_id].append(row)
    return [
        r for of in groups.values()
        if any(r.record_id in wanted for r in of) and all(rule(r) is None for r in of) for r in of
    ]  # fmt: skip


def _read(
    place: Place, keys: Mapping[str, set[bool]], grouped: Collection[str], compared: Collection[str],
    found: Mapping[str, Found], classes: Classes, version: str,
) -> _Reading | None:  # fmt: skip
    """Reads the texts that are wanted, and of each makes at once what is held; None: it takes too much memory."""
    reading, finder = _Reading(), Finder(version)
    for texts in _texts(place, {*keys, *grouped, *compared}):
        for sha256, text in texts.items():
            for basis in keys.get(sha256, ()):
                row = {"text_sha256": sha256, "has_basis": basis, "text": text, **found[sha256].as_row()}
                reading.said[sha256, basis] = masked(row, finder.spans(row), classes[basis])
            if sha256 in grouped:
                reading.texts[sha256] = text
                reading.held += len(text)
        meet = [sha256 for sha256 in texts if sha256 in compared]
        for sha256, one in zip(meet, sequences([texts[sha256] for sha256 in meet]), strict=True):
            reading.runs[sha256] = one
            reading.held += one.hashes.nbytes
        if reading.held > MEMORY:
            return None
    return reading


def _texts(place: Place, wanted: Collection[str]) -> Iterator[dict[str, str]]:
    """The stored texts that are wanted, by hash, batch by batch; each once."""
    left = set(wanted)
    if not left:
        return
    conditions = texts_named(left) if len(left) <= NAMED else iter(["TRUE"])
    sql = (f"SELECT text_sha256, text FROM document WHERE {where}" for where in conditions)
    for batch in (b for asked in sql for b in store.stream(place, asked, ["document"])):
        mine = among(batch.column("text_sha256"), left)
        if not mine.true_count:
            continue  # no text of it is copied
        rows = picked(batch, mine)
        found = dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))
        yield {sha256: text for sha256, text in found.items() if sha256 in left}
        left -= found.keys()
        if not left:
            return


def _said(rows: Iterable[Row], asked: Sequence[Row], reading: _Reading) -> dict[str, dict[str, Any]]:
    """What is masked in records without a group; `asked` that have no text are told."""
    said = {
        r.record_id: reading.said[r.text_sha256, r.has_basis]
        for r in rows if r.group_id is None and (r.text_sha256, r.has_basis) in reading.said
    }  # fmt: skip
    gone = {"fault": DOCUMENT_MISSING}
    return said | {r.record_id: gone for r in asked if r.record_id not in said}


def _said_of_groups(
    members: Sequence[Row], wanted: Collection[str], texts: Mapping[str, str], found: Mapping[str, Found],
    classes: Classes, version: str,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """What is masked in the records of groups: what is masked in one text of a group is masked in all."""
    if not members:
        return {}
    nothing = Found()
    rows: list[dict[str, Any]] = [
        {
            "record_id": r.record_id, "group_id": r.group_id, "text_sha256": r.text_sha256, "has_basis": r.has_basis,
            "text": texts.get(r.text_sha256), **found.get(r.text_sha256, nothing).as_row(),
        } for r in members
    ]  # fmt: skip
    there = [r for r in rows if r["record_id"] in wanted and r["text"] is not None]
    values: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in group_masks.values(there, classes, Finder(version)):
        values[one["group_id"]].add((one["surface"], one["kind"]))
    for row in rows:
        row["values"] = [{"surface": v, "kind": k} for v, k in sorted(values[row["group_id"]])]
    return {one["record_id"]: one for one in group_masks.members(rows, classes, Finder(version))}
