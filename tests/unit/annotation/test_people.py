"""Who might do what on which day. Days are those of the annotators' zone; both ends of a period belong to it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.annotation.model import Facts, batch_id, day_of, days_of
from corpusgate.annotation.people import People

DAY = date(2026, 2, 3)


def people(**registers: list[dict]) -> People:
    return People(Facts("test", registers=registers), 365)


def held(state: str = "granted", first: date = date(2026, 1, 1), last: date | None = None, kind: str = "both") -> dict:
    return {"annotator_id": "p", "kind": kind, "state": state, "valid_from": first, "valid_to": last}


def exam(taken: date, version: str = "v1", passed: bool = True) -> dict:
    return {"annotator_id": "p", "kind": "both", "rule_version": version, "taken_on": taken, "passed": passed}


def rule(version: str, first: date, material: bool) -> dict:
    return {"kind": "safety", "rule_version": version, "valid_from": first, "valid_to": None, "material": material}


@pytest.mark.parametrize(
    ("rows", "standing"),
    [
        ([], "none"),
        ([held(first=date(2026, 2, 4))], "none"),
        ([held(first=DAY, last=DAY)], "qualified"),
        ([held(last=date(2026, 2, 2))], "lapsed"),
        ([held(kind="safety")], "qualified"),
        ([held(kind="functional")], "none"),
        ([held(), held("suspended", DAY, DAY)], "suspended"),
        ([held(), held("suspended", date(2026, 1, 5), date(2026, 2, 2))], "qualified"),
        ([held(), held("cancelled", date(2026, 1, 5))], "suspended"),
    ],
)
def test_standing_on_a_day(rows: list[dict], standing: str) -> None:
    assert people(qualification=rows).standing("p", "safety", DAY) == standing


@pytest.mark.parametrize(
    ("exams", "worked", "standing"),
    [
        ([exam(date(2025, 2, 3))], "v1", "qualified"),  # 365 days
        ([exam(date(2025, 2, 2))], "v1", "lapsed"),
        ([exam(date(2025, 2, 2)), exam(date(2026, 1, 5))], "v1", "qualified"),
        ([exam(date(2026, 1, 5))], "v2", "qualified"),  # v2 is no material change
        ([exam(date(2026, 1, 5))], "v3", "lapsed"),
        ([exam(date(2026, 1, 5)), exam(date(2026, 1, 25), "v3")], "v3", "qualified"),
        ([exam(date(2026, 1, 5)), exam(date(2026, 1, 25), "v3", passed=False)], "v3", "lapsed"),
        ([exam(date(2026, 1, 25), "v3")], "v1", "qualified"),  # examined on newer rules than worked by
    ],
)
def test_an_exam_lapses_with_time_and_with_a_material_change_of_the_rules(exams, worked: str, standing: str) -> None:
    rules = [
        rule("v1", date(2025, 1, 1), True),
        rule("v2", date(2026, 1, 10), False),
        rule("v3", date(2026, 1, 20), True),
    ]
    known = people(qualification=[held(first=date(2025, 1, 1))], exam=exams, rule_document=rules)
    assert known.standing("p", "safety", DAY, worked) == standing


def test_withdrawal_begins_the_day_after_and_ends_with_a_new_qualification() -> None:
    revoked = [{"annotator_id": "p", "revoked_on": DAY}]
    known = people(revocation=revoked, qualification=[held(), held(first=date(2026, 3, 1))])
    assert [known.withdrawn("p", day) for day in (DAY, date(2026, 2, 4), date(2026, 2, 28), date(2026, 3, 1))] == [
        False, True, True, False
    ]  # fmt: skip
    assert not known.withdrawn("other", date(2026, 2, 4))


def test_a_day_is_one_where_the_annotators_are() -> None:
    assert day_of(datetime(2026, 2, 2, 15, 59, tzinfo=UTC)) == date(2026, 2, 2)
    assert day_of(datetime(2026, 2, 2, 16, 0, tzinfo=UTC)) == date(2026, 2, 3)


def test_a_period_is_all_of_its_days_and_an_unknown_time_none() -> None:
    first, last = datetime(2026, 2, 1, 16, 0, tzinfo=UTC), datetime(2026, 2, 4, 15, 0, tzinfo=UTC)
    assert days_of(first, last) == (date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 4))
    assert days_of(None, last) == (date(2026, 2, 4),) and days_of(None, None) == ()


@given(st.lists(st.text("0123456789abcdef", min_size=4, max_size=4), unique=True, min_size=2, max_size=8), st.randoms())
def test_a_batch_is_its_records_rules_and_kind_in_any_order_and_nothing_else(records, random) -> None:
    name = batch_id(records, "v1", "safety")
    shuffled = list(records)
    random.shuffle(shuffled)
    assert batch_id(shuffled, "v1", "safety") == name and len(name) == 16
    others = [
        batch_id(records[1:], "v1", "safety"), batch_id([*records, "zzzz"], "v1", "safety"),
        batch_id(records, "v2", "safety"), batch_id(records, "v1", "functional"), batch_id(records, "v1", "safety", 2),
    ]  # fmt: skip
    assert len({name, *others}) == 6
