"""Admission samples by people (45654-2025 4.1.1 a): given out as files, taken in by name, over the detectors' word."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.gates.source_figures import ADMISSION, source_figures
from corpusgate.intake.admission import admission
from corpusgate.intake.kit import KEY_VARIABLE
from corpusgate.lake.run import StepResult
from corpusgate.review.admission import export, take
from corpusgate_testing.intake import AT, HMAC_HEX, fetched, jsonl, place_at, run_over, written
from corpusgate_testing.lake import rows

HOME = Path(__file__).resolve().parents[3]
CLEAN = "第{}条　县级以上人民政府应当加强对图书馆的管理，方便居民阅读。"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, HMAC_HEX)


class Case:
    """A source of a hundred clean texts, a corpus that asks for people's labels, and its runs."""

    def __init__(self, folder: Path, share: float = 1.0, texts: list[str] | None = None) -> None:
        self.place, self.folder, self.share = place_at(folder), folder, share
        shutil.copy(HOME / "conf" / "roles.yaml", self.place.conf / "roles.yaml")
        self.texts = texts or [CLEAN.format(n) for n in range(100)]
        self.n = 0

    def run(self) -> StepResult:
        """Admission of a further run, which goes as far as intake."""
        self.n += 1
        run = run_over(self.place, {}, run_id=f"r{self.n}")
        policy = run.corpus.policy.model_copy(update={"admission_by_people": self.share})
        run = replace(run, corpus=run.corpus.model_copy(update={"policy": policy}), at=AT + self.n * DAY)
        fetched(run, [written(self.folder, "a.jsonl", jsonl([{"text": t} for t in self.texts]))])
        result = run.write(admission(run, run.source("alpha")))
        run.write(StepResult(step="intake", unit="item", rows_in=0, kept=0))
        about = run.folder / "run.json"
        about.write_text(json.dumps(json.loads(about.read_text()) | {"at": run.at.isoformat()}))
        self.last = run
        return result

    def figure(self):
        (found,) = [f for f in source_figures(self.last) if f.control_id == ADMISSION]
        return found

    def label(self, bad: int, good: int, by: str = "reviewer1", form: str = "csv", risks: str = "a1a", offset: int = 0):
        """Exports, fills in so many verdicts, takes them in."""
        path = self.folder / f"sample.{form}"
        assert export(self.place, "demo", "alpha", path, form) == len(self.texts)
        items = list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))
        for n, row in enumerate(items[offset:]):
            row["verdict"] = "bad" if n < bad else "good" if n < bad + good else ""
            row["risks"] = risks if n < bad else ""
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, items[0])
            writer.writeheader()
            writer.writerows(items)
        return take(self.place, "demo", path, by, AT + self.n * DAY + timedelta(hours=1))


def test_a_source_waits_until_people_have_judged_as_many_as_the_corpus_asks_for(tmp_path: Path) -> None:
    case = Case(tmp_path, share=0.5)
    result = case.run()
    assert (result.state, result.held_by, result.facts["waits"]) == ("held", ADMISSION, True)
    assert case.figure().state == "pending" and "0 of the 50 records" in case.figure().because
    assert case.label(bad=1, good=48).recorded == 49
    assert case.run().state == "held"
    assert case.label(bad=0, good=1, offset=60).recorded == 1
    result = case.run()
    assert (result.state, result.facts["k"], result.facts["labelled"]) == ("ok", 1, 50)
    assert (case.figure().state, case.figure().value) == ("measured", 0.01)
    assert "people judged 50 of them" in case.figure().because


@pytest.mark.parametrize(("bad", "state"), [(5, "ok"), (6, "held")])
def test_exactly_five_in_a_hundred_by_people_is_admitted_and_six_is_not(tmp_path: Path, bad: int, state: str) -> None:
    case = Case(tmp_path)
    case.run()
    case.label(bad=bad, good=100 - bad)
    result = case.run()
    assert (result.state, result.facts["k"], result.facts.get("waits")) == (state, bad, None)
    assert (case.figure().state, case.figure().value) == ("measured", bad / 100)


def test_people_s_word_stands_over_the_detectors_word_both_ways(tmp_path: Path) -> None:
    from corpusgate.banks.lexicon import load_lexicon

    words = load_lexicon(HOME / "conf" / "lexicons" / "starter").words
    word = next(w for w in words if w.kind == "deny" and w.weight >= 1 and not w.risks[0].startswith("a5")).word
    case = Case(tmp_path, 0.0, [f"这里写着：{word}。{n}" if n < 6 else CLEAN.format(n) for n in range(100)])
    assert (case.run().state, case.figure().value) == ("held", 0.06)
    path = tmp_path / "one.jsonl"
    export(case.place, "demo", "alpha", path, "jsonl")
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    first = next(i for i in items if i["machine"] == "bad")
    path.write_text(json.dumps(first | {"verdict": "good"}, ensure_ascii=False), "utf-8")
    take(case.place, "demo", path, "reviewer1", AT + DAY)
    result = case.run()
    assert (result.state, result.facts["k"]) == ("ok", 5)
    assert "against the detectors' word in 1" in result.because


def test_enough_bad_ones_hold_the_source_before_the_last_label_is_in(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.run()
    case.label(bad=6, good=0)
    assert case.run().facts.get("waits") is None and case.figure().value == 0.06


def test_a_risk_outside_of_a1_to_a4_is_no_bad_item_of_this_clause(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.run()
    case.label(bad=50, good=50, risks="a5a")
    assert case.run().facts["k"] == 0


def test_the_newest_word_of_a_person_counts_and_of_people_who_differ_the_detectors_stands(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.run()
    case.label(bad=10, good=90)
    again = case.label(bad=10, good=90)
    assert (again.recorded, again.known) == (0, 100), "the same file again changes nothing"
    case.run()
    case.label(bad=2, good=98)
    assert case.run().facts["k"] == 2
    case.label(bad=0, good=100, by="lead")
    assert case.run().facts["k"] == 0


def test_other_texts_need_other_labels(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.run()
    case.label(bad=0, good=100)
    case.texts = [t + "改" for t in case.texts]
    shutil.rmtree(case.place.lake / "_admissions")  # this test's acquisition has one name whatever its bytes
    assert case.run().facts["waits"]


def test_labels_are_rows_by_person_in_a_chain(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.run()
    case.label(bad=1, good=1)
    said = sorted((r["reviewer"], r["verdict"], tuple(r["risks"])) for r in rows(case.place, "admission_label"))
    assert said == [("reviewer1", "bad", ("a1a",)), ("reviewer1", "good", ())]


@pytest.mark.parametrize(
    ("changed", "by", "says"),
    [
        ({}, "officer", "may not speak as reviewer"), ({}, None, "does not say who"),
        ({"reviewer": "lead"}, "reviewer1", "not by"),
        ({"verdict": "maybe"}, "reviewer1", "write good or bad"), ({"risks": "a9z"}, "reviewer1", "no such risk"),
        ({"verdict": "good", "risks": "a1a"}, "reviewer1", "is not good"),
        ({"record_id": "f" * 64}, "reviewer1", "no record of"),
        ({"sample_id": "admission-other"}, "reviewer1", "No run of the corpus"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said_and_the_rest_is_in(tmp_path: Path, changed, by, says: str) -> None:
    case = Case(tmp_path)
    case.run()
    path = tmp_path / "s.jsonl"
    export(case.place, "demo", "alpha", path, "jsonl")
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()][:2]
    broken, good = (
        items[0] | {"verdict": "bad"} | changed,
        items[1] | {"verdict": "good", "reviewer": by or "reviewer1"},
    )
    path.write_text("\n".join(json.dumps(i, ensure_ascii=False) for i in (broken, good)), "utf-8")
    told = take(case.place, "demo", path, by, AT + DAY)
    assert told.refused[0][0] == 1 and says in told.refused[0][1]
    assert told.recorded == (0 if by == "officer" else 1)


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
def test_hostile_texts_are_no_formulas_in_any_form(tmp_path: Path, form: str) -> None:
    case = Case(tmp_path, texts=["=HYPERLINK(1)", "+1\x01\ntext", "@cmd"])
    case.run()
    path = tmp_path / f"out.{form}"
    assert export(case.place, "demo", "alpha", path, form) == 3
    if form == "csv":
        cells = [row["text"] for row in csv.DictReader(path.open(encoding="utf-8-sig", newline=""))]
        assert not [c for c in cells if c[:1] in "=+@"]
    if form == "xlsx":
        from openpyxl import load_workbook

        sheet = load_workbook(path).worksheets[0]
        assert {c.data_type for line in sheet.iter_rows() for c in line} <= {"s", "n", "inlineStr"}


def test_without_a_run_there_is_no_sample(tmp_path: Path) -> None:
    case = Case(tmp_path)
    with pytest.raises(UserError, match="rebuild first"):
        export(case.place, "demo", "alpha", tmp_path / "x.csv", "csv")
    case.run()
    with pytest.raises(UserError, match="No form"):
        export(case.place, "demo", "alpha", tmp_path / "x.doc", "doc")
