"""Batches given out: drawn by the seed, fixed, joined to the record again; and what of them is to be done again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from corpusgate.annotation.assign import Wanted, assign
from corpusgate.annotation.canonical import hash_of
from corpusgate.annotation.intake import import_export
from corpusgate.annotation.model import batch_id
from corpusgate.annotation.rework import rework
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate_testing import annotation as a
from corpusgate_testing.gates import RELEASE, sha
from corpusgate_testing.lake import rows

SAFE = Wanted("first", "safety", "v1", "label_studio", size=5, source="alpha")


def test_a_draw_is_fixed_with_its_identity_and_drawn_again_by_seed_alone(run: Run, tmp_path: Path) -> None:
    found = assign(run, SAFE, tmp_path / "out")
    (batch,) = rows(run.place, "annotation_batch")
    items = rows(run.place, "annotation_batch_item")
    ids = sorted((i["ordinal"], i["record_id"]) for i in items)
    assert batch["batch_id"] == found.facts["batch_id"] == batch_id([r for _, r in ids], "v1", "safety")
    every = [sha("record", "alpha", n) for n in range(20)]
    assert [r for _, r in ids] == sorted(every, key=lambda r: sha_of(f"{batch['seed']}|{r}"))[:5]
    assert batch["seed"] == "s/annotation/safety/v1" and batch["drawn_at"] == run.at


def sha_of(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def test_the_same_name_gives_the_same_tasks_again_and_another_name_other_records(run: Run, tmp_path: Path) -> None:
    first = assign(run, SAFE, tmp_path / "out")
    written = Path(first.facts["files"][0]).read_bytes()
    again = assign(run, SAFE, tmp_path / "out")
    assert again.state == "unchanged" and Path(again.facts["files"][0]).read_bytes() == written
    second = assign(run, replace(SAFE, name="second", size=30), tmp_path / "out")
    assert second.kept == 15, "a record stands in one batch of a kind"
    with pytest.raises(UserError, match="Nothing to draw"):
        assign(run, replace(SAFE, name="third"), tmp_path / "out")
    assert assign(run, replace(SAFE, name="other", kind="functional"), tmp_path / "out").kept == 5
    with pytest.raises(UserError, match="A batch is fixed when it is drawn"):
        assign(run, replace(SAFE, kind="functional"), tmp_path / "out")


def test_records_of_a_void_batch_may_be_drawn_again_into_another_batch(run: Run, tmp_path: Path) -> None:
    first = assign(run, SAFE, tmp_path / "out").facts["batch_id"]
    ids = tuple(i["record_id"] for i in rows(run.place, "annotation_batch_item"))
    named = replace(SAFE, name="again", size=None, records=ids)
    with pytest.raises(UserError, match="5 of the records named cannot be drawn"):
        assign(run, named, tmp_path / "out")
    voiding = {"corpus": "test", "batch_id": first, "voided_at": run.at, "voided_by": "lead", "because": "x"}
    store.append_new(run.place, "batch_voiding", [voiding], "test")
    again = assign(run, named, tmp_path / "out").facts["batch_id"]
    assert again != first and {b["draw"] for b in rows(run.place, "annotation_batch")} == {1, 2}


def test_of_records_that_cannot_be_drawn_one_is_named_also_where_it_is_no_id(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="1 of the records named cannot be drawn, such as a'b:"):
        assign(run, replace(SAFE, size=None, records=("a'b",)), tmp_path / "out")


def test_only_rules_in_force_and_qualified_executors_get_a_batch(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="rules 'v9' are not in force"):
        assign(run, replace(SAFE, rule_version="v9"), tmp_path)
    with pytest.raises(UserError, match="r1 does not hold the role executor"):
        assign(run, replace(SAFE, people=("e1", "r1")), tmp_path)
    suspended = {"annotator_id": "e2", "kind": "both", "state": "suspended", "valid_from": run.at.date()}
    store.append_new(run.place, "qualification", [suspended], "test")
    with pytest.raises(UserError, match=r"e2 may not do safety annotation .* \(suspended\)"):
        assign(run, replace(SAFE, people=("e2",)), tmp_path)
    assert rows(run.place, "annotation_batch") == []
    assign(run, replace(SAFE, people=("e1",)), tmp_path)
    given = rows(run.place, "assignment")
    assert len(given) == 5 and {(r["annotator_id"], r["role"]) for r in given} == {("e1", "executor")}


def test_annotators_are_shown_masked_text_only(lake, tmp_path: Path) -> None:
    from corpusgate.annotation.facts import ensure

    record = lake.of("alpha")[0]
    text = "请拨打 13812345678 联系我们"
    document = lake.text_of(record)
    for row in (record, lake.of("alpha", "release_record")[0], document):
        row["text_sha256"] = hash_of(text)
    document["text"] = text
    lake.of("alpha", "release_record")[0]["mask_set"] = "pi_mobile:4-15"
    run = lake.write(tmp_path)
    ensure(run.place)
    for name, found in a.clean(0, 0).registers.items():
        if name in ("annotator", "rule_document"):
            store.append_new(run.place, name, found, "test")
    for name, release in (("stored", None), ("released", RELEASE)):
        kind = "functional" if release else "safety"
        wanted = Wanted(name, kind, "v1", "label_studio", records=(record["record_id"],), release_id=release)
        (task,) = json.loads(Path(assign(run, wanted, tmp_path).facts["files"][0]).read_text("utf-8"))
        assert task["data"]["text"] == "请拨打 [pi_mobile] 联系我们", name
        (item,) = rows(run.place, "annotation_batch_item", f"batch_id = '{task['data']['batch_id']}'")
        assert item["shown_sha256"] == hash_of(task["data"]["text"]) != item["text_sha256"]


def test_gold_items_carry_their_answer(run: Run, tmp_path: Path) -> None:
    record = sha("record", "alpha", 3)
    gold = a.file(tmp_path, "gold.csv", f"record_id,label,risks\n{record},bad,a1f;a2a\n")
    assign(run, replace(SAFE, size=20, gold=gold), tmp_path)
    (item,) = [i for i in rows(run.place, "annotation_batch_item") if i["gold_label"]]
    assert (item["record_id"], item["gold_label"], item["gold_risks"]) == (record, "bad", ["a1f", "a2a"])
    wrong = a.file(tmp_path, "gold.csv", f"record_id,label,risks\n{record},bad,a9z\n")
    with pytest.raises(UserError, match=r"gold.csv:2: a gold item needs"):
        assign(run, replace(SAFE, name="x", source="beta", gold=wrong), tmp_path)


# ---------------------------------------------------------------- there and back


def as_label_studio(tasks: Path) -> str:
    given = json.loads(tasks.read_text("utf-8"))
    said = {"completed_by": 7, "result": [{"type": "choices", "from_name": "v", "value": {"choices": ["ok"]}}],
            "created_at": "2026-02-20T01:00:00Z", "updated_at": "2026-02-20T01:00:00Z"}  # fmt: skip
    return json.dumps([t | {"id": n, "project": 1, "annotations": [said | {"id": n}]} for n, t in enumerate(given)])


def as_doccano(tasks: Path) -> str:
    rows = [json.loads(line) for line in tasks.read_text("utf-8").splitlines()]
    return "\n".join(json.dumps(r | {"id": n, "label": ["ok"], "Comments": []}) for n, r in enumerate(rows))


def as_argilla(tasks: Path) -> str:
    rows = [json.loads(line) for line in tasks.read_text("utf-8").splitlines()]
    answer = {"v.responses": ["ok"], "v.responses.users": ["7"], "v.responses.status": ["submitted"]}
    return json.dumps([r | answer for r in rows])


def as_table(tasks: Path) -> str:
    rows = list(csv.DictReader(io.StringIO(tasks.read_text("utf-8"))))
    for row in rows:
        row.update(label="ok", annotator="7", decided_at="2026-02-20T09:00:00+08:00")
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


TOOLS: dict[str, tuple[Callable[[Path], str], str]] = {
    "label_studio": (as_label_studio, "e.json"), "doccano": (as_doccano, "7.jsonl"), "argilla": (as_argilla, "e.json"),
    "table": (as_table, "t.csv"),
}  # fmt: skip
MAP = {
    "format": "csv",
    "columns": {c: c for c in ("record_id", "batch_id", "rule_version", "text", "label", "annotator", "decided_at")},
}


@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_tool_is_given_comes_back_joined_by_record_batch_and_rules(
    lake, tmp_path: Path, sidecar, tool: str
) -> None:
    from corpusgate.annotation.facts import ensure

    hostile = '=HYPERLINK("http://x","y"),\n"quoted" <b>\t，第二行'
    record = lake.of("alpha")[0]
    document = lake.text_of(record)
    document["text"], digest = hostile, hash_of(hostile)
    for row in (record, document, lake.of("alpha", "release_record")[0]):
        row["text_sha256"] = digest
    run = lake.write(tmp_path)
    ensure(run.place)
    for name, found in a.clean(0, 0).registers.items():
        if name in ("annotator", "rule_document"):
            store.append_new(run.place, name, found, "test")
    given = assign(run, replace(SAFE, tool=tool, size=20), tmp_path / "out")
    answer, name = TOOLS[tool]
    export = a.file(tmp_path, name, answer(Path(given.facts["files"][0])))
    stated = sidecar(people={"7": "e1"}, labels={"ok": []}, period={"first": "2026-02-19", "last": "2026-02-21"})
    columns = a.file(tmp_path, "map.yaml", json.dumps(MAP)) if tool == "table" else None
    taken = import_export(run, export, tool, stated, columns)
    assert (taken.kept, taken.removed_by_rule) == (20, {})
    found = rows(run.place, "safety_annotation")
    assert {r["batch_id"] for r in found} == {given.facts["batch_id"]} and len({r["record_id"] for r in found}) == 20
    assert {dict(r["fact_origin"])["batch_id"] for r in found} == {"export"}
    expected = "sidecar" if tool in ("doccano", "argilla") else "export"
    assert {dict(r["fact_origin"])["decided_at"] for r in found} == {expected}


def test_the_sidecar_names_the_batch_and_is_not_valid_before_it_is_filled_in(run: Run, tmp_path: Path) -> None:
    from corpusgate.annotation.sidecar import read_sidecar

    found = assign(run, SAFE, tmp_path)
    path = Path(found.facts["files"][1])
    assert found.facts["batch_id"] in path.read_text("utf-8")
    with pytest.raises(UserError, match="signed_by"):
        read_sidecar(path)
    filled = path.read_text("utf-8").replace('signed_by: ""', "signed_by: lead").replace(
        'signed_at: ""', "signed_at: 2026-02-20T00:00:00Z"
    )  # fmt: skip
    path.write_text(filled, "utf-8")
    stated = read_sidecar(path)
    assert stated.batch is not None and stated.batch.id == found.facts["batch_id"] and stated.round == 1
    assign(run, SAFE, tmp_path)
    assert path.read_text("utf-8") == filled, "what the lead wrote is not overwritten"


def test_a_manifest_names_each_image_after_its_record(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Nothing to draw"):
        assign(run, replace(SAFE, tool="cvat"), tmp_path)  # this corpus has no images
    from corpusgate.annotation.outbound import Shown, cvat

    text = cvat([Shown("a" * 64, ".png", "b" * 16, "v1")])
    assert text.splitlines()[1] == f"{'a' * 64}.png,{'a' * 64},{'b' * 16},v1"


# ---------------------------------------------------------------- rework


@pytest.fixture
def worked(run: Run, tmp_path: Path) -> tuple[Run, str, list[str]]:
    """A drawn safety batch of five items, done by the book by two people and verified; items can be spoiled after."""
    name = assign(run, SAFE, tmp_path).facts["batch_id"]
    items = sorted(rows(run.place, "annotation_batch_item"), key=lambda i: i["ordinal"])
    made = a.Annotated()
    for item in items[:4]:
        task = {"corpus": "test", "batch_id": name, "record_id": item["record_id"]}
        for who in a.EXECUTORS:
            a.add_label(made, "safety", task, who, "none", [])
        made.registers["approval"].append(a.approval(task))
    first = {"corpus": "test", "batch_id": name, "record_id": items[0]["record_id"]}
    made.registers["verification"].append(a.verification(first))
    made.annotations[2]["label"] = "a1a"  # the second item: labels differ
    made.registers["approval"][2]["decision"] = "reject"  # the third
    made.registers["approval"].pop()  # the fourth: nobody approved
    made.write(run.place)
    return run, name, [i["record_id"] for i in items]


def sheet(folder: Path, name: str) -> dict[str, tuple[str, str]]:
    read = csv.DictReader(io.StringIO((folder / f"{name}.rework.csv").read_text("utf-8")))
    return {r["record_id"]: (r["act"], r["reason"]) for r in read}


def test_rework_lists_what_is_open_and_gives_out_what_is_to_be_annotated_again(worked, tmp_path: Path) -> None:
    run, name, ids = worked
    found = rework(run, "first", "label_studio", tmp_path)
    assert (found.rows_in, found.kept, found.removed_by_rule) == (5, 4, {"stands": 1})
    assert {r: act for r, (act, _) in sheet(tmp_path, "first").items()} == {
        ids[1]: "rule", ids[2]: "annotate", ids[3]: "review", ids[4]: "annotate"
    }  # fmt: skip
    tasks = json.loads((tmp_path / "first.round2.label_studio.json").read_text("utf-8"))
    assert {t["data"]["record_id"] for t in tasks} == {ids[2], ids[4]}
    assert {t["data"]["batch_id"] for t in tasks} == {name} and found.facts["round"] == 2
    assert "round: 2" in (tmp_path / "first.round2.sidecar.yaml").read_text("utf-8")


def test_of_a_void_batch_every_record_is_to_be_drawn_again(worked, tmp_path: Path) -> None:
    run, name, ids = worked
    voiding = {"corpus": "test", "batch_id": name, "voided_at": run.at, "voided_by": "lead", "because": "x"}
    store.append_new(run.place, "batch_voiding", [voiding], "test")
    found = rework(run, name, "label_studio", tmp_path)
    assert found.facts["verdict"] == "void" and found.facts["acts"] == {"draw": 5}
    assert set(sheet(tmp_path, "first")) == set(ids) and len(found.facts["files"]) == 1


def test_an_inaccurate_functional_batch_is_redone_whole(run: Run, tmp_path: Path) -> None:
    wanted = replace(SAFE, kind="functional")
    name = assign(run, wanted, tmp_path).facts["batch_id"]
    made = a.Annotated()
    for item in rows(run.place, "annotation_batch_item"):
        task = {"corpus": "test", "batch_id": name, "record_id": item["record_id"]}
        a.add_label(made, "functional", task, "e1", "good", [])
    made.registers["verification"].append(a.verification(task, result="fail"))
    made.write(run.place)
    found = rework(run, name, "table", tmp_path)
    assert (found.facts["verdict"], found.facts["acts"]) == ("redo", {"annotate": 5})


def test_rework_of_an_unknown_batch_names_those_there_are(run: Run, tmp_path: Path) -> None:
    assign(run, SAFE, tmp_path)
    with pytest.raises(UserError, match=r"there are first \("):
        rework(run, "nine", "label_studio", tmp_path)


def test_a_text_that_can_no_longer_be_shown_as_it_was_is_not_given_out(worked, tmp_path: Path) -> None:
    run, _, ids = worked
    text = next(i for i in rows(run.place, "annotation_batch_item") if i["record_id"] == ids[2])["text_sha256"]
    store.replace(run.place, "document", [], f"text_sha256 = '{text}'", "test")
    with pytest.raises(UserError, match="can no longer be shown as they were given out"):
        rework(run, "first", "label_studio", tmp_path)


def test_a_second_round_supersedes_the_first(worked, tmp_path: Path, sidecar) -> None:
    run, name, ids = worked
    rework(run, "first", "label_studio", tmp_path)
    export = a.file(tmp_path, "e.json", as_label_studio(tmp_path / "first.round2.label_studio.json"))
    stated = sidecar(people={"7": "e1"}, labels={"ok": []}, round=2, tool_project="round2")
    assert import_export(run, export, "label_studio", stated).kept == 2
    task = {"corpus": "test", "batch_id": name, "record_id": ids[2]}
    again = a.approval(task, at=a.LATER + timedelta(days=30))
    store.append_new(run.place, "approval", [again | {"reviewed_from": run.at, "reviewed_at": run.at}], "test")
    rework(run, "first", "label_studio", tmp_path)
    assert ids[2] not in sheet(tmp_path, "first")
