"""Registers of people and of what was done: CSV and XLSX, mistakes by line, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from corpusgate.annotation.log import import_registers
from corpusgate.annotation.registers import REGISTERS, columns_of
from corpusgate.errors import ConfigError, UserError
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate_testing import annotation as a
from corpusgate_testing.lake import rows

ANNOTATORS = "annotator_id,organisation,joined_on\np01,test,2026-01-02\np02,test,2026/1/2\n".replace(
    "2026/1/2", "2026/01/02"
)


def take(run: Run, folder: Path, name: str, text: str, register: str | None = None):
    return import_registers(run, a.file(folder, name, text), register)


def test_a_csv_is_named_after_its_register(run: Run, tmp_path: Path) -> None:
    found = take(run, tmp_path, "annotator.csv", ANNOTATORS)
    assert (found.rows_in, found.kept, found.facts["registers"]) == (2, 2, {"annotator": 2})
    row = next(r for r in rows(run.place, "annotator") if r["annotator_id"] == "p02")
    assert row["joined_on"].isoformat() == "2026-01-02" and row["raw_pointer"] == "annotator:3"
    with pytest.raises(UserError, match="is no register"):
        take(run, tmp_path, "people.csv", ANNOTATORS)
    assert take(run, tmp_path, "people.csv", ANNOTATORS, "annotator").state == "unchanged"


def test_a_workbook_holds_a_sheet_a_register(run: Run, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "annotator"
    sheet.append(["annotator_id", "organisation"])
    sheet.append(["p01", "test"])
    exams = book.create_sheet("exam")
    exams.append(["exam_id", "annotator_id", "kind", "rule_version", "taken_on", "topics", "score", "passed"])
    from datetime import date

    exams.append(["x1", "p01", "both", "v1", date(2026, 1, 5), "law；rules、tool", 92, "通过"])
    path = tmp_path / "people.xlsx"
    book.save(path)
    assert import_registers(run, path).facts["registers"] == {"annotator": 1, "exam": 1}
    (exam,) = rows(run.place, "exam", "exam_id = 'x1'")
    assert (exam["passed"], exam["topics"], exam["score"]) == (True, ["law", "rules", "tool"], 92.0)
    assert exam["taken_on"].isoformat() == "2026-01-05"


def test_a_later_file_changes_a_row_by_its_key_and_the_same_one_nothing(run: Run, tmp_path: Path) -> None:
    take(run, tmp_path, "annotator.csv", ANNOTATORS)
    before = store.version(run.place, "annotator")
    assert take(run, tmp_path, "annotator.csv", ANNOTATORS).state == "unchanged"
    assert store.version(run.place, "annotator") == before
    take(run, tmp_path, "annotator.csv", "annotator_id,organisation,left_on\np01,test,2026-02-01\n")
    people = {r["annotator_id"]: r["left_on"] for r in rows(run.place, "annotator")}
    assert people["p01"] is not None and people["p02"] is None and "e1" in people


def test_every_mistake_is_named_with_its_line_and_nothing_is_taken(run: Run, tmp_path: Path) -> None:
    text = (
        "annotator_id,role,valid_from,valid_to\n"
        "e1,boss,2026-01-01,\n"
        "nobody,reviewer,2026-01-01,\n"
        "\n"
        "e1,reviewer,soon,\n"
        ",reviewer,2026-01-01,\n"
        "e2,reviewer,2026-02-01,2026-01-01\n"
        "e2,executor,2026-03-01,\n"
        "e2,executor,2026-03-01,\n"
    )
    before = rows(run.place, "annotator_role")
    with pytest.raises(ConfigError) as told:
        take(run, tmp_path, "annotator_role.csv", text)
    lines = [line.removeprefix(f"{tmp_path}/annotator_role.csv:") for line in str(told.value).split("\n")]
    assert lines == [
        "2: role: 'boss' is none of executor, reviewer, arbitrator, supervisor",
        "3: annotator_id: 'nobody' is not in the register of annotators",
        "5: valid_from: 'soon' is no day; write it as 2026-01-31",
        "6: annotator_id: is missing",
        "7: valid_to: lies before valid_from",
        "9: the same annotator_id, role, valid_from stands above already",
        "6 mistakes; nothing was taken.",
    ]
    assert rows(run.place, "annotator_role") == before


def test_unknown_doubled_and_missing_columns_are_mistakes(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        take(run, tmp_path, "annotator_role.csv", "annotator_id,annotator_id,phone,role\ne1,e1,1,executor\n")
    said = str(told.value)
    assert "phone: no column of annotator_role" in said and "annotator_id: the column stands twice" in said
    assert "valid_from: the column is missing" in said


def test_what_was_done_names_a_batch_and_an_item_that_are_there(run: Run, tmp_path: Path) -> None:
    made = a.clean()
    made.write(run.place)
    batch, record = made.batch("functional"), made.records("functional")[3]
    head = "batch_id,record_id,verifier_id,method,verified_at,result,problems,measures\n"
    with pytest.raises(ConfigError) as told:
        take(run, tmp_path, "verification.csv", head + f"{'f' * 16},{record},v1,manual,2026-02-05,pass,none,none\n"
             f"{batch},{'0' * 64},v1,manual,2026-02-05,pass,none,none\n")  # fmt: skip
    assert "2: batch_id: 'ffffffffffffffff' is no batch" in str(told.value)
    assert "3: record_id: 0000000000000000… is not in the batch" in str(told.value)
    found = take(run, tmp_path, "verification.csv", head + f"{batch},{record},v1,manual,2026-02-05 09:00,pass,,\n")
    assert found.kept == 1, "measures left blank are for the control to find, not a mistake of the file"
    (row,) = rows(run.place, "verification", f"record_id = '{record}'")
    assert row["verified_at"].isoformat() == "2026-02-05T01:00:00+00:00", "times without a zone are in the annotators'"
    assert (row["corpus"], row["measures"]) == ("test", None) and len(row["verification_id"]) == 32
    assert len(rows(run.place, "verification")) == 5, "what others said of the batch stays"


def test_a_file_that_is_no_workbook_or_register_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read as XLSX"):
        take(run, tmp_path, "people.xlsx", "not a zip")
    with pytest.raises(UserError, match="registers are CSV or XLSX"):
        take(run, tmp_path, "annotator.json", "[]")


@pytest.mark.parametrize("register", REGISTERS)
def test_the_columns_that_a_lead_fills_in_are_none_of_ours(register: str) -> None:
    names = [name for name, _ in columns_of(register)]
    assert names and not {"corpus", "fact_origin", "recorded_at", "raw_file_sha256"} & set(names)
