"""Admission: a random sample is screened before anything is collected (45654-2025 4.1.1 a)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.lexicon import load_lexicon
from corpusgate.errors import UserError
from corpusgate.intake import rules
from corpusgate.intake.admission import CONTROL, admission, judge
from corpusgate.intake.detectors.model import Finding, Screened
from corpusgate.intake.draw import Draw
from corpusgate.intake.kit import KEY_VARIABLE
from corpusgate.lake.run import Run, StepResult
from corpusgate_testing.intake import HMAC_HEX, fetched, jsonl, place_at, run_over, tarred, written

CLEAN = "第{}条　县级以上人民政府应当加强对图书馆的管理，方便居民阅读。"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, HMAC_HEX)


@pytest.fixture(scope="module")
def bad_text() -> str:
    """A text that the lexicon itself says must be found, twice over the weight of removal."""
    words = load_lexicon(Path(__file__).resolve().parents[3] / "conf" / "lexicons" / "starter").words
    word = next(w for w in words if w.kind == "deny" and w.weight >= 1 and not w.risks[0].startswith("a5"))
    return f"这里写着：{word.word}。"


def assessed(tmp_path: Path, rows: Sequence[str], **source) -> tuple[Run, StepResult]:
    """The run and the result of admission over one file with these texts."""
    run = run_over(place_at(tmp_path), source)
    fetched(run, [written(tmp_path, "a.jsonl", jsonl([{"text": t} for t in rows]))])
    return run, run.write(admission(run, run.source("alpha")))


class TestTheBound:
    def fixture(self, bad_text: str, bad: int) -> list[str]:
        texts = [bad_text + str(n) if n < bad else CLEAN.format(n) for n in range(100)]
        return texts[1::2] + texts[::2]

    def test_exactly_five_in_a_hundred_is_admitted(self, tmp_path: Path, bad_text: str) -> None:
        _, result = assessed(tmp_path, self.fixture(bad_text, 5))
        assert (result.state, result.held_by) == ("ok", None)
        assert (result.facts["n"], result.facts["k"], result.facts["share"]) == (100, 5, 0.05)
        assert (result.rows_in, result.kept, result.unit) == (100, 100, "record")

    def test_six_in_a_hundred_hold_the_source_and_say_why(self, tmp_path: Path, bad_text: str) -> None:
        _, result = assessed(tmp_path, self.fixture(bad_text, 6))
        assert (result.state, result.held_by) == ("held", CONTROL)
        assert (result.facts["k"], result.facts["share"]) == (6, 0.06)
        assert "6 of 100" in result.because
        assert "5.00%" in result.because
        assert "interval" not in result.because, "every record was looked at"
        assert len(result.facts["examples"]) == 6
        assert sum(result.facts["risks"].values()) >= 6

    def test_the_texts_themselves_are_said_nowhere(self, tmp_path: Path, bad_text: str) -> None:
        run, _ = assessed(tmp_path, self.fixture(bad_text, 6))
        said = (run.folder / "admission--alpha.json").read_text("utf-8")
        assert bad_text not in said
        assert bad_text[5:-1] not in said

    def test_no_record_is_no_pass(self, tmp_path: Path) -> None:
        _, result = assessed(tmp_path, [])
        assert (result.state, result.held_by, result.facts["reason"]) == ("held", CONTROL, "empty")
        assert result.facts["share"] is None

    def test_records_that_cannot_be_read_are_counted_and_are_no_record(self, tmp_path: Path) -> None:
        _, result = assessed(tmp_path, ["", " "])
        assert (result.state, result.facts["n"], result.facts["faults"]) == ("held", 0, {"no_text": 2})


class TestTheSample:
    def test_it_is_the_smallest_hashes_of_seed_and_record_id(self, tmp_path: Path, bad_text: str) -> None:
        texts = [bad_text + str(n) for n in range(40)]
        run, result = assessed(tmp_path, texts, admission={"sample": 7})
        ids = []
        for text in texts:
            sha256 = rules.text_sha256(text)
            ids.append(rules.record_id("alpha", f"a.jsonl#{sha256[:16]}#0", sha256))
        expected = sorted(ids, key=lambda i: hashlib.sha256(f"{run.corpus.seed}|{i}".encode()).hexdigest())[:7]
        assert result.facts["examples"] == expected
        assert (result.facts["n"], result.facts["frame_rows"], result.facts["seed"]) == (7, 40, "seed-1")
        assert "The point figure is judged; 95 % interval 59 % to 100 % (shown, not judged)." in result.because

    def test_it_does_not_depend_on_the_order_in_which_files_come(self, tmp_path: Path, bad_text: str) -> None:
        run = run_over(place_at(tmp_path), {"admission": {"sample": 5}})
        files = [
            written(tmp_path, f"{n}.jsonl", jsonl([{"text": f"{bad_text}{n}-{m}"} for m in range(9)])) for n in "ab"
        ]
        drawn = []
        for order in (files, files[::-1]):
            fetched(run, order)
            drawn.append(admission(run, run.source("alpha")).facts["examples"])
        assert drawn[0] == drawn[1]

    def test_records_of_a_part_whose_licence_does_not_pass_are_not_assessed(
        self, tmp_path: Path, bad_text: str
    ) -> None:
        parts = [{"id": "free", "include": ["free/*"]}, {"id": "rest", "include": ["**"]}]
        run = run_over(place_at(tmp_path), {"licence": parts})
        content = {"free/a.jsonl": jsonl([{"text": CLEAN.format(1)}]), "b.jsonl": jsonl([{"text": bad_text}])}
        fetched(run, [written(tmp_path, "x.tar", tarred(content))], passing=["free"], held=["rest"])
        result = admission(run, run.source("alpha"))
        assert (result.state, result.facts["n"], result.facts["frame_rows"]) == ("ok", 1, 1)

    @settings(deadline=None)
    @given(st.lists(st.text("abc", max_size=4), max_size=60), st.integers(1, 10))
    def test_the_draw_keeps_the_smallest_and_each_record_once(self, records: list[str], size: int) -> None:
        draw = Draw("seed", size)
        for record in records:
            draw.offer(record, record.upper())
        ranked = sorted(set(records), key=lambda r: hashlib.sha256(f"seed|{r}".encode()).hexdigest())
        assert draw.taken == [(r, r.upper()) for r in ranked[:size]]
        assert draw.frame == len(records)


class TestJudging:
    @staticmethod
    def said(*weights: tuple[str, float], detector: str = "keyword") -> Screened:
        findings = tuple(
            Finding(detector, "1", f"kw:{n}", risk, 0, 1, 1.0, weight, "x", None, None, 1)
            for n, (risk, weight) in enumerate(weights)
        )
        return Screened(findings, "zh", 1.0, "Hans")

    @pytest.mark.parametrize(
        ("screened", "bad"),
        [
            (said(("a1a", 1.0)), True), (said(("a1a", 0.99)), False), (said(("a2b", 0.1), ("a3c", 0.9)), True),
            (said(*[("a4a", 0.1)] * 10), True), (said(("a5a", 5.0)), False), (said(("pi_id", 5.0)), False),
            (said(("a1a", 5.0), detector="pi_check"), False), (said(), False),
        ],
    )  # fmt: skip
    def test_keyword_weights_of_a1_to_a4_add_up_exactly(self, screened: Screened, bad: bool) -> None:
        assert bool(judge(["r"], [screened], 1.0).bad) is bad

    def test_a_record_counts_once_under_each_of_its_risks(self) -> None:
        judged = judge(["r", "s"], [self.said(("a1a", 1.0), ("a2b", 0.5), ("a1a", 0.2)), self.said(("a1a", 2.0))], 1.0)
        assert judged.risks == {"a1a": 2, "a2b": 1}


class TestEarlierSteps:
    def test_a_source_that_could_not_be_fetched_is_not_assessed(self, tmp_path: Path) -> None:
        run = run_over(place_at(tmp_path), {})
        run.write(StepResult(step="fetch", source_id="alpha", state="unavailable", unit="object", rows_in=0, kept=0,
                             because="no apt here"))  # fmt: skip
        result = admission(run, run.source("alpha"))
        assert (result.state, result.held_by) == ("unavailable", None)
        assert result.because == "not assessed: no apt here"

    def test_a_source_that_its_licence_holds_is_assessed_and_stays_held(self, tmp_path: Path) -> None:
        run = run_over(place_at(tmp_path), {})
        fetched(run, [written(tmp_path, "a.jsonl", jsonl([{"text": CLEAN.format(n)} for n in range(3)]))])
        run.write(
            StepResult(
                step="licence",
                source_id="alpha",
                state="held",
                held_by="45654-4-1-3-a",
                unit="part",
                rows_in=1,
                kept=0,
                removed=1,
                removed_by_rule={"licence_missing": 1},
                because="no licence",
                facts={"parts": [{"part": "all", "verdict": "pending"}]},
            )
        )
        result = run.write(admission(run, run.source("alpha")))
        assert (result.state, result.facts["n"]) == ("ok", 3)
        assert run.held()["alpha"].step == "licence"

    def test_a_source_that_was_not_fetched_is_the_callers_mistake(self, tmp_path: Path) -> None:
        run = run_over(place_at(tmp_path), {})
        with pytest.raises(UserError, match="fetch"):
            admission(run, run.source("alpha"))
