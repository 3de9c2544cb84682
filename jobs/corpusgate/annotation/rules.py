"""What became of each batch and of each item in it: which batches are void, which labels may be used, and why not.

Plain functions on the rows of the annotation tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from corpusgate.annotation.model import Facts, Row, Task, batch_id
from corpusgate.settings.model import RISKS, RISKS_OF_SOURCE

BatchVerdict = Literal["passed", "redo", "unverified", "void"]
Act = Literal["annotate", "rule", "review", "explain", "drop"]
Basis = Literal["unanimous", "ruled", "fixed", "corrected"]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch is worth: `passed` (its labels may be used), `redo` (functional, and its sample was inaccurate: its
    data are annotated again), `unverified` (nobody sampled it by hand, or it is no longer the batch that was drawn),
    `void`. `hits` are the records with an illegal or unhealthy finding in its sample, `failed` those of its items that
    failed verification, since it was last redone as a whole."""

    id: str
    kind: str
    verdict: BatchVerdict
    because: str
    items: int
    hits: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    declared_void: bool = False
    whole: bool = True
    sampled: int = 0

    @property
    def failed_share(self) -> float | None:
        """Items that failed verification by all items of the batch (45674 8.3 c)."""
        return len(self.failed) / self.items if self.items else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands of an item: its label and what it rests on, or None and why there is none, with the next act:
    annotate (again), rule, review, explain (what a label stands for) or drop."""

    task: Task
    label: str | None
    risks: tuple[str, ...]
    basis: Basis | None
    because: str = ""
    act: Act | None = None


def counts(annotation: Row) -> bool:
    """Whether an annotation is a person's word on an item: submitted, by a human, no ground truth."""
    return annotation["state"] == "submitted" and not annotation["is_gold"] and not annotation["is_machine"]


def by_task(rows: Iterable[Row]) -> dict[Task, list[Row]]:
    """Rows by batch and record."""
    found: dict[Task, list[Row]] = defaultdict(list)
    for row in rows:
        found[(row["batch_id"], row["record_id"])].append(row)
    return found


def work_of(annotations: Iterable[Row]) -> dict[Task, list[Row]]:
    """The annotations that count, by task, of the task's latest round: a redone item's first labels are history."""
    latest: dict[Task, list[Row]] = {}
    for row in annotations:
        if not counts(row):
            continue
        task = (row["batch_id"], row["record_id"])
        there = latest.get(task)
        if there is None or row["round"] > there[0]["round"]:
            latest[task] = [row]
        elif row["round"] == there[0]["round"]:
            there.append(row)
    return latest


def batches(facts: Facts, share_holds: Callable[[float], bool]) -> dict[str, Batch]:
    """Every batch with its verdict; `share_holds` says whether a failed share of safety items is within its bound."""
    items: dict[str, list[str]] = defaultdict(list)
    for item in facts.items:
        items[item["batch_id"]].append(item["record_id"])
    checks: dict[str, list[Row]] = defaultdict(list)
    for row in facts.of("verification"):
        checks[row["batch_id"]].append(row)
    voided = {r["batch_id"]: r for r in facts.of("batch_voiding")}
    work = work_of(facts.annotations)
    found = {}
    for about in facts.batches:
        name = about["batch_id"]
        since = _redone_since([work.get((name, record), []) for record in items[name]])
        found[name] = _batch(about, items[name], checks[name], since, voided.get(name), share_holds)
    return found


def _redone_since(work: list[list[Row]]) -> datetime | None:
    """When the batch began to be annotated again as a whole; None where some item is still in its first round."""
    if not work or any(not rows or rows[0]["round"] < 2 for rows in work):
        return None
    return min(_began(row) for rows in work for row in rows)


def _began(row: Row) -> datetime:
    return row["decided_from"] or row["decided_at"] or datetime.max.replace(tzinfo=UTC)


def _batch(
    about: Row, items: list[str], checks: list[Row], since: datetime | None, voided: Row | None,
    share_holds: Callable[[float], bool],
) -> Batch:  # fmt: skip
    name, kind, there = about["batch_id"], about["kind"], set(items)
    checks = [c for c in checks if c["record_id"] in there]
    # what voids a batch voids it for good, whatever was redone since
    illegal = {c["record_id"] for c in checks if any(r in RISKS_OF_SOURCE for r in c["risks"] or ())}
    hits = tuple(sorted(illegal)) if kind == "functional" else ()
    if kind == "functional" and since is not None:
        checks = [c for c in checks if c["verified_at"] is not None and c["verified_at"] >= since]
    failed = tuple(sorted({c["record_id"] for c in checks if c["result"] == "fail"}))
    whole = name == batch_id(items, about["rule_version"], kind, about["draw"] or 1)
    sampled = len({c["record_id"] for c in checks if c["method"] == "manual"})
    verdict, because = _verdict(kind, len(items), hits, failed, voided, whole, sampled, share_holds)
    return Batch(name, kind, verdict, because, len(items), hits, failed, voided is not None, whole, sampled)


def _verdict(
    kind: str, items: int, hits: tuple[str, ...], failed: tuple[str, ...], voided: Row | None, whole: bool,
    sampled: int, share_holds: Callable[[float], bool],
) -> tuple[BatchVerdict, str]:  # fmt: skip
    if voided is not None:
        return "void", f"declared void by {voided['voided_by'] or 'nobody named'}: {voided['because'] or 'no reason'}"
    if hits:
        return "void", f"its manual sample holds illegal or unhealthy content ({len(hits)} items)"
    if kind == "safety" and items and not share_holds(len(failed) / items):
        return "void", f"{len(failed)} of {items} safety items failed verification"
    if not whole:
        return "unverified", "its items are not those that were drawn: it was batched anew after the draw"
    if kind == "functional" and failed:
        return "redo", f"{len(failed)} items of its sample are inaccurate: its data are annotated again"
    if not sampled:
        return "unverified", "nobody has verified any of its items by hand"
    return "passed", f"{sampled} of {items} items verified by hand"


def outcomes(facts: Facts) -> dict[Task, Outcome]:
    """What stands of every item that somebody annotated, whatever became of its batch."""
    work = work_of(facts.annotations)
    known = risks_of_labels(facts)
    kinds = {b["batch_id"]: b["kind"] for b in facts.batches}
    told = {name: by_task(facts.of(name)) for name in ("approval", "arbitration", "verification", "correction")}
    return {
        task: _outcome(task, rows, {n: t.get(task, []) for n, t in told.items()}, kinds.get(task[0]), known)
        for task, rows in work.items()
    }


def _outcome(
    task: Task, rows: list[Row], told: Mapping[str, list[Row]], kind: str | None, known: Mapping[str, tuple[str, ...]]
) -> Outcome:
    def none(act: Act, because: str) -> Outcome:
        return Outcome(task, None, (), None, because, act)

    since = min((r["decided_from"] or r["decided_at"] for r in rows if r["decided_at"]), default=None)
    ruling = newest(told["arbitration"], "ruled_at", since)
    label, basis = _first_label(rows, ruling)
    if label is None or basis is None:
        if ruling is None:
            return none("rule", "labels differ and nobody ruled")
        return none("annotate" if ruling["outcome"] == "redo" else "drop", f"ruled: {ruling['outcome']}")
    executors = {r["annotator_id"] for r in rows}
    review = newest([r for r in told["approval"] if r["reviewer_id"] not in executors], "reviewed_at", since)
    if review is not None and review["decision"] == "fix" and review["label"]:
        label, basis = review["label"], "fixed"
    correction = newest(told["correction"], "new_at", since)
    if correction is not None and correction["new_content"]:
        label, basis = correction["new_content"], "corrected"
        if review is None or review["reviewed_at"] < correction["new_at"] or review["decision"] == "reject":
            return none("review", "corrected, and the correction was not reviewed")
    elif review is not None and review["decision"] == "reject":
        return none("annotate", "rejected by its reviewer")
    check = newest([c for c in told["verification"] if c["result"] == "fail"], "verified_at", since)
    if check is not None and (correction is None or correction["new_at"] < check["verified_at"]):
        return none("annotate", "failed verification, not corrected")
    if kind == "safety" and review is None:
        return none("review", "no reviewer approved it")
    risks = known.get(label)
    if risks is None:
        return none("explain", f"nobody said what the label {label[:40]!r} stands for")
    return Outcome(task, label, risks, basis)


def _first_label(rows: list[Row], ruling: Row | None) -> tuple[str | None, Basis | None]:
    if ruling is not None:
        return (ruling["label"], "ruled") if ruling["outcome"] == "upheld" and ruling["label"] else (None, None)
    labels = {r["label"] for r in rows}
    return (labels.pop(), "unanimous") if len(labels) == 1 else (None, None)


def newest(rows: Iterable[Row], time: str, since: datetime | None) -> Row | None:
    """The row with the latest time, of those not before `since`; a row without a time says nothing about now."""
    dated = [r for r in rows if r[time] is not None and (since is None or r[time] >= since)]
    return max(dated, key=lambda r: r[time], default=None)


def risks_of_labels(facts: Facts) -> dict[str, tuple[str, ...]]:
    """Label -> risks it stands for, as the annotations of this corpus have it; a risk's own key stands for itself."""
    known: dict[str, tuple[str, ...]] = {r: (r,) for r in RISKS}
    for row in facts.annotations:
        if row["label"] is not None:
            known.setdefault(row["label"], tuple(row["risks"] or ()))
    return known


def accepted(facts: Facts, verdicts: Mapping[str, Batch]) -> list[dict[str, Any]]:
    """The labels that may be used, by batch and record: of batches that passed, of items that stand. See
    `corpusgate.annotation.job.accepted_labels`."""
    about = {b["batch_id"]: b for b in facts.batches}
    hashes = {(r["batch_id"], r["record_id"]): r["text_sha256"] for r in facts.items}
    found = []
    for task, outcome in sorted(outcomes(facts).items()):
        batch = verdicts.get(task[0])
        if outcome.label is None or batch is None or batch.verdict != "passed" or task not in hashes:
            continue
        found.append({
            "record_id": task[1], "text_sha256": hashes[task], "label": outcome.label, "risks": list(outcome.risks),
            "kind": batch.kind, "batch_id": batch.id, "rule_version": about[batch.id]["rule_version"],
            "basis": outcome.basis,
        })  # fmt: skip
    return found


def void_records(facts: Facts, verdicts: Mapping[str, Batch]) -> dict[str, str]:
    """record id -> void batch it stands in, of records that no passed batch holds as well (annotated again since)."""
    redone = {i["record_id"] for i in facts.items if verdicts[i["batch_id"]].verdict == "passed"}
    void = sorted((i["record_id"], i["batch_id"]) for i in facts.items if verdicts[i["batch_id"]].verdict == "void")
    return {record: batch for record, batch in void if record not in redone}
