"""Everything a gate judges of a scope: the computed figures, what waits, and the people's halves, with their
waivers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from corpusgate.gates.attested import Bound, Bounds, Vouched, vouched, waiver
from corpusgate.gates.figures import Figure
from corpusgate.gates.run import Outcome, validate
from corpusgate.gates.verdict import Judged, judge, missing, with_waiver
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.catalogue import Catalogue
from corpusgate.settings.control import Control

#: The control that people's conclusions about licences speak to.
LICENCE = "45654-4-1-3-a"
#: `scope_id` of what is said of sources that there are none of.
NO_SOURCE = "*"

BoundsOf = Callable[[str], Bounds]


def judged_figures(catalogue: Catalogue, figures: Sequence[Figure], gates: Iterable[str]) -> list[Judged]:
    """Every figure judged by its gate's suite, in this one process. A gate without a figure is judged too, as empty."""
    judged = []
    for gate in gates:
        of_gate = [f for f in figures if f.gate == gate]
        outcome: Outcome = validate(gate, of_gate, catalogue)
        judged += [judge(catalogue[f.control_id], f, outcome) for f in of_gate if catalogue[f.control_id].computed]
    return judged


def without_figure(
    catalogue: Catalogue, judged: Sequence[Judged], gates: Iterable[str], scope: str, scope_ids: Iterable[str]
) -> list[Judged]:
    """A failure for each computed control and scope of which no figure came: what was not computed never passes."""
    there = {(j.control_id, j.scope_id) for j in judged}
    controls = {c.id: c for gate in gates for c in catalogue.at(gate) if c.computed}
    of_a_kind = {c for c, _ in there}  # what speaks of a kind of source alone has a figure of those sources, or of none
    return [
        missing(c, scope, scope_id)
        for c in controls.values()
        for scope_id in ([NO_SOURCE] if c.only_for and scope == "source" else scope_ids)
        if (c.id not in of_a_kind if scope_id == NO_SOURCE else (c.id, scope_id) not in there)
    ]


def waiting(run: Run, catalogue: Catalogue, scope: str, scope_ids: Sequence[str]) -> list[Judged]:
    """The computed halves that wait for a part of corpusgate or for data: pending, with what is missing."""
    judged = []
    for control in catalogue:
        if control.scope != scope or control.waits_for is None or control.mode == "attested":
            continue
        because = f"waits for: {control.waits_for}"
        for scope_id, applies in _scopes(run, control, scope_ids):
            verdict = "pending" if applies else "not_applicable"
            said = because if applies else _absent(control)
            judged.append(Judged(control.id, "computed", scope, scope_id, "", verdict, said, waiting=applies))
    return judged


def human_halves(
    run: Run,
    catalogue: Catalogue,
    scope: str,
    scope_ids: Sequence[str],
    bounds_of: BoundsOf,
    shown: Sequence[Figure] = (),
) -> list[Judged]:
    """The people's halves of attested controls; `shown` are figures that a person attests to, given no bound."""
    judged, rows = [], attestations(run)
    figures = {(f.control_id, f.scope_id): f for f in shown}
    for control in catalogue:
        if control.scope != scope or control.mode == "computed":
            continue
        for scope_id, applies in _scopes(run, control, scope_ids):
            figure = figures.get((control.id, scope_id))
            if not applies or (figure and figure.state == "not_applicable"):
                said = figure.because if figure else _absent(control)
                one = Judged(control.id, "human", scope, scope_id, "", "not_applicable", said)
            else:
                found = _provisional(run, control, scope_id) or vouched(control, bounds_of(scope_id), rows, run.at)
                one = Judged(
                    control.id,
                    "human",
                    scope,
                    scope_id,
                    "",
                    found.verdict,
                    found.because,
                    evidence_ids=found.evidence_ids,
                )
            judged.append(_with_figure(one, figure))
    return judged


def _provisional(run: Run, control: Control, source_id: str) -> Vouched | None:
    """Pending where a licence part that passes rests on a provisional conclusion: whatever counsel attests, it is
    enough for trial alone."""
    result = run.result("licence", source_id) if control.id == LICENCE else None
    parts = [p for p in result.facts["parts"] if p["verdict"] == "pass" and p.get("provisional")] if result else []
    if not parts:
        return None
    named = ", ".join(f"{p['part']}: {p['concluded']} by {p['concluded_by']}" for p in parts)
    return Vouched(
        "pending",
        f"provisional conclusions ({named}) are enough for trial only; whoever answers for one records it with "
        f"`corpusgate source conclude {source_id} --part {parts[0]['part']} … --definitive`",
    )


def with_waivers(run: Run, catalogue: Catalogue, judged: Sequence[Judged], bounds_of: BoundsOf) -> list[Judged]:
    """The verdicts with those that hold a valid waiver marked as waived."""
    rows = [r for r in attestations(run) if r["waiver"]]
    if not rows:
        return list(judged)
    return [
        with_waiver(j, waiver(catalogue[j.control_id], bounds_of(j.scope_id), rows, run.at))
        if j.scope_id != NO_SOURCE else j
        for j in judged
    ]  # fmt: skip


def attestations(run: Run) -> list[dict[str, Any]]:
    """All rows of `attestation`; there are few."""
    return store.read(run.place, "attestation").to_pylist()


def source_bounds(run: Run, batches: Mapping[str, str]) -> BoundsOf:
    """What people's words about a source bind to: its batch, that is its acquisitions and how they were read."""

    def of(source_id: str) -> Bounds:
        # whatever a control binds to elsewhere: here it is this source's content that is judged
        of_batch = Bound(source_id, frozenset({batches[source_id]} if source_id in batches else ()))
        return {"batch": of_batch, "release": of_batch, "corpus": _corpus(run)}

    return of


def release_bounds(run: Run, release_id: str, manifest_root: str) -> BoundsOf:
    """What people's words about a release bind to: its manifest."""

    def of(scope_id: str) -> Bounds:
        content = frozenset({manifest_root} if scope_id == release_id and manifest_root else ())
        of_release = Bound(release_id, content)
        return {"batch": of_release, "release": of_release, "corpus": _corpus(run)}

    return of


def _corpus(run: Run) -> Bound:
    return Bound(run.corpus.id, frozenset({run.corpus.id}))


def _scopes(run: Run, control: Control, scope_ids: Sequence[str]) -> list[tuple[str, bool]]:
    """The scopes that a control speaks of, and whether it applies there; kinds of source that are absent: once, no."""
    if not control.only_for:
        return [(scope_id, True) for scope_id in scope_ids]
    kinds = {s.id: s.kind for s in run.sources}
    if control.scope == "release":
        applies = any(kind in control.only_for for kind in kinds.values())
        return [(scope_id, applies) for scope_id in scope_ids]
    if not any(kind in control.only_for for kind in kinds.values()):
        return [(NO_SOURCE, False)]
    return [(s, True) for s in scope_ids if kinds[s] in control.only_for]


def _absent(control: Control) -> str:
    return f"no source of this corpus is of the kind {' or '.join(control.only_for)}"


def _with_figure(judged: Judged, figure: Figure | None) -> Judged:
    if figure is None:
        return judged
    because = judged.because if judged.because == figure.because else f"{figure.because}; {judged.because}"
    return replace(judged, because=because, value=figure.value, k=figure.k, n=figure.n, stratum=figure.stratum)
