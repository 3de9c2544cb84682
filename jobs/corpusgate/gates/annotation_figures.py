"""Figures of the annotation gate: what the tables of people, batches and labels say of each control of annotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from corpusgate.annotation import breaches as b
from corpusgate.annotation import records_kept as r
from corpusgate.annotation.case import Case, case
from corpusgate.annotation.facts import read_facts, released_records
from corpusgate.annotation.job import FAILED_SHARE, holds_days
from corpusgate.gates.figures import EXAMPLES, Figure, guarded, quoted, share
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.catalogue import Catalogue

GATE = "annotation"
SAFETY_SHARE, VOLUME = "45674-8-1-b", "45674-8-1-a-volume"
#: Control -> what breaks it, counted. The same question stands in both texts under two names.
COUNTED: Mapping[str, Callable[[Case], b.Count]] = {
    "45654-4-3-1-b": b.unqualified, "45674-7-1-b": b.unexamined, "45674-7-1-c": b.lapsed,
    "45654-4-3-1-c": b.reviewed_by_executor, "45674-7-3-e": b.reviewed_by_executor,
    "45654-4-3-2-d-all": b.risks_without_rule, "45674-6-rules": b.without_rules,
    "45654-4-3-3-a": b.unsampled_or_not_voided, "45674-8-2-g": b.void_in_use,
    "45654-4-3-3-b": b.unapproved, "45674-8-3-b": b.unapproved, "45654-4-3-4": r.stored_elsewhere,
    "45674-7-2-c": b.unassigned, "45674-7-3-ab": b.unreviewed, "45674-7-3-c": b.unruled, "45674-7-3-d": b.unsupervised,
    "45674-7-3-f": b.withdrawn, "45674-8-1-a": r.risks_without_items, "45674-8-1-c": b.verified_by_insiders,
    "45674-8-1-d": r.points_unanswered, "45674-8-1-e": r.uncorrected, "45674-8-1-f": r.corrections_incomplete,
    "45674-8-1-g": r.verifications_incomplete, "45674-8-2-a": b.functional_with_risk,
    "45674-8-2-ef": r.without_defect_check, "45674-8-3-a": r.positive_with_risk,
}  # fmt: skip
WANTED: tuple[tuple[str, str], ...] = tuple((c, GATE) for c in sorted({*COUNTED, FAILED_SHARE, SAFETY_SHARE, VOLUME}))


def annotation_figures(run: Run, catalogue: Catalogue, scope_id: str, release_id: str | None = None) -> list[Figure]:
    """One figure for each computed control of annotation; of 45674 8.3 c one a batch of safety annotation.

    `scope_id` names what is judged: a release, or the annotation as it stands. With a `release_id` the controls about
    what is void look at its records. Where nothing was annotated for the corpus, all of them are pending.
    """
    return guarded(WANTED, "release", [scope_id], partial(_figures, run, catalogue, scope_id, release_id))


def _figures(run: Run, catalogue: Catalogue, scope_id: str, release_id: str | None) -> list[Figure]:
    mine = f"corpus = {quoted(run.corpus.id)}"
    if not store.read(run.place, "annotation_batch", ["batch_id"], mine).num_rows:
        because = f"waits for: annotated data; none was handed in for the corpus {run.corpus.id}"
        return [Figure(c, GATE, "release", scope_id, "pending", because=because) for c, _ in WANTED]
    released = released_records(run.place, run.corpus.id, release_id) if release_id is not None else None
    facts = read_facts(run.place, run.corpus.id, released)
    return figures_of(case(facts, run.at, holds_days(run.place), catalogue[FAILED_SHARE].holds), catalogue, scope_id)


def figures_of(whole: Case, catalogue: Catalogue, scope_id: str) -> list[Figure]:
    """The figures of a case: one a control, of 45674 8.3 c one a batch."""
    figures = [_count(control_id, scope_id, ask(whole)) for control_id, ask in COUNTED.items()]
    figures.append(_count(VOLUME, scope_id, r.risks_short(whole, catalogue[VOLUME].minima["risk"])))
    figures.append(_share(scope_id, *r.safety_share(whole)))
    return figures + _failed(scope_id, b.failed_shares(whole), whole.facts.released is not None)


def _count(control_id: str, scope_id: str, count: b.Count) -> Figure:
    if count.nothing:
        return Figure(control_id, GATE, "release", scope_id, "not_applicable", because=count.nothing)
    k = len(count.offenders)
    return Figure(
        control_id, GATE, "release", scope_id, "measured", value=float(k), k=k, n=count.n,
        because=f"{k} of {count.n} {count.said}", examples=count.offenders[:EXAMPLES],
    )  # fmt: skip


def _share(scope_id: str, safety: int, every: int) -> Figure:
    because = f"{safety} of {every} annotated items are safety annotation"
    return Figure(
        SAFETY_SHARE, GATE, "release", scope_id, "measured", value=share(safety, every), k=safety, n=every,
        because=because,
    )  # fmt: skip


def _failed(scope_id: str, by_batch: Mapping[str, b.Count], of_release: bool) -> list[Figure]:
    if not by_batch:
        because = "no record of the release is safety annotation" if of_release else "there is no safety annotation"
        return [Figure(FAILED_SHARE, GATE, "release", scope_id, "not_applicable", because=because)]
    return [
        Figure(
            FAILED_SHARE, GATE, "release", scope_id, "measured", f"batch:{name}",
            value=share(len(count.offenders), count.n), k=len(count.offenders), n=count.n,
            because=f"{len(count.offenders)} of {count.n} {count.said}", examples=count.offenders[:EXAMPLES],
        )
        for name, count in sorted(by_batch.items())
    ]  # fmt: skip
