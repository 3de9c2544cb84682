"""Papers by kind of source: what is missing is named, and the source is held before anything of it is collected."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from corpusgate.errors import UserError
from corpusgate.intake.register import effective, restored, rows_of
from corpusgate.settings.source import Source
from corpusgate.sources.job import licence
from corpusgate.sources.papers import papers
from corpusgate_testing.sources import AT, declared, fetched, installation, run_of

OWN = [{"concluded": {"expression": "CC0-1.0", "by": "Li Na", "at": "2026-01-01", "because": "by contract"}}]
DAYS = {date(2026, 11, 24)}


def document(place, name: str, **more: Any) -> dict[str, Any]:
    content = f"the {name}".encode()
    (place.home / name).write_bytes(content)
    return {"title": name, "path": name, "sha256": hashlib.sha256(content).hexdigest(), **more}


def bought(place) -> dict[str, Any]:
    contract = document(place, "contract", number="C-1", parties=["we", "they"], valid_from="2026-01-01",
                        valid_to="2026-12-31", covers_training=True)  # fmt: skip
    topics = ["source", "quality", "safety"]
    return {
        "contract": contract, "commitments": [document(place, "commitments", about=topics)],
        "proof": [document(place, "proof", about=topics)],
        "review": document(place, "review", by="Li Na", on="2026-11-01", accepted=True),
    }  # fmt: skip


def commercial(place, **changes: Any) -> Source:
    block = bought(place)
    for path, value in changes.items():
        name, _, inner = path.partition("__")
        if inner:
            block[name][inner] = value
        else:
            block[name] = value
    return declared(kind="commercial", commercial=block, licence=OWN)


def missing(place, source: Source, days=DAYS, at: datetime = AT) -> list[str]:
    found = papers(place, source, days, at)
    assert found is not None
    return found["missing"]


def test_whole_papers_miss_nothing_and_an_open_source_needs_none(tmp_path):
    place = installation(tmp_path, "notes")
    assert missing(place, commercial(place)) == []
    assert papers(place, declared(), DAYS, AT) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"contract__valid_to": "2026-11-23"}, "was not in force on 2026-11-24"),
        ({"contract__valid_from": "2026-11-25"}, "was not in force on 2026-11-24"),
        ({"contract__covers_training": False}, "does not cover training"),
        ({"contract__sha256": "0" * 64}, "is declared"),
        ({"contract__path": "nowhere"}, "cannot be read"),
        ({"commitments": []}, "no commitment of the seller about their safety"),
        ({"proof": []}, "no proof of the seller about where the data come from"),
        ({"review": None}, "no review of our own"),
        ({"review__accepted": False}, "did not accept"),
        ({"review__on": "2026-12-01"}, "after this run"),
    ],
)
def test_what_a_bought_source_lacks_is_named(tmp_path, changes, says):
    place = installation(tmp_path, "notes")
    assert says in "; ".join(missing(place, commercial(place, **changes)))


def test_a_contract_that_ended_since_collection_is_named_and_its_last_day_counts(tmp_path):
    place = installation(tmp_path, "notes")
    source = commercial(place)
    assert missing(place, source, {date(2026, 12, 31)}, datetime(2026, 12, 31, tzinfo=UTC)) == []
    late = missing(place, source, DAYS, datetime(2027, 1, 1, tzinfo=UTC))
    assert late == ["the contract C-1 is not in force on 2027-01-01, the day of this run"]


@pytest.mark.parametrize("kind", ["commercial", "user_input", "self_collected"])
def test_a_kind_without_its_block_is_held_by_its_control(tmp_path, kind):
    place = installation(tmp_path, "notes")
    run = run_of(place)
    (tmp_path / "a.txt").write_text("text", "utf-8")
    source = declared(kind=kind, licence=OWN)
    fetched(run, source, tmp_path / "a.txt")
    result = licence(run, source)
    assert (result.state, result.kept, result.removed_by_rule) == ("held", 0, {"papers_missing": 1})
    assert result.held_by == result.facts["papers"]["control"] and "block" in result.because
    assert result.reconcile()


def test_with_whole_papers_the_licence_alone_decides(tmp_path):
    place = installation(tmp_path, "notes")
    run = run_of(place)
    (tmp_path / "a.txt").write_text("text", "utf-8")
    source = commercial(place)
    fetched(run, source, tmp_path / "a.txt")
    result = licence(run, source)
    assert (result.state, result.kept, result.facts["papers"]["missing"]) == ("ok", 1, [])


def test_what_others_crawled_needs_their_log_by_hash(tmp_path):
    place = installation(tmp_path, "notes")
    said = {"method": "crawled", "tool": "t", "operator": "o"}
    assert "log of that crawl" in missing(place, declared(kind="self_collected", collection=said))[0]
    log = document(place, "log.jsonl")
    assert missing(place, declared(kind="self_collected", collection={**said, "record": log})) == []
    (place.home / "log.jsonl").write_text("changed", "utf-8")
    assert "is declared" in missing(place, declared(kind="self_collected", collection={**said, "record": log}))[0]


# ---------------------------------------------------------------- the register of authorisations


def row(key="1", start="2026-01-10", end="", **more: Any) -> dict[str, Any]:
    return {"key": key, "user": "u", "clause_version": "3", "authorised_at": start, "withdrawn_at": end, **more}


@pytest.mark.parametrize(
    ("rows", "entered", "covered"),
    [
        ([row()], "2026-01-10", True),
        ([row()], "2026-01-09T23:59:59Z", False),
        ([row()], "2026-01-10T07:00:00+08:00", False),
        ([row(end="2026-02-01")], "2026-01-20", False),
        ([row(end="2027-01-01")], "2026-11-01", True),
        ([row(end="2026-02-01"), row(start="2026-03-01")], "2026-03-02", True),
        ([row(end="2026-02-01"), row(start="2026-03-01")], "2026-01-20", False),
        ([row(key="2")], "2026-01-20", False),
        ([row()], None, False),
        ([row()], "yesterday", False),
    ],
    ids=["on the day", "before", "before, in another zone", "an opt-out ends earlier inputs too", "an opt-out to come",
         "agreed again", "before agreeing again", "another key", "no time", "no time at all"],
)  # fmt: skip
def test_an_input_is_covered_by_effective_time(rows, entered, covered):
    register = effective(rows, AT)
    assert register.covers("1", entered) is covered
    assert restored(register.content) == register


@pytest.mark.parametrize("name", ["user", "clause_version", "authorised_at", "key"])
def test_half_an_authorisation_is_refused_and_not_passed_over(name):
    with pytest.raises(UserError, match=f"row 2 .* lacks {name}"):
        effective([row(), row(**{name: ""})], AT)


def test_csv_and_json_lines_say_the_same_in_any_order():
    csv = b"key,user,clause_version,authorised_at,withdrawn_at\n2,u,3,2026-01-10,\n1,u,3,2026-01-10,\n"
    lines = b'{"key":"1","user":"u","clause_version":3,"authorised_at":"2026-01-10"}\n' + (
        b'{"key":"2","user":"u","clause_version":3,"authorised_at":"2026-01-10T00:00:00Z"}\n'
    )
    assert effective(rows_of("r.csv", csv), AT).sha256 == effective(rows_of("r.jsonl", lines), AT).sha256
    with pytest.raises(UserError, match="cannot be read"):
        list(rows_of("r.jsonl", b"[1]\n"))


def test_the_authorisations_in_force_are_archived_by_their_hash(tmp_path):
    place = installation(tmp_path, "notes")
    (place.home / "r.jsonl").write_text('{"key":"1","user":"u","clause_version":"3","authorised_at":"2026-01-10"}\n')
    said = {"service": "chat", "register_path": "r.jsonl", "entered_at": "at"}
    found = papers(place, declared(kind="user_input", user_input=said), DAYS, AT)
    assert found is not None and found["missing"] == []
    kept = place.raw_file(found["register"]["sha256"]).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == found["register"]["sha256"] and restored(kept).covers("1", "2026-02-01")
