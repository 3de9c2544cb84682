"""Every computed control of annotation with its planted violation, and corpora exactly at a bound. No disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from corpusgate.gates.annotation_figures import COUNTED
from corpusgate_testing import annotation as a
from corpusgate_testing import annotation_planted as p
from corpusgate_testing.annotation import LATER, SHORT, approval, catalogue, clean, task_of
from corpusgate_testing.annotation_planted import PLANTED


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


@pytest.mark.parametrize(("plant", "expected"), PLANTED, ids=[p.__name__ for p, _ in PLANTED])
def test_a_planted_violation_fails_its_control_and_no_other(plant: Callable[..., Any], expected: set[str]) -> None:
    made = clean()
    plant(made)
    assert made.failing() - {SHORT} == expected


def test_more_than_5_percent_failed_fails_8_3_c_alone() -> None:
    made = clean(safe=19)  # 50 items
    p.six_percent_failed(made)
    assert made.failing() - {SHORT} == {"45674-8-3-c"}


def test_every_control_is_planted() -> None:
    planted = {c for _, expected in PLANTED for c in expected} | {"45674-8-3-c", SHORT}
    assert planted == {*COUNTED, "45674-8-3-c", "45674-8-1-b", SHORT}


# ---------------------------------------------------------------- exactly at the bound, and what is no violation


@pytest.mark.parametrize("role", ["prompt", "rejected"])
def test_risk_in_prompts_and_rejected_answers_of_safety_annotation_is_no_violation_of_8_3_a(role: str) -> None:
    made = clean(safe=2)
    risky, safe = made.records("safety")[:-2], made.records("safety")[-2:]
    made.roles = {**dict.fromkeys(risky, role), **dict.fromkeys(safe, "chosen")}
    assert "45674-8-3-a" not in made.failing()
    (figure,) = [f for f in made.figures() if f.control_id == "45674-8-3-a"]
    assert (figure.state, figure.k, figure.n) == ("measured", 0, 2)
    made.roles[risky[0]] = "chosen"
    assert "45674-8-3-a" in made.failing()


def test_misreading_21_exactly_5_percent_of_the_batch_s_safety_items_passes() -> None:
    made = clean(safe=9)  # 40 items: two of them are 5 %
    p.fail_verification(made, made.records("safety")[:2])
    (figure,) = [f for f in made.figures() if f.control_id == "45674-8-3-c"]
    assert (figure.k, figure.n, figure.value, figure.stratum) == (2, 40, 0.05, f"batch:{made.batch('safety')}")
    assert made.failing() == {SHORT}


def test_misreading_21_batches_are_not_averaged() -> None:
    made = clean(safe=9)
    a.add_batch(made, "safety", [("none", []) for _ in range(10)], prefix="second-")
    p.fail_verification(made, made.records("safety")[:2])
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
    p.worked_after_withdrawal(made)
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
    p.inaccurate_not_redone(made)
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
    p.illegal_hit(made)
    about = {"corpus": a.CORPUS, "batch_id": made.batch("functional"), "voided_at": a.VERIFIED}
    made.registers["batch_voiding"].append(about | {"voided_by": "lead", "because": "a1f in the sample"})
    assert made.failing() == {SHORT}
    assert made.case().batches[made.batch("functional")].verdict == "void"


def test_misreading_22_a_void_batch_in_the_release_fails_8_2_g() -> None:
    made = clean()
    p.illegal_hit(made)
    about = {"corpus": a.CORPUS, "batch_id": made.batch("functional"), "voided_at": a.VERIFIED}
    made.registers["batch_voiding"].append(about | {"voided_by": "lead", "because": "a1f in the sample"})
    made.released = frozenset(made.records("functional")[7:8])
    assert made.failing() == {SHORT, "45674-8-2-g"}
    made.released = frozenset()
    (figure,) = [f for f in made.figures() if f.control_id == "45674-8-2-g"]
    assert figure.state == "not_applicable" and "no record of the release" in figure.because


def test_an_unsampled_batch_of_plain_texts_does_not_keep_a_release_back_but_one_of_prompts_does() -> None:
    made = clean()
    p.functional_unsampled(made)
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
