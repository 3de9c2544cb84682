"""What people's reviews of a candidate's sample say (45654-2025 4.2.1, by B.2.1.2.1 a): 4,000 items of each modality,
96 %. Counted from the tables alone: items decided by one person, by two who agree, or by a third where two differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpusgate.gates import statistics
from corpusgate.gates.figures import Figure, GateInput, quoted
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.review import rules
from corpusgate.review.desk import Desk, desk
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.control import Control
from corpusgate.settings.place import Place

MANUAL = "45654-4-2-1-manual"


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one sample: items drawn, items decided, those decided as bad, those whose text changed since, and those on
    which two people differ and no third one has decided."""

    drawn: int
    reviewed: int
    bad: tuple[str, ...]
    void: int
    tied: int = 0


def manual_figures(run: Run, release_id: str, control: Control) -> list[Figure]:
    """One figure a modality: the pass rate where enough is reviewed, or where enough is bad already; else pending."""
    samples = {s["stratum"]: s for s in in_force_samples(run.place, release_id, control.id)}
    figures = []
    for modality in sorted({*run.corpus.modalities, *samples}):
        stratum = f"modality:{modality}"
        if modality not in samples:
            because = "no sample was drawn for people from this modality"
            figures.append(
                Figure(control.id, "content", "release", release_id, "pending", stratum, "human", because=because)
            )
            continue
        figures.append(_figure(run.place, control, release_id, stratum, samples[modality]))
    return figures


def _figure(place: Place, control: Control, release_id: str, stratum: str, sample: Mapping[str, Any]) -> Figure:
    counted = tally(desk(place, sample["sample_id"], table_only=True))
    figure = judge_sample(control, release_id, stratum, sample, counted)
    earlier = failed_before(place, control, sample)
    said = "".join(f"; {told}" for told in _told(sample, earlier))
    state, value = figure.state, figure.value
    if open_ := [f for f in earlier if f.unanswered or f.row["seed"] == sample["seed"]]:
        first = open_[0].row["sample_id"]
        why = "nothing was recorded after it" if open_[0].unanswered else "this draw has its seed"
        said += (
            f"; {first} failed and {why}: fix what it found and draw anew (corpusgate sample again {first} "
            f"--release {release_id} --because …)"
        )
        if state == "measured" and value is not None and control.holds(value):
            state, value = "pending", None
    return Figure(
        control.id, "content", "release", release_id, state, stratum, "human", value=value, k=figure.k, n=figure.n,
        because=figure.because + said, examples=figure.examples,
    )  # fmt: skip


def tally(at: Desk) -> Tally:
    """Counts the items of a sample by what was decided of them."""
    decided = {r: at.decision(r) for r in at.drawn.by_record if r in at.drawn.current}
    bad = tuple(sorted(r for r, d in decided.items() if d.outcome == "bad"))
    reviewed = sum(d.outcome != "open" for d in decided.values())
    return Tally(
        len(at.drawn.items), reviewed, bad, len(at.drawn.items) - len(decided), sum(d.tied for d in decided.values())
    )


def judge_sample(control: Control, release_id: str, stratum: str, sample: Mapping[str, Any], counted: Tally) -> Figure:
    """The figure of one sample: k items passed of n reviewed. Too few reviews wait, unless the bound cannot be met any
    more: 161 bad items of 4,000 fail whatever the rest will be."""
    assert control.draw is not None and control.bound is not None
    needed = control.draw.size(sample["frame_rows"])
    n, bad = counted.reviewed, len(counted.bad)
    passed = n - bad
    said = f"{n} of {needed} items of sample {sample['sample_id']} reviewed, {bad} bad"
    said += f"; {counted.tied} wait for a third person, because two differ" if counted.tied else ""
    said += f"; {counted.void} void: their text changed since the draw" if counted.void else ""
    if counted.drawn < needed:
        said += f"; only {counted.drawn} were drawn: raise policy.review_sample to {needed}"
    said += f"; the point figure is judged; {statistics.said(passed, n)}" if 0 < n < sample["frame_rows"] else ""
    lost = rules.lost(max(needed, n), bad, control.bound)
    state = "measured" if lost or (n >= needed > 0 and not counted.tied) else "pending"
    rate = passed / n if n else None
    if lost and n < needed:
        rate, said = (needed - bad) / needed, f"{said}; the bound cannot be met any more"
    return Figure(
        control.id, "content", "release", release_id, state, stratum, "human",
        value=rate if state == "measured" else None, k=passed, n=n, because=said, examples=counted.bad[:10],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failed:
    """A sample of the same corpus, control and stratum that failed; `unanswered`: no draw took its place."""

    row: Mapping[str, Any]
    bad: int
    decided: int
    unanswered: bool


def in_force_samples(place: Place, release_id: str, control_id: str = MANUAL) -> list[dict[str, Any]]:
    """The samples for people of a release that count, one a modality: where draws followed one another, the last."""
    found = {}
    for row, number, of in draws_of(place, release_id, control_id):
        if number == of:
            found[row["stratum"]] = row
    return list(found.values())


def draws_of(place: Place, release_id: str, control_id: str = MANUAL) -> list[tuple[dict[str, Any], int, int]]:
    """All samples of a control from a release, modality by modality, first to last: (row, its number, how many)."""
    where = f"release_id = {quoted(release_id)} AND control_id = {quoted(control_id)}"
    rows = store.read(place, "sample", where=where).to_pylist()
    strata: dict[str, list[dict[str, Any]]] = {}
    # what followed a failure counts over what was drawn with the candidate, whichever was drawn first
    for row in sorted(rows, key=lambda r: (bool(r["follows"]), r["drawn_at"], r["seed"])):
        strata.setdefault(row["stratum"], []).append(row)
    return [(row, n, len(of)) for _, of in sorted(strata.items()) for n, row in enumerate(of, 1)]


def failed_before(place: Place, control: Control, sample: Mapping[str, Any]) -> list[Failed]:
    """The other samples of this corpus, control and modality that failed, in whatever release, in their order.

    Raises:
        GateInput: people reviewed a sample that is not there any more: a failure may have been removed with it.
    """
    assert control.draw is not None and control.bound is not None
    where = f"control_id = {quoted(control.id)} AND stratum = {quoted(sample['stratum'])}"
    rows = store.read(place, "sample", where=where).to_pylist()
    corpus = sample["release_id"].rpartition("-")[0]
    reviewed = set(store.query(place, "SELECT DISTINCT sample_id FROM review", ["review"]).column(0).to_pylist())
    if gone := sorted(reviewed - set(store.read(place, "sample", ["sample_id"]).column(0).to_pylist())):
        raise GateInput(f"people reviewed {', '.join(gone[:5])}, but the table sample has no such row any more")
    answered = {r["follows"] for r in rows if r["follows"]}
    failed = []
    for row in sorted(rows, key=lambda r: (r["drawn_at"], r["seed"])):
        other = row["sample_id"] != sample["sample_id"] and row["sample_id"] in reviewed
        if not other or row["release_id"].rpartition("-")[0] != corpus:
            continue
        counted = tally(desk(place, row["sample_id"], table_only=True))
        needed = max(control.draw.size(row["frame_rows"]), counted.reviewed)
        if rules.lost(needed, len(counted.bad), control.bound):
            failed.append(Failed(row, len(counted.bad), counted.reviewed, row["sample_id"] not in answered))
    return failed


def failed_before_sample(place: Place, sample: Mapping[str, Any]) -> list[Failed]:
    """The same, for a caller without the control."""
    return failed_before(place, load_catalogue(place)[sample["control_id"]], sample)


def _told(sample: Mapping[str, Any], earlier: list[Failed]) -> list[str]:
    told = [
        f"draw {f.row['sample_id']} of {f.row['release_id']} failed: {f.bad} bad of {f.decided} reviewed"
        for f in earlier
    ]
    if sample["follows"]:
        told.append(f"drawn anew after {sample['follows']} by {sample['drawn_by']}: {sample['follows_because']}")
    return told
