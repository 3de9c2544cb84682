"""Takedowns and later reservations: which records no candidate may keep, and who said so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.sources.takedown import takedown, withdrawn
from corpusgate_testing.gates import sha
from corpusgate_testing.lake import place_in, rows

AT = datetime(2026, 11, 2, tzinfo=UTC)
WHO: dict[str, Any] = {"by": "Li Na", "because": "the publisher asked for it in writing", "at": AT}
A, B, C, D = (sha("record", n) for n in "abcd")


@pytest.fixture
def place(tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place, ["record", "acquisition", "host_signal", "release", "release_record"])
    made = [
        {"record_id": record, "source_id": source, "batch_id": "b", "acquisition_id": source, "text_sha256": text,
         "url": url, "domain": domain, "attributes": {}}
        for record, source, text, url, domain in (
            (A, "alpha", "t1", "https://a.example/1", "a.example"), (B, "beta", "t1", None, None),
            (C, "alpha", "t2", "https://a.example/2", "a.example"),
            (D, "gamma", "t3", "https://a.example/3", "a.example"),
        )
    ]  # fmt: skip
    store.append_new(place, "record", made, "r")
    permitted = {"acquisition_id": "gamma", "source_id": "gamma", "permission": "allowed robots:none:404",
                 "url": "https://a.example/3"}  # fmt: skip
    store.append_new(place, "acquisition", [permitted, {"acquisition_id": "alpha", "source_id": "alpha"}], "r")
    return place


def later(days: int) -> dict[str, Any]:
    return {**WHO, "at": AT + timedelta(days=days)}


def signal(place, verdict: str, day: int, name: str = "robots", host: str = "a.example") -> None:
    when = AT + timedelta(days=day)
    row = {"host": host, "fetched_at": when, "signal": name, "verdict": verdict, "run_id": f"r{day}"}
    store.append_new(place, "host_signal", [row], "r")


def test_nothing_is_withdrawn_where_nobody_complained(place):
    assert withdrawn(place) == {}


def test_a_takedown_of_a_record_holds_every_copy_of_its_text(place):
    told = takedown(place, A, **WHO)
    assert withdrawn(place) == {A: "takedown", B: "takedown"}
    (row,) = rows(place, "takedown")
    assert (row["by"], row["because"], row["state"], row["source_id"]) == ("Li Na", WHO["because"], "held", "alpha")
    assert told["releases"] == []


def test_a_takedown_of_an_address_holds_what_is_there_and_what_comes(place):
    takedown(place, "https://a.example/2", **WHO)
    takedown(place, "https://a.example/later", **WHO)
    assert withdrawn(place) == {C: "takedown"}
    new = {"record_id": sha("new"), "source_id": "alpha", "batch_id": "b2", "acquisition_id": "alpha",
           "text_sha256": "t9", "url": "https://a.example/later", "attributes": {}}  # fmt: skip
    store.append_new(place, "record", [new], "r")
    assert withdrawn(place) == {C: "takedown", sha("new"): "takedown"}
    takedown(place, "https://a.example/later", **later(1), lift=True)
    assert withdrawn(place) == {C: "takedown"}


def test_a_lifted_takedown_holds_nothing_and_both_words_stay(place):
    takedown(place, A, **WHO)
    takedown(place, A, **later(1), lift=True)
    assert withdrawn(place) == {}
    assert sorted(r["state"] for r in rows(place, "takedown")) == ["held", "lifted"]
    takedown(place, A, **later(2))
    assert set(withdrawn(place)) == {A, B}


def test_releases_that_hold_the_text_are_named(place):
    kept = {"release_id": "demo-1", "record_id": B, "text_sha256": "t1"}
    store.append_new(place, "release_record", [kept], "r")
    store.append_new(place, "release", [{"release_id": "demo-1", "corpus": "demo", "channel": "trial"}], "r")
    assert takedown(place, A, **WHO)["releases"] == ["demo-1"]
    assert takedown(place, C, **WHO)["releases"] == []


def test_a_host_that_refuses_now_ends_the_use_of_what_was_found_before(place):
    signal(place, "allowed", 0)
    signal(place, "refused", 1)
    assert withdrawn(place) == {A: "opted_out", C: "opted_out"}, "gamma's was judged by its own address when fetched"
    signal(place, "allowed", 2)
    assert withdrawn(place) == {}
    signal(place, "refused", 3, name="tdmrep")
    assert set(withdrawn(place)) == {A, C}, "the stricter of two signals wins"


@pytest.mark.parametrize("name", ["robots /one/page", "noai meta /one"])
def test_what_was_said_of_one_page_says_nothing_of_its_host(place, name):
    signal(place, "refused", 1, name=name)
    assert withdrawn(place) == {}


@pytest.mark.parametrize(
    ("subject", "changed", "says"),
    [
        (sha("nowhere"), {}, "No record"),
        ("a.example/1", {}, "neither a record"),
        ("https://a.example/' OR 1=1", {}, "neither a record"),
        (A, {"by": "admin"}, "names nobody"),
        (A, {"because": "x"}, "too little"),
        (A, {"lift": True}, "nothing can be lifted"),
    ],
)
def test_mistakes_are_said_and_hold_nothing(place, subject, changed, says):
    with pytest.raises(UserError, match=says):
        takedown(place, subject, **{**WHO, **changed})
    assert withdrawn(place) == {}
