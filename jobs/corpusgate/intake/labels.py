"""What people said of records of an admission sample (45654-2025 4.1.1 a): their verdict stands over the detectors'.

A record's id holds the hash of its text, so a label binds to the text that the person read: when the source says it
differently, the label is about nothing that is drawn any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from corpusgate.lake import store
from corpusgate.settings.model import RISKS_OF_SOURCE
from corpusgate.settings.place import Place

TABLE = "admission_label"

Risks = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """A sample of `n`: `bad` records with their risks (people's word where there is one), how many people have judged,
    found bad, and judged otherwise than the detectors; `needed` labels before the sample says anything."""

    n: int
    bad: tuple[tuple[str, Risks], ...]
    judged: int
    found: int
    overruled: int
    needed: int

    def waits(self, bound: float) -> bool:
        """Whether labels are missing that could still change the verdict."""
        return self.judged < self.needed and self.found <= bound * self.n

    def asks(self, clause: str, source_id: str) -> str:
        """What is waited for, and what to do, in words."""
        return (
            f"{clause}: waits for people, who have judged {self.judged} of the {self.needed} records that the corpus "
            f"asks for; by the detectors and them {len(self.bad)} of {self.n} are illegal or unhealthy so far. "
            f"Next: corpusgate source sample {source_id} --out FILE.csv, fill in the verdicts, then corpusgate source "
            "labels FILE.csv --by NAME, and rebuild."
        )

    def said(self) -> str:
        """In words, empty where nobody judged and nobody has to."""
        if not (self.judged or self.needed):
            return ""
        against = f", against the detectors' word in {self.overruled}" if self.overruled else ""
        asked = f"; {self.needed} are asked for" if self.needed else ""
        return f" People judged {self.judged} of {self.n}{against}{asked}."


def labels(place: Place, source_id: str, at: datetime) -> list[dict[str, Any]]:
    """The rows of the source that were there at `at`."""
    if not (place.table(TABLE) / "_delta_log").is_dir():
        return []
    columns = ["record_id", "reviewer", "verdict", "risks", "reviewed_at", "recorded_at"]
    rows = store.rows(place, TABLE, columns, f"source_id = '{source_id}'")
    return [r for r in rows if r["recorded_at"] <= at]


def counted(
    sample: Sequence[str], bad: Mapping[str, Risks], rows: Iterable[Mapping[str, Any]], share: float
) -> Count:  # fmt: skip
    """The sample with people's verdicts. Each person's newest word counts; of several people the majority does, and
    where as many say the one as the other, the detectors' word stands. Bad is what has a risk of A.1 to A.4, or bad
    without saying which.

    Args:
        sample: ids of the records drawn, in their order.
        bad: record -> risks, by the detectors.
        share: of the sample that people have to judge.
    """
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda r: (r["reviewed_at"], r["recorded_at"])):
        newest[row["record_id"], row["reviewer"]] = row
    said: dict[str, list[Mapping[str, Any]]] = {}
    for (record, _), row in newest.items():
        said.setdefault(record, []).append(row)
    now: list[tuple[str, Risks]] = []
    judged = found = overruled = 0
    for record in sample:
        weight = sum(1 if _illegal(r) else -1 for r in said.get(record, ()))
        judged += record in said
        found += weight > 0
        is_bad = weight > 0 if weight else record in bad
        overruled += is_bad != (record in bad)
        if is_bad:
            now.append((record, bad.get(record) or _risks(said.get(record, ()))))
    return Count(len(sample), tuple(now), judged, found, overruled, ceil(share * len(sample) - 1e-9))


def _illegal(row: Mapping[str, Any]) -> bool:
    risks = row["risks"] or ()
    return row["verdict"] == "bad" and (not risks or any(r in RISKS_OF_SOURCE for r in risks))


def _risks(rows: Iterable[Mapping[str, Any]]) -> Risks:
    return tuple(sorted({r for row in rows for r in row["risks"] or () if r in RISKS_OF_SOURCE}))
