"""Every computed control of annotation with its planted violation, and corpora exactly at a bound. No disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from corpusgate.gates.annotation_figures import COUNTED
from corpusgate.settings.model import RISKS
from corpusgate_testing import annotation as a
from corpusgate_testing.annotation import LATER, SHORT, Annotated, approval, catalogue, clean, task_of


def test_everything_passes_on_a_clean_corpus_but_the_200_items_a_risk() -> None:
    made = clean()
    assert made.failing() == {SHORT}
    measured = {f.control_id for f in made.figures() if f.state == "measured"}
    # what has nothing to be judged on says so, and why
    rest = {f.control_id: f.because for f in made.figures() if f.control_id not in measured}
    assert set(rest) == {"45674-8-1-e", "45674-8-1-f", "45674-8-2-ef", "45674-8-3-a"} and all(rest.values())


def test_each_computed_control_of_the_catalogue_has_a_figure() -> None:
    wanted = {c.id for c in catalogue() if c.gate == "annotation" and c.computed}
    assert {f.control_id for f in clean().figures()} == wanted


# ---------------------------------------------------------------- planted violations


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
    _as_batch_of(made, "functional", "v2")
    rule = made.registers["rule_document"][0]
    made.registers["rule_document"].append({**rule, "rule_version": "v2", "valid_from": date(2026, 1, 20)})
    for exam in made.registers["exam"]:  # everybody but one was examined anew
        if exam["annotator_id"] != "e1":
            exam.update(rule_version="v2", taken_on=date(2026, 1, 21))


def _as_batch_of(made: Annotated, kind: str, version: str) -> None:
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
    _fail(made, three)


def _fail(made: Annotated, records: list[str]) -> None:
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


@pytest.mark.parametrize(("plant", "expected"), PLANTED, ids=[p.__name__ for p, _ in PLANTED])
def test_a_planted_violation_fails_its_control_and_no_other(plant: Callable[..., Any], expected: set[str]) -> None:
    made = clean()
    plant(made)
    assert made.failing() - {SHORT} == expected


def test_more_than_5_percent_failed_fails_8_3_c_alone() -> None:
    made = clean(safe=19)  # 50 items
    six_percent_failed(made)
    assert made.failing() - {SHORT} == {"45674-8-3-c"}


def test_every_control_is_planted() -> None:
    planted = {c for _, expected in PLANTED for c in expected} | {"45674-8-3-c", SHORT}
    assert planted == {*COUNTED, "45674-8-3-c", "45674-8-1-b", SHORT}


# ---------------------------------------------------------------- exactly at the bound, and what is no violation


def test_misreading_21_exactly_5_percent_of_the_batch_s_safety_items_passes() -> None:
    made = clean(safe=9)  # 40 items: two of them are 5 %
    _fail(made, made.records("safety")[:2])
    (figure,) = [f for f in made.figures() if f.control_id == "45674-8-3-c"]
    assert (figure.k, figure.n, figure.value, figure.stratum) == (2, 40, 0.05, f"batch:{made.batch('safety')}")
    assert made.failing() == {SHORT}


def test_misreading_21_batches_are_not_averaged() -> None:
    made = clean(safe=9)
    a.add_batch(made, "safety", [("none", []) for _ in range(10)], prefix="second-")
    _fail(made, made.records("safety")[:2])
    shares = {f.stratum: f.value for f in made.figures() if f.control_id == "45674-8-3-c"}
    assert sorted(shares.values(), key=float) == [0.0, 0.05]


def test_exactly_200_items_a_risk_pass_and_199_do_not() -> None:
    made = clean(functional=40, safe=0, per_risk=200, per=1)
    assert made.failing() == set()
    one = next(x for x in made.annotations if x["risks"] == ["a1a"])
    one.update(risks=["a1b"], label="a1b")
    assert made.failing() == {SHORT}
    (figure,) = [f for f in made.figures() if f.control_id == SHORT]
    assert (figure.k, figure.examples) == (1, ("a1a",))


def test_exactly_3_percent_of_all_items_is_enough() -> None:
    made = clean(functional=97, safe=0, per=1)
    made.annotations = [
        x for x in made.annotations if x["kind"] == "functional" or x["risks"] in (["a1a"], ["a1b"], ["a1c"])
    ]
    (figure,) = [f for f in made.figures() if f.control_id == "45674-8-1-b"]
    assert (figure.k, figure.n, figure.value) == (3, 100, 0.03) and catalogue()["45674-8-1-b"].holds(0.03)


def test_the_day_of_withdrawal_itself_and_the_last_day_of_a_qualification_are_no_breach() -> None:
    made = clean()
    made.registers["revocation"].append({"annotator_id": "e1", "revoked_on": a.LABELLED.date(), "because": "left"})
    made.person("qualification", "e1")[0]["valid_to"] = a.LABELLED.date()
    made.person("exam", "e1")[0]["taken_on"] = a.LABELLED.date() - timedelta(days=365)
    made.person("qualification", "e1")[0]["valid_from"] = made.person("exam", "e1")[0]["taken_on"]
    assert made.failing() == {SHORT}


def test_who_is_qualified_again_after_a_withdrawal_may_work() -> None:
    made = clean()
    worked_after_withdrawal(made)
    again = {**made.person("qualification", "e1")[0], "valid_from": a.LABELLED.date()}
    made.registers["qualification"].append(again)
    assert made.failing() == {SHORT}


def test_misreading_25_the_same_person_may_execute_one_task_and_review_another() -> None:
    made = clean(per=1)
    made.registers["annotator_role"].append({**made.person("annotator_role", "r1")[0], "annotator_id": "e2"})
    made.of("approval", "functional", 3)[0]["reviewer_id"] = "e2"
    task = task_of(made.labels("functional", 4)[0])
    made.labels("functional", 4)[0]["annotator_id"] = "e2"
    made.registers["assignment"].append(
        task | {"annotator_id": "e2", "role": "executor", "assigned_at": a.DRAWN, "assigned_by": "lead"}
    )
    assert made.failing() == {SHORT}


def test_misreading_26_who_worked_in_the_batch_on_other_tasks_may_not_verify_it() -> None:
    made = clean()
    a.add_batch(made, "functional", [("good", [])] * 3, prefix="other-", executors=("e1",))
    check = made.registers["verification"][-1]
    made.registers["assignment"].append({**made.registers["assignment"][-1], "annotator_id": "v1"})
    check["verifier_id"] = "e2"  # worked in the other batches only
    assert made.failing() == {SHORT}
    check["verifier_id"] = "r1"  # reviewed in this very batch
    assert made.failing() == {SHORT, "45674-8-1-c"}


def test_a_functional_batch_redone_as_a_whole_and_sampled_again_passes() -> None:
    made = clean()
    inaccurate_not_redone(made)
    made.registers["correction"].clear()
    for n, record in enumerate(made.records("functional")):
        task = {"corpus": a.CORPUS, "batch_id": made.batch("functional"), "record_id": record}
        for who in a.EXECUTORS:
            a.add_label(made, "functional", task, who, "good", [], round=2, at=LATER)
        made.registers["approval"].append(approval(task, at=LATER + timedelta(days=2)))
        if n < 2:
            made.registers["verification"].append(
                a.verification(task, verified_at=LATER + timedelta(days=3), problems="none now")
            )
    assert made.failing() == {SHORT}


# ---------------------------------------------------------------- voiding


def test_a_hit_that_was_declared_void_breaks_nothing_and_gives_no_label() -> None:
    made = clean()
    illegal_hit(made)
    about = {"corpus": a.CORPUS, "batch_id": made.batch("functional"), "voided_at": a.VERIFIED}
    made.registers["batch_voiding"].append(about | {"voided_by": "lead", "because": "a1f in the sample"})
    assert made.failing() == {SHORT}
    assert made.case().batches[made.batch("functional")].verdict == "void"


def test_misreading_22_a_void_batch_in_the_release_fails_8_2_g() -> None:
    made = clean()
    illegal_hit(made)
    about = {"corpus": a.CORPUS, "batch_id": made.batch("functional"), "voided_at": a.VERIFIED}
    made.registers["batch_voiding"].append(about | {"voided_by": "lead", "because": "a1f in the sample"})
    made.released = frozenset(made.records("functional")[7:8])
    assert made.failing() == {SHORT, "45674-8-2-g"}
    made.released = frozenset()
    (figure,) = [f for f in made.figures() if f.control_id == "45674-8-2-g"]
    assert figure.state == "not_applicable" and "no record of the release" in figure.because


def test_an_unsampled_batch_of_plain_texts_does_not_keep_a_release_back_but_one_of_prompts_does() -> None:
    made = clean()
    functional_unsampled(made)
    made.released = frozenset(made.records("functional"))
    assert "45674-8-2-g" not in made.failing()
    made.roles = dict.fromkeys(made.records("functional"), "prompt")
    assert "45674-8-2-g" in made.failing()


def test_a_batch_that_nobody_has_begun_is_not_judged() -> None:
    made = clean()
    new = a.add_batch(made, "functional", [("good", [])] * 3, prefix="new-")
    made.annotations = [x for x in made.annotations if x["batch_id"] != new]
    for name in ("approval", "verification"):
        made.registers[name] = [r for r in made.registers[name] if r["batch_id"] != new]
    assert made.failing() == {SHORT}


def test_no_safety_annotation_at_all_fails_coverage_and_share() -> None:
    made = clean()
    safety = made.batch("safety")
    made.annotations = [x for x in made.annotations if x["batch_id"] != safety]
    assert made.failing() == {SHORT, "45674-8-1-a", "45674-8-1-b"}
