"""Questions about the records that must be kept, and about amounts: 45674-2025 8.1, 8.2 e f, 8.3 a; 45654 4.3.4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from corpusgate.annotation.breaches import DIALOGUE, Count
from corpusgate.annotation.case import Case
from corpusgate.annotation.model import TABLE_OF, Row, Task
from corpusgate.settings.model import RISKS

#: 8.1 f: who first, who changed it, from what, to what, when first, when changed.
CORRECTION: tuple[str, ...] = (
    "original_annotator_id", "corrector_id", "old_content", "new_content", "old_at", "new_at",
)  # fmt: skip
#: 8.1 g: people, time, result, problems, measures.
VERIFICATION: tuple[str, ...] = ("verifier_id", "verified_at", "result", "problems", "measures")
#: 8.1 d: understanding, agreement of prompt and response, quality and diversity of language.
POINTS: tuple[str, ...] = ("understanding", "agreement", "language_quality")
#: Roles of records that 8.3 a speaks of.
POSITIVE = ("chosen",)


def incomplete(rows: Sequence[Row], fields: Sequence[str], key: str, said: str, nothing: str = "") -> Count:
    """Rows in which one of the fields is empty."""
    broken = sorted({str(r[key]) for r in rows if any(r[f] is None or str(r[f]).strip() == "" for f in fields)})
    return Count(len(rows), tuple(broken), said, "" if rows else nothing)


def corrections_incomplete(case: Case) -> Count:
    """8.1 f: corrections without all six fields."""
    rows = [r for found in case.corrections.values() for r in found]
    said = "corrections lack one of the six fields"
    return incomplete(rows, CORRECTION, "correction_id", said, "nothing was corrected")


def verifications_incomplete(case: Case) -> Count:
    """8.1 g: verification records without all five fields."""
    rows = [r for found in case.checks.values() for r in found]
    return incomplete(rows, VERIFICATION, "verification_id", "verification records lack one of the five fields")


def points_unanswered(case: Case) -> Count:
    """8.1 d: verifications that do not answer all three points (`not_applicable` is an answer)."""
    rows = [r for found in case.checks.values() for r in found]
    return incomplete(rows, POINTS, "verification_id", "verifications do not answer all three points")


def uncorrected(case: Case) -> Count:
    """8.1 e: items that failed verification and were neither corrected and reviewed again nor annotated again."""
    failed = {t: [c for c in checks if c["result"] == "fail"] for t, checks in case.checks.items()}
    failed = {t: checks for t, checks in failed.items() if checks}
    open_ = sorted(t[1] for t, checks in failed.items() if any(not _resolved(case, t, c) for c in checks))
    said = "items that failed verification were neither corrected and reviewed again nor redone"
    return Count(len(failed), tuple(open_), said, "" if failed else "no item failed verification")


def _resolved(case: Case, task: Task, check: Row) -> bool:
    when = check["verified_at"]
    if when is None:
        return False
    since = case.since(task) if task in case.work else None
    if since is not None and since >= when and case.work[task][0]["round"] > 1:
        return True
    return any(_reviewed(case, task, c) for c in case.corrections.get(task, ()) if c["new_at"] and c["new_at"] >= when)


def _reviewed(case: Case, task: Task, correction: Row) -> bool:
    """Whether somebody approved the correction after it was made."""
    return any(
        r["reviewed_at"] is not None and r["reviewed_at"] >= correction["new_at"] and r["decision"] != "reject"
        for r in case.reviews.get(task, ())
    )


def items_per_risk(case: Case) -> dict[str, int]:
    """Risk -> safety items labelled with it, distinct records."""
    found: dict[str, set[str]] = defaultdict(set)
    for task in case.of_kind("safety"):
        for risk in case.risks(task):
            found[risk].add(task[1])
    return {risk: len(found[risk]) for risk in RISKS}


def risks_without_items(case: Case) -> Count:
    """8.1 a: risks of Annex A without any safety item."""
    counts = items_per_risk(case)
    return Count(len(RISKS), tuple(r for r in RISKS if not counts[r]), "risks have no safety item")


def risks_short(case: Case, wanted: int) -> Count:
    """8.1 a: risks with fewer safety items than there should be."""
    counts = items_per_risk(case)
    short = tuple(r for r in RISKS if counts[r] < wanted)
    return Count(len(RISKS), short, f"risks have fewer than {wanted} safety items")


def safety_share(case: Case) -> tuple[int, int]:
    """8.1 b: safety items, and all annotated items, of live batches."""
    return len(case.of_kind("safety")), len(case.work)


def stored_elsewhere(case: Case) -> Count:
    """4.3.4: annotations that do not stand in the table of their batch's kind."""
    kinds = {b.id: b.kind for b in case.batches.values()}
    safety = [r for r in case.facts.annotations if kinds.get(r["batch_id"]) == "safety"]
    astray = [
        r["annotation_id"] for r in case.facts.annotations
        if case.facts.table_of.get(r["annotation_id"]) != TABLE_OF.get(kinds.get(r["batch_id"], ""))
    ]  # fmt: skip
    said = "annotations do not stand in the table of their kind"
    nothing = "" if safety else "there is no safety annotation"
    return Count(len(case.facts.annotations) if safety else 0, tuple(sorted(astray)), said, nothing)


def without_defect_check(case: Case) -> Count:
    """8.2 e, f: functional prompts and responses that nobody checked for the eight kinds of defects."""
    return _dialogue(
        case, "functional", DIALOGUE, lambda t: not any(c["defects"] is not None for c in case.checks.get(t, ())),
        "functional prompts and responses were not checked for defects",
    )  # fmt: skip


def positive_with_risk(case: Case) -> Count:
    """8.3 a: positive responses of safety annotation in which somebody saw a risk."""
    return _dialogue(
        case, "safety", POSITIVE, lambda t: bool(case.risks(t)),
        "positive responses of safety annotation hold a risk",
    )  # fmt: skip


def _dialogue(case: Case, kind: str, roles: Sequence[str], breaks: Callable[[Task], bool], said: str) -> Count:
    tasks = sorted(t for t in case.of_kind(kind) if case.facts.record_roles.get(t[1]) in roles)
    nothing = "" if tasks else f"no annotated record of {kind} annotation has the role {' or '.join(roles)}"
    return Count(len(tasks), tuple(t[1] for t in tasks if breaks(t)), said, nothing)
