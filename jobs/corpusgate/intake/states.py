"""What is known of batches that are done: their reports, and which batch is a source's present state.

A report says what a batch was made of and what came out of each acquisition. It is written last, so that a batch whose
tables were half written has none; after it the source's state moves to the batch. The state keeps the version that
`record` had then: with it the earlier state can be read exactly, even if a run that was killed wrote over its slice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpusgate.lake.run import write_atomically
from corpusgate.settings.place import Place


@dataclass
class Counted:
    """What came out of one acquisition, in items; `signals`: undeclared fields; `shadowed_by`: acquisitions whose
    records took the places of twins in this one, so that it is read again when they go."""

    kept: int = 0
    errored: int = 0
    removed_by_rule: dict[str, int] = field(default_factory=dict)
    signals: list[str] = field(default_factory=list)
    shadowed_by: list[str] = field(default_factory=list)
    sha256: str | None = None
    """Of an object that intake brought from its store."""

    def as_fact(self) -> dict[str, Any]:
        """As it stands in the batch's report: what is none is left out."""
        return {n: v for n, v in vars(self).items() if v}


@dataclass(frozen=True, slots=True)
class State:
    """A source's present batch, and the version of the table `record` in which it was complete."""

    batch_id: str
    record_version: int


def total(acquisitions: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, int]]:
    """Accounting over acquisitions as their reports say it: counts of a step, and acquisitions by undeclared field."""
    kept, errored = 0, 0
    removed: dict[str, int] = {}
    signals: dict[str, int] = {}
    for one in acquisitions:
        kept += one.get("kept", 0)
        errored += one.get("errored", 0)
        for rule, n in one.get("removed_by_rule", {}).items():
            removed[rule] = removed.get(rule, 0) + n
        for name in one.get("signals", ()):
            signals[name] = signals.get(name, 0) + 1
    gone = sum(removed.values())
    counts = {
        "rows_in": kept + gone + errored, "kept": kept, "removed": gone, "errored": errored,
        "removed_by_rule": dict(sorted(removed.items())),
    }  # fmt: skip
    return counts, dict(sorted(signals.items()))


def read_report(place: Place, batch: str) -> dict[str, Any] | None:
    """The report of a batch that is done, or None."""
    return _read(_report(place, batch))


def forget_report(place: Place, batch: str, acquisitions: Iterable[str] | None = None) -> None:
    """Makes the batch one that was never done, or of it only these acquisitions: the next intake reads them again."""
    if acquisitions is None or (report := read_report(place, batch)) is None or "acquisitions" not in report:
        _report(place, batch).unlink(missing_ok=True)
        return
    forgotten = {a for a in acquisitions if report["acquisitions"].pop(a, None) is not None}
    report["forgotten"] = sorted(forgotten.union(report.get("forgotten", ())))  # their rows are there all the same
    _write(_report(place, batch), report)


def write_report(place: Place, batch: str, report: Mapping[str, Any]) -> None:
    """Says that the batch is done."""
    _write(_report(place, batch), report)


def read_state(place: Place, source_id: str) -> State | None:
    """The source's present state; None where no intake has said one."""
    found = _read(_state(place, source_id))
    return State(**found) if found else None


def write_state(place: Place, source_id: str, state: State) -> None:
    """Makes the batch the source's present state."""
    _write(_state(place, source_id), {"batch_id": state.batch_id, "record_version": state.record_version})


def present(place: Place) -> dict[str, str]:
    """Batch of each source's present state."""
    folder = place.lake / "_states"
    return {p.stem: json.loads(p.read_text("utf-8"))["batch_id"] for p in sorted(folder.glob("*.json"))}


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True))


def _report(place: Place, batch: str) -> Path:
    return place.lake / "_batches" / f"{batch}.json"


def _state(place: Place, source_id: str) -> Path:
    return place.lake / "_states" / f"{source_id}.json"
