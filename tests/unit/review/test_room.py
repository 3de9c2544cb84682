"""Who judges what, what people read, how a sample stands."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from corpusgate.decide.rules import Span, apply_masks
from corpusgate.errors import CorpusgateError, UserError
from corpusgate.lake import store
from corpusgate.review import rules
from corpusgate.review.assignments import (
    assign,
    items_for,
    may_see,
    record,
    samples_of,
    take_back,
    withdraw,
)
from corpusgate.review.desk import _barred, desk, drawn_of
from corpusgate.review.reading import forget, item, prepare, released_spans
from corpusgate.review.standing import all_standing, standing
from corpusgate_testing.gates import AT, Lake, clean_lake, sha
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, at, retold, waiting


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """40 items, a quarter of them judged twice, given to nobody yet."""
    return waiting(tmp_path, share=0.25)


def test_every_item_has_its_people_and_the_declared_share_has_two(room: Room) -> None:
    room.give("ann", "ben", "mia")
    at_desk = desk(room.place, room.sample)
    asked = [at_desk.asked(i["record_id"]) for i in at_desk.drawn.items]
    assert sorted(map(len, asked)) == [1] * 30 + [2] * 10
    assert all(len(set(people)) == len(people) for people in asked), "different people"
    seed = f"{at_desk.drawn.row['seed']}|double|"
    first = sorted(at_desk.drawn.by_record, key=lambda r: hashlib.sha256((seed + r).encode()).hexdigest())[:10]
    assert at_desk.double == set(first), "a function of seed and record id"


def test_a_person_s_items_come_open_first_and_the_work_is_taken_up_where_it_was_left(room: Room) -> None:
    room.give("ann", "ben")
    mine = items_for(room.place, room.sample, "ann")
    assert [t.ordinal for t in mine] == sorted(t.ordinal for t in mine) and all(t.mine is None for t in mine)
    for task in mine[:3]:
        record(room.place, room.says("ann", task.ordinal))
    later = items_for(room.place, room.sample, "ann")
    assert [t.ordinal for t in later[:-3]] == [t.ordinal for t in mine[3:]]
    assert [t.ordinal for t in later[-3:]] == [t.ordinal for t in mine[:3]]
    assert all(t.mine is not None for t in later[-3:])


def test_who_comes_later_takes_over_open_items_and_moves_none_between_the_others(room: Room) -> None:
    room.give("ann", "ben")
    before = {p: {t.ordinal for t in items_for(room.place, room.sample, p)} for p in ("ann", "ben")}
    room.give("mia")
    after = {p: {t.ordinal for t in items_for(room.place, room.sample, p)} for p in ("ann", "ben", "mia")}
    assert after["ann"] <= before["ann"] and after["ben"] <= before["ben"] and after["mia"]


def test_a_reviewer_who_leaves_gives_the_open_items_back_and_keeps_what_was_said(room: Room) -> None:
    room.give("ann", "ben")
    first = items_for(room.place, room.sample, "ann")[0]
    record(room.place, room.says("ann", first.ordinal))
    withdraw(room.place, room.sample, "ann", "lead", "on leave", at(1))
    with pytest.raises(UserError, match="No sample"):
        items_for(room.place, room.sample, "ann")
    at_desk = desk(room.place, room.sample)
    assert at_desk.said[first.record_id]["ann"].verdict == "good"
    assert all(at_desk.asked(r) in ([], ["ben"]) for r in at_desk.drawn.by_record)
    assert assign(room.place, room.sample, ["ann"], "lead", at(2)) == ["ann"]
    states = [(r["reviewer"], r["attempt"], r["state"]) for r in rows(room.place, "review_assignment")]
    assert sorted(states) == [
        ("ann", 1, "assigned"), ("ann", 2, "withdrawn"), ("ann", 3, "assigned"), ("ben", 1, "assigned"),
    ]  # fmt: skip


def test_only_a_lead_gives_samples_out_and_only_to_reviewers_once(room: Room) -> None:
    with pytest.raises(UserError, match="may not speak as lead"):
        assign(room.place, room.sample, ["ann"], "ann", AT)
    with pytest.raises(UserError, match="may not speak as reviewer"):
        assign(room.place, room.sample, ["officer"], "lead", AT)
    assert assign(room.place, room.sample, ["ann", "ann"], "lead", AT) == ["ann"]
    assert assign(room.place, room.sample, ["ann"], "lead", at(1)) == []


def test_a_reviewer_sees_only_the_samples_that_were_given_to_him_or_her(room: Room) -> None:
    room.give("ann")
    assert [s["sample_id"] for s in samples_of(room.place, "ann")] == [room.sample]
    assert samples_of(room.place, "ben") == []
    for sample in (room.sample, "0" * 16):
        with pytest.raises(UserError, match=f"No sample '{sample}' is given to 'ben'"):
            may_see(room.place, sample, "ben")
    with pytest.raises(UserError, match="No sample"):
        item(room.place, room.sample, 1, "ben")
    with pytest.raises(UserError, match="No sample"):
        record(room.place, room.says("ben", 1))


def test_a_verdict_on_somebody_else_s_item_is_refused_and_reading_it_too(room: Room) -> None:
    room.give("ann", "ben")
    mine = {t.ordinal for t in items_for(room.place, room.sample, "ann")}
    other = next(n for n in range(1, 41) if n not in mine)
    with pytest.raises(UserError, match="goes to somebody else"):
        record(room.place, room.says("ann", other))
    with pytest.raises(UserError, match="not ann's to judge"):
        item(room.place, room.sample, other, "ann")
    with pytest.raises(UserError, match="items 1 to 40"):
        item(room.place, room.sample, 41, "ann")


def annotated(lake: Lake, number: int = 3) -> None:
    """mia labelled an item of a batch as e7."""
    lake.rows.setdefault("annotation", []).append({
        "annotation_id": f"a{number}", "corpus": "test", "batch_id": "b", "record_id": sha("record", "alpha", number),
        "text_sha256": lake.of("alpha")[number]["text_sha256"], "annotator_id": "e7", "state": "submitted",
    })  # fmt: skip


def test_nobody_reviews_what_he_or_she_labelled_under_whatever_name(tmp_path: Path) -> None:
    room = waiting(tmp_path, change=annotated)
    room.give("mia")
    labelled = sha("record", "alpha", 3)
    open_ = items_for(room.place, room.sample, "mia")
    assert len(open_) == 39 and labelled not in {t.record_id for t in open_}
    number = desk(room.place, room.sample).drawn.by_record[labelled]["ordinal"]
    with pytest.raises(UserError, match="mia labelled item"):
        record(room.place, room.says("mia", number))
    assert standing(room.place, room.sample).unassignable == 1
    room.give("ann")
    assert standing(room.place, room.sample).unassignable == 0


def test_what_is_labelled_while_people_review_bars_at_once_and_else_nothing_is_joined_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = waiting(tmp_path, change=annotated)
    room.give("mia")
    assert desk(room.place, room.sample).barred == {"mia": {sha("record", "alpha", 3)}}
    with monkeypatch.context() as patch:
        patch.setattr(store, "query", lambda place, sql, tables: pytest.fail(f"asked again: {sql}"))
        assert _barred(room.place, drawn_of(room.place, room.sample), frozenset(("mia",)))
    added = clean_lake(10)
    annotated(added, number=5)
    store.append_new(room.place, "annotation", added.rows["annotation"], "later")
    assert desk(room.place, room.sample).barred == {"mia": {sha("record", "alpha", n) for n in (3, 5)}}


def test_where_two_differ_a_third_decides_and_until_then_the_item_is_open(room: Room) -> None:
    room.give("ann", "ben")
    at_desk = desk(room.place, room.sample)
    number = next(at_desk.drawn.by_record[r]["ordinal"] for r in sorted(at_desk.double))
    record(room.place, room.says("ann", number, "bad", ["a1a"]))
    record(room.place, room.says("ben", number, "good", late=1))
    stands = standing(room.place, room.sample)
    assert (stands.disagreements, stands.waiting_for_third, stands.decided, stands.unassignable) == (1, 1, 0, 1)
    room.give("mia", "lead")
    asked = desk(room.place, room.sample).asked(at_desk.drawn.items[number - 1]["record_id"])
    assert len(asked) == 1 and asked[0] in ("mia", "lead")
    record(room.place, room.says(asked[0], number, "bad", late=2))
    stands = standing(room.place, room.sample)
    assert (stands.disagreements, stands.waiting_for_third, stands.bad) == (1, 0, 1)


def test_a_changed_and_an_undone_verdict_count_as_they_stand_last(room: Room) -> None:
    room.give("ann", "ben")
    number = next(t.ordinal for t in items_for(room.place, room.sample, "ann")
                  if t.record_id not in desk(room.place, room.sample).double)  # fmt: skip
    record(room.place, room.says("ann", number, "bad"))
    assert standing(room.place, room.sample).bad == 1
    record(room.place, room.says("ann", number, "good", late=1))
    assert (standing(room.place, room.sample).bad, standing(room.place, room.sample).decided) == (0, 1)
    name = desk(room.place, room.sample).drawn.items[number - 1]["record_id"]
    take_back(room.place, room.sample, name, "ann", at(1))
    assert standing(room.place, room.sample).decided == 0
    with pytest.raises(UserError, match="no verdict on this item to take back"):
        take_back(room.place, room.sample, name, "ann", at(2))


def test_a_whole_review_ends_with_everything_decided_and_agreement_by_pairs(room: Room) -> None:
    room.give("ann", "ben")
    assert room.judge_all(["ann", "ben"], bad=lambda n: n in (3, 4)) == 50
    stands = standing(room.place, room.sample)
    assert (stands.drawn, stands.needed, stands.decided, stands.open, stands.bad, stands.double) == (
        40,
        40,
        40,
        0,
        2,
        10,
    )
    assert stands.enough and not stands.can_still_pass and stands.agreement == 1.0, "1 of 40 may be bad at 96 %"
    assert all_standing(room.place) == [stands]
    assert sum(n for _, n, _ in stands.by_reviewer) == 50


def test_unanimous_people_have_no_kappa_and_it_is_said_so(room: Room) -> None:
    room.give("ann", "ben")
    room.judge_all(["ann", "ben"])
    stands = standing(room.place, room.sample)
    assert stands.agreement == 1.0 and stands.kappa is None and stands.kappa_said == "not computable (unanimous)"
    assert stands.enough and stands.can_still_pass and stands.state == "enough"


@pytest.mark.parametrize(("bad", "can"), [(160, True), (161, False)])
def test_161_bad_of_4000_can_pass_no_more(bad: int, can: bool) -> None:
    assert rules.bad_at_most(4000, 0.96) == 160
    assert rules.lost(4000, bad, 0.96) is not can


def test_the_sample_stops_early_when_it_can_pass_no_more(tmp_path: Path) -> None:
    room = waiting(tmp_path)
    room.give("ann")
    for number in (1, 2):
        record(room.place, room.says("ann", number, "bad"))
    stands = standing(room.place, room.sample)
    assert stands.enough and not stands.can_still_pass and stands.open == 38 and stands.state == "can pass no more"


def test_an_item_whose_text_changed_is_void_and_nobody_is_asked_about_it(room: Room) -> None:
    room.give("ann")
    kept = rows(room.place, "release_record")
    target = desk(room.place, room.sample).drawn.items[0]["record_id"]
    changed = [{**r, "released_sha256": "0" * 64} if r["record_id"] == target else r for r in kept]
    store.replace(room.place, "release_record", changed, f"release_id = '{room.release}'", "test")
    at_desk = desk(room.place, room.sample)
    assert target not in at_desk.drawn.current and at_desk.asked(target) == []
    assert standing(room.place, room.sample).void == 1
    with pytest.raises(UserError, match="not the text that was drawn"):
        record(room.place, room.says("ann", 1))


def hostile(lake: Lake) -> None:
    """A long text, one with a mask and findings, one with markup."""
    alpha = lake.of("alpha")
    retold(lake, alpha[0], "电话13800138000，含违禁词，完", "pi_mobile:2-13")
    lake.find(alpha[0], start=15, end=18, rule="kw:7", risk="a2c")
    about = {"family": "personal_information", "detector": "personal_information", "version": "1"}
    lake.find(alpha[0], start=2, end=13, rule="pi:mobile", risk="pi_mobile", surface="13800138000", **about)
    retold(lake, alpha[1], "长" * 200_000)
    retold(lake, alpha[2], "<script>alert(1)</script> 😀 word")
    lake.find(alpha[2], start=26, end=27, rule="kw:8", risk="a1a")
    lake.find(alpha[2], start=0, end=5, rule="kw:old", risk="a1a", version="0+lexicon.0+fold.0")


def test_an_item_is_the_released_text_with_findings_where_they_stand_in_it(tmp_path: Path) -> None:
    room = waiting(tmp_path, change=hostile)
    room.give("ann")
    numbers = {r: i["ordinal"] for r, i in desk(room.place, room.sample).drawn.by_record.items()}
    read = item(room.place, room.sample, numbers[sha("record", "alpha", 0)], "ann")
    assert read.text == "电话[pi_mobile]，含违禁词，完" and read.state == "as drawn"
    assert [(read.text[f.start : f.end], f.rule, f.risk) for f in read.findings] == [
        ("[pi_mobile]", "pi:mobile", "pi_mobile"), ("违禁词", "kw:7", "a2c"),
    ]  # fmt: skip
    assert "13800138000" not in repr(read)
    assert "".join(text for text, _ in read.pieces()) == read.text
    marked = item(room.place, room.sample, numbers[sha("record", "alpha", 2)], "ann")
    assert [(marked.text[f.start : f.end], f.rule) for f in marked.findings] == [("😀", "kw:8")], (
        "of this release alone"
    )
    assert len(item(room.place, room.sample, numbers[sha("record", "alpha", 1)], "ann").text) == 200_000


def test_the_kept_texts_are_private_checked_and_can_be_forgotten(tmp_path: Path) -> None:
    room = waiting(tmp_path, change=hostile)
    room.give("ann")
    index = prepare(room.place, room.sample)
    files = sorted(index.parent.iterdir())
    assert [f.stat().st_mode & 0o777 for f in files] == [0o600, 0o600] and index.parent.stat().st_mode & 0o777 == 0o700
    content = index.with_suffix(".bin").read_bytes()
    assert b"13800138000" not in content + index.read_bytes()
    index.with_suffix(".bin").write_bytes(b"x" * len(content))
    with pytest.raises(CorpusgateError, match="is not the one that was drawn"):
        item(room.place, room.sample, 1, "ann")
    forget(room.place, room.sample)
    assert not index.parent.exists()
    assert item(room.place, room.sample, 1, "ann").state == "as drawn"


def test_texts_are_made_again_when_the_lake_s_texts_change(tmp_path: Path) -> None:
    room = waiting(tmp_path)
    first = prepare(room.place, room.sample)
    assert prepare(room.place, room.sample) == first
    gone = desk(room.place, room.sample).drawn.items[0]["record_id"]
    (row,) = [r for r in rows(room.place, "release_record") if r["record_id"] == gone]
    kept = [d for d in rows(room.place, "document") if d["text_sha256"] != row["text_sha256"]]
    store.replace(room.place, "document", kept, "true", "erase")
    room.give("ann")
    read = item(room.place, room.sample, 1, "ann")
    assert (read.state, read.text) == ("gone", "")
    assert first not in set(prepare(room.place, room.sample).parent.iterdir()), "no old copy of the text is left"


@pytest.mark.parametrize(("start", "end", "expected"), [
    (0, 2, "ab"), (2, 5, "[t]"), (1, 3, "b[t]"), (3, 4, "[t]"), (4, 7, "[t]fg"), (5, 6, "f"), (6, 9, "g[longer]"),
    (9, 10, "j"),
])  # fmt: skip
def test_findings_move_with_the_masks(start: int, end: int, expected: str) -> None:
    masks = [Span(2, 5, "t"), Span(7, 9, "longer")]
    text = apply_masks("abcdefghij", masks)
    (found,) = released_spans([{"start": start, "end": end, "rule": "r", "risk": "a1a"}], masks)
    assert text[found.start : found.end] == expected
