"""Taking exports in: what is kept, what is refused with its remedy, what a second and a newer file change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpusgate.annotation.intake import import_export
from corpusgate.annotation.job import accepted_labels
from corpusgate.annotation.model import batch_id
from corpusgate.annotation.refusals import REMEDIES
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult
from corpusgate_testing.annotation import file
from corpusgate_testing.lake import commits, duplicates, rows

PEOPLE = {"7": "e1", "8": "e2", "9": "r1"}
OWN = {"name": "first", "kind": "functional", "rule_version": "v1"}
Sidecar = Callable[..., Path]


def result(label: str) -> list[dict[str, Any]]:
    return [{"type": "choices", "from_name": "verdict", "value": {"choices": [label]}}]


def tasks(
    texts: dict[str, str], *people: str, label: str = "good", first: int = 0, count: int = 4
) -> list[dict[str, Any]]:
    """Label Studio tasks of some records, each labelled by these people."""
    made = []
    for n, (record, text) in enumerate(list(texts.items())[first : first + count], first):
        annotations = [
            {"id": 1000 * int(who) + n, "completed_by": int(who), "result": result(label), "was_cancelled": False,
             "ground_truth": False, "created_at": "2026-02-03T01:00:00Z", "updated_at": "2026-02-03T01:00:00Z",
             "lead_time": 5}
            for who in people
        ]  # fmt: skip
        made.append({"id": n, "project": 1, "data": {"record_id": record, "text": text}, "annotations": annotations})
    return made


@pytest.fixture
def hand_in(run: Run, tmp_path: Path) -> Callable[..., StepResult]:
    def call(given: Any, sidecar: Path | None, tool: str = "label_studio", name: str = "export.json") -> StepResult:
        return import_export(
            run, file(tmp_path, name, json.dumps(given) if not isinstance(given, str) else given), tool, sidecar
        )

    return call


def test_an_export_goes_in_with_the_origin_of_each_fact(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    found = hand_in(tasks(texts, "7", "8"), sidecar(batch=OWN, people=PEOPLE))
    assert (found.state, found.rows_in, found.kept, found.removed) == ("ok", 8, 8, 0)
    first = rows(run.place, "annotation")[0]
    assert (first["kind"], first["rule_version"], first["label"], first["state"]) == (
        "functional",
        "v1",
        "good",
        "submitted",
    )
    assert first["annotator_id"] in ("e1", "e2") and first["text_sha256"] and first["raw_pointer"].startswith("/")
    assert dict(first["fact_origin"]) == {
        "annotator_id": "map", "batch_id": "sidecar", "decided_at": "export", "label": "export", "record_id": "export",
        "rule_version": "sidecar", "text_sha256": "export", "tool_project": "export",
    }  # fmt: skip
    (line,) = rows(run.place, "annotation_import")
    assert (line["rows_in"], line["kept"], line["refused"], line["signed_by"]) == (8, 8, 0, "lead")


def test_the_raw_file_the_sidecar_and_the_map_are_kept_by_hash_as_evidence(
    run: Run, texts, hand_in, sidecar: Sidecar
) -> None:
    hand_in(tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE))
    kept = {r["about"]: r for r in rows(run.place, "evidence_file")}
    assert set(kept) == {"annotation export of label_studio", "sidecar"}
    for row in kept.values():
        assert run.place.raw_file(row["sha256"]).stat().st_size == row["bytes"]


def test_a_batch_of_the_lead_s_own_is_fixed_by_its_first_export(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    hand_in(tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE))
    (batch,) = rows(run.place, "annotation_batch")
    assert batch["batch_id"] == batch_id(list(texts)[:4], "v1", "functional") and batch["origin"] == "sidecar"
    more = hand_in(tasks(texts, "8", count=6), sidecar(batch=OWN, people=PEOPLE), name="more.json")
    assert (more.kept, more.removed_by_rule) == (4, {"not_in_batch": 2})
    with pytest.raises(UserError, match="was fixed as functional by v1"):
        hand_in(tasks(texts, "7"), sidecar(batch=OWN | {"kind": "safety"}, people=PEOPLE))


def test_the_same_file_twice_changes_nothing(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    broken = tasks(texts, "7", "8")
    broken[0]["data"]["text"] += "?"
    first = hand_in(broken, sidecar(batch=OWN, people=PEOPLE))
    names = ("annotation", "annotation_state", "annotation_refusal", "annotation_import", "annotation_batch",
             "annotation_batch_item", "evidence_file")  # fmt: skip
    before = {name: (store.version(run.place, name), rows(run.place, name)) for name in names}
    second = hand_in(broken, sidecar(batch=OWN, people=PEOPLE))
    assert {name: (store.version(run.place, name), rows(run.place, name)) for name in names} == before
    assert (first.state, second.state) == ("ok", "unchanged")
    assert second.model_copy(update={"state": "ok", "facts": first.facts}) == first


def test_a_newer_file_updates_by_id_and_time_and_keeps_the_older_state(
    run: Run, texts, hand_in, sidecar: Sidecar
) -> None:
    older, stated = tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE)
    hand_in(older, stated)
    newer = json.loads(json.dumps(older))
    newer[1]["annotations"][0] |= {"result": result("bad"), "updated_at": "2026-02-05T01:00:00Z", "updated_by": 7}
    hand_in(newer, stated, name="newer.json")
    record = list(texts)[1]
    (now,) = rows(run.place, "annotation", f"record_id = '{record}'")
    (then,) = rows(run.place, "annotation_state")
    assert (now["label"], then["label"], then["record_id"]) == ("bad", "good", record)
    assert now["decided_at"].day == 5 and now["annotation_id"] == then["annotation_id"]
    # the older file once more: nothing goes back, and nothing is added
    hand_in(older, stated)
    assert rows(run.place, "annotation", f"record_id = '{record}'") == [now]
    assert len(rows(run.place, "annotation_state")) == 1 and not duplicates(run.place, "annotation")


def test_files_in_the_wrong_order_leave_the_same_states(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    older, stated = tasks(texts, "7", count=1), sidecar(batch=OWN, people=PEOPLE)
    newer = json.loads(json.dumps(older))
    newer[0]["annotations"][0] |= {"result": result("bad"), "updated_at": "2026-02-05T01:00:00Z"}
    hand_in(newer, stated, name="newer.json")
    hand_in(older, stated)
    assert [r["label"] for r in rows(run.place, "annotation")] == ["bad"]
    assert [r["label"] for r in rows(run.place, "annotation_state")] == ["good"]


def test_other_contents_at_the_same_time_are_refused_unless_the_sidecar_is_newer(
    run: Run, texts, hand_in, sidecar: Sidecar
) -> None:
    given = tasks(texts, "7", count=1)
    hand_in(given, sidecar(batch=OWN, people=PEOPLE))
    wrong_person = PEOPLE | {"7": "e2"}
    again = hand_in(given, sidecar(batch=OWN, people=wrong_person))
    assert again.removed_by_rule == {"same_time_other_content": 1}
    hand_in(given, sidecar(batch=OWN, people=wrong_person, signed_at="2026-02-11T00:00:00Z"))
    assert [r["annotator_id"] for r in rows(run.place, "annotation")] == ["e2"]


# ---------------------------------------------------------------- refusals


def lost(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["completed_by"] = None


def stranger(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["completed_by"] = {"id": 99, "email": "x@example.org"}


def changed_text(given: list[dict[str, Any]]) -> None:
    given[0]["data"]["text"] += "！"


def no_text(given: list[dict[str, Any]]) -> None:
    del given[0]["data"]["text"]


def unknown_record(given: list[dict[str, Any]]) -> None:
    given[0]["data"]["record_id"] = "0" * 64


def no_record(given: list[dict[str, Any]]) -> None:
    given[0]["data"] = {"topic": "x"}


def unlabelled(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["result"] = []


def future(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["created_at"] = "2027-01-01T00:00:00Z"


def unreadable_time(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["created_at"] = "yesterday"


def no_time(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0] |= {"created_at": None, "updated_at": None}


def no_id(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["id"] = None


def other_batch(given: list[dict[str, Any]]) -> None:
    given[0]["data"]["batch_id"] = "f" * 16


def other_rules(given: list[dict[str, Any]]) -> None:
    given[0]["data"]["rule_version"] = "v0"


def twice(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"].append(given[0]["annotations"][0] | {"lead_time": 9})


def strange_label(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["result"] = result("dunno")


def lost_reviewer(given: list[dict[str, Any]]) -> None:
    given[0]["annotations"][0]["reviews"] = [{"id": 1, "accepted": True, "created_at": "2026-02-04T00:00:00Z"}]


REFUSED: list[tuple[str, Callable[[list[dict[str, Any]]], None], int]] = [
    ("annotator_lost", lost, 3), ("annotator_unmapped", stranger, 3), ("text_changed", changed_text, 3),
    ("text_lost", no_text, 3), ("record_unknown", unknown_record, 3), ("record_lost", no_record, 3),
    ("no_label", unlabelled, 3), ("time_in_future", future, 3), ("time_unreadable", unreadable_time, 3),
    ("time_unknown", no_time, 3), ("annotation_id_lost", no_id, 3), ("batch_differs", other_batch, 3),
    ("rule_version_differs", other_rules, 3), ("doubled", twice, 4), ("label_not_mapped", strange_label, 3),
    ("reviewer_lost", lost_reviewer, 4),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "spoil", "kept"), REFUSED, ids=[r[0] for r in REFUSED])
def test_one_wrong_fact_is_refused_with_its_remedy_and_the_rest_goes_in(
    run: Run, texts, hand_in, sidecar: Sidecar, reason: str, spoil: Callable[[Any], None], kept: int
) -> None:
    given = tasks(texts, "7")
    spoil(given)
    found = hand_in(given, sidecar(batch=OWN, people=PEOPLE, labels={"good": []}))
    assert (found.kept, found.removed_by_rule) == (kept, {reason: 1})
    assert found.rows_in == found.kept + found.removed
    (refusal,) = rows(run.place, "annotation_refusal")
    assert (refusal["reason"], refusal["remedy"]) == (reason, REMEDIES[reason])
    assert refusal["item"] == "task 0" and refusal["raw_pointer"].startswith("/0/annotations/")
    assert found.facts["refusals"][0]["remedy"] == REMEDIES[reason]


def test_every_reason_has_been_tried() -> None:
    """Two more in other tests: same_time_other_content, not_in_batch; and below."""
    elsewhere = {"same_time_other_content", "not_in_batch", "batch_unknown", "batch_not_drawn", "nothing_to_review",
                 "record_ambiguous"}  # fmt: skip
    assert {r[0] for r in REFUSED} | elsewhere == set(REMEDIES)


def test_without_a_batch_or_with_one_that_nobody_drew_everything_is_refused(texts, hand_in, sidecar: Sidecar) -> None:
    assert hand_in(tasks(texts, "7"), sidecar(people=PEOPLE)).removed_by_rule == {"batch_unknown": 4}
    given = hand_in(tasks(texts, "7"), sidecar(people=PEOPLE, batch={"id": "f" * 16}))
    assert given.removed_by_rule == {"batch_not_drawn": 4}


def test_a_repaired_export_takes_in_what_was_refused_before(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    given = tasks(texts, "7", "8")
    hand_in(given, sidecar(batch=OWN, people={"7": "e1"}))
    assert len(rows(run.place, "annotation")) == 4 and len(rows(run.place, "annotation_refusal")) == 4
    hand_in(given, sidecar(batch=OWN, people=PEOPLE))
    assert len(rows(run.place, "annotation")) == 8
    assert {r["reason"] for r in rows(run.place, "annotation_refusal")} == {"annotator_unmapped"}, "history stays"


def test_without_our_id_an_item_is_found_by_its_text(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    given = tasks(texts, "7")
    for task in given:
        del task["data"]["record_id"]
        task["data"]["text"] = task["data"]["text"].replace("\n", "\r\n")
    assert hand_in(given, sidecar(batch=OWN, people=PEOPLE)).kept == 4
    assert {r["record_id"] for r in rows(run.place, "annotation")} == set(list(texts)[:4])
    assert {dict(r["fact_origin"])["record_id"] for r in rows(run.place, "annotation")} == {"map"}


def test_the_released_form_of_a_text_is_accepted_too(lake, tmp_path: Path, sidecar: Sidecar) -> None:
    from corpusgate.annotation.canonical import hash_of
    from corpusgate.annotation.facts import ensure

    record = lake.of("alpha")[0]
    masked = "alpha [pi_mobile] an ordinary sentence"
    lake.of("alpha", "release_record")[0]["released_sha256"] = hash_of(masked)
    run = lake.write(tmp_path)
    ensure(run.place)
    found = import_export(
        run, file(tmp_path, "e.json", json.dumps(tasks({record["record_id"]: masked}, "7"))), "label_studio",
        sidecar(batch=OWN, people=PEOPLE),
    )  # fmt: skip
    assert (found.kept, found.removed) == (1, 0)


# ---------------------------------------------------------------- reviewers, other tools


def test_a_reviewers_project_becomes_approvals(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    early = hand_in(tasks(texts, "9"), sidecar(batch=OWN, people=PEOPLE, role="reviewer"), name="r0.json")
    assert early.removed_by_rule == {"nothing_to_review": 4}
    hand_in(tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE))
    reviews = tasks(texts, "9", label="good", count=3) + tasks(texts, "9", label="bad", first=3, count=1)
    found = hand_in(reviews, sidecar(batch=OWN, people=PEOPLE, role="reviewer"), name="reviews.json")
    assert found.kept == 4 and len(rows(run.place, "annotation")) == 4
    approvals = rows(run.place, "approval")
    assert sorted(r["decision"] for r in approvals) == ["approve", "approve", "approve", "fix"]
    assert {r["reviewer_id"] for r in approvals} == {"r1"}
    assert [r["label"] for r in approvals if r["decision"] == "fix"] == ["bad"]


def test_safety_annotation_stands_in_a_table_of_its_own(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    safety = OWN | {"kind": "safety", "name": "safe"}
    found = hand_in(
        tasks(texts, "7", label="bad"), sidecar(batch=safety, people=PEOPLE, labels={"bad": ["a1f", "a2a"]})
    )
    assert found.kept == 4 and rows(run.place, "annotation") == []
    (risks,) = {tuple(r["risks"]) for r in rows(run.place, "safety_annotation")}
    assert risks == ("a1f", "a2a")
    unsaid = hand_in(tasks(texts, "8", label="good"), sidecar(batch=safety, people=PEOPLE), name="unsaid.json")
    assert unsaid.removed_by_rule == {"label_not_mapped": 4}, "a safety label that nobody explained is worth nothing"


def test_a_tool_without_times_has_the_period_of_its_sidecar(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    lines = "\n".join(
        json.dumps({"id": n, "text": text, "label": ["good"], "record_id": record})
        for n, (record, text) in enumerate(list(texts.items())[:2])
    )
    stated: dict[str, Any] = {"batch": OWN, "people": {"zhang": "e1"}}
    assert hand_in(lines, sidecar(**stated), "doccano", "zhang.jsonl").removed_by_rule == {"time_unknown": 2}
    stated["period"] = {"first": "2026-02-02", "last": "2026-02-04"}
    assert hand_in(lines, sidecar(**stated), "doccano", "zhang.jsonl").kept == 2
    first = rows(run.place, "annotation")[0]
    assert (first["decided_from"].isoformat(), first["decided_at"].date().isoformat()) == (
        "2026-02-01T16:00:00+00:00",
        "2026-02-04",
    )
    assert dict(first["fact_origin"])["decided_at"] == "sidecar"


def test_cvat_facts_go_in_with_their_dump_time(lake, tmp_path: Path, sidecar: Sidecar) -> None:
    from corpusgate.annotation.facts import ensure

    record = lake.of("alpha")[0]
    run = lake.write(tmp_path)
    ensure(run.place)
    xml = (
        "<annotations><meta><task><id>3</id></task><dumped>2026-02-05 10:00:00.5+00:00</dumped></meta>"
        f'<image id="0" name="{record["record_id"]}.png"><tag label="good" source="manual"/></image></annotations>'
    )
    stated = sidecar(
        batch=OWN, people={"zhang": "e1"}, jobs=[{"first": 0, "last": 9, "annotator": "zhang"}],
        period={"first": "2026-02-02", "last": "2026-02-04"},
    )  # fmt: skip
    assert import_export(run, file(tmp_path, "annotations.xml", xml), "cvat", stated).kept == 1
    (row,) = rows(run.place, "annotation")
    assert row["exported_at"].isoformat() == "2026-02-05T10:00:00.500000+00:00"
    assert dict(row["fact_origin"])["text_sha256"] == "map", "an image's content cannot be compared"


def test_nothing_is_taken_where_the_sidecar_is_wrong(run: Run, texts, tmp_path: Path, sidecar: Sidecar) -> None:
    bad = file(tmp_path, "sidecar.yaml", "signed_by: lead\nbatches: x\n")
    with pytest.raises(UserError, match=r"sidecar.yaml:2: batches: is not a field"):
        import_export(run, file(tmp_path, "e.json", json.dumps(tasks(texts, "7"))), "label_studio", bad)
    assert rows(run.place, "annotation_import") == []


def test_a_run_killed_between_two_writes_leaves_after_its_repetition_what_an_undisturbed_one_leaves(
    run: Run, texts, hand_in, sidecar: Sidecar, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, stated = tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE)
    hand_in(older, stated)
    newer = json.loads(json.dumps(older))
    newer[1]["annotations"][0] |= {"result": result("bad"), "updated_at": "2026-02-05T01:00:00Z"}
    from corpusgate.annotation import intake

    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(intake, "merge", killed)  # the older state is written, the newer one is not
        with pytest.raises(KeyboardInterrupt):
            hand_in(newer, stated, name="newer.json")
    assert len(rows(run.place, "annotation_state")) == 1
    hand_in(newer, stated, name="newer.json")
    assert sorted(r["label"] for r in rows(run.place, "annotation")) == ["bad", "good", "good", "good"]
    assert len(rows(run.place, "annotation_state")) == 1
    assert len(rows(run.place, "annotation_import")) == 2


def test_each_commit_names_its_run(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    hand_in(tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE))
    told = [c["commitInfo"].get("corpusgate.run") for c in commits(run.place, "annotation") if "commitInfo" in c]
    assert told[-1] == run.id


def test_labels_of_an_unsampled_batch_are_not_accepted(run: Run, texts, hand_in, sidecar: Sidecar) -> None:
    hand_in(tasks(texts, "7"), sidecar(batch=OWN, people=PEOPLE))
    assert accepted_labels(run.place) == []
