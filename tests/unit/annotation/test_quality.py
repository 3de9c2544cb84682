"""The report of a data set, from tables as the intake leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusgate.annotation.agreement import Coefficient
from corpusgate.annotation.quality import quality, reading
from corpusgate_testing.annotation import CORPUS, LATER, Annotated, add_batch, add_label, clean
from corpusgate_testing.lake import place_in


def report(made: Annotated, folder: Path) -> dict:
    place = place_in(folder)
    made.write(place)
    return quality(place, CORPUS)


def test_an_empty_lake_has_no_figures(tmp_path: Path) -> None:
    assert report(Annotated(), tmp_path) == {"corpus": CORPUS, "kinds": {}}


def test_a_unanimous_batch_is_not_computable_and_a_varied_one_is_reliable(tmp_path: Path) -> None:
    found = report(clean(), tmp_path)["kinds"]
    functional, safety = found["functional"]["overall"], found["safety"]["overall"]
    assert (functional["alpha"], functional["why"], functional["reading"]) == (None, "unanimous", "not_computable")
    assert (functional["raw"], functional["prevalence"]) == (1.0, {"good": 1.0})
    assert (safety["alpha"], safety["reading"], safety["people"], safety["labels_an_item"]) == (1.0, "reliable", 2, 2.0)
    assert found["functional"]["dawid_skene"] is None and not found["safety"]["dawid_skene"]["reliable"]
    json.dumps(found)


def test_what_does_not_count_is_left_out(tmp_path: Path) -> None:
    made = clean()
    for row, change in zip(
        made.annotations, ({"state": "cancelled"}, {"is_gold": True}, {"is_machine": True}), strict=False
    ):
        row.update(change)
    found = report(made, tmp_path)["kinds"]["functional"]["overall"]
    assert found["annotations"] == 2 * 20 - 3


def test_only_the_latest_round_of_an_item_is_judged(tmp_path: Path) -> None:
    made = clean()
    first = made.labels("safety")[0]
    first["label"] = "none"
    task = {k: first[k] for k in ("corpus", "batch_id", "record_id")}
    for who in ("e1", "e2"):
        add_label(made, "safety", task, who, "a1a", ["a1a"], round=2, at=LATER)
    found = report(made, tmp_path)["kinds"]["safety"]
    assert found["overall"]["raw"] == 1.0
    assert sum(w["annotations"] for w in found["weeks"]) == found["overall"]["annotations"] == 2 * 40


def test_pairs_batches_and_labels_show_where_people_differ(tmp_path: Path) -> None:
    made = clean()
    second = add_batch(made, "safety", [("none", [])] * 10, prefix="second")
    for row in [a for a in made.annotations if a["batch_id"] == second and a["annotator_id"] == "e2"][:5]:
        row["label"] = "a1a"
    found = report(made, tmp_path)["kinds"]["safety"]
    by_batch = {b["batch_id"]: b for b in found["batches"]}
    assert by_batch[second]["raw"] == 0.5 and by_batch[second]["reading"] == "unreliable"
    assert by_batch[second]["name"] == "secondsafety"
    assert by_batch[made.batch("safety")]["alpha"] == 1.0
    (pair,) = found["pairs"]
    assert (pair["one"], pair["other"], pair["items"]) == ("e1", "e2", 50) and pair["raw"] == 0.9
    specific = {one["label"]: one["specific"] for one in found["labels"]}
    assert specific["a1a"] == pytest.approx(2 / 7) and specific["a2a"] == 1.0


def test_who_errs_is_found_and_so_is_what_they_said(tmp_path: Path) -> None:
    made = Annotated()
    labels = [(("none", []), ("a1a", ["a1a"]))[n % 2] for n in range(60)]
    batch = add_batch(made, "safety", labels, executors=("e1", "e2", "e3"))
    mine = [a for a in made.annotations if a["annotator_id"] == "e3"]
    for row in mine[::3]:
        row["label"] = "none" if row["label"] == "a1a" else "a1a"
    for item in made.items[:20]:
        item["gold_label"] = "none" if item["ordinal"] % 2 else "a1a"
    found = report(made, tmp_path)["kinds"]["safety"]
    people = {p["person"]: p for p in found["people"]}
    assert found["dawid_skene"]["reliable"] and people["e1"]["accuracy"] > 0.99
    assert people["e3"]["accuracy"] == pytest.approx(2 / 3, abs=0.01)
    assert (people["e3"]["gold"]["right"], people["e3"]["gold"]["standing"]) == (13, "poor")
    assert people["e1"]["gold"]["standing"] == "good"
    assert found["batches"][0]["batch_id"] == batch and found["batches"][0]["fleiss"] == pytest.approx(5 / 9, abs=0.01)


def test_a_label_whose_time_is_unknown_is_in_no_week(tmp_path: Path) -> None:
    made = clean()
    made.labels("safety")[0].update(decided_at=None, decided_from=None)
    found = report(made, tmp_path)["kinds"]["safety"]
    assert sum(w["annotations"] for w in found["weeks"]) == found["overall"]["annotations"] - 1


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.8, "reliable"), (0.7999, "tentative"), (0.667, "tentative"), (0.6669, "unreliable"), (None, "not_computable")],
)
def test_the_bars(value: float | None, said: str) -> None:
    assert reading(Coefficient(value, "" if value is not None else "unanimous")) == said
