"""Lines that stood in a source's last state, byte for byte: they are counted again, but not read.

In a file that changed most lines did not, and to read one of them costs more than to hash it. What it gave lies in
`record` with the line's hash: the same line, read in the same way, gives that record again. Only what the line alone
does not say has to be the same, too. The record's name holds the member and an ordinal where the source declares no
key, and which licence part it falls under depends on the member: so a line stands only where it may (`lines`). A line
of which another one may say the same record is not passed over: whoever reads finds such records (`repeated`, or one
that stands and was read, too) and reads once more, without them (`without`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from corpusgate.intake.rules import licence_part, member_path
from corpusgate.intake.splits import Split
from corpusgate.intake.states import read_report, read_state
from corpusgate.lake import store
from corpusgate.lake.dialect import literal, one_of
from corpusgate.settings.place import Place
from corpusgate.settings.source import Source

MOST = 1_000_000
"""Lines of a state, some 350 bytes each in memory; of a bigger one all are read again."""
LISTED = 1000
"""Up to so many acquisitions are named in a query."""
_FIRST = "#0"  # the ordinal of a text that stands once in its member, or first


class Line(NamedTuple):
    """A record of a source's last state and the hash of its line."""

    raw_sha256: str
    record_id: str
    locator: str
    licence_part: str
    acquisition_id: str
    bytes: int


@dataclass(slots=True)
class Standing:
    """The lines of one source's last state, by where they may stand, and which of their records a reading found
    again: `found` in which split, `repeated` more than once. `bytes`: of their texts."""

    source: Source
    bytes: int = 0
    found: dict[str, Split] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)
    _places: dict[str, dict[str, str]] = field(default_factory=dict)

    def lines(self, member: str) -> Mapping[str, str]:
        """Hash to record of each line that may stand in the member."""
        keyed = self.source.reader.key
        place = licence_part(member, self.source.licence) if keyed else member_path(member)
        return self._places.get(place or "", {})

    def note(self, record_id: str, split: Split) -> None:
        """Says that the record stands in the split."""
        if record_id in self.found:
            self.repeated.add(record_id)
        self.found[record_id] = split

    def without(self, records: Collection[str]) -> Standing:
        """The same lines but for those of these records, for a new reading."""
        places = {
            place: {raw: r for raw, r in lines.items() if r not in records} for place, lines in self._places.items()
        }
        return Standing(self.source, self.bytes, _places=places)


def standing(source: Source, lines: Iterable[Line]) -> Standing:
    """These lines, each where it may stand."""
    made, keyed = Standing(source), bool(source.reader.key)
    for one in lines:
        place = one.licence_part if keyed else _member(one.locator)
        if place is not None:
            made._places.setdefault(place, {})[one.raw_sha256] = one.record_id
            made.bytes += one.bytes
    return made


def _member(locator: str) -> str | None:
    """The member of a record that is named by its text, the first of its like there; None of any other."""
    where, _, _ = locator.removesuffix(_FIRST).rpartition("#")
    return where if locator.endswith(_FIRST) else None


def stood_before(
    place: Place, source: Source, way_sha256: str, stay: Collection[str], condition: str = "TRUE"
) -> Standing | None:
    """The lines of the source's last state whose records meet an SQL condition over `record`; but for those of the
    acquisitions that `stay`, where none has to be looked for.

    None where there is no such state, or it was read in another way than `way_sha256` (`plan.Batch`) says; in a lake
    that no intake wrote to since there are hashes of lines; and where they are more than a process should hold. A field
    that nobody declared is said once an acquisition (`Signal`): which lines have one is not known.
    """
    state = read_state(place, source.id)
    report = read_report(place, state.batch_id) if state else None
    if state is None or report is None or report.get("way_sha256") != way_sha256:
        return None
    few = store.partition_rows(place, "record").get(state.batch_id, 0) <= MOST
    declared = not any(a.get("signals") for a in report["acquisitions"].values())
    if not (few and declared and "raw_sha256" in store.columns(place, "record")):
        return None
    gone = {*report["acquisitions"], *report.get("forgotten", ())}.difference(stay)
    return standing(source, _lines(place, state.batch_id, sorted(gone), condition))


def _lines(place: Place, batch_id: str, acquisitions: Sequence[str], condition: str) -> Iterator[Line]:
    named = one_of("acquisition_id", acquisitions) if len(acquisitions) <= LISTED else "TRUE"
    where = f"batch_id = {literal(batch_id)} AND raw_sha256 IS NOT NULL AND {named} AND {condition}"
    sql, these = f"SELECT {', '.join(Line._fields)} FROM record WHERE {where}", set(acquisitions)
    for batch in store.stream(place, sql, ["record"]) if acquisitions else ():
        lines = map(Line._make, zip(*(c.to_pylist() for c in batch.columns), strict=True))
        yield from (one for one in lines if one.acquisition_id in these)
