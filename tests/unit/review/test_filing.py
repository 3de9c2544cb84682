"""From a frozen candidate to `filing`: counted and judged again from the tables, signed by a person, moved atomically.

One of the modules that import Great Expectations (13 CPU s)."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from corpusgate.errors import CorpusgateError, StaleCandidate, UserError
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.release.job import publish
from corpusgate.release.manifest import candidate_folder, manifest_root, read_manifest
from corpusgate.release.pointer import current_release, move_pointer, pointer_file
from corpusgate.release.signing import sign
from corpusgate.review import journal
from corpusgate.review.approval import md
from corpusgate.review.assignments import record
from corpusgate.review.filing import approval_text, filing_run_id, judge, publish_to, reopened, waits_for
from corpusgate.review.signoff import required, sign_off, text_sha256
from corpusgate_testing.gates import AT, Lake, sha
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, at, retold, waiting

MANUAL, PROVIDERS, SOURCE = "45654-4-2-1-manual", "45654-4-1-2-a", "45654-4-1-1-b"
SOURCES_OF = [
    {"source_id": s, "kind": "open_source", "taken": s != "delta", "parts": []}
    for s in ("alpha", "beta", "gamma", "delta")
]
SECRET = "these words of a record stand in no log"


def few_controls(room: Room, *more: str) -> None:
    """Of the catalogue only these controls keep a release from filing here: the whole needs a whole organisation."""
    for path in sorted((room.place.conf / "controls").glob("*.yaml")):
        if path.stem not in (MANUAL, PROVIDERS, *more):
            path.write_text(re.sub(r"(?m)^blocks: .*$", "blocks: []", path.read_text("utf-8")), "utf-8")


def released(room: Room) -> None:
    """What publishing to trial leaves: the release's folder and the channel's pointer."""
    folder = room.place.releases / room.release
    folder.mkdir(parents=True)
    frozen = candidate_folder(room.place, room.release) / "manifest.json"
    shutil.copyfile(frozen, folder / "manifest.json")
    root = manifest_root(read_manifest(frozen))
    (folder / "signature.json").write_text(json.dumps(sign(room.place, root)))
    (folder / "files.json").write_text(json.dumps({"files": [], "characters": 1, "masks_in_notices": {}}))
    move_pointer(room.place, "test", "trial", expected=None, to=room.release, root=root, run_id="run-1", at=AT)


def secret(lake: Lake) -> None:
    retold(lake, lake.of("alpha")[0], SECRET)


def made(folder: Path) -> Room:
    room = waiting(folder, records=3, share=0.25, change=secret, manifest={"sources": SOURCES_OF})
    few_controls(room)
    released(room)
    room.give("ann", "ben")
    return room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return made(tmp_path)


@pytest.fixture
def reviewed(room: Room) -> Room:
    room.judge_all(["ann", "ben"])
    return room


def approve(room: Room, hours: float = 2, decision: str = "approve", seen: str | None = None) -> dict:
    judge(room.place, room.release, at(hours))
    shown = seen or text_sha256(approval_text(room.place, room.release))
    return sign_off(
        room.place, room.release, "filing", "lead", "lead", decision, shown, "figures and waivers read", at(hours)
    )


def file(room: Room, hours: float = 3):
    return publish_to(room.place, "test", room.release, "filing", at(hours))


def test_what_people_have_not_judged_is_waited_for_and_nothing_is_published(room: Room) -> None:
    waits = waits_for(room.place, room.release)
    assert [s.sample_id for s in waits.samples] == [room.sample] and not waits.enough and waits.lost == ()
    gate = judge(room.place, room.release, at(1))
    assert gate.facts["blocked"]["filing"] == [MANUAL]
    with pytest.raises(CorpusgateError, match=f"is not published to filing: blocked by {MANUAL}"):
        file(room)
    assert current_release(room.place, "test", "filing") is None


def test_a_release_is_filed_when_people_judged_it_and_a_person_signed(reviewed: Room) -> None:
    place = reviewed.place
    assert waits_for(place, reviewed.release).enough
    with pytest.raises(UserError, match=r"no signoff by the role lead \(lead\) for this manifest"):
        file(reviewed)
    row = approve(reviewed)
    assert row["manifest_root"] == manifest_root(
        read_manifest(candidate_folder(place, reviewed.release) / "manifest.json")
    )
    assert [(n.role, n.approved) for n in required(place, reviewed.release, "filing")] == [("lead", True)]
    assert file(reviewed).state == "ok"
    assert current_release(place, "test", "filing") == reviewed.release == current_release(place, "test", "trial")
    sealed = json.loads((place.releases / reviewed.release / "chains--filing.json").read_text())["sealed"]["chains"]
    assert sealed["review"]["rows"] == 15 and sealed["signoff"]["rows"] == 1, "12 items, 3 of them judged twice"
    (said,) = [r for r in rows(place, "release") if r["channel"] == "filing"]
    assert (said["run_id"], said["parent"]) == (filing_run_id(reviewed.release), None)
    before = (rows(place, "release"), pointer_file(place, "test", "filing").read_bytes(), rows(place, "review"))
    file(reviewed, 9)
    assert (rows(place, "release"), pointer_file(place, "test", "filing").read_bytes(), rows(place, "review")) == before


def test_verdicts_are_counted_from_the_tables_whatever_was_only_claimed(room: Room) -> None:
    """Forged: a journal full of words by somebody to whom nothing was given, and an approval of them."""
    for n in range(1, 13):
        journal.append(room.place, room.says("mia", n))
    row = approve(room)
    assert row["decision"] == "approve"
    with pytest.raises(CorpusgateError, match=f"blocked by {MANUAL}"):
        file(room)


def test_no_way_leads_around_the_signature(reviewed: Room) -> None:
    judge(reviewed.place, reviewed.release, at(1))
    with pytest.raises(UserError, match="no signoff"):
        publish(reopened(reviewed.place, reviewed.release, at(1)), "filing")
    approve(reviewed, seen="0" * 64)
    with pytest.raises(UserError, match="what lead approved is not what is there now"):
        file(reviewed)
    assert current_release(reviewed.place, "test", "filing") is None


def test_a_remark_that_changes_no_figure_leaves_the_approval_as_it_is(reviewed: Room) -> None:
    approve(reviewed)
    said = journal.read(reviewed.place, reviewed.sample)
    doubled = {v.record_id for v in said if sum(o.record_id == v.record_id for o in said) == 2}
    single = next(v for v in said if v.record_id not in doubled)
    changed = replace(single, comment="looked again", reviewed_at=at(2.5))
    record(reviewed.place, changed)
    assert file(reviewed).state == "ok", "the same figures: what was approved is what is there"


def test_other_figures_than_those_approved_are_not_published(tmp_path: Path) -> None:
    room = waiting(tmp_path, records=10)
    few_controls(room)
    released(room)
    room.give("ann")
    room.judge_all(["ann"])
    approve(room)
    record(room.place, room.says("ann", 1, "bad", ["a5a"], late=200))  # 1 of 40 is still within the bound
    with pytest.raises(UserError, match="what lead approved is not what is there now"):
        file(room)
    approve(room, 4)
    assert file(room, 5).state == "ok"


def test_a_rejection_stands_until_somebody_approves(reviewed: Room) -> None:
    approve(reviewed, 2, "reject")
    with pytest.raises(UserError, match="was rejected by lead: figures and waivers read"):
        file(reviewed)
    approve(reviewed, 3)
    assert file(reviewed, 4).state == "ok"


@pytest.mark.parametrize(("by", "role", "seen", "because", "message"), [
    ("ann", "lead", "0" * 64, "all is in order", "'ann' may not speak as lead"),
    ("officer", "counsel", "0" * 64, "all is in order", "is signed by the role lead, not 'counsel'"),
    ("lead", "lead", "seen", "all is in order", "names what was seen, by its SHA-256"),
    ("lead", "lead", "0" * 64, "ok", "says too little"),
    ("anonymous", "lead", "0" * 64, "all is in order", "names nobody"),
])  # fmt: skip
def test_only_who_may_signs_and_says_what_was_seen_and_why(
    room: Room, by: str, role: str, seen: str, because: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        sign_off(room.place, room.release, "filing", by, role, "approve", seen, because, at(1))
    assert rows(room.place, "signoff") == []


def test_a_signature_under_another_manifest_or_by_somebody_who_lost_the_role_counts_for_nothing(reviewed: Room) -> None:
    row = approve(reviewed)
    forged = {
        **{k: v for k, v in row.items() if not k.endswith("sha256") or k == "seen_sha256"},
        "signoff_id": "f" * 16,
    }
    store.append_new(reviewed.place, "signoff", [{**forged, "manifest_root": "0" * 64, "decision": "reject"}], "forged")
    assert required(reviewed.place, reviewed.release, "filing")[0].approved, "another manifest"
    roles = json.loads((reviewed.place.conf / "roles.yaml").read_text())
    roles["users"] = {**roles["users"], "lead": ["reviewer"], "officer": ["lead"]}
    (reviewed.place.conf / "roles.yaml").write_text(json.dumps(roles))
    with pytest.raises(UserError, match=r"no signoff by the role lead \(officer\)"):
        file(reviewed)


def test_a_newer_trial_release_disturbs_no_filing_but_a_newer_filing_does(reviewed: Room) -> None:
    approve(reviewed)
    move_pointer(
        reviewed.place, "test", "trial", expected=reviewed.release, to="test-ffffffffffff", root="f" * 64, run_id="r2",
        at=at(2),
    )  # fmt: skip
    assert file(reviewed).state == "ok"
    shutil.rmtree(reviewed.place.releases / "_channels")
    move_pointer(
        reviewed.place, "test", "filing", expected=None, to="test-ffffffffffff", root="f" * 64, run_id="r3", at=at(4)
    )
    assert "cannot be published" in approval_text(reviewed.place, reviewed.release)
    approve(reviewed, 5)
    with pytest.raises(StaleCandidate, match="but filing shows test-ffffffffffff by now"):
        file(reviewed, 6)
    assert current_release(reviewed.place, "test", "filing") == "test-ffffffffffff"


def test_a_source_that_people_find_out_only_now_keeps_the_release_from_filing(tmp_path: Path) -> None:
    """A rebuild would hold it and release the rest; this candidate holds its records already."""
    room = waiting(tmp_path, records=10)
    few_controls(room, SOURCE)
    released(room)
    room.give("ann")
    alpha = {sha("record", "alpha", n) for n in range(10)}
    numbers = {i["ordinal"] for i in rows(room.place, "sample_item") if i["record_id"] in alpha}
    room.judge_all(["ann"], bad=lambda n: n == min(numbers))
    gate = judge(room.place, room.release, at(1))
    (said,) = [
        v
        for v in json.loads((room.place.runs / filing_run_id(room.release) / "source_gate.json").read_text())["facts"][
            "verdicts"
        ]
        if (v["control_id"], v["scope_id"], v["half"]) == (SOURCE, "alpha", "computed")
    ]
    assert said["verdict"] == "fail" and "people judged 10 of them" in said["because"]
    assert SOURCE in gate.facts["blocked"]["filing"]


def test_only_releases_of_the_corpus_go_to_filing_and_only_there(reviewed: Room) -> None:
    with pytest.raises(UserError, match="no release of other"):
        publish_to(reviewed.place, "other", reviewed.release, "filing", at(1))
    with pytest.raises(UserError, match="publishes to filing"):
        publish_to(reviewed.place, "test", reviewed.release, "trial", at(1))
    with pytest.raises(UserError, match="was not judged for filing yet"):
        approval_text(reviewed.place, reviewed.release)


def test_while_somebody_writes_nothing_is_filed_and_nothing_lost(reviewed: Room) -> None:
    approve(reviewed)
    with lease(reviewed.place, "rebuild"), pytest.raises(UserError, match="already holds the lake"):
        file(reviewed)
    assert file(reviewed).state == "ok"


def test_killed_before_the_pointer_moved_and_started_again_later_it_leaves_one_row(
    reviewed: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from corpusgate.release import job

    def killed(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    approve(reviewed)
    real = job.move_pointer
    monkeypatch.setattr(job, "move_pointer", killed)
    with pytest.raises(KeyboardInterrupt):
        file(reviewed, 3)
    monkeypatch.setattr(job, "move_pointer", real)
    assert current_release(reviewed.place, "test", "filing") is None
    assert file(reviewed, 8).state == "ok"
    (row,) = [r for r in rows(reviewed.place, "release") if r["channel"] == "filing"]
    assert row["published_at"] == at(3) and current_release(reviewed.place, "test", "filing") == reviewed.release


def test_the_text_for_the_approver_is_one_for_one_state_and_tells_no_record_s_text(reviewed: Room) -> None:
    judge(reviewed.place, reviewed.release, at(1))
    first = approval_text(reviewed.place, reviewed.release)
    judge(reviewed.place, reviewed.release, at(1.5))
    assert approval_text(reviewed.place, reviewed.release) == first, "a later look at the same state"
    for said in (reviewed.release, reviewed.sample, "12 of 12", "0 (at most 0)", "100.0%, kappa not computable",
                 "What is pending", "What is waived: 0", "1 of 1", "verdicts on single sources",
                 "Sources not in the release, whose verdicts say nothing of it: delta."):  # fmt: skip
        assert said in first
    everything = [first, *(p.read_text("utf-8") for p in reviewed.place.runs.rglob("*.json"))]
    assert not any(SECRET in text for text in everything)
    assert "Changed since the candidate was frozen, and judged by as it is now: conf" in first


@pytest.mark.parametrize(
    "hostile", ["<script>x</script>", "[a](http://evil)", "| cell |", "# head\n# two", "`x` *y* &amp;"]
)
def test_nothing_of_others_is_markup_in_the_text(hostile: str) -> None:
    shown = md(hostile)
    assert "<" not in shown and "\n" not in shown
    assert not re.search(r"(?<!\\)[\[\]|`*#](?!\d)", shown.replace("&#", ""))
