"""Admission (45654-2025 4.1.1 a): a random sample of a source is screened before anything of it is collected.

Plain Python, one pass over what is new of it, in the memory of the sample and of one member's text hashes. Which
records are drawn is a function of seed and record id alone, so that anybody can draw the sample again from the `record`
table, and so that what was read in an earlier run need not be read again (`reserve.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates import statistics
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit, Screened
from corpusgate.intake.draw import assessed, drawn_from, here, rank, records
from corpusgate.intake.kit import kit_for
from corpusgate.intake.labels import counted, labels
from corpusgate.intake.plan import batch_of
from corpusgate.intake.read import EXTRACTION_VERSION
from corpusgate.intake.reserve import TIMES, Ranked, Reserve, remember, remembered
from corpusgate.intake.standing import Standing, stood_before
from corpusgate.lake.dialect import literal, sha256
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.control import Control
from corpusgate.settings.load import load_file
from corpusgate.settings.model import RISKS_OF_SOURCE
from corpusgate.settings.source import Source

CONTROL = "45654-4-1-1-a"
EXAMPLES = 20
_EXACT = Decimal("0.000001")


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
    reserve = drawn(run, source, kit)
    sample = reserve.sample(source.admission.sample) or []
    machine = {r.record: r.risks for r in sample if r.risks}
    share = run.corpus.policy.admission_by_people
    people = counted([r.record for r in sample], machine, labels(run.place, source.id, run.at), share)
    control = load_file(run.place.conf / "controls" / f"{CONTROL}.yaml", Control)
    result = _result(run, source, reserve, Judged(people.n, people.bad), control, detectors.versions(kit))
    result.facts |= {"sample": [r.record for r in sample], "machine_bad": sorted(machine), "labelled": people.judged}
    result.because += people.said()
    if people.n and people.waits(control.bound or 0.0):
        result.state, result.held_by, result.because = "held", control.id, people.asks(control.clause, source.id)
        result.facts["waits"] = True
    fetched = run.result("fetch", source.id)
    assert fetched is not None
    objects = len(fetched.facts["acquisitions"])
    if (read := len(reserve.frames)) < objects:
        result.facts["objects"] = {"assessed": read, "of": objects}
        result.because += f" Drawn from {read} of {objects} objects: the others stay in their store."
    return result


def sampled_texts(run: Run, source: Source, wanted: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Id and stored text of these records, read again from what the run's fetch step brought or listed."""
    fetch = run.result("fetch", source.id)
    assert fetch is not None  # who has a sample has it
    for fact in assessed(fetch.facts["acquisitions"], run.corpus.seed):
        with here(source, fact) as (path, end):
            for record, text, _ in records(source, path, fact["name"], frozenset(), Counter(), end):
                if record in wanted and text is not None:
                    yield record, text


def drawn(run: Run, source: Source, kit: Kit) -> Reserve:
    """The smallest ranks of the source's records, screened: of those in the parts whose licence passes, or of all where
    none does. Only acquisitions that no earlier run read are read, unless too little of what it kept is there still."""
    fetch, licence = run.result("fetch", source.id), run.result("licence", source.id)
    assert fetch is not None and licence is not None  # admission has looked
    passing = batch_of(source, fetch.facts, licence.facts).parts
    facts = {a["acquisition_id"]: a for a in assessed(fetch.facts["acquisitions"], run.corpus.seed)}
    key, size = _key(run, source, passing, kit), source.admission.sample * TIMES
    there = remembered(run.place, source.id, key, size)
    kept = there.only(facts)
    fresh = {a: f for a, f in facts.items() if a not in kept.frames}
    if fresh:
        # what a record's line says of its role may change with its text unchanged
        judged = {} if source.safety else {r.record: r.risks for r in there.ranked}
        _offer(run, source, passing, kit, kept, fresh, _above(run, source, kept.floor), judged)
    if kept.sample(source.admission.sample) is None:
        kept = Reserve(size)
        _offer(run, source, passing, kit, kept, facts)
    remember(run.place, source.id, key, kept)
    return kept


def _above(run: Run, source: Source, floor: str | None) -> Standing | None:
    """Lines of the source's last state whose records rank above the floor, so that nothing is lost by not reading
    them; None where that state was read in another way, or is none."""
    fetch, licence = run.result("fetch", source.id), run.result("licence", source.id)
    if floor is None or fetch is None or licence is None:
        return None
    batch = batch_of(source, fetch.facts, licence.facts)
    stay = {a["acquisition_id"] for a in batch.acquisitions}
    ranked = sha256("datafusion", f"concat({literal(f'{run.corpus.seed}|')}, record_id)")
    return stood_before(run.place, source, batch.way_sha256, stay, f"{ranked} > {literal(floor)}")


def _offer(
    run: Run, source: Source, passing: frozenset[str], kit: Kit, kept: Reserve, facts: Mapping[str, Mapping[str, Any]],
    above: Standing | None = None, judged: Mapping[str, tuple[str, ...]] | None = None,
) -> None:  # fmt: skip
    """Reads these acquisitions, and screens what of them is in the reserve in the end. `above`: lines that need no
    reading; `judged`: record to risks, as an earlier run found them."""
    texts, known = dict[str, str](), judged or {}
    for acquisition, fact in sorted(facts.items()):
        asked = (run, source, passing, kept.size, fact)
        draw = drawn_from(*asked, above) or drawn_from(*asked)
        assert draw is not None  # nothing stood
        taken = dict(draw.taken)
        ranked = [Ranked(rank(draw.seed, record), record, acquisition) for record in taken]
        kept.add(acquisition, draw.frame, draw.faults, ranked, len(ranked) < kept.size)
        texts |= taken
        there = {r.record for r in kept.ranked}
        texts = {record: text for record, text in texts.items() if record in there}
    again = texts.keys() & known
    kept.ranked = [replace(r, risks=known[r.record]) if r.record in again else r for r in kept.ranked]
    texts = {record: text for record, text in texts.items() if record not in again}
    if not texts:
        return
    said = detectors.load(kit).screen(list(texts.values()))
    bad = dict(judge(list(texts), said, run.corpus.policy.remove_at).bad)
    kept.ranked = [replace(r, risks=bad.get(r.record, ())) if r.record in texts else r for r in kept.ranked]


def _key(run: Run, source: Source, passing: frozenset[str], kit: Kit) -> str:
    """Hash of all that the reserve depends on, acquisitions apart."""
    body = {
        "extraction": EXTRACTION_VERSION, "source": source.model_dump(mode="json"), "passing": sorted(passing),
        "seed": run.corpus.seed, "remove_at": run.corpus.policy.remove_at, "versions": detectors.versions(kit),
        "risk_allowed_in": sorted(run.corpus.policy.risk_allowed_in),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


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


def _result(
    run: Run, source: Source, draw: Reserve, judged: Judged, control: Control, versions: dict[str, str]
) -> StepResult:
    n, k = judged.n, len(judged.bad)
    facts: dict[str, Any] = {
        "n": n, "k": k, "share": judged.share if n else None, "risks": judged.risks,
        "examples": [record for record, _ in judged.bad[:EXAMPLES]], "seed": run.corpus.seed, "versions": versions,
        "frame_rows": draw.offered, "faults": dict(sorted(draw.faults.items())),
    }  # fmt: skip
    holds = n > 0 and control.holds(judged.share)
    if n == 0:
        facts["reason"] = "empty"
    return StepResult(
        step="admission", source_id=source.id, state="ok" if holds else "held", unit="record", rows_in=n, kept=n,
        held_by=None if holds else control.id, because=_because(draw, judged, control), facts=facts,
    )  # fmt: skip


def _because(draw: Reserve, judged: Judged, control: Control) -> str:
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
    if judged.n < draw.offered:
        said += f" The point figure is judged; {statistics.said(len(judged.bad), judged.n)}."
    return said if control.holds(judged.share) else f"{said} {control.next_act.strip()}"
