"""After a sample failed: its causes, and a new draw that nobody can choose and that hides nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.gates.figures import GateInput
from corpusgate.gates.reviewed import MANUAL, draws_of, failed_before_sample, in_force_samples, manual_figures
from corpusgate.lake import store
from corpusgate.release.digests import canonical
from corpusgate.release.manifest import candidate_folder, release_id
from corpusgate.review.after_failure import causes, redraw_after
from corpusgate.review.assignments import assign, record
from corpusgate.review.draw import Draw as Draw
from corpusgate.review.draw import item_rows, place_in_draw, redraw, sample_id, sample_row
from corpusgate.review.filing import waits_for
from corpusgate.review.fold import fold
from corpusgate.review.sampling import sample_row as row_of
from corpusgate.settings.catalogue import load_catalogue
from corpusgate_testing.gates import AT, Lake, sha
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, at, waiting

WHY = "the words of rule kw:3 were added to the lexicon"


def found(lake: Lake) -> None:
    for record_row in lake.of("alpha"):
        lake.find(record_row, rule="kw:3", weight=0.1)


@pytest.fixture
def failed(tmp_path: Path) -> Room:
    """Of 40 items, three of alpha and one of beta are bad: 90 % pass."""
    room = waiting(tmp_path, change=found)
    room.give("ann")
    numbers = {i["record_id"]: i["ordinal"] for i in rows(room.place, "sample_item")}
    bad = {numbers[sha("record", "alpha", n)]: ("a1a", "a2c") for n in range(3)}
    bad[numbers[sha("record", "beta", 0)]] = ()
    for number in range(1, 41):
        verdict = room.says("ann", number, "bad" if number in bad else "good", bad.get(number, ()))
        record(room.place, verdict)
    fold(room.place, "test")
    return room


def figure(room: Room, release: str | None = None):
    (one,) = manual_figures(room.run, release or room.release, load_catalogue(room.place)[MANUAL])
    return one


def test_the_causes_are_counted_by_source_and_risk_with_the_rules_that_fired(failed: Room) -> None:
    said = [(c.source_id, c.risk, c.items, c.rules) for c in causes(failed.place, failed.sample)]
    assert said == [("alpha", "a1a", 3, ("kw:3",)), ("alpha", "a2c", 3, ("kw:3",)), ("beta", "", 1, ())]


def test_a_new_draw_follows_from_the_old_seed_and_both_stay_and_are_shown(failed: Room) -> None:
    assert figure(failed).state == "measured" and figure(failed).value == pytest.approx(0.9)
    fresh = redraw_after(failed.place, failed.sample, WHY, "lead", at(1))
    old = row_of(failed.place, failed.sample)
    assert fresh["seed"] == old["seed"] + "/again-1" and fresh["follows"] == failed.sample
    assert [(r["sample_id"], n, of) for r, n, of in draws_of(failed.place, failed.release)] == [
        (failed.sample, 1, 2), (fresh["sample_id"], 2, 2),
    ]  # fmt: skip
    recorded, again = redraw(failed.place, fresh["sample_id"])
    ids = [r["record_id"] for r in rows(failed.place, "release_record")]
    assert recorded == again == sorted(ids, key=lambda r: place_in_draw(fresh["seed"], r))
    one = figure(failed)
    assert one.state == "pending" and f"sample {fresh['sample_id']} reviewed" in one.because
    assert f"draw {failed.sample} of {failed.release} failed: 4 bad of 40 reviewed" in one.because
    assert f"drawn anew after {failed.sample} by lead: {WHY}" in one.because
    assert [s["sample_id"] for s in in_force_samples(failed.place, failed.release)] == [fresh["sample_id"]]


def test_nobody_draws_again_without_a_failure_a_reason_or_the_role(failed: Room, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="says too little"):
        redraw_after(failed.place, failed.sample, "again", "lead", at(1))
    with pytest.raises(UserError, match="may not speak as lead"):
        redraw_after(failed.place, failed.sample, WHY, "ann", at(1))
    fresh = redraw_after(failed.place, failed.sample, WHY, "lead", at(1))
    with pytest.raises(UserError, match=r"was followed .* already"):
        redraw_after(failed.place, failed.sample, WHY, "lead", at(2))
    with pytest.raises(UserError, match=r"has not failed: 0 bad, at most 1 of 40 may be"):
        redraw_after(failed.place, fresh["sample_id"], WHY, "lead", at(2))
    with pytest.raises(UserError, match="is of another corpus"):
        redraw_after(failed.place, failed.sample, WHY, "lead", at(2), "other-0123456789ab")
    assert len(rows(failed.place, "sample")) == 2


def test_a_second_failure_has_the_next_seed(failed: Room) -> None:
    second = redraw_after(failed.place, failed.sample, WHY, "lead", at(1))
    again = Room(failed.run, failed.release, second["sample_id"])
    again.give("ben")
    again.judge_all(["ben"], bad=lambda n: n < 4)
    third = redraw_after(failed.place, second["sample_id"], WHY, "lead", at(2))
    assert third["seed"].endswith("/again-2") and len({s["seed"] for s in rows(failed.place, "sample")}) == 3


def rebuilt(room: Room, seed: str) -> tuple[str, str]:
    """A candidate after the fix, with its sample drawn by `seed`; its id and the sample's."""
    about = {"corpus": "test", "leaves": {"root": "1" * 64}, "sources": [], "detectors": {}, "fixed": seed}
    name = release_id(about)
    folder = candidate_folder(room.place, name)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(canonical(about))
    kept = [{**r, "release_id": name} for r in rows(room.place, "release_record") if r["release_id"] == room.release]
    store.replace(room.place, "release_record", kept, f"release_id = '{name}'", "test")
    one = Draw(MANUAL, "manual review", "text", seed, len(kept), len(kept), "0" * 64)
    ordered = sorted(kept, key=lambda r: place_in_draw(seed, r["record_id"]))
    there = sample_id(name, one)
    items = item_rows(name, one, [(r["record_id"], r["released_sha256"]) for r in ordered])
    store.replace(room.place, "sample_item", items, f"sample_id = '{there}'", "test")
    store.replace(room.place, "sample", [sample_row(name, one, "document", at(5))], f"sample_id = '{there}'", "test")
    return name, there


@pytest.mark.parametrize("seed", [f"s/{MANUAL}", "another-seed"], ids=["the same seed", "a seed of the configuration"])
def test_a_candidate_after_a_failure_passes_only_by_a_draw_that_answers_it(failed: Room, seed: str) -> None:
    """Who changes the corpus's seed, or leaves it, has not answered the failure: the items are known, or chosen."""
    name, there = rebuilt(failed, seed)
    assign(failed.place, there, ["ben"], "lead", at(6))
    Room(failed.run, name, there).judge_all(["ben"])
    fold(failed.place, "test")
    one = figure(failed, name)
    assert one.state == "pending" and f"corpusgate sample again {failed.sample} --release {name}" in one.because
    assert waits_for(failed.place, name).unanswered == (failed.sample,)
    fresh = redraw_after(failed.place, failed.sample, WHY, "lead", at(7), name)
    assert fresh["release_id"] == name and fresh["seed"] == f"s/{MANUAL}/again-1"
    assign(failed.place, fresh["sample_id"], ["ben"], "lead", at(8))
    Room(failed.run, name, fresh["sample_id"]).judge_all(["ben"])
    fold(failed.place, "test")
    one = figure(failed, name)
    assert one.state == "measured" and one.value == 1.0
    assert f"draw {failed.sample} of {failed.release} failed" in one.because, "shown for good"
    assert [f.unanswered for f in failed_before_sample(failed.place, fresh)] == [False]
    assert waits_for(failed.place, name).unanswered == ()


def test_a_failure_that_people_take_back_is_none(failed: Room) -> None:
    for item in rows(failed.place, "sample_item"):
        record(failed.place, room_says(failed, item["ordinal"]))
    fold(failed.place, "test")
    assert figure(failed).value == 1.0
    with pytest.raises(UserError, match="has not failed"):
        redraw_after(failed.place, failed.sample, WHY, "lead", at(9))


def room_says(room: Room, ordinal: int):
    return room.says("ann", ordinal, "good", late=600)


def test_a_failed_sample_that_was_removed_is_missed(failed: Room) -> None:
    name, _ = rebuilt(failed, "seed-2")
    kept = [r for r in rows(failed.place, "sample") if r["sample_id"] != failed.sample]
    store.replace(failed.place, "sample", kept, "true", "cover-up")
    with pytest.raises(GateInput, match=f"people reviewed {failed.sample}, but the table sample has no such row"):
        figure(failed, name)


def test_figures_of_other_corpora_do_not_meet(failed: Room) -> None:
    sample = {**row_of(failed.place, failed.sample), "release_id": "test-2-0123456789ab", "sample_id": "x"}
    assert failed_before_sample(failed.place, sample) == []
    assert failed_before_sample(failed.place, {**sample, "release_id": "test-0123456789ab"}) != []
    assert AT
