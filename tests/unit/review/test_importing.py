"""Verdicts out in a file and back in, in every form; what cannot be taken is named with a reason and a remedy."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from corpusgate.errors import UserError
from corpusgate.review.desk import desk
from corpusgate.review.export import export
from corpusgate.review.files import said_risks, said_verdict
from corpusgate.review.fold import fold
from corpusgate.review.importing import Imported, import_file
from corpusgate.review.standing import standing
from corpusgate_testing.gates import AT, Lake
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, at, retold, waiting


def formula(lake: Lake) -> None:
    retold(lake, lake.of("alpha")[0], '=HYPERLINK("http://evil.example") 中文 😀')


@pytest.fixture
def room(tmp_path: Path) -> Room:
    made = waiting(tmp_path, records=3, change=formula)
    made.give("ann")
    return made


def filled(room: Room, path: Path, form: str, fill: dict[int, dict[str, Any]]) -> Path:
    """The sample as it is exported, filled in by a person: the others are good."""
    export(room.place, room.sample, path, form, AT)
    default = {"verdict": "good", "risks": "", "comment": ""}
    if form == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            lines = [r | default | fill.get(int(r["ordinal"]), {}) for r in csv.DictReader(file)]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)
    elif form == "jsonl":
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        lines = [r | default | fill.get(r["ordinal"], {}) for r in lines]
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in lines), "utf-8")
    elif form == "xlsx":
        from openpyxl import load_workbook

        book = load_workbook(path)
        names = [c.value for c in book.active[1]]
        for row in book.active.iter_rows(min_row=2):
            said = default | fill.get(int(row[names.index("ordinal")].value), {})
            for name, value in said.items():
                row[names.index(name)].value = value
        book.save(path)
    else:
        tasks = json.loads(path.read_text("utf-8"))
        for number, task in enumerate(tasks, 1):
            task["annotations"] = [annotation(default | fill.get(task["data"]["ordinal"], {}), number)]
        path.write_text(json.dumps(tasks), "utf-8")
    return path


def annotation(said: dict[str, Any], number: int, who: Any = 3) -> dict[str, Any]:
    result = [{"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": [said["verdict"]]}}]
    if said["risks"]:
        risks = said["risks"].split(",")
        result.append({"from_name": "risks", "to_name": "text", "type": "choices", "value": {"choices": risks}})
    if said["comment"]:
        value = {"text": [said["comment"]]}
        result.append({"from_name": "comment", "to_name": "text", "type": "textarea", "value": value})
    return {"id": number, "completed_by": who, "was_cancelled": False, "result": result, "lead_time": 7.5,
            "created_at": "2026-03-01T09:00:00.000000Z", "updated_at": "2026-03-01T09:01:00.000000Z"}  # fmt: skip


FORMS = [("csv", ".csv"), ("xlsx", ".xlsx"), ("jsonl", ".jsonl"), ("label-studio", ".json")]


@pytest.mark.parametrize(("form", "ending"), FORMS, ids=[f for f, _ in FORMS])
def test_a_sample_goes_out_and_comes_back_with_every_verdict(
    room: Room, tmp_path: Path, form: str, ending: str
) -> None:
    fill = {2: {"verdict": "bad", "risks": "a1a,a2c", "comment": "wrong, 不好"}}
    path = filled(room, tmp_path / f"out{ending}", form, fill)
    assert import_file(room.place, room.sample, path, "ann", at(3)) == Imported(12, 0, 0, ())
    assert fold(room.place, "test") == 12
    (bad,) = [r for r in rows(room.place, "review") if r["verdict"] == "bad"]
    assert (bad["risks"], bad["comment"], bad["reviewer"]) == (["a1a", "a2c"], "wrong, 不好", "ann")
    if form == "label-studio":
        assert (bad["origin"], bad["seconds"], bad["reviewed_at"].minute) == ("label_studio", 7.5, 1)
    else:
        assert (bad["origin"], bad["seconds"], bad["reviewed_at"]) == ("file", None, at(3))
    assert import_file(room.place, room.sample, path, "ann", at(4)) == Imported(0, 12, 0, ()), "again: nothing"
    assert standing(room.place, room.sample).decided == 12


def test_label_studio_s_tasks_hold_the_released_text_as_data_and_a_configuration_for_it(
    room: Room, tmp_path: Path
) -> None:
    path = tmp_path / "tasks.json"
    export(room.place, room.sample, path, "label-studio", AT)
    tasks = json.loads(path.read_text("utf-8"))
    assert len(tasks) == 12 and set(tasks[0]["data"]) >= {"text", "sample_id", "record_id", "released_sha256"}
    config = fromstring((tmp_path / "tasks.config.xml").read_text("utf-8"))
    assert {e.attrib["name"] for e in config.iter() if "name" in e.attrib} == {"text", "verdict", "risks", "comment"}
    shown = [e.attrib["value"] for e in config.iter("Choice")]
    assert len(shown) == 2 + 31


def test_a_wrong_row_is_named_with_its_reason_and_remedy_and_the_rest_is_in(room: Room, tmp_path: Path) -> None:
    fill = {
        1: {"verdict": "maybe"}, 2: {"verdict": "bad", "risks": "a9z"}, 3: {"verdict": "good", "risks": "a1a"},
        4: {"record_id": "f" * 64}, 5: {"released_sha256": "0" * 64}, 6: {"sample_id": "other"}, 7: {"verdict": ""},
        8: {"verdict": "", "comment": "hm"}, 9: {"comment": "x" * 3000}, 10: {"verdict": "合格"},
        11: {"verdict": "不合格", "risks": "A.1 a)；A.2 c)"},
    }  # fmt: skip
    path = filled(room, tmp_path / "out.csv", "csv", fill)
    done = import_file(room.place, room.sample, path, "ann", at(1))
    assert (done.accepted, done.empty) == (3, 1)
    assert [r.row for r in done.refused] == [1, 2, 3, 4, 5, 6, 8, 9]
    for refused, said in zip(done.refused, (
        "good or bad", "No such risk: a9z", "risk is bad", "is no item", "not the text that was drawn", "other",
        "no verdict", "3,000 characters",
    ), strict=True):  # fmt: skip
        assert said in refused.reason and refused.remedy and "correct the row" not in refused.remedy
    risks = {tuple(v.risks) for s in desk(room.place, room.sample).said.values() for v in s.values() if v.risks}
    assert risks == {("a1a", "a2c")}


def test_a_text_that_was_changed_on_the_way_is_refused(room: Room, tmp_path: Path) -> None:
    path = filled(room, tmp_path / "out.jsonl", "jsonl", {3: {"text": "another text"}})
    done = import_file(room.place, room.sample, path, "ann", at(1))
    assert done.accepted == 11 and [r.row for r in done.refused] == [3]
    assert "not the text that was drawn" in done.refused[0].reason


def test_nobody_imports_a_verdict_that_he_or_she_may_not_give(room: Room, tmp_path: Path) -> None:
    path = filled(room, tmp_path / "out.csv", "csv", {})
    done = import_file(room.place, room.sample, path, "ben", at(1))
    assert done.accepted == 0 and len(done.refused) == 12
    assert "is given to 'ben'" in done.refused[0].reason and "review assign" in done.refused[0].remedy
    room.give("ben")
    done = import_file(room.place, room.sample, path, "ben", at(1))
    assert 0 < done.accepted < 12 and all("goes to somebody else" in r.reason for r in done.refused)
    assert import_file(room.place, None, path, None, at(1)).accepted == 0, "no row says who it is by"


def test_label_studio_s_own_names_count_only_where_they_name_a_person(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    export(room.place, room.sample, path, "label-studio", AT)
    tasks = json.loads(path.read_text("utf-8"))
    people: list[Any] = [7, {"email": "ann"}, {"email": "ben"}, "ann", {"id": 4}]
    said = {"verdict": "good", "risks": "", "comment": ""}
    for number, (task, who) in enumerate(zip(tasks, people, strict=False), 1):
        task["annotations"] = [annotation(said, number, who), {**annotation(said, 90, who), "was_cancelled": True}]
    for task in tasks[5:]:
        task["annotations"] = []
    path.write_text(json.dumps(tasks), "utf-8")
    done = import_file(room.place, None, path, None, at(1))
    assert done.accepted == 2 and [r.row for r in done.refused] == [1, 3, 5]
    done = import_file(room.place, None, path, "ann", at(1))
    assert (done.accepted, done.unchanged) == (2, 2) and "by 'ben'" in done.refused[0].reason


@pytest.mark.parametrize(("name", "content", "message"), [
    ("a.csv", b"x,y\n1,2\n", "lacks the column record_id, released_sha256, verdict"),
    ("a.csv", b"\xff\xfe\x00record_id", "is not UTF-8"), ("a.txt", b"", "are read as exported"),
    ("a.xlsx", b"no zip", "is no XLSX"), ("a.json", b"{", "is no JSON"), ("a.json", b'{"a": 1}', "no export of Label"),
    ("a.json", b'[{"data": {}}]', "JSON_MIN"), ("a.jsonl", b"\xff", "is not UTF-8"),
])  # fmt: skip
def test_what_is_no_such_file_is_refused_whole(
    room: Room, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        import_file(room.place, room.sample, path, "ann", AT)


def test_a_file_that_is_not_there_is_the_users_mistake(room: Room, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        import_file(room.place, room.sample, tmp_path / "absent.csv", "ann", AT)


def test_lines_that_are_no_objects_are_refused_one_by_one(room: Room, tmp_path: Path) -> None:
    path = filled(room, tmp_path / "out.jsonl", "jsonl", {})
    path.write_text("not json\n[1]\n" + path.read_text("utf-8"), "utf-8")
    done = import_file(room.place, room.sample, path, "ann", at(1))
    assert done.accepted == 12 and [r.row for r in done.refused] == [1, 2]


@pytest.mark.parametrize(("word", "verdict"), [
    ("Good", "good"), (" OK ", "good"), ("合格", "good"), ("不合格", "bad"), ("FAIL", "bad"), (None, ""), ("", ""),
    ("maybe", "maybe"),
])  # fmt: skip
def test_words_for_a_verdict(word: Any, verdict: str) -> None:
    assert said_verdict(word) == verdict


@pytest.mark.parametrize(("cell", "risks"), [
    ("a1a", ("a1a",)), ("A.1 a), A.2 b)", ("a1a", "a2b")), ("a1a；a2b、a1a", ("a1a", "a2b")), (["a1a"], ("a1a",)),
    (None, ()), ("", ()),
])  # fmt: skip
def test_words_for_risks(cell: Any, risks: tuple[str, ...]) -> None:
    assert said_risks(cell) == risks


def test_neither_messages_nor_logs_tell_a_text(
    room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns that slipped: the text stands where the verdict belongs, or beside another hash."""
    secret = "这一条样本的文本不得出现在任何日志里" * 3
    fill = {1: {"verdict": secret}, 2: {"verdict": "bad", "risks": secret}, 3: {"released_sha256": "0" * 64}}
    path = filled(room, tmp_path / "out.jsonl", "jsonl", {**fill, 4: {"text": secret}})
    done = import_file(room.place, room.sample, path, "ann", at(1))
    assert [r.row for r in done.refused] == [1, 2, 3, 4]
    told = repr(done) + caplog.text + "".join(capsys.readouterr())
    assert secret[:14] not in told and "ordinary sentence" not in told
    assert all(len(r.reason) < 200 for r in done.refused)


def test_each_person_gets_a_file_of_what_is_his_or_hers_to_judge(room: Room, tmp_path: Path) -> None:
    room.give("ben")
    files = {who: tmp_path / f"{who}.csv" for who in ("ann", "ben")}
    numbers = {who: export(room.place, room.sample, path, "csv", AT, who) for who, path in files.items()}
    assert sum(numbers.values()) == 12 and all(numbers.values()), "none is judged twice here"
    for who, path in files.items():
        with path.open(encoding="utf-8", newline="") as file:
            lines = [r | {"verdict": "good"} for r in csv.DictReader(file)]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)
        assert import_file(room.place, room.sample, path, who, at(1)) == Imported(numbers[who], 0, 0, ())
    assert export(room.place, room.sample, tmp_path / "again.csv", "csv", AT, "ann") == 0
    with pytest.raises(UserError, match="is given to 'mia'"):
        export(room.place, room.sample, tmp_path / "x.csv", "csv", AT, "mia")
