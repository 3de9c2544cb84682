"""The records of a candidate one by one, as they are decided about without Spark: read from the lake, with what was
found in their texts. `frames.py` reads the same as columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa

from corpusgate.intake.rules import detector_version
from corpusgate.lake import store
from corpusgate.lake.alone import among
from corpusgate.lake.dialect import literal, one_of
from corpusgate.settings.model import PERSONAL, RISKS_OF_SOURCE
from corpusgate.settings.place import Place

_MICRO = Decimal("0.000001")
#: Columns with few different values: each is held once, not once a record.
_FEW = frozenset(("source_id", "language", "modality", "licence_part", "source_rule", "role", "domain", "speaker"))


@dataclass(slots=True)
class Row:
    """A record that is considered, and what is decided about it. `at`: first acquired, microseconds since 1970."""

    record_id: str
    at: int | None
    source_id: str
    text_sha256: str
    language: str | None
    modality: str | None
    characters: int | None
    bytes: int | None
    domain: str | None
    licence_part: str | None
    source_rule: str | None
    role: str | None
    group_id: str | None
    turn: int | None
    speaker: str | None
    has_basis: bool
    mask_set: str = ""
    mask_fault: str | None = None
    released_sha256: str = ""
    released_characters: int | None = None
    released_bytes: int | None = None
    rule: str | None = None
    fault: str | None = None
    cluster: str | None = None
    survivor: str | None = None
    cause: str | None = None
    cause_record: str | None = None

    @property
    def unit(self) -> str:
        """What goes or stays as a whole: its group, or itself."""
        return self.group_id if self.group_id is not None else self.record_id

    @property
    def takes_part(self) -> bool:
        """Whether it is still among those that copies are sought among."""
        return self.rule is None and self.fault is None

    @property
    def outcome(self) -> str:
        """kept, removed or errored: a fault counts where no rule removed the record before."""
        if self.rule is not None:
            return "removed"
        return "kept" if self.fault is None else "errored"

    @property
    def because(self) -> str | None:
        """The rule that removed it, or the fault by which it is errored."""
        return self.rule if self.rule is not None else self.fault


_READ = (
    "record_id", "first_acquired_at", "source_id", "text_sha256", "language", "modality", "characters", "bytes",
    "domain", "licence_part", "source_rule", "role", "group_id", "turn", "speaker",
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What the current versions of the detectors found in one text (see `frames.text_findings`)."""

    keyword_score: Decimal = Decimal(0)
    spans: set[tuple[int, int, str]] = field(default_factory=set)
    test_sets: set[str] = field(default_factory=set)
    signs: set[str] = field(default_factory=set)
    counted: set[tuple[str, int]] = field(default_factory=set)
    written: set[tuple[str, int, int]] = field(default_factory=set)

    @property
    def classes(self) -> frozenset[str]:
        """Of personal information."""
        return frozenset(kind for _, _, kind in self.spans)

    @property
    def incomplete(self) -> bool:
        """More were counted than written."""
        return sum(n for _, n in self.counted) > len(self.written)

    def as_row(self) -> dict[str, Any]:
        """`spans` and `incomplete` as `masking.Finder` asks for them."""
        spans = [{"start": start, "end": end, "risk": risk} for start, end, risk in sorted(self.spans)]
        return {"spans": spans, "incomplete": self.incomplete}


def considered(
    place: Place, batches: Iterable[str], acquisitions: Iterable[str], parts: Collection[tuple[str, str]]
) -> dict[str, Row]:
    """The records of a run's acquisitions by id, in the order of their ids; `parts`: (source, part of its licence) that
    passed in this run.

    One place that two acquisitions hold is one record: the same row whichever comes first.
    """
    sql = (
        f"SELECT {', '.join(_READ)}, personal_information_basis IS NOT NULL AS has_basis, acquisition_id "
        # In memory rows lie as they were made: gone through in that order, each pass over them takes half the time.
        f"FROM record WHERE {one_of('batch_id', batches)} ORDER BY record_id"
    )
    chosen = frozenset(acquisitions)
    found: dict[str, Row] = {}
    for batch in map(store.plain, store.stream(place, sql, ["record"])):
        for row in _rows(batch.filter(among(batch.column("acquisition_id"), chosen))):
            if (row.source_id, row.licence_part) not in parts:
                continue
            there = found.get(row.record_id)
            if there is None or _order(row) < _order(there):
                found[row.record_id] = row
    return found


def _rows(batch: pa.RecordBatch) -> Iterator[Row]:
    columns = [_values(batch, name) for name in (*_READ, "has_basis")]
    return (Row(*values) for values in zip(*columns, strict=True))


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    column = batch.column(name)
    if name == "first_acquired_at":
        return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    if name not in _FEW:
        return column.to_pylist()
    coded = column.dictionary_encode()
    words = [*coded.dictionary.to_pylist(), None]
    return [words[-1 if at is None else at] for at in coded.indices.to_pylist()]


def _order(row: Row) -> tuple[tuple[bool, Any], ...]:
    """Spark's order of the struct in `frames.considered`: column by column, null first."""
    values = (
        row.at, row.source_id, row.text_sha256, row.language, row.modality, row.characters, row.bytes, row.domain,
        row.licence_part, row.source_rule, row.role, row.group_id, row.turn, row.speaker, row.has_basis,
    )  # fmt: skip
    return tuple((value is not None, 0 if value is None else value) for value in values)


def findings(
    place: Place, versions: Mapping[str, str], signs: Iterable[str], texts: Collection[str]
) -> dict[str, Found]:
    """What was found in these texts, by text (see `frames.text_findings`); texts without a finding are left out."""
    looked = any("contamination-" in version for version in versions.values())
    kinds = {"keyword": sorted(RISKS_OF_SOURCE), "personal_information": sorted(PERSONAL)}
    if looked:
        kinds["contamination"] = []
    if chosen := sorted(signs):
        kinds["language_quality"] = chosen
    where = " OR ".join(_of(detector, versions, risks) for detector, risks in kinds.items())
    sql = f'SELECT text_sha256, detector, rule, risk, start, "end", weight, count FROM finding WHERE {where}'
    found: dict[str, Found] = {}
    for batch in store.stream(place, sql, ["finding"]):
        for text, *said in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            if text in texts:
                _add(found.setdefault(text, Found()), *said)
    return found


def _of(detector: str, versions: Mapping[str, str], risks: Iterable[str]) -> str:
    of = f"detector = {literal(detector)} AND version = {literal(detector_version(detector, versions))}"
    named = ", ".join(map(literal, risks))
    return f"({of} AND risk IN ({named}))" if named else f"({of})"


def _add(
    found: Found, detector: str, rule: str, risk: str, start: int, end: int, weight: float | None, count: int
) -> None:
    if detector == "keyword":
        found.keyword_score += exact(weight) if weight is not None else 0
    elif detector == "personal_information":
        found.spans.add((start, end, risk))
        found.counted.add((rule, count))
        found.written.add((rule, start, end))
    elif detector == "contamination":
        found.test_sets.add(rule.rsplit(":", 1)[-1])
    else:
        found.signs.add(risk)


@lru_cache(maxsize=4096)
def exact(weight: float) -> Decimal:
    """A weight as a decimal of six places, rounded half up, as Spark casts it: sums must not depend on an order."""
    return Decimal(repr(weight)).quantize(_MICRO, ROUND_HALF_UP)
