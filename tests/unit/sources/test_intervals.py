"""Periods looked up by time: at every instant exactly one holds, or none; later words change only what they say.

Two axes: when something is valid, and since when it is known. Who asks about a moment in the past gets the answer that
was right then, whatever was recorded since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from corpusgate.annotation.model import Facts
from corpusgate.annotation.people import People
from corpusgate.intake.register import effective
from corpusgate.sources.recorded import TAKEN_BACK, ended, in_force

AT = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = 12
MOMENTS = [AT + n * timedelta(hours=1) for n in range(STEPS)]
steps = st.integers(0, STEPS - 1)


# ---------------------------------------------------------------- licences: valid and recorded


@st.composite
def words(draw: st.DrawFn) -> dict:
    """What somebody concluded about a part, from when to when, recorded when; sometimes taken back."""
    return {
        "part": draw(st.sampled_from("ab")), "verdict": None, "valid_from": MOMENTS[draw(steps)],
        "recorded_at": MOMENTS[draw(steps)], "valid_to": draw(st.none() | steps.map(MOMENTS.__getitem__)),
        "concluded": draw(st.sampled_from(["MIT", "CC-BY-4.0", TAKEN_BACK])),
    }  # fmt: skip


def keyed(rows: Sequence[dict]) -> list[dict]:
    """As the table holds them: one row a part, start of validity and moment of recording."""
    return list({(r["part"], r["valid_from"], r["recorded_at"]): r for r in rows}.values())


conclusions = st.lists(words(), max_size=8).map(keyed)


@given(conclusions, steps)
def test_at_every_instant_a_part_has_one_conclusion_or_an_ended_one_or_none(rows: list[dict], step: int) -> None:
    at = MOMENTS[step]
    holds, over = in_force(rows, at), ended(rows, at)
    assert not set(holds) & set(over)
    for part, row in (holds | over).items():
        assert row in rows and row["part"] == part and row["concluded"] != TAKEN_BACK
        assert row["recorded_at"] <= at and row["valid_from"] <= at
    for part in set("ab") - set(holds) - set(over):
        said = [r for r in rows if r["part"] == part and r["recorded_at"] <= at and r["valid_from"] <= at]
        assert not said or max(said, key=lambda r: (r["recorded_at"], r["valid_from"]))["concluded"] == TAKEN_BACK


@given(conclusions, st.randoms(use_true_random=False), steps)
def test_the_order_of_the_rows_says_nothing(rows: list[dict], shuffle, step: int) -> None:
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    assert in_force(shuffled, MOMENTS[step]) == in_force(rows, MOMENTS[step])


@given(conclusions, words(), steps)
def test_a_later_word_changes_nothing_before_it_was_recorded_or_valid_nor_another_part(
    rows: list[dict], word: dict, step: int
) -> None:
    more, at = keyed([*rows, word]), MOMENTS[step]
    if any((r["part"], r["valid_from"], r["recorded_at"]) == (word["part"], word["valid_from"], word["recorded_at"])
           for r in rows):  # fmt: skip
        return
    before, after = in_force(rows, at), in_force(more, at)
    other = "b" if word["part"] == "a" else "a"
    assert after.get(other) is before.get(other)
    if at < word["recorded_at"] or at < word["valid_from"]:
        assert after == before
    elif all(r["recorded_at"] < word["recorded_at"] for r in rows):
        lasts = word["valid_to"] is None or at < word["valid_to"]
        assert after.get(word["part"]) is (word if lasts and word["concluded"] != TAKEN_BACK else None)


# ---------------------------------------------------------------- registers of user input: consent and opt-outs


@st.composite
def consents(draw: st.DrawFn) -> dict:
    start, end = draw(steps), draw(st.none() | steps)
    return {
        "key": draw(st.sampled_from("ab")), "user": "u", "clause_version": "1",
        "authorised_at": MOMENTS[start].isoformat(), "withdrawn_at": "" if end is None else MOMENTS[end].isoformat(),
    }  # fmt: skip


def covered(rows: list[dict], key: str, entered: datetime, at: datetime) -> bool:
    """By the words of the register alone: consent before the moment of typing, and no opt-out since that consent."""
    mine = [r for r in rows if r["key"] == key]
    for row in mine:
        start = datetime.fromisoformat(row["authorised_at"])
        said = [(r["authorised_at"], datetime.fromisoformat(r["withdrawn_at"])) for r in mine if r["withdrawn_at"]]
        end = min([e for of, e in said if e >= start or of == row["authorised_at"]], default=None)
        if start <= entered and start <= at and (end is None or (entered < end and at < end)):
            return True
    return False


@given(st.lists(consents(), max_size=6), steps, steps)
def test_an_input_is_covered_or_not_and_an_opt_out_ends_every_consent_before_it(
    rows: list[dict], entered: int, now: int
) -> None:
    register = effective(rows, MOMENTS[now])
    for key in "ab":
        assert register.covers(key, MOMENTS[entered].isoformat()) == covered(rows, key, MOMENTS[entered], MOMENTS[now])


@given(st.lists(consents(), max_size=6), steps)
def test_the_periods_of_a_key_do_not_overlap(rows: list[dict], now: int) -> None:
    for periods in effective(rows, MOMENTS[now]).periods.values():
        assert all(start < end for start, end in periods if end)
        for (_, end), (start, _) in pairwise(periods):
            assert end and end < start


_TWICE = {"key": "a", "user": "u", "clause_version": "1", "authorised_at": MOMENTS[1].isoformat(), "withdrawn_at": ""}


@example([_TWICE | {"withdrawn_at": MOMENTS[0].isoformat()}], _TWICE, 1, 1)
@given(st.lists(consents(), max_size=6), consents(), steps, steps)
def test_an_opt_out_never_adds_and_a_row_of_another_key_changes_nothing(
    rows: list[dict], more: dict, entered: int, now: int
) -> None:
    before, after = effective(rows, MOMENTS[now]), effective([*rows, more], MOMENTS[now])
    when, other = MOMENTS[entered].isoformat(), "b" if more["key"] == "a" else "a"
    assert before.covers(other, when) == after.covers(other, when)
    if any(r["key"] == more["key"] and r["authorised_at"] == more["authorised_at"] for r in rows):
        assert after.covers(more["key"], when) <= before.covers(more["key"], when)
    if MOMENTS[now] < datetime.fromisoformat(more["authorised_at"]):
        assert after.covers(more["key"], when) <= before.covers(more["key"], when)


# ---------------------------------------------------------------- annotators: qualifications and roles by day

DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(STEPS)]


@st.composite
def periods(draw: st.DrawFn, states: Sequence[str] = ("granted", "suspended", "cancelled")) -> dict:
    first, length = draw(steps), draw(st.none() | steps)
    return {
        "annotator_id": "p", "kind": draw(st.sampled_from(["safety", "functional", "both"])), "role": "reviewer",
        "state": draw(st.sampled_from(list(states))), "valid_from": DAYS[first],
        "valid_to": None if length is None else DAYS[first] + timedelta(days=length),
    }  # fmt: skip


def standing(rows: list[dict], kind: str = "safety") -> list[str]:
    people = People(Facts("test", registers={"qualification": rows}), 365)
    return [people.standing("p", kind, day) for day in DAYS]


@given(st.lists(periods(), max_size=6), st.randoms(use_true_random=False))
def test_every_day_has_one_standing_whatever_the_order_of_the_register(rows: list[dict], shuffle) -> None:
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    found = standing(rows)
    assert found == standing(shuffled)
    for day, said in zip(DAYS, found, strict=True):
        mine = [r for r in rows if r["kind"] in ("safety", "both")]
        there = {r["state"] for r in mine if r["valid_from"] <= day and (r["valid_to"] is None or day <= r["valid_to"])}
        ever = any(r["state"] == "granted" and r["valid_from"] <= day for r in mine)
        expected = "none" if not ever else "suspended" if there - {"granted"} else "qualified" if there else "lapsed"
        assert said == expected


@given(st.lists(periods(), max_size=5), periods())
def test_a_further_row_changes_no_day_before_it_and_a_suspension_none_after_it(rows: list[dict], more: dict) -> None:
    before, after = standing(rows), standing([*rows, more])
    for day, was, now in zip(DAYS, before, after, strict=True):
        if more["kind"] == "functional" or day < more["valid_from"]:
            assert now == was
        ends = more["valid_to"] is not None and day > more["valid_to"]
        if more["state"] != "granted":
            assert now == was if ends else now in (was, "suspended")
        elif ends:
            assert now == was or (was, now) == ("none", "lapsed") or now == "suspended"


@given(st.lists(periods(("granted",)), max_size=4))
def test_a_role_is_held_on_exactly_the_days_of_its_periods(rows: list[dict]) -> None:
    people = People(Facts("test", registers={"annotator_role": rows}), 365)
    for day in DAYS:
        held = any(r["valid_from"] <= day and (r["valid_to"] is None or day <= r["valid_to"]) for r in rows)
        assert people.has_role("p", "reviewer", day) == held
