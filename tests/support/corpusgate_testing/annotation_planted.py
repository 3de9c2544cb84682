"""Violations planted in a clean annotated corpus, with the controls that each breaks: `PLANTED`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from corpusgate.settings.model import RISKS
from corpusgate_testing import annotation as a
from corpusgate_testing.annotation import LATER, Annotated, approval, task_of


def unqualified(made: Annotated) -> None:
    made.remove("qualification", made.person("qualification", "e1"))


def suspended_that_day(made: Annotated) -> None:
    day = a.LABELLED.date()
    about = {"annotator_id": "e1", "kind": "both", "exam_id": None, "because": "failed a check"}
    made.registers["qualification"].append(about | {"state": "suspended", "valid_from": day, "valid_to": day})


def time_unknown(made: Annotated) -> None:
    made.labels("functional")[0].update(decided_at=None, decided_from=None)


def never_examined(made: Annotated) -> None:
    made.remove("exam", made.person("exam", "e1"))


def failed_the_exam(made: Annotated) -> None:
    made.person("exam", "e1")[0]["passed"] = False


def exam_too_old(made: Annotated) -> None:
    made.person("exam", "e1")[0]["taken_on"] = a.LABELLED.date() - timedelta(days=366)
    made.person("qualification", "e1")[0]["valid_from"] = date(2025, 1, 1)


def rules_changed_materially(made: Annotated) -> None:
    for batch in made.batches:
        batch["rule_version"] = "v2" if batch["kind"] == "functional" else "v1"
    as_batch_of(made, "functional", "v2")
    rule = made.registers["rule_document"][0]
    made.registers["rule_document"].append({**rule, "rule_version": "v2", "valid_from": date(2026, 1, 20)})
    for exam in made.registers["exam"]:  # everybody but one was examined anew
        if exam["annotator_id"] != "e1":
            exam.update(rule_version="v2", taken_on=date(2026, 1, 21))


def as_batch_of(made: Annotated, kind: str, version: str) -> None:
    """Renames a batch as if it had been drawn for another version of the rules."""
    old = made.batch(kind)
    new = a.batch_id(made.records(kind), version, kind)
    for rows in (made.batches, made.items, made.annotations, *made.registers.values()):
        for row in rows:
            if row.get("batch_id") == old:
                row["batch_id"] = new
    for row in made.annotations:
        if row["batch_id"] == new:
            row["rule_version"] = version


def reviewed_by_executor(made: Annotated) -> None:
    (row,) = made.of("approval", "functional")
    made.registers["approval"].append(approval(task_of(row), reviewer_id="e1"))
    made.person("annotator_role", "e1").append({})


def not_assigned(made: Annotated) -> None:
    made.remove("assignment", made.of("assignment", "functional")[:1])


def not_reviewed(made: Annotated) -> None:
    made.remove("approval", made.of("approval", "functional"))


def labels_differ(made: Annotated) -> None:
    made.labels("functional")[0]["label"] = "bad"


def ruled_by_nobody_appointed(made: Annotated) -> None:
    labels_differ(made)
    task = task_of(made.labels("functional")[0])
    made.registers["arbitration"].append(
        task | {"arbitrator_id": "v1", "outcome": "upheld", "label": "good", "because": "", "ruled_at": a.REVIEWED}
    )
    made.registers["supervision"].append({**made.registers["supervision"][0], "role": "arbitrator"})


def unsupervised(made: Annotated) -> None:
    made.registers["supervision"].pop()


def worked_after_withdrawal(made: Annotated) -> None:
    day = a.LABELLED.date() - timedelta(days=1)
    made.registers["revocation"].append({"annotator_id": "e1", "revoked_on": day, "because": "left"})


def worked_after_leaving(made: Annotated) -> None:
    made.person("annotator", "e1")[0]["left_on"] = a.LABELLED.date() - timedelta(days=1)


def rules_of_one_kind_only(made: Annotated) -> None:
    made.registers["rule_document"][0]["valid_to"] = date(2026, 2, 20)  # functional: over, nothing after it


def rules_without_review(made: Annotated) -> None:
    made.registers["rule_document"][0]["covers_review"] = False


def thirty_rules(made: Annotated) -> None:
    made.registers["rule_document"][1]["risks"] = list(RISKS[:-1])


def functional_unsampled(made: Annotated) -> None:
    batch = made.batch("functional")
    made.remove("verification", [v for v in made.registers["verification"] if v["batch_id"] == batch])


def inaccurate_not_redone(made: Annotated) -> None:
    """The wrong item is corrected and reviewed again, but the batch is not annotated again."""
    check = made.of("verification", "functional")[0]
    check.update(result="fail", problems="wrong label", measures="correct it")
    made.registers["correction"].append(a.correction(task_of(check)))
    made.registers["approval"].append(approval(task_of(check), at=LATER + timedelta(days=1)))


def illegal_hit(made: Annotated) -> None:
    made.of("verification", "functional")[0].update(risks=["a1f"])


def rebatched(made: Annotated) -> None:
    """An item was taken out of the batch after the draw, with all that was said of it."""
    gone = made.records("functional")[-1]
    made.items = [i for i in made.items if i["record_id"] != gone]
    made.annotations = [x for x in made.annotations if x["record_id"] != gone]
    for name, rows in made.registers.items():
        made.registers[name] = [r for r in rows if r.get("record_id") != gone]


def approved_by_nobody(made: Annotated) -> None:
    made.of("approval", "safety")[0]["decision"] = "reject"


def approved_without_the_role(made: Annotated) -> None:
    made.registers["annotator"].append({"annotator_id": "q1", "organisation": "test", "left_on": None})
    for register in ("exam", "qualification"):  # qualified, but not appointed as a reviewer
        made.registers[register].append({**made.person(register, "e1")[0], "annotator_id": "q1"})
    made.of("approval", "safety")[0]["reviewer_id"] = "q1"


def risk_in_functional(made: Annotated) -> None:
    """A risk of A.5: no illegal or unhealthy content, so it voids nothing."""
    made.of("verification", "functional")[0].update(risks=["a5a"])


def one_risk_missing(made: Annotated) -> None:
    for row in made.annotations:
        if row["risks"] == ["a5b"]:
            row.update(risks=["a5a"], label="a5a")


def few_safety_items(made: Annotated) -> None:
    made.annotations, made.items, made.batches = [], [], []
    for rows in (made.registers[n] for n in ("approval", "assignment", "verification", "supervision")):
        rows.clear()
    a.add_batch(made, "functional", [("good", []) for _ in range(31 * 33)], executors=("e1",))
    a.add_batch(made, "safety", [(risk, [risk]) for risk in RISKS], executors=("e1",))


def verified_by_insider(made: Annotated) -> None:
    made.of("verification", "functional")[0]["verifier_id"] = "e1"


def points_unanswered(made: Annotated) -> None:
    made.of("verification", "functional")[0]["agreement"] = None


def failure_left_open(made: Annotated) -> None:
    """Of the safety batch: one failure of forty, within the 5 %."""
    made.of("verification", "safety")[0].update(result="fail", problems="wrong label", measures="to be corrected")


def correction_half_logged(made: Annotated) -> None:
    check = made.of("verification", "safety")[0]
    check.update(result="fail", problems="wrong label", measures="corrected")
    label = {"old_content": made.labels("safety")[0]["label"], "new_content": made.labels("safety")[0]["label"]}
    made.registers["correction"].append(a.correction(task_of(check), old_at=None, **label))
    made.registers["approval"].append(approval(task_of(check), at=LATER + timedelta(days=1)))


def verification_without_measures(made: Annotated) -> None:
    made.of("verification", "functional")[0]["measures"] = " "


def six_percent_failed(made: Annotated) -> None:
    """Three of fifty, each corrected and reviewed again."""
    three = [made.records("safety")[n] for n in range(3)]
    fail_verification(made, three)


def fail_verification(made: Annotated, records: list[str]) -> None:
    batch = made.batch("safety")
    checks = [v for v in made.registers["verification"] if v["batch_id"] == batch]
    made.remove("verification", checks)
    for record in records:
        task = {"corpus": a.CORPUS, "batch_id": batch, "record_id": record}
        label = next(x["label"] for x in made.annotations if x["record_id"] == record)
        made.registers["verification"].append(
            a.verification(task, result="fail", problems="unclear", measures="corrected")
        )
        made.registers["correction"].append(a.correction(task, old_content=label, new_content=label))
        made.registers["approval"].append(approval(task, at=LATER + timedelta(days=1)))


def dialogue_unchecked(made: Annotated) -> None:
    made.roles = {made.records("functional")[5]: "prompt"}


def risky_positive(made: Annotated) -> None:
    made.roles = {made.records("safety")[0]: "chosen"}


def safety_in_the_other_table(made: Annotated) -> None:
    made.table_of[made.labels("safety")[0]["annotation_id"]] = "annotation"


PLANTED: list[tuple[Callable[[Annotated], Any], set[str]]] = [
    (unqualified, {"45654-4-3-1-b"}),
    (suspended_that_day, {"45654-4-3-1-b"}),
    (time_unknown, {"45654-4-3-1-b"}),
    (never_examined, {"45674-7-1-b"}),
    (failed_the_exam, {"45674-7-1-b"}),
    (exam_too_old, {"45674-7-1-c"}),
    (rules_changed_materially, {"45674-7-1-c"}),
    (reviewed_by_executor, {"45654-4-3-1-c", "45674-7-3-e"}),
    (not_assigned, {"45674-7-2-c"}),
    (not_reviewed, {"45674-7-3-ab"}),
    (labels_differ, {"45674-7-3-c"}),
    (ruled_by_nobody_appointed, {"45674-7-3-c", "45674-8-1-c"}),  # the verifier ruled, and so worked in the batch
    (unsupervised, {"45674-7-3-d"}),
    (worked_after_withdrawal, {"45674-7-3-f"}),
    (worked_after_leaving, {"45674-7-3-f"}),
    (rules_of_one_kind_only, {"45674-6-rules"}),
    (rules_without_review, {"45674-6-rules"}),
    (thirty_rules, {"45654-4-3-2-d-all"}),
    # a batch without a sample is not verified either
    (functional_unsampled, {"45654-4-3-3-a", "45674-8-2-g", "45674-8-1-c"}),
    (inaccurate_not_redone, {"45654-4-3-3-a"}),
    # illegal content is a risk of Annex A too
    (illegal_hit, {"45654-4-3-3-a", "45674-8-2-g", "45674-8-2-a"}),
    (rebatched, {"45654-4-3-3-a", "45674-8-2-g"}),
    (approved_by_nobody, {"45654-4-3-3-b", "45674-8-3-b"}),
    (approved_without_the_role, {"45654-4-3-3-b", "45674-8-3-b"}),
    (safety_in_the_other_table, {"45654-4-3-4"}),
    (risk_in_functional, {"45674-8-2-a"}),
    (one_risk_missing, {"45674-8-1-a"}),
    (few_safety_items, {"45674-8-1-b"}),
    (verified_by_insider, {"45674-8-1-c"}),
    (points_unanswered, {"45674-8-1-d"}),
    (failure_left_open, {"45674-8-1-e"}),
    (correction_half_logged, {"45674-8-1-f"}),
    (verification_without_measures, {"45674-8-1-g"}),
    (dialogue_unchecked, {"45674-8-2-ef"}),
    (risky_positive, {"45674-8-3-a"}),
]
