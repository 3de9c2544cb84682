"""Each tool's export, read as it is: what is taken, what is refused and why."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from corpusgate.annotation.exports import TOOLS, read_export
from corpusgate.annotation.exports.given import Given
from corpusgate.annotation.model import Raw, Refusal
from corpusgate.annotation.sidecar import ColumnMap, Sidecar
from corpusgate.errors import UserError

A, B = "a" * 64, "b" * 64


def sidecar(**stated: Any) -> Sidecar:
    about = {"signed_by": "lead", "signed_role": "annotation_lead", "signed_at": "2026-02-10T00:00:00Z"}
    return Sidecar.model_validate(about | stated)


def read(
    tool: str,
    folder: Path,
    name: str,
    content: str | bytes,
    stated: Sidecar | None = None,
    columns: ColumnMap | None = None,
) -> list[Raw | Refusal]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_export(tool, Given(path, name, stated or sidecar(), columns)))


def raws(found: list[Raw | Refusal]) -> list[Raw]:
    assert all(isinstance(r, Raw) for r in found), found
    return [r for r in found if isinstance(r, Raw)]


def reasons(found: list[Raw | Refusal]) -> list[str]:
    return [r.reason for r in found if isinstance(r, Refusal)]


# ---------------------------------------------------------------- Label Studio


def choice(*labels: str, control: str = "verdict") -> dict[str, Any]:
    return {"id": "r", "from_name": control, "to_name": "text", "type": "choices", "value": {"choices": list(labels)}}


def annotation(number: int, by: Any, *results: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    about = {
        "id": number, "completed_by": by, "result": list(results), "was_cancelled": False, "ground_truth": False,
        "created_at": "2026-02-01T01:00:00Z", "updated_at": "2026-02-01T02:00:00Z", "lead_time": 7.5,
        "last_action": "submitted",
    }  # fmt: skip
    return about | changed


def task(number: int, *annotations: Mapping[str, Any], record: str = A, **data: Any) -> dict[str, Any]:
    return {
        "id": number, "project": 4, "data": {"text": "文", "record_id": record, **data},
        "annotations": list(annotations),
        "drafts": [{"id": 1}], "predictions": [{"id": 2, "result": [choice("bad")]}],
    }  # fmt: skip


def test_label_studio_json_with_both_forms_of_completed_by(tmp_path: Path) -> None:
    person = {"id": 9, "email": "z@example.org", "first_name": "", "last_name": ""}
    tasks = [
        task(1, annotation(11, 7, choice("ok")), annotation(12, person, choice("bad", "worse")), batch_id="f" * 16)
    ]
    first, second = raws(read("label_studio", tmp_path, "export.json", json.dumps(tasks)))
    assert (first.annotator_keys, first.labels, first.key, first.project) == (("7",), ("ok",), "11", "4")
    assert (second.annotator_keys, second.labels) == (("z@example.org", "9"), ("bad", "worse"))
    assert (first.record_id, first.batch_id, first.text) == (A, "f" * 16, "文")
    assert (first.decided_at, first.updated_at, first.lead_time_s) == (
        "2026-02-01T01:00:00Z",
        "2026-02-01T02:00:00Z",
        7.5,
    )
    assert first.pointer == "/0/annotations/0" and not first.degraded


def test_label_studio_tells_cancelled_ground_truth_machine_and_reviewed_apart(tmp_path: Path) -> None:
    reviews = [
        {"id": 1, "created_by": {"id": 3, "email": "r@example.org"}, "accepted": True, "created_at": "2026-02-02"},
        {"id": 2, "created_by": 3, "accepted": False, "created_at": "2026-02-03T00:00:00Z"},
        {"id": 3, "created_by": 3, "accepted": True, "fixed_annotation_history": 5, "created_at": "2026-02-04"},
    ]  # fmt: skip
    tasks = [
        task(
            1, annotation(1, 7, was_cancelled=True), annotation(2, 7, choice("ok"), ground_truth=True),
            annotation(3, 7, choice("ok"), last_action="prediction"), annotation(4, 7, choice("ok"), reviews=reviews),
        )
    ]  # fmt: skip
    cancelled, gold, machine, reviewed = raws(read("label_studio", tmp_path, "e.json", json.dumps(tasks)))
    assert (cancelled.state, cancelled.labels) == ("cancelled", ())
    assert (gold.is_gold, gold.is_machine, gold.state) == (True, False, "submitted")
    assert (machine.is_machine, machine.is_gold) == (True, False)
    assert [(r.decision, r.reviewer_keys[0]) for r in reviewed.reviews] == [
        ("approve", "r@example.org"), ("reject", "3"), ("fix", "3")
    ]  # fmt: skip
    assert reviewed.reviews[2].labels == ("ok",) and not cancelled.reviews


def test_label_studio_dates_a_label_by_the_annotator_s_own_last_change(tmp_path: Path) -> None:
    tasks = [task(1, annotation(1, 7, choice("ok"), updated_by=7), annotation(2, 7, choice("ok"), updated_by=3))]
    own, others = raws(read("label_studio", tmp_path, "e.json", json.dumps(tasks)))
    assert (own.decided_at, others.decided_at) == ("2026-02-01T02:00:00Z", "2026-02-01T01:00:00Z")


def test_label_studio_reads_the_old_name_completions(tmp_path: Path) -> None:
    old = task(1)
    old["completions"] = [annotation(5, 7, choice("ok"))]
    del old["annotations"]
    (raw,) = raws(read("label_studio", tmp_path, "e.json", json.dumps([old])))
    assert (raw.key, raw.labels, raw.pointer) == ("5", ("ok",), "/0/completions/0")


def test_label_studio_with_two_controls_needs_the_question(tmp_path: Path) -> None:
    tasks = [task(1, annotation(1, 7, choice("ok"), choice("law", control="topic")))]
    assert reasons(read("label_studio", tmp_path, "e.json", json.dumps(tasks))) == ["question_ambiguous"]
    (raw,) = raws(read("label_studio", tmp_path, "e.json", json.dumps(tasks), sidecar(question="topic")))
    assert raw.labels == ("law",)


def test_label_studio_json_min_and_csv_are_degraded(tmp_path: Path) -> None:
    row = {"text": "文", "record_id": A, "id": 1, "verdict": "ok", "annotator": 7, "annotation_id": 11,
           "created_at": "2026-02-01T01:00:00Z", "updated_at": "2026-02-01T01:00:00Z", "lead_time": 3}  # fmt: skip
    (mini,) = raws(read("label_studio", tmp_path, "e.json", json.dumps([row])))
    assert (mini.degraded, mini.annotator_keys, mini.key, mini.labels) == (True, ("7",), "11", ("ok",))
    head = "annotation_id,annotator,created_at,id,lead_time,record_id,text,updated_at,verdict"
    line = f'11,z@example.org,2026-02-01T01:00:00Z,1,3,{A},文,2026-02-01T01:00:00Z,"{{""choices"":[""a"",""b""]}}"'
    (cell,) = raws(read("label_studio", tmp_path, "e.csv", f"{head}\n{line}\n"))
    assert (cell.degraded, cell.annotator_keys, cell.labels) == (True, ("z@example.org",), ("a", "b"))


def test_label_studio_json_min_without_the_annotator_has_nobody(tmp_path: Path) -> None:
    row = {"text": "文", "record_id": A, "id": 1, "verdict": "ok", "annotation_id": 11}
    (raw,) = raws(read("label_studio", tmp_path, "e.json", json.dumps([row])))
    assert raw.annotator_keys == ()  # refused at intake: annotator_lost


@pytest.mark.parametrize("content", ["{", '{"tasks": []}', "[1, 2]", "[" * 100_000])
def test_label_studio_refuses_what_is_no_export(tmp_path: Path, content: str) -> None:
    with pytest.raises(UserError, match="Export the project as JSON"):
        read("label_studio", tmp_path, "e.json", content)


# ---------------------------------------------------------------- doccano


def example(number: int, *labels: Any, record: str = A, **meta: Any) -> str:
    return json.dumps({"id": number, "text": "文", "label": list(labels), "Comments": [], "record_id": record, **meta})


def test_doccano_zip_names_the_annotator_by_the_member(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("zhang.jsonl", example(1, "ok") + "\n" + example(2) + "\n")
        archive.writestr("li.jsonl", example(1, "bad", batch_id="f" * 16) + "\n")
    first, unanswered, other = raws(read("doccano", tmp_path, "export.zip", packed.getvalue()))
    assert (first.annotator_keys, first.labels, first.key) == (("zhang",), ("ok",), f"{A}:zhang")
    assert (unanswered.state, unanswered.labels) == ("draft", ())
    assert (other.annotator_keys, other.batch_id, other.decided_at) == (("li",), "f" * 16, None)


def test_doccano_shared_project_loses_the_annotator_unless_the_sidecar_says_who(tmp_path: Path) -> None:
    (raw,) = raws(read("doccano", tmp_path, "all.jsonl", example(1, "ok")))
    assert raw.annotator_keys == () and raw.key is None
    (raw,) = raws(read("doccano", tmp_path, "all.jsonl", example(1, "ok"), sidecar(annotator="e1")))
    assert raw.annotator_keys == ("e1",) and raw.origin == {"annotator_id": "sidecar"}


def test_doccano_refuses_spans_doubled_fields_and_broken_lines(tmp_path: Path) -> None:
    doubled = f'{{"id": 1, "text": "文", "text": "别", "label": ["ok"], "record_id": "{A}"}}'
    lines = [example(1, [0, 2, "ok"]), doubled, '{"id": 1', example(2, "ok")]
    found = read("doccano", tmp_path, "zhang.jsonl", "\n".join(lines))
    assert reasons(found) == ["label_unreadable", "doubled_field", "not_json"] and len(found) == 4


def test_doccano_csv_joins_labels_by_a_hash_sign(tmp_path: Path) -> None:
    (raw,) = raws(read("doccano", tmp_path, "zhang.csv", f"id,text,label,Comments,record_id\n1,文,b#a,,{A}\n"))
    assert raw.labels == ("b", "a")
    with pytest.raises(UserError, match="stands twice"):
        read("doccano", tmp_path, "zhang.csv", "id,text,text,label\n1,a,b,c\n")


def test_doccano_refuses_fasttext_and_bombs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fastText loses the item's id"):
        read("doccano", tmp_path, "zhang.txt", "__label__ok 文")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zhang.jsonl", b"0" * (8 << 20))
    with pytest.raises(UserError, match="unpacks to more than"):
        read("doccano", tmp_path, "export.zip", packed.getvalue())


# ---------------------------------------------------------------- Argilla


def flattened(*answers: tuple[Any, str, str], question: str = "verdict", **changed: Any) -> dict[str, Any]:
    values, users, status = ([a[n] for a in answers] for n in range(3))
    about = {
        "id": A, "status": "completed", "_server_id": "s", "text": "文", f"{question}.responses": values,
        f"{question}.responses.users": users, f"{question}.responses.status": status,
        f"{question}.suggestion": "bad", f"{question}.suggestion.agent": "model",
    }  # fmt: skip
    return about | changed


def test_argilla_flattened_keeps_each_response_s_status(tmp_path: Path) -> None:
    record = flattened(("ok", "u-1", "submitted"), ("bad", "u-2", "discarded"), (["x", "y"], "u-3", "draft"))
    found = raws(read("argilla", tmp_path, "e.json", json.dumps([record])))
    assert [(r.annotator_keys, r.labels, r.state) for r in found] == [
        (("u-1",), ("ok",), "submitted"), (("u-2",), ("bad",), "discarded"), (("u-3",), ("x", "y"), "draft")
    ]  # fmt: skip
    assert {r.record_id for r in found} == {A} and found[0].key == f"{A}:u-1"


def test_argilla_nested_is_refused_because_it_drops_the_status(tmp_path: Path) -> None:
    nested = {"id": A, "fields": {"text": "文"}, "responses": {"verdict": [{"value": "ok", "user_id": "u"}]}}
    assert reasons(read("argilla", tmp_path, "e.json", json.dumps([nested]))) == ["status_dropped"]
    lines = json.dumps(nested) + "\n"
    assert reasons(read("argilla", tmp_path, "e.jsonl", lines)) == ["status_dropped"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"verdict.responses.users": None}, "annotator_lost"),
        ({"verdict.responses.status": None}, "status_dropped"),
        ({"verdict.responses.users": ["u"]}, "lists_differ"),
        ({"other.responses": []}, "question_ambiguous"),
    ],
)
def test_argilla_refuses_what_lost_something(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    record = flattened(("ok", "u-1", "submitted"), ("ok", "u-2", "submitted"), **change)
    assert reasons(read("argilla", tmp_path, "e.json", json.dumps([record]))) == [reason]


def test_argilla_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([flattened(("ok", "u-1", "submitted"))]), out)
    (raw,) = raws(read("argilla", tmp_path, "e.parquet", out.getvalue()))
    assert raw.labels == ("ok",) and raw.state == "submitted"


# ---------------------------------------------------------------- CVAT


def cvat(images: str, prolog: str = "") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>{prolog}<annotations><version>1.1</version><meta><task>
      <id>17</id><name>t</name><segments><segment><id>5</id><start>0</start><stop>1</stop><url>http://x/5</url></segment>
      <segment><id>6</id><start>2</start><stop>9</stop><url>http://x/6</url></segment></segments>
      <owner><username>boss</username><email>b@example.org</email></owner></task>
      <dumped>2026-02-05 10:00:00.5+00:00</dumped></meta>{images}</annotations>"""


JOBS = [{"segment": 5, "annotator": "zhang"}, {"first": 2, "last": 9, "annotator": "li"}]


def test_cvat_takes_the_assignee_from_the_sidecar_and_never_the_owner(tmp_path: Path) -> None:
    images = f"""<image id="0" name="{A}.png" width="1" height="1"><tag label="ok" source="manual"></tag></image>
      <image id="2" name="{B}.png" width="1" height="1"><tag label="bad" source="auto"></tag></image>
      <image id="3" name="x.png"><tag label="ok" source="semi-auto">
        <attribute name="record_id">{A}</attribute></tag></image>
      <image id="4" name="y.png"></image>"""
    found = raws(read("cvat", tmp_path, "annotations.xml", cvat(images), sidecar(jobs=JOBS)))
    assert [(r.annotator_keys, r.record_id, r.is_machine, r.state) for r in found] == [
        (("zhang",), A, False, "submitted"), (("li",), B, True, "submitted"), (("li",), A, False, "submitted"),
        (("li",), None, False, "draft"),
    ]  # fmt: skip
    assert found[0].project == "17" and found[0].exported_at == "2026-02-05 10:00:00.5+00:00"
    assert found[0].origin == {"annotator_id": "sidecar", "text_sha256": "map"}


def test_cvat_without_jobs_has_nobody(tmp_path: Path) -> None:
    images = f'<image id="0" name="{A}.png"><tag label="ok" source="manual"/></image>'
    (raw,) = raws(read("cvat", tmp_path, "annotations.xml", cvat(images)))
    assert raw.annotator_keys == ()


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE a SYSTEM "http://example.org/x.dtd">',
    ],
)
def test_cvat_expands_no_entity_and_loads_nothing(tmp_path: Path, prolog: str) -> None:
    with pytest.raises(UserError, match="document type or entities"):
        read("cvat", tmp_path, "annotations.xml", cvat("", prolog))


def test_cvat_refuses_what_is_no_xml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no XML"):
        read("cvat", tmp_path, "annotations.xml", "<annotations><image")


# ---------------------------------------------------------------- any table


MAP = ColumnMap.model_validate({
    "format": "csv",
    "columns": {"record_id": "编号", "text": "文本", "label": "标签", "annotator": "标注员", "decided_at": "时间",
                "reviewer": "审核员", "decision": "审核", "reviewed_at": "审核时间"},
    "values": {"label": {"通过": "ok"}, "decision": {"同意": "approve"}},
})  # fmt: skip
HEAD = "编号,文本,标签,标注员,时间,审核员,审核,审核时间\n"


def test_a_table_is_read_by_its_declared_map(tmp_path: Path) -> None:
    line = f"{A},'=1+1,通过,张,2026-02-01 09:00,王,同意,2026-02-02 09:00\n"
    (raw,) = raws(read("table", tmp_path, "t.csv", HEAD + line, columns=MAP))
    assert (raw.record_id, raw.labels, raw.annotator_keys, raw.decided_at) == (A, ("ok",), ("张",), "2026-02-01 09:00")
    assert raw.text == "=1+1", "the apostrophe that keeps a spreadsheet from running a cell is taken off again"
    assert [(r.decision, r.reviewer_keys, r.reviewed_at) for r in raw.reviews] == [
        ("approve", ("王",), "2026-02-02 09:00")
    ]
    assert raw.origin == {"label": "map"}


def test_a_table_in_gb18030_and_one_in_json_lines(tmp_path: Path) -> None:
    line = HEAD + f"{A},文,通过,张,2026-02-01,,,\n"
    chinese = MAP.model_copy(update={"encoding": "gb18030"})
    (raw,) = raws(read("table", tmp_path, "t.csv", line.encode("gb18030"), columns=chinese))
    assert raw.annotator_keys == ("张",) and raw.reviews == ()
    columns = ColumnMap.model_validate({"format": "jsonl", "columns": {"text": "t", "label": "l", "annotator": "who"}})
    (raw,) = raws(read("table", tmp_path, "t.jsonl", json.dumps({"t": "文", "l": ["a"], "who": 3}), columns=columns))
    assert (raw.text, raw.labels, raw.annotator_keys) == ("文", ("a",), ("3",))


def test_a_table_without_map_or_with_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--map"):
        read("table", tmp_path, "t.csv", HEAD)
    with pytest.raises(UserError, match="columns that are not there: 审核员, 审核时间"):
        read("table", tmp_path, "t.csv", f"编号,文本,标签,标注员,时间,审核\n{A},文,通过,张,,\n", columns=MAP)


def test_a_decision_that_nobody_translated_is_refused(tmp_path: Path) -> None:
    line = f"{A},文,通过,张,2026-02-01,王,也许,2026-02-02\n"
    assert reasons(read("table", tmp_path, "t.csv", HEAD + line, columns=MAP)) == ["decision_unknown"]


def test_an_unknown_tool_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=", ".join(TOOLS)):
        read("prodigy", tmp_path, "x.jsonl", "")


# ---------------------------------------------------------------- sidecar


def test_a_sidecar_speaks_of_one_zone_and_whole_days() -> None:
    stated = sidecar(period={"first": "2026-02-01", "last": "2026-02-02"})
    assert stated.span == (
        datetime(2026, 1, 31, 16, tzinfo=UTC), datetime(2026, 2, 2, 15, 59, 59, 999999, tzinfo=UTC)
    )  # fmt: skip
    assert stated.moment("2026-02-01 00:30") == datetime(2026, 1, 31, 16, 30, tzinfo=UTC)
    assert stated.moment("2026-02-01T00:30:00Z") == datetime(2026, 2, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "stated",
    [
        {"signed_role": "intern"}, {"signed_by": " "}, {"labels": {"bad": ["a9z"]}}, {"zone": "Mars/Base"},
        {"batch": {"name": "b"}}, {"batch": {"id": "f" * 16, "kind": "safety"}}, {"batch": {"id": "xyz"}},
        {"period": {"first": "2026-02-02", "last": "2026-02-01"}}, {"jobs": [{"annotator": "x"}]}, {"rounds": 2},
    ],
)  # fmt: skip
def test_a_sidecar_that_says_too_little_or_nonsense_is_wrong(stated: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        sidecar(**stated)
