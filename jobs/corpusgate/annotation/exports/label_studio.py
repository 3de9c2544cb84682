"""Label Studio: raw JSON, the only form that says everything; JSON_MIN, CSV and TSV as degraded forms.

Cancelled annotations and ground truth stand in JSON and are told apart; the other forms lose both, and reviews with
them. Files of versions before 1.0 call annotations `completions` and are read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpusgate.annotation.exports.given import (
    Given,
    about_task,
    decoded,
    number_or_none,
    parsed,
    record_id_in,
    table_rows,
    text_or_none,
    texts,
)
from corpusgate.annotation.model import Raw, RawReview, Refusal

WANTED = "Export the project as JSON (not JSON_MIN, and not a snapshot with user details removed)."
#: Last actions that a person took no part in.
MACHINE = ("prediction", "propagated_annotation", "imported")
_ABOUT = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")


def read(given: Given) -> Iterator[Raw | Refusal]:
    """Every annotation of every task. Predictions and drafts are no annotations and are passed over."""
    text = decoded(given, given.content())
    if given.suffix in (".csv", ".tsv"):
        rows = table_rows(given, text, "\t" if given.suffix == ".tsv" else ",")
        yield from (_degraded(given, pointer, row) for pointer, row in rows)
        return
    tasks = parsed(given, text, WANTED)
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise given.wrong("not a list of tasks", WANTED)
    if tasks and not any("annotations" in t or "completions" in t for t in tasks):
        yield from (_degraded(given, f"/{n}", task) for n, task in enumerate(tasks))
        return
    for n, task in enumerate(tasks):
        yield from _annotations(given, n, task)


def _annotations(given: Given, n: int, task: Mapping[str, Any]) -> Iterator[Raw | Refusal]:
    name = "annotations" if "annotations" in task else "completions"
    for m, annotation in enumerate(task.get(name) or ()):
        pointer = f"/{n}/{name}/{m}"
        if not isinstance(annotation, dict):
            yield Refusal(pointer, f"task {task.get('id')}", "not_an_annotation", "no object", WANTED)
        else:
            yield _annotation(given, pointer, task, annotation)


def _annotation(given: Given, pointer: str, task: Mapping[str, Any], annotation: Mapping[str, Any]) -> Raw | Refusal:
    item, sidecar = f"task {task.get('id')}", given.sidecar
    told = task.get("data")
    about = about_task(given, told if isinstance(told, dict) else {})
    cancelled = bool(annotation.get("was_cancelled"))
    labels, problem = _choices(annotation.get("result"), sidecar.question)
    if problem and not cancelled:
        return Refusal(pointer, item, *problem, about["record_id"])
    return Raw(
        pointer=pointer, item=item, labels=labels, key=text_or_none(annotation.get("id")),
        project=text_or_none(task.get("project")), state="cancelled" if cancelled else "submitted",
        annotator_keys=_person(annotation.get("completed_by")),
        is_gold=bool(annotation.get("ground_truth")), is_machine=annotation.get("last_action") in MACHINE,
        decided_at=_decided(annotation), updated_at=annotation.get("updated_at"),
        lead_time_s=number_or_none(annotation.get("lead_time")), reviews=tuple(_reviews(annotation, sidecar.question)),
        **about,
    )  # fmt: skip


def _decided(annotation: Mapping[str, Any]) -> Any:
    """When the annotator gave the label as it stands: on the last change, if it was the annotator's own."""
    by, last = _person(annotation.get("completed_by")), _person(annotation.get("updated_by"))
    return annotation.get("updated_at" if set(by) & set(last) else "created_at")


def _choices(result: Any, question: str | None) -> tuple[tuple[str, ...], tuple[str, str, str] | None]:
    """The chosen labels, or reason, detail and remedy why they cannot be told."""
    parts = [r for r in result or () if isinstance(r, dict) and r.get("type") == "choices"]
    names = sorted({str(r.get("from_name")) for r in parts})
    if question is not None:
        parts = [r for r in parts if r.get("from_name") == question]
    elif len(names) > 1:
        which = f"choices of several controls: {', '.join(names)}"
        return (), ("question_ambiguous", which, "name the control in the sidecar: question")
    labels: list[str] = []
    for part in parts:
        value = part.get("value")
        chosen = texts(value.get("choices")) if isinstance(value, dict) else None
        if chosen is None:
            return (), ("label_unreadable", "a result without choices", WANTED)
        labels += chosen
    return tuple(labels), None


def _person(by: Any) -> tuple[str, ...]:
    """The tool's names of a person: e-mail and id where the export has the object, else the id alone."""
    if isinstance(by, dict):
        return tuple(t for t in (text_or_none(by.get("email")), text_or_none(by.get("id"))) if t)
    known = text_or_none(by)
    return (known,) if known else ()


def _reviews(annotation: Mapping[str, Any], question: str | None) -> Iterator[RawReview]:
    for n, review in enumerate(annotation.get("reviews") or ()):
        if not isinstance(review, dict):
            continue
        fixed = review.get("fixed_annotation_history")
        decision = "approve" if review.get("accepted") else "reject"
        labels: tuple[str, ...] = ()
        if decision == "approve" and fixed:
            # what was fixed is the annotation as it stands now
            decision, labels = "fix", _choices(annotation.get("result"), question)[0]
        key = f"{annotation.get('id')}:review:{review.get('id', n)}"
        yield RawReview(key, _person(review.get("created_by")), decision, review.get("created_at"), labels)


def _degraded(given: Given, pointer: str, row: Mapping[str, Any]) -> Raw | Refusal:
    """A row of JSON_MIN or CSV: the data fields, a key a control, and who and when."""
    sidecar, item = given.sidecar, f"task {row.get('id')}"
    record = record_id_in(row.get(sidecar.item))
    fields = {sidecar.item, sidecar.text, "batch_id", "rule_version", *_ABOUT}
    question = sidecar.question or _sole(row, fields)
    if question is None:
        detail = f"no column or several that could hold the label: {', '.join(sorted(set(row) - fields))[:120]}"
        return Refusal(pointer, item, "question_ambiguous", detail, "name the control in the sidecar: question", record)
    chosen = row.get(question)
    labels = texts(chosen.get("choices") if isinstance(chosen, dict) else _unpacked(given, chosen))
    if labels is None:
        return Refusal(pointer, item, "label_unreadable", f"{question} holds no choices", WANTED, record)
    return Raw(
        pointer=pointer, item=item, labels=labels, key=text_or_none(row.get("annotation_id")),
        annotator_keys=_person(row.get("annotator")), decided_at=row.get("created_at"),
        updated_at=row.get("updated_at"), lead_time_s=number_or_none(row.get("lead_time")), degraded=True,
        **about_task(given, row),
    )  # fmt: skip


def _sole(row: Mapping[str, Any], fields: set[str]) -> str | None:
    others = sorted(set(row) - fields)
    return others[0] if len(others) == 1 else None


def _unpacked(given: Given, cell: Any) -> Any:
    """In CSV several choices stand as JSON in one cell."""
    if isinstance(cell, str) and cell.startswith('{"choices"'):
        return parsed(given, cell, WANTED).get("choices")
    return cell
