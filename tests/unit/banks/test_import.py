"""Banks taken in: CSV, JSON lines, XLSX by a declared map; versions, days, refusals; once and the same again."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from corpusgate.banks import intake
from corpusgate.banks.facts import in_force
from corpusgate.banks.intake import import_bank, review_bank
from corpusgate.errors import ConfigError, UserError
from corpusgate.gates.documents import kept_at
from corpusgate.lake import store
from corpusgate.settings.load import load_bank
from corpusgate.settings.place import Place
from corpusgate_testing import banks as b
from corpusgate_testing.gates import AT
from corpusgate_testing.lake import place_in, rows

WORDS = [{"word": "first word", "risks": "a1a|a1b"}, {"word": "second word", "risks": "a2a"}]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = place_in(tmp_path)
    for bank_id in b.BANKS:
        b.declare(made, bank_id)
    return made


def refusals(taken: intake.Taken) -> dict[str, str]:
    return {r["raw_pointer"]: r["reason"] for r in taken.refusals}


def test_a_library_is_taken_in_with_version_day_files_and_accounts(place: Place) -> None:
    taken = b.take(place, "words", WORDS, on=date(2026, 2, 20), version="2026-02")
    said = taken.version
    assert (said["rows_in"], said["kept"], said["refused"], said["distinct_entries"]) == (2, 2, 0, 2)
    assert (said["version"], said["released_on"], said["kind"]) == ("2026-02", date(2026, 2, 20), "keywords")
    assert (said["source"], said["owner"]) == ("made up for a test", "safety lead")
    (sha256,) = said["files"].values()
    assert kept_at(place, sha256).is_file() and rows(place, "evidence_file")[0]["sha256"] == sha256
    first = next(r for r in rows(place, "keyword") if r["word"] == "first word")
    assert (first["risks"], first["raw_pointer"], first["raw_file_sha256"]) == (["a1a", "a1b"], "words.csv:2", sha256)


def test_the_same_content_again_changes_nothing_and_other_content_needs_another_version(place: Place) -> None:
    first = b.take(place, "words", WORDS)
    versions = {t: store.version(place, t) for t in ("keyword", "bank_version", "bank_refusal")}
    again = b.take(place, "words", WORDS)
    assert first.fresh and not again.fresh and again.version["version"] == first.version["version"]
    assert {t: store.version(place, t) for t in versions} == versions
    with pytest.raises(UserError, match=r"has a version .* with other content"):
        b.take(place, "words", WORDS[:1], version=first.version["version"])
    other = b.take(place, "words", WORDS[:1])
    assert other.version["version"] != first.version["version"]
    assert len(rows(place, "keyword")) == 3, "an older version stays whole"


def test_rows_that_say_nothing_are_refused_with_place_reason_and_remedy_and_the_rest_is_in(place: Place) -> None:
    given = [
        *WORDS,
        {"word": "", "risks": "a1a"},
        {"word": "no risk", "risks": ""},
        {"word": "odd", "risks": "a9z"},
        {"word": "first word", "risks": "a1a|a1b"},
        {"word": "\u200b\u200b", "risks": "a1a"},
        {"word": "x" * 201, "risks": "a1a"},
    ]
    taken = b.take(place, "words", given)
    assert refusals(taken) == {
        "words.csv:4": "empty",
        "words.csv:5": "risk_missing",
        "words.csv:6": "risks_unknown",
        "words.csv:7": "twice",
        "words.csv:8": "empty",
        "words.csv:9": "too_long",
    }
    said = taken.version
    assert said["rows_in"] == len(given) == said["kept"] + said["refused"] + said["passed_over"]
    assert all(r["remedy"] and r["detail"] for r in taken.refusals)
    assert len(rows(place, "bank_refusal")) == said["refused"]


def test_words_that_fold_to_one_count_once_and_one_of_two_risks_is_one_word(place: Place) -> None:
    """Traditional and simplified, full width and half width: what a reader takes for the same."""
    given = [
        {"word": "臺灣風險詞", "risks": "a1a"},
        {"word": "台湾风险词", "risks": "a1b"},
        {"word": "ＡＢＣ词", "risks": "a1a"},
        {"word": "abc词", "risks": "a1a"},
    ]
    taken = b.take(place, "words", given)
    assert (taken.version["kept"], taken.version["distinct_entries"]) == (4, 2)


def test_json_lines_hold_lists_and_a_broken_line_is_refused(place: Place) -> None:
    columns = {"format": "jsonl", "columns": {"question_id": "id", "text": "q", "risks": "r", "language": "l"}}
    b.declare(place, "generated", columns=columns)
    lines = [
        {"id": "q1", "q": "one?", "r": ["a1a", "a2b"], "l": "zh"},
        {"id": "q2", "q": "two?", "r": ["a1a"], "l": "fr"},
        {"id": "q3", "q": "three?", "r": {"a1a": 1}, "l": "zh"},
        {"id": "q1", "q": "four?", "r": ["a1a"], "l": "zh"},
    ]
    path = place.home / "questions.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), "{not json", ""]), "utf-8")
    taken = import_bank(place, "questions", [path], "generated", AT)
    assert refusals(taken) == {
        "questions.jsonl:2": "language_unknown",
        "questions.jsonl:3": "risks_unreadable",
        "questions.jsonl:4": "twice",
        "questions.jsonl:5": "not_json",
    }
    (row,) = rows(place, "question")
    assert (row["question_id"], row["risks"], row["modality"]) == ("q1", ["a1a", "a2b"], "text")


def test_a_workbook_is_read_by_sheet_with_translated_and_chosen_rows(place: Place) -> None:
    columns = {
        "format": "xlsx",
        "sheet": "Liste",
        "columns": {"word": "词", "risks": "类"},
        "values": {"risks": {"颠覆": "a1a"}},
        "only": {"状态": ["在用"]},
        "constants": {"language": "zh"},
    }
    b.declare(place, "words", columns=columns)
    book = Workbook()
    sheet = book.create_sheet("Liste")
    for row in (["词", "类", "状态"], ["某词一", "颠覆", "在用"], ["某词二", "颠覆", "停用"], [17, "a1b", "在用"]):
        sheet.append(row)
    path = place.home / "words.xlsx"
    book.save(path)
    taken = import_bank(place, "keywords", [path], "words", AT)
    assert (taken.version["kept"], taken.version["passed_over"], taken.version["refused"]) == (2, 1, 0)
    assert {r["word"]: (r["risks"], r["language"]) for r in rows(place, "keyword")} == {
        "某词一": (["a1a"], "zh"),
        "17": (["a1b"], "zh"),
    }


def test_several_files_make_one_version_and_the_second_points_at_the_first(place: Place) -> None:
    one = b.write_csv(place.home / "one.csv", WORDS)
    two = b.write_csv(place.home / "two.csv", [WORDS[0], {"word": "third word", "risks": "a1a"}])
    taken = import_bank(place, "keywords", [one, two], "words", AT)
    assert (taken.version["kept"], refusals(taken)) == (3, {"two.csv:2": "twice"})
    assert taken.refusals[0]["detail"] == "the same as one.csv:2"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"method": "by eye"}, "method_unknown"),
        ({"verdict": "fine"}, "verdict_unknown"),
        ({"at": "soon"}, "time_unreadable"),
        ({"refused": "perhaps"}, "refused_unknown"),
        ({"question": ""}, "missing"),
        ({"verdict": "", "refused": ""}, "nothing_said"),
    ],
)
def test_an_answer_says_of_which_question_by_which_model_when_and_how_it_was_judged(
    place: Place, row: dict[str, str], reason: str
) -> None:
    good = {
        "bank": "refuse",
        "question": "q1",
        "model": "m 1.2",
        "at": "2026-02-01T10:00:00",
        "method": "manual",
        "verdict": "pass",
        "refused": "yes",
    }
    taken = b.take(place, "runs", [good, good | {"question": "q2"} | row])
    assert refusals(taken) == {"runs.csv:3": reason}
    (kept,) = rows(place, "response")
    assert (kept["question_bank"], kept["model"], kept["refused"]) == ("refuse", "m 1.2", True)
    assert kept["answered_at"].hour == 2, "a time without a zone is the team's"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"columns": {"format": "csv", "columns": {"word": "w"}}}, "needs risks"),
        (
            {"columns": {"format": "csv", "columns": {"word": "w", "risks": "r", "aspects": "a"}}},
            "aspects: those of keywords",
        ),
        ({"kind": "lexicon"}, "kind"),
        ({"aspects_elsewhere": ["history"]}, "belongs to the bank of kind should_not_refuse"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_mistake(place: Place, changed: dict[str, Any], said: str) -> None:
    b.declare(place, "words", changed.pop("kind", "keywords"), **changed)
    with pytest.raises(ConfigError, match=said):
        load_bank(place, "words")


def test_what_cannot_be_taken_is_said_and_leaves_nothing_behind(place: Place) -> None:
    path = b.write_csv(place.home / "w.csv", WORDS)
    with pytest.raises(UserError, match="is a bank of kind keywords"):
        import_bank(place, "questions", [path], "words", AT)
    with pytest.raises(UserError, match="No bank 'none'"):
        import_bank(place, "keywords", [path], "none", AT)
    with pytest.raises(UserError, match="lies after today"):
        import_bank(place, "keywords", [path], "words", AT, released_on=AT.date() + timedelta(days=1))
    with pytest.raises(UserError, match="--version"):
        import_bank(place, "keywords", [path], "words", AT, version="x' OR 1=1")
    with pytest.raises(UserError, match="names columns that are not there: risks"):
        import_bank(
            place, "keywords", [b.write_csv(place.home / "v.csv", [{"word": "x y", "risk": "a1a"}])], "words", AT
        )
    with pytest.raises(UserError, match=r"no row .* could be taken"):
        import_bank(place, "keywords", [b.write_csv(place.home / "u.csv", [{"word": "x y", "risks": ""}])], "words", AT)
    with pytest.raises(UserError, match="cannot be read as XLSX"):
        b.declare(place, "words", columns={"format": "xlsx"})
        import_bank(place, "keywords", [path], "words", AT)
    assert rows(place, "bank_version") == [] == rows(place, "keyword")


def test_an_import_that_dies_before_its_end_counts_for_nothing_and_is_made_good_by_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ensure_tables(place, ["bank_version", "bank_review"])
    with monkeypatch.context() as patch:
        patch.setattr(store, "append_new", lambda *_: (_ for _ in ()).throw(SystemExit("killed")))
        with pytest.raises(SystemExit):
            b.take(place, "words", WORDS)
    assert in_force(place, ["words"], AT)[0].version is None
    b.take(place, "words", WORDS)
    assert in_force(place, ["words"], AT)[0].entries == 2 == len(rows(place, "keyword"))


def test_the_newest_version_of_a_day_that_has_come_is_in_force(place: Place) -> None:
    b.take(place, "words", WORDS, on=date(2026, 2, 1), version="one")
    b.take(place, "words", WORDS[:1], on=date(2026, 2, 8), version="two")
    then = in_force(place, ["words"], AT - timedelta(days=25))[0]
    assert (then.version, then.updated_on) == ("one", date(2026, 2, 1))
    assert in_force(place, ["words"], AT)[0].version == "two"
    assert in_force(place, ["words"], AT - timedelta(days=60))[0].version is None


def test_misreading_34_a_dated_review_counts_although_nothing_changed(place: Place) -> None:
    """34: an unchanged release is not addressed; a dated review by a named person with a reason is asked for (own)."""
    b.take(place, "words", WORDS, on=date(2026, 2, 1))
    review_bank(place, "words", "Li Hua", "looked through the week's incidents, no new word", AT, date(2026, 2, 27))
    assert in_force(place, ["words"], AT)[0].updated_on == date(2026, 2, 27)
    again = review_bank(
        place, "words", "Li Hua", "looked through the week's incidents, no new word", AT, date(2026, 2, 27)
    )
    assert len(rows(place, "bank_review")) == 1 and again["by"] == "Li Hua"
    with pytest.raises(UserError, match="names nobody"):
        review_bank(place, "words", "admin", "looked through all of it", AT)
    with pytest.raises(UserError, match="has no version of"):
        review_bank(place, "words", "Li Hua", "looked through all of it", AT, date(2026, 1, 1))


def test_the_commands_from_import_to_list(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpusgate.cli import app

    for name in ("HOME", "CONF", "LAKE"):
        monkeypatch.setenv(f"CORPUSGATE_{name}", str(getattr(place, name.lower())))

    def call(*words: str) -> Any:
        return CliRunner().invoke(app, ["bank", *words])

    good = b.write_csv(place.home / "good.csv", WORDS)
    done = call("import", "keywords", str(good), "--bank", "words", "--at", AT.isoformat())
    assert done.exit_code == 0 and "2 rows in = 2 kept (2 distinct) + 0 refused" in done.output
    bad = b.write_csv(place.home / "bad.csv", [*WORDS, {"word": "\x1b[31mred", "risks": "=1"}])
    done = call("import", "keywords", str(bad), "--bank", "words", "--at", AT.isoformat())
    assert done.exit_code == 1 and "bad.csv:4" in done.output and "\x1b" not in done.output
    done = call("import", "keywords", str(bad), "--bank", "words", "--at", AT.isoformat(), "--format", "json")
    assert json.loads(done.output)["refusals"][0]["reason"] == "risks_unknown"
    done = call(
        "review", "--bank", "words", "--by", "Li Hua", "--because", "nothing new this week", "--at", AT.isoformat()
    )
    assert done.exit_code == 0, done.output
    listed = call("list", "--at", AT.isoformat(), "--format", "json")
    words = next(r for r in json.loads(listed.output) if r["bank"] == "words")
    assert (words["entries"], words["updated_on"], words["due_on"]) == (2, "2026-03-01", "2026-03-08")
    assert {r["version"] for r in json.loads(listed.output) if r["bank"] != "words"} == {"none imported"}
    assert call("import", "keywords", str(good), "--bank", "words", "--on", "soon").exit_code != 0
    assert os.environ["CORPUSGATE_HOME"] == str(place.home)
