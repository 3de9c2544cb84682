"""Admission (45654-2025 4.1.1 a): a random sample of a source is screened before anything of it is collected.

Plain Python, one pass over what was fetched, in the memory of the sample and of one member's text hashes. Which records
are drawn is a function of seed and record id alone, so that anybody can draw the sample again from the `record` table.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappush, heapreplace
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Screened
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.kit import kit_for
from corpusgate.intake.read import read_items
from corpusgate.intake.rules import Ordinals, licence_part, locator, record_id, text_sha256
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.control import Control
from corpusgate.settings.load import load_file
from corpusgate.settings.model import RISKS_OF_SOURCE
from corpusgate.settings.source import Source

CONTROL = "45654-4-1-1-a"
EXAMPLES = 20
_EXACT = Decimal("0.000001")


@dataclass(slots=True)
class Draw:
    """The `size` records with the smallest SHA-256 of `seed|record_id` of all that are offered.

    `frame` counts the records offered and `faults` what could not be read.
    """

    seed: str
    size: int
    frame: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    _heap: list[tuple[int, str, str]] = field(default_factory=list)  # the largest rank first, as a negative number
    _ids: set[str] = field(default_factory=set)

    def offer(self, record: str, text: str) -> None:
        """Takes the record if it is among the smallest so far. One offered twice is taken once."""
        self.frame += 1
        rank = -int.from_bytes(hashlib.sha256(f"{self.seed}|{record}".encode()).digest())
        full = len(self._heap) == self.size
        if record in self._ids or (full and rank <= self._heap[0][0]):
            return
        self._ids.add(record)
        if full:
            _, gone, _ = heapreplace(self._heap, (rank, record, text))
            self._ids.discard(gone)
        else:
            heappush(self._heap, (rank, record, text))

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Record ids and stored texts, in the order of the draw."""
        return [(record, text) for _, record, text in sorted(self._heap, reverse=True)]


@dataclass(frozen=True, slots=True)
class Judged:
    """What screening says of a sample: ids of bad records with the risks of each, in the order of the draw."""

    n: int
    bad: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def share(self) -> float:
        """Bad records among those drawn; of none, nothing can be said."""
        return len(self.bad) / self.n

    @property
    def risks(self) -> dict[str, int]:
        """Bad records by risk; a record counts under each of its risks."""
        return dict(sorted(Counter(risk for _, risks in self.bad for risk in risks).items()))


def admission(run: Run, source: Source) -> StepResult:
    """Draws, screens and judges; held by 4.1.1 a where the share is over its bound, or where there is no record.

    A source that its licence holds is assessed all the same, over all its parts: whoever concludes the licence wants to
    know what is in it. Its hold stands.

    Facts: `n`, `k`, `share`, `risks`, `examples` (record ids), `seed`, `versions`, `frame_rows`, `faults` by reason.

    Raises:
        UserError: the source was not fetched, or its licence not judged, in this run.
    """
    for step in ("fetch", "licence"):
        earlier = run.result(step, source.id)
        if earlier is None:
            raise UserError(f"{source.id} has no result of the step {step} in the run {run.id}: run that step first.")
        if step == "fetch" and earlier.state not in ("ok", "unchanged"):
            return StepResult(
                step="admission", source_id=source.id, state=earlier.state, unit="record", rows_in=0, kept=0,
                held_by=earlier.held_by, because=f"not assessed: {earlier.because}",
            )  # fmt: skip
    kit = kit_for(run)
    screener = detectors.load(kit)
    draw = drawn(run, source)
    records = [record for record, _ in draw.taken]
    remove_at = run.corpus.policy.remove_at
    judged = judge(records, screener.screen([text for _, text in draw.taken]), remove_at)
    control = load_file(run.place.conf / "controls" / f"{CONTROL}.yaml", Control)
    return _result(source, draw, judged, control, detectors.versions(kit))


def drawn(run: Run, source: Source) -> Draw:
    """The sample of a source: of the records in the parts whose licence passes, or of all where none does."""
    fetch, licence = run.result("fetch", source.id), run.result("licence", source.id)
    assert fetch is not None and licence is not None  # admission has looked
    passing = frozenset(p["part"] for p in licence.facts.get("parts", []) if p["verdict"] == "pass")
    draw = Draw(run.corpus.seed, source.admission.sample)
    for fact in sorted(fetch.facts["acquisitions"], key=lambda a: a["acquisition_id"]):
        for record, text in _records(source, Path(fact["path"]), fact["name"], passing, draw.faults):
            draw.offer(record, text)
    return draw


def judge(records: Sequence[str], screened: Sequence[Screened], remove_at: float) -> Judged:
    """Which records are bad: those whose keyword findings of the 29 risks of A.1 to A.4 weigh `remove_at` or more."""
    keyword = {d.NAME for d in detectors.DETECTORS if d.FAMILY == "keyword"}
    bad = []
    for record, said in zip(records, screened, strict=True):
        counted = [f for f in said.findings if f.detector in keyword and f.risk in RISKS_OF_SOURCE]
        weight = sum((Decimal(str(f.weight)).quantize(_EXACT) for f in counted), Decimal(0))
        if weight >= Decimal(str(remove_at)):
            bad.append((record, tuple(sorted({f.risk for f in counted}))))
    return Judged(len(records), tuple(bad))


def _records(
    source: Source, path: Path, name: str, passing: frozenset[str], faults: Counter[str]
) -> Iterator[tuple[str, str]]:
    ordinals = Ordinals()
    for found in read_items(path, name, source.reader):
        if isinstance(found, Fault):
            faults[found.reason] += 1
        elif isinstance(found, Item) and (not passing or licence_part(found.member, source.licence) in passing):
            sha256 = text_sha256(found.text)
            yield record_id(source.id, locator(found, sha256, ordinals(found, sha256)), sha256), found.text


def _result(source: Source, draw: Draw, judged: Judged, control: Control, versions: dict[str, str]) -> StepResult:
    n, k = judged.n, len(judged.bad)
    facts: dict[str, Any] = {
        "n": n, "k": k, "share": judged.share if n else None, "risks": judged.risks,
        "examples": [record for record, _ in judged.bad[:EXAMPLES]], "seed": draw.seed, "versions": versions,
        "frame_rows": draw.frame, "faults": dict(sorted(draw.faults.items())),
    }  # fmt: skip
    holds = n > 0 and control.holds(judged.share)
    if n == 0:
        facts["reason"] = "empty"
    return StepResult(
        step="admission", source_id=source.id, state="ok" if holds else "held", unit="record", rows_in=n, kept=n,
        held_by=None if holds else control.id, because=_because(draw, judged, control), facts=facts,
    )  # fmt: skip


def _because(draw: Draw, judged: Judged, control: Control) -> str:
    if judged.n == 0:
        unread = f" {draw.faults.total()} could not be read." if draw.faults else ""
        return (
            f"{control.clause}: empty, no record to assess.{unread} Check the reader's include, format and options "
            "against what was fetched (corpusgate source check)."
        )
    assert control.bound is not None
    said = (
        f"{control.clause}: {len(judged.bad)} of {judged.n} sampled records ({judged.share:.2%}) are illegal or "
        f"unhealthy; allowed are at most {control.bound:.2%}."
    )
    return said if control.holds(judged.share) else f"{said} {control.next_act.strip()}"
