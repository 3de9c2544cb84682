"""What people's reviews of a candidate's sample say (45654-2025 4.2.1, by B.2.1.2.1 a): 4,000 items of each modality,
96 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpusgate.gates import statistics
from corpusgate.gates.figures import Figure, quoted
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.control import Control

MANUAL = "45654-4-2-1-manual"


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one sample: items drawn, items with a valid review, those found bad, and items whose text changed since."""

    drawn: int
    reviewed: int
    bad: tuple[str, ...]
    void: int


def manual_figures(run: Run, release_id: str, control: Control) -> list[Figure]:
    """One figure a modality: the pass rate where enough is reviewed, or where enough is bad already; else pending."""
    samples = _samples(run, release_id, control.id)
    figures = []
    for modality in sorted({*run.corpus.modalities, *samples}):
        stratum = f"modality:{modality}"
        if modality not in samples:
            because = "no sample was drawn for people from this modality"
            figures.append(
                Figure(control.id, "content", "release", release_id, "pending", stratum, "human", because=because)
            )
            continue
        sample = samples[modality]
        figures.append(judge_sample(control, release_id, stratum, sample, tally(*_items_and_reviews(run, sample))))
    return figures


def tally(items: Sequence[Mapping[str, Any]], reviews: Sequence[Mapping[str, Any]]) -> Tally:
    """Counts distinct items. An item is bad when any of its reviewers says so (own reading: doubt counts against).

    `items` carry `record_id`, `released_sha256` and `now_sha256` (what the candidate releases; None: gone). A review is
    void when the item's text is not the one that was drawn, or not the one that the person saw.
    """
    verdicts: dict[str, set[str]] = {}
    current = {i["record_id"]: i["released_sha256"] for i in items if i["now_sha256"] == i["released_sha256"]}
    for review in reviews:
        if current.get(review["record_id"]) == review["released_sha256"] and review["verdict"] in ("ok", "bad"):
            verdicts.setdefault(review["record_id"], set()).add(review["verdict"])
    bad = tuple(sorted(r for r, said in verdicts.items() if "bad" in said))
    return Tally(len(items), len(verdicts), bad, len(items) - len(current))


def judge_sample(control: Control, release_id: str, stratum: str, sample: Mapping[str, Any], counted: Tally) -> Figure:
    """The figure of one sample: k items passed of n reviewed. Too few reviews wait, unless the bound cannot be met any
    more: 161 bad items of 4,000 fail whatever the rest will be."""
    assert control.draw is not None and control.bound is not None
    needed = control.draw.size(sample["frame_rows"])
    n, bad = counted.reviewed, len(counted.bad)
    passed = n - bad
    said = f"{n} of {needed} items of sample {sample['sample_id']} reviewed, {bad} bad"
    said += f"; {counted.void} void: their text changed since the draw" if counted.void else ""
    if counted.drawn < needed:
        said += f"; only {counted.drawn} were drawn: raise policy.review_sample to {needed}"
    said += f"; the point figure is judged; {statistics.said(passed, n)}" if 0 < n < sample["frame_rows"] else ""
    lost = needed > 0 and not control.holds((max(needed, n) - bad) / max(needed, n))
    state = "measured" if lost or (n >= needed > 0) else "pending"
    rate = passed / n if n else None
    if lost and n < needed:
        rate, said = (needed - bad) / needed, f"{said}; the bound cannot be met any more"
    return Figure(
        control.id, "content", "release", release_id, state, stratum, "human",
        value=rate if state == "measured" else None, k=passed, n=n, because=said, examples=counted.bad[:10],
    )  # fmt: skip


def _samples(run: Run, release_id: str, control_id: str) -> dict[str, dict[str, Any]]:
    where = f"release_id = {quoted(release_id)} AND control_id = {quoted(control_id)}"
    rows = store.read(run.place, "sample", ["sample_id", "stratum", "frame_rows", "size"], where).to_pylist()
    return {r["stratum"]: r for r in sorted(rows, key=lambda r: r["sample_id"])}


def _items_and_reviews(run: Run, sample: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    chosen = quoted(sample["sample_id"])
    items = store.query(
        run.place,
        "SELECT i.record_id, i.released_sha256, k.released_sha256 AS now_sha256 FROM sample_item i "
        "JOIN sample s ON i.sample_id = s.sample_id LEFT JOIN release_record k "
        f"ON k.release_id = s.release_id AND k.record_id = i.record_id WHERE i.sample_id = {chosen}",
        ["sample_item", "sample", "release_record"],
    )
    columns = ["record_id", "released_sha256", "verdict"]
    reviews = store.read(run.place, "review", columns, f"sample_id = {chosen}")
    return items.to_pylist(), reviews.to_pylist()
