"""Figures of the source gate, straight from a small lake: no suite, no Great Expectations."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusgate.gates.figures import Figure
from corpusgate.gates.source_figures import ERRORED, ILLEGAL, source_figures
from corpusgate.review.assignments import record
from corpusgate.review.desk import desk
from corpusgate.review.fold import fold
from corpusgate_testing.gates import AT, Lake, batch, clean_lake
from corpusgate_testing.review import waiting


def test_dismissed_rows_no_longer_count_as_unreadable_and_the_figure_says_so(tmp_path: Path) -> None:
    lake = clean_lake()
    lake.result("intake").facts["sources"]["alpha"] |= {"rows_in": 100, "kept": 97, "errored": 3}
    for n, state in enumerate(("open", "retried", "dismissed")):
        lake.rows["quarantine"].append(
            {"acquisition_id": "a", "source_id": "alpha", "batch_id": batch("alpha"), "locator": f"l{n}",
             "step": "intake", "reason": "not_json", "state": state, "recorded_at": AT}
        )  # fmt: skip
    figures = source_figures(lake.write(tmp_path))
    (alpha,) = [f for f in figures if f.control_id == ERRORED and f.scope_id == "alpha"]
    assert (alpha.k, alpha.n, alpha.value) == (2, 100, 0.02)
    assert "1 of them dismissed by people" in alpha.because


def two_by_keyword(lake: Lake) -> None:
    lake.illegal("alpha", 2)


@pytest.mark.parametrize(
    ("says", "share", "because"),
    [
        ({}, 0.2, "no interval"),
        ({0: ("good", ())}, 0.1, "people judged 1 of them, against the detectors' word in 1"),
        ({0: ("bad", ("a1f",)), 5: ("bad", ())}, 0.3, "people judged 2 of them, against the detectors' word in 1"),
        ({5: ("bad", ("a5a",))}, 0.2, "people judged 1 of them, against the detectors' word in 0"),
    ],
    ids=["nobody looked", "a person clears it", "a person finds another", "outside of A.1 to A.4"],
)
def test_a_person_s_verdict_replaces_the_machine_s_in_the_source_share(
    tmp_path: Path, says: dict[int, tuple[str, tuple[str, ...]]], share: float, because: str
) -> None:
    room = waiting(tmp_path, change=two_by_keyword)
    room.give("ann")
    ids = [r["record_id"] for r in clean_lake(10).of("alpha")]
    numbers = {i["record_id"]: i["ordinal"] for i in desk(room.place, room.sample).drawn.items}
    for n, (verdict, risks) in says.items():
        record(room.place, room.says("ann", numbers[ids[n]], verdict, risks))
    fold(room.place, "test")
    (alpha,) = [f for f in source_figures(room.run) if f.control_id == ILLEGAL and f.scope_id == "alpha"]
    assert alpha.value == pytest.approx(share) and because in alpha.because


def said_before_admission(lake: Lake, verdicts: dict[int, str]) -> None:
    for n, verdict in verdicts.items():
        lake.rows["admission_label"].append({
            "label_id": f"l{n}", "source_id": "alpha", "record_id": lake.of("alpha")[n]["record_id"],
            "reviewer": "ann", "verdict": verdict, "risks": [], "comment": "", "reviewed_at": AT, "recorded_at": AT,
        })  # fmt: skip


def of_alpha(lake: Lake, folder: Path) -> Figure:
    (found,) = [
        f for f in source_figures(lake.write(folder)) if f.control_id == ILLEGAL and f.scope_id == "alpha"
    ]  # fmt: skip
    return found


def test_what_a_person_said_before_admission_counts_after_it(tmp_path: Path) -> None:
    lake = clean_lake()
    lake.illegal("alpha", 1)
    said_before_admission(lake, {0: "good", 1: "bad", 2: "bad"})
    found = of_alpha(lake, tmp_path)
    assert found.k == 2 and "people judged 3 of them, against the detectors' word in 3" in found.because


@pytest.mark.parametrize(
    ("judged", "illegal", "state"),
    [(9, 0, "pending"), (10, 0, "measured"), (0, 1, "pending"), (0, 2, "measured")],
    ids=["one too few", "as many as asked for", "5 % may still pass", "10 % fails already and waits for nobody"],
)
def test_where_the_corpus_asks_people_the_share_waits_for_them(
    tmp_path: Path, judged: int, illegal: int, state: str
) -> None:
    lake = clean_lake()
    lake.policy["source_by_people"] = 0.5  # of the 20 records, which are fewer than an admission sample
    lake.illegal("alpha", illegal)
    said_before_admission(lake, dict.fromkeys(range(5, 5 + judged), "good"))
    found = of_alpha(lake, tmp_path)
    assert found.state == state
    if state == "pending":
        assert f"people's verdicts on 10 collected records of alpha; {judged} have one" in found.because
