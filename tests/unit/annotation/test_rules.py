"""What becomes of batches and items: which labels may be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from corpusgate.annotation.rules import accepted, batches, outcomes, void_records
from corpusgate_testing import annotation as a
from corpusgate_testing.annotation import LATER, REVIEWED, VERIFIED, Annotated, approval, catalogue, clean, task_of

HOLDS = catalogue()["45674-8-3-c"].holds


def labels(made: Annotated) -> dict[str, tuple[str, str]]:
    """Record -> label and what it rests on."""
    facts = made.facts()
    return {r["record_id"]: (r["label"], r["basis"]) for r in accepted(facts, batches(facts, HOLDS))}


def test_a_clean_corpus_gives_a_label_an_item_with_all_that_training_needs() -> None:
    made = clean()
    facts = made.facts()
    found = accepted(facts, batches(facts, HOLDS))
    assert len(found) == 60 and {r["basis"] for r in found} == {"unanimous"}
    assert set(found[0]) == {
        "record_id", "text_sha256", "label", "risks", "kind", "batch_id", "rule_version", "basis"
    }  # fmt: skip
    first = next(r for r in found if r["record_id"] == made.records("safety")[0])
    assert (first["label"], first["risks"], first["kind"], first["rule_version"]) == ("a1a", ["a1a"], "safety", "v1")
    assert found == sorted(found, key=lambda r: (r["batch_id"], r["record_id"]))


def task(made: Annotated, kind: str = "functional") -> dict[str, Any]:
    return task_of(made.labels(kind)[0])


def differ(made: Annotated, kind: str = "functional") -> None:
    made.labels(kind)[0]["label"] = "bad"


def ruled(made: Annotated, outcome: str, label: str | None = None) -> None:
    differ(made)
    made.registers["arbitration"].append(
        task(made) | {"arbitrator_id": "j1", "outcome": outcome, "label": label, "because": "", "ruled_at": REVIEWED}
    )


def rejected(made: Annotated, kind: str = "functional") -> None:
    made.of("approval", kind)[0]["decision"] = "reject"


def unreviewed(made: Annotated, kind: str) -> None:
    made.remove("approval", made.of("approval", kind))


def fixed(made: Annotated) -> None:
    made.of("approval", "functional")[0].update(decision="fix", label="good")
    differ(made)
    for row in made.labels("functional"):
        row["label"] = "bad"


def failed(made: Annotated) -> None:
    made.of("verification", "safety")[0]["result"] = "fail"


def corrected(made: Annotated, reviewed: bool) -> None:
    failed(made)
    made.registers["correction"].append(a.correction(task(made, "safety"), new_content="a1b"))
    if reviewed:
        made.registers["approval"].append(approval(task(made, "safety"), at=LATER + timedelta(days=1)))


def second_round(made: Annotated) -> None:
    differ(made)
    for who in a.EXECUTORS:
        a.add_label(made, "functional", task(made), who, "good", [], round=2, at=LATER)


def not_a_person_s(made: Annotated, **change: Any) -> None:
    differ(made)
    made.labels("functional")[0].update(change)


GOOD = ("good", "unanimous")
CASES: list[tuple[str, Callable[[Annotated], Any], str, tuple[str, str] | None, str]] = [
    ("differing labels need a ruling, a majority is none", differ, "functional", None, "rule"),
    ("a ruling that upholds a label", lambda m: ruled(m, "upheld", "good"), "functional", ("good", "ruled"), ""),
    ("a ruling that discards", lambda m: ruled(m, "discarded"), "functional", None, "drop"),
    ("a ruling that asks for another round", lambda m: ruled(m, "redo"), "functional", None, "annotate"),
    ("rejected by the reviewer", rejected, "functional", None, "annotate"),
    ("fixed by the reviewer", fixed, "functional", ("good", "fixed"), ""),
    ("no approval of a safety item", lambda m: unreviewed(m, "safety"), "safety", None, "review"),
    ("no review of a functional item", lambda m: unreviewed(m, "functional"), "functional", GOOD, ""),
    ("failed verification", failed, "safety", None, "annotate"),
    ("corrected, not reviewed again", lambda m: corrected(m, False), "safety", None, "review"),
    ("corrected and reviewed again", lambda m: corrected(m, True), "safety", ("a1b", "corrected"), ""),
    ("a second round replaces the first", second_round, "functional", GOOD, ""),
    ("a cancelled one does not count", lambda m: not_a_person_s(m, state="cancelled"), "functional", GOOD, ""),
    ("ground truth does not count", lambda m: not_a_person_s(m, is_gold=True), "functional", GOOD, ""),
    ("a machine's label does not count", lambda m: not_a_person_s(m, is_machine=True), "functional", GOOD, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "kind", "label", "act"), CASES, ids=[c[0] for c in CASES])
def test_what_stands_of_an_item(what: str, change, kind: str, label: tuple[str, str] | None, act: str) -> None:
    made = clean(safe=19)
    change(made)
    record = made.records(kind)[0]
    assert labels(made).get(record) == label
    outcome = outcomes(made.facts())[(made.batch(kind), record)]
    assert (outcome.act or "") == act and bool(outcome.because) == (label is None)


def test_the_executor_s_own_approval_approves_nothing() -> None:
    made = clean()
    made.of("approval", "safety")[0]["reviewer_id"] = "e1"
    assert made.records("safety")[0] not in labels(made)


@pytest.mark.parametrize("reason", ["hit", "declared", "six percent", "unsampled", "inaccurate", "rebatched"])
def test_no_label_of_a_batch_that_did_not_pass(reason: str) -> None:
    made, kind = clean(safe=19), "safety" if reason == "six percent" else "functional"
    if reason == "hit":
        made.of("verification", kind)[0]["risks"] = ["a2c"]
    elif reason == "declared":
        about = {"corpus": a.CORPUS, "batch_id": made.batch(kind), "voided_at": VERIFIED}
        made.registers["batch_voiding"].append(about | {"voided_by": "lead", "because": "x"})
    elif reason == "six percent":
        for record in made.records(kind)[:3]:
            about = {"corpus": a.CORPUS, "batch_id": made.batch(kind), "record_id": record}
            made.registers["verification"].append(a.verification(about, result="fail"))
    elif reason == "unsampled":
        made.registers["verification"] = [
            v for v in made.registers["verification"] if v["batch_id"] != made.batch(kind)
        ]
    elif reason == "inaccurate":
        made.of("verification", kind)[0]["result"] = "fail"
    else:
        made.items.pop(0)
    found = labels(made)
    other = "functional" if kind == "safety" else "safety"
    assert not set(found) & set(made.records(kind)) and set(made.records(other)) <= set(found)
    verdict = batches(made.facts(), HOLDS)[made.batch(kind)]
    expected = {"unsampled": "unverified", "inaccurate": "redo", "rebatched": "unverified"}.get(reason, "void")
    assert verdict.verdict == expected and verdict.because


def test_records_of_a_void_batch_are_named_until_a_passed_batch_holds_them_too() -> None:
    made = clean()
    made.of("verification", "functional")[0]["risks"] = ["a1a"]
    facts = made.facts()
    void = void_records(facts, batches(facts, HOLDS))
    assert void == dict.fromkeys(made.records("functional"), made.batch("functional"))
    a.add_batch(made, "safety", [("none", [])] * 2, prefix="again-")
    for item, record in zip(made.items[-2:], made.records("functional")[:2], strict=True):
        item["record_id"] = record
    made.batches[-1]["batch_id"] = new = a.batch_id(made.records("functional")[:2], "v1", "safety")
    for row in (*made.items[-2:], *made.registers["verification"][-2:]):
        row["batch_id"] = new
    for row, record in zip(made.registers["verification"][-2:], made.records("functional")[:2], strict=True):
        row["record_id"] = record
    facts = made.facts()
    assert set(void_records(facts, batches(facts, HOLDS))) == set(made.records("functional")[2:])
