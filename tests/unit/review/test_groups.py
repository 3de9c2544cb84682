"""A conversation as one item of a sample: read whole, judged whole, void when one of its texts changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusgate.errors import CorpusgateError
from corpusgate.gates.reviewed import tally
from corpusgate.lake import store
from corpusgate.review.after_failure import causes
from corpusgate.review.desk import desk
from corpusgate.review.draw import GROUPS, MANUAL, RECORDS, Draw, drawn_sql, item_rows, sample_row
from corpusgate.review.export import export, rows_of
from corpusgate.review.groups import as_one
from corpusgate.review.reading import item
from corpusgate.review.sampling import sample_row as row_of
from corpusgate_testing.gates import AT
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, waiting

GROUP = "9" * 64
PLACES = (("prompt", 0), ("prompt", 1), ("chosen", 2), ("rejected", 2))


def find_in_answer(lake) -> None:
    """The third text of alpha holds a word, in its first two characters."""
    lake.find(lake.of("alpha")[2], start=0, end=2, rule="kw:x")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Four texts of each source; those of alpha are one conversation."""
    made = waiting(tmp_path, 4, change=find_in_answer)
    kept = store.read(made.place, "release_record").to_pylist()
    mine = sorted((r for r in rows(made.place, "record") if r["source_id"] == "alpha"), key=lambda r: r["locator"])
    places = {r["record_id"]: place for r, place in zip(mine, PLACES, strict=True)}
    for row in kept:
        role, turn = places.get(row["record_id"], ("text", None))
        row |= {"role": role, "turn": turn, "group_id": GROUP if turn is not None else None}
    everything = f"release_id = '{made.release}'"
    store.replace(made.place, "release_record", kept, everything, "test")
    one = Draw(MANUAL, "manual review", "text", f"s/{MANUAL}", 13, 13, "0" * 64, GROUPS)
    sql = drawn_sql("datafusion", RECORDS, made.release, GROUPS, "text", one.seed, 13)
    found = [(r["record_id"], r["released_sha256"]) for r in store.query(made.place, sql, [RECORDS]).to_pylist()]
    store.replace(made.place, "sample", [sample_row(made.release, one, "document", AT)], everything, "test")
    store.replace(
        made.place, "sample_item", item_rows(made.release, one, found), f"sample_id = '{made.sample}'", "test"
    )
    return made


def ordinal(room: Room) -> int:
    """Where the conversation stands in the draw."""
    return next(i["ordinal"] for i in desk(room.place, room.sample).drawn.items if i["record_id"] == GROUP)


def test_a_conversation_is_one_item_among_texts(room: Room) -> None:
    drawn = desk(room.place, room.sample).drawn
    assert len(drawn.items) == 13 and drawn.current == {i["record_id"] for i in drawn.items}


def test_a_person_reads_all_of_it_in_order_with_findings_in_their_places(room: Room) -> None:
    room.give("ann")
    seen = item(room.place, room.sample, ordinal(room), "ann")
    assert seen.state == "as drawn" and seen.record_id == GROUP
    heads = [line for line in seen.text.splitlines() if line.startswith("[")]
    assert heads == ["[prompt 0]", "[prompt 1]", "[chosen 2]", "[rejected 2]"]
    (found,) = seen.findings
    assert seen.text[found.start : found.end] == "al" and seen.text[found.start - 11 : found.start] == "[chosen 2]\n"
    other = item(room.place, room.sample, 1 if ordinal(room) > 1 else 2, "ann")
    assert other.state == "as drawn" and not other.text.startswith("[")


def test_a_verdict_covers_the_group_and_names_its_source(room: Room) -> None:
    room.give("ann")
    room.judge_all(["ann"], bad=lambda n: n == ordinal(room))
    counted = tally(desk(room.place, room.sample, table_only=False))
    assert (counted.drawn, counted.reviewed, counted.bad) == (13, 13, (GROUP,))
    assert [(c.source_id, c.items) for c in causes(room.place, room.sample)] == [("alpha", 1)]


def test_it_is_exported_whole(room: Room, tmp_path: Path) -> None:
    names, found = rows_of(room.place, row_of(room.place, room.sample))
    assert names.index("conversation") == names.index("text") + 1
    talk = next(r for r in found if r["record_id"] == GROUP)
    assert talk["text"] == "" and talk["conversation"].count("[") == 4 and talk["state"] == "as drawn"
    assert all(r["text"] and not r["conversation"] for r in found if r["record_id"] != GROUP)
    path = tmp_path / "sample.jsonl"
    assert export(room.place, room.sample, path, "jsonl", AT) == 13
    tasks = tmp_path / "sample.json"
    export(room.place, room.sample, tasks, "label-studio", AT)
    assert all(bool(t["data"]["text"]) != bool(t["data"]["conversation"]) for t in json.loads(tasks.read_bytes()))
    assert "$conversation" in tasks.with_suffix(".config.xml").read_text("utf-8")
    assert GROUP in {json.loads(line)["record_id"] for line in path.read_text("utf-8").splitlines()}


def test_where_one_of_its_texts_is_gone_the_whole_item_is_void(room: Room) -> None:
    answer = next(r for r in rows(room.place, "release_record") if r["role"] == "chosen")
    store.replace(room.place, "release_record", [], f"record_id = '{answer['record_id']}'", "test")
    drawn = desk(room.place, room.sample).drawn
    assert {i["record_id"] for i in drawn.items} - drawn.current == {GROUP}
    with pytest.raises(CorpusgateError, match="is not the one that was drawn"):
        rows_of(room.place, row_of(room.place, room.sample))


def test_a_text_without_a_place_has_a_heading_all_the_same() -> None:
    shown, starts = as_one([{"role": None, "turn": None}, {"role": "chosen", "turn": 3}], ["a", "b"])
    assert shown == "[text]\na\n\n[chosen 3]\nb" and [shown[s] for s in starts] == ["a", "b"]
