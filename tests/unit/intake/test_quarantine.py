"""The way out of the quarantine: what a person says of a row stays with it, and has the effect that was promised."""

from datetime import UTC, datetime
from typing import Any

import pytest

from corpusgate.errors import UserError
from corpusgate.intake import plan as plans
from corpusgate.intake.quarantine import Chosen, say
from corpusgate.lake import store
from corpusgate.lake.run import write_atomically
from corpusgate_testing.lake import place_in, rows

AT = datetime(2026, 11, 2, tzinfo=UTC)
WHO: dict[str, Any] = {"by": "Li Na", "because": "a stray line, no record", "at": AT}


@pytest.fixture
def place(tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place, ["quarantine"])
    made = [
        {"acquisition_id": f"{source}1", "source_id": source, "batch_id": batch, "locator": locator, "step": "intake",
         "reason": reason, "detail": "d", "state": "open", "recorded_at": AT}
        for source, batch, locator, reason in (
            ("alpha", "aa", "a.jsonl@1", "not_json"), ("alpha", "aa", "it's.jsonl@2", "no_text"),
            ("beta", "bb", "b.jsonl@1", "not_json"),
        )
    ]  # fmt: skip
    store.append_new(place, "quarantine", made, "r")
    for batch in ("aa", "bb"):
        write_atomically(place.lake / "_batches" / f"{batch}.json", "{}")
    return place


def states(place):
    return {r["locator"]: (r["state"], r["state_by"], r["state_because"], r["state_at"])
            for r in rows(place, "quarantine")}  # fmt: skip


def test_a_dismissed_row_names_person_reason_and_time_and_the_others_stay_open(place):
    say(place, "dismissed", Chosen(("it's.jsonl@2",)), **WHO)
    said = states(place)
    assert said["it's.jsonl@2"] == ("dismissed", "Li Na", "a stray line, no record", AT)
    assert {v for k, v in said.items() if k != "it's.jsonl@2"} == {("open", None, None, None)}
    assert plans.read_report(place, "aa") is not None, "nothing is read again for a dismissal"


def test_a_retry_makes_the_batch_one_that_was_never_done(place):
    say(place, "retried", Chosen(("a.jsonl@1",)), **WHO)
    assert states(place)["a.jsonl@1"][0] == "retried"
    assert (plans.read_report(place, "aa"), plans.read_report(place, "bb")) == (None, {})


def test_rows_are_chosen_by_source_and_reason(place):
    said = say(place, "dismissed", Chosen(source="alpha", reason="not_json"), **WHO)
    assert [r["locator"] for r in said] == ["a.jsonl@1"]
    assert sorted(v[0] for v in states(place).values()) == ["dismissed", "open", "open"]


def test_the_same_word_again_changes_nothing(place):
    say(place, "dismissed", Chosen(source="alpha"), **WHO)
    before = store.version(place, "quarantine")
    assert len(say(place, "dismissed", Chosen(source="alpha"), **{**WHO, "at": datetime(2027, 1, 1, tzinfo=UTC)})) == 2
    assert store.version(place, "quarantine") == before
    assert {v[3] for k, v in states(place).items() if k != "b.jsonl@1"} == {AT}


@pytest.mark.parametrize(
    ("chosen", "changed", "says"),
    [
        (Chosen(), {}, "Say which rows"),
        (Chosen(reason="not_json"), {}, "Say which rows"),
        (Chosen(("nowhere",)), {}, "has the locator 'nowhere'"),
        (Chosen(source="gamma"), {}, "is chosen by this"),
        (Chosen(source="alpha"), {"by": "admin"}, "names nobody"),
        (Chosen(source="alpha"), {"because": "ok"}, "says too little"),
        (Chosen(source="alpha"), {"because": "a stray \u202e line, no record"}, "direction characters"),
    ],
)
def test_mistakes_are_said_and_change_nothing(place, chosen, changed, says):
    with pytest.raises(UserError, match=says):
        say(place, "dismissed", chosen, **(WHO | changed))
    assert {v[0] for v in states(place).values()} == {"open"}
