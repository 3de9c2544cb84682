"""`explain` tells the whole story of a record from the tables alone."""

from datetime import UTC, datetime

import pytest

from corpusgate.errors import UserError
from corpusgate.evidence.explain import as_text, story
from corpusgate.intake import states
from corpusgate.lake import store
from corpusgate_testing.lake import place_in

AT = datetime(2026, 1, 2, tzinfo=UTC)
RECORD, TWIN, TEXT = "a1" * 32, "b2" * 32, "c3" * 32


@pytest.fixture
def place(tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)

    def put(name, *rows):
        store.append_new(place, name, list(rows), "run-1")

    put(
        "source",
        {"source_id": "s", "version": "1", "title": "A \x1b[31m title", "kind": "open_source", "recorded_at": AT},
    )
    put(
        "acquisition",
        {"acquisition_id": "q", "source_id": "s", "name": "f.jsonl", "sha256": "d" * 64, "fetched_at": AT},
    )
    put(
        "record",
        *[
            {
                "record_id": i,
                "source_id": "s",
                "acquisition_id": "q",
                "locator": f"key:{i[:2]}",
                "text_sha256": TEXT,
                "batch_id": "x",
                "raw_sha256": "1e" * 32 if i == RECORD else None,
            }
            for i in (RECORD, TWIN)
        ],
    )
    put("screening", {"text_sha256": TEXT, "family": "keyword", "version": "v1", "batch_id": "x"})
    put(
        "finding",
        {
            "text_sha256": TEXT,
            "detector": "keyword",
            "version": "v1",
            "rule": "kw:1",
            "risk": "a1f",
            "start": 3,
            "end": 5,
            "weight": 0.5,
            "surface": "=x",
            "batch_id": "x",
        },
    )
    put(
        "decision",
        {
            "release_id": "demo-1",
            "record_id": TWIN,
            "outcome": "removed",
            "rule": "exact_duplicate",
            "survivor": RECORD,
        },
    )
    put("release_record", {"release_id": "demo-1", "record_id": RECORD, "mask_set": "pi_mobile:1-12"})
    put("release", {"release_id": "demo-1", "channel": "trial", "published_at": AT})
    return place


@pytest.mark.parametrize("identity", [RECORD, TEXT, TEXT[:8]])
def test_a_text_keeps_every_place_where_it_was_found(place, identity):
    told = story(place, identity)
    assert told["text_sha256"] == TEXT
    assert RECORD in {r["record_id"] for r in told["records"]}


@pytest.mark.parametrize("at_once", [1, 8000], ids=["a text with more records than a list may name", "few"])
def test_the_story_names_origin_screening_findings_and_fate(place, monkeypatch, at_once):
    monkeypatch.setattr("corpusgate.lake.dialect.AT_ONCE", at_once)
    told = story(place, TEXT)
    assert told["records"][0]["file"] == "f.jsonl"
    assert told["screened"] == [{"family": "keyword", "version": "v1"}]
    assert [(f["risk"], f["start"]) for f in told["findings"]] == [("a1f", 3)]
    fates = {r["record_id"]: (r["outcome"], r["rule"], r["channels"]) for r in told["releases"]}
    assert fates == {
        RECORD: ("kept", None, "published to trial"),
        TWIN: ("removed", "exact_duplicate", "published to trial"),
    }


def test_the_printed_story_obeys_no_escape_of_the_source(place):
    printed = as_text(story(place, TEXT))
    assert "\x1b" not in printed
    assert printed.count("    line      sha256 " + "1e" * 32) == printed.count("    line ") == 1
    assert "removed by rule exact_duplicate" in printed
    assert "masks pi_mobile:1-12" in printed


@pytest.mark.parametrize("identity", ["' OR 1=1 --", "a1", "A1A1A1A1", "a1a1a1a1'"])
def test_what_is_no_id_is_refused_before_it_reaches_sql(place, identity):
    with pytest.raises(UserError, match="hexadecimal"):
        story(place, identity)


def test_an_unknown_id_is_said_to_be_unknown(place):
    with pytest.raises(UserError, match="nothing of it was taken in"):
        story(place, "f" * 64)


def test_a_record_that_its_source_has_no_more_was_there_until_when_and_each_is_told_once(place):
    again = {"record_id": RECORD, "source_id": "s", "acquisition_id": "q", "locator": "key:a1", "text_sha256": TEXT}
    store.append_new(place, "record", [{**again, "record_id": "d4" * 32, "batch_id": "y"}], "run-2")
    store.replace(place, "record", [{**again, "batch_id": "y", "title": "newer"}], "batch_id = 'y'", "run-2")
    states.write_state(place, "s", states.State("y", 1))
    grave = {"record_id": TWIN, "batch_id": "y", "source_id": "s", "last_batch_id": "x", "because": "gone_from_source",
             "vanished_in": "run-2", "vanished_at": AT}  # fmt: skip
    store.append_new(place, "tombstone", [grave], "run-2")
    told = story(place, TEXT)
    assert [(r["record_id"], r["batch_id"], r["title"]) for r in told["records"]] == [
        (RECORD, "y", "newer"), (TWIN, "x", None),
    ]  # fmt: skip
    assert f"gone      since {AT}, run run-2: its source has it no more" in as_text(told)
    store.replace(place, "tombstone", [{**grave, "returned_in": "run-3", "returned_at": AT}], "batch_id = 'y'", "r")
    assert f"its source has it no more; there again since {AT}, run run-3" in as_text(story(place, TEXT))
