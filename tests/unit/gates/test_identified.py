"""45652-draft 6.2 b, 7.2 d, 7.3 b, 45654-2025 5.1 a: small lakes with a classifier, generated data, safety data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpusgate.classify.models import models
from corpusgate.gates.figures import Figure
from corpusgate.gates.identified import CLOSELY, FILTERED, IDENTIFIED, SAFETY_SETS, identified_figures
from corpusgate.gates.strata import candidate, strata
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.gates import HOME, VERSIONS, Lake, clean_lake

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
MODEL = "1.abc"


def lake_with_classifier() -> Lake:
    """Every text seen by a classifier too; two records of alpha name their generator."""
    lake = clean_lake(5)
    lake.result("intake").facts["versions"] = {**VERSIONS, "classifier": MODEL}
    lake.rows["screening"] += [
        {"text_sha256": d["text_sha256"], "batch_id": d["batch_id"], "family": "classifier", "version": MODEL}
        for d in lake.rows["document"]
    ]
    for record in lake.of("alpha")[:2]:
        record["generator"] = "m@1 2026-02-01"
    lake.corpus = {"intended_use": "fine_tuning"}
    reader = {"format": "jsonl", "text": "text", "fields": {"role": "role"}}
    lake.blocks["gamma"] = {"safety": True, "reader": reader}
    return lake


def figures(lake: Lake, folder: Path, fixture: bool = False, promote: bool = True) -> dict[str, list[Figure]]:
    run = lake.write(folder)
    if promote:
        (models(run.place) / "v1").mkdir(parents=True)
        (models(run.place) / "v1" / "card.json").write_text(json.dumps({"version": "v1", "fixture": fixture}))
        (models(run.place) / "test.json").write_text(json.dumps({"version": "v1", "weights_sha256": "0" * 64}))
    c = candidate(run)
    found: dict[str, list[Figure]] = {}
    for figure in identified_figures(run, c, strata(run, c)):
        found.setdefault(figure.control_id, []).append(figure)
    return found


def holds(found: list[Figure]) -> bool:
    assert {f.state for f in found} == {"measured"}
    return all(f.value is not None and CATALOGUE[f.control_id].holds(f.value) for f in found)


def unseen(lake: Lake, record: dict[str, Any]) -> None:
    lake.rows["screening"] = [
        s for s in lake.rows["screening"] if (s["text_sha256"], s["family"]) != (record["text_sha256"], "classifier")
    ]


PLANTED: list[tuple[str, Callable[[Lake], Any], set[str]]] = [
    (IDENTIFIED, lambda lake: unseen(lake, lake.of("beta")[0]), {IDENTIFIED}),
    # a generated record is a record: it lacks its result for both clauses
    (CLOSELY, lambda lake: unseen(lake, lake.of("alpha")[0]), {IDENTIFIED, CLOSELY}),
    (FILTERED, lambda lake: lake.illegal("alpha", 1), {FILTERED}),
    (SAFETY_SETS, lambda lake: lake.blocks.pop("gamma"), {SAFETY_SETS}),
]


def test_everything_holds_where_all_was_looked_at(tmp_path: Path) -> None:
    found = figures(lake_with_classifier(), tmp_path)
    assert set(found) == {IDENTIFIED, CLOSELY, FILTERED, SAFETY_SETS} and all(map(holds, found.values()))
    assert {f.stratum for f in found[IDENTIFIED]} == {"kind:open_source", "kind:self_collected", "kind:commercial"}
    assert (found[CLOSELY][0].n, found[SAFETY_SETS][0].value) == (2, 1), "exactly one set is enough"


@pytest.mark.parametrize(("control_id", "plant", "expected"), PLANTED, ids=[c for c, *_ in PLANTED])
def test_a_planted_violation_fails_its_control(
    tmp_path: Path, control_id: str, plant: Callable[[Lake], Any], expected: set[str]
) -> None:
    lake = lake_with_classifier()
    plant(lake)
    found = figures(lake, tmp_path)
    assert {c for c, f in found.items() if not holds(f)} == expected
    assert control_id in expected


def test_a_record_that_is_risky_and_not_generated_does_not_break_7_3_b(tmp_path: Path) -> None:
    lake = lake_with_classifier()
    lake.illegal("beta", 1)
    assert holds(figures(lake, tmp_path)[FILTERED])


@pytest.mark.parametrize(("change", "said"), [
    (lambda lake: lake.result("intake").facts["versions"].pop("classifier"), "a classifier; keywords"),
    (lambda lake: lake.rows["sample"].clear(), "a sample that people look through"),
])  # fmt: skip
def test_the_clause_waits_for_each_of_the_three_means(tmp_path: Path, change: Callable[[Lake], Any], said: str) -> None:
    lake = lake_with_classifier()
    change(lake)
    found = figures(lake, tmp_path)
    assert {f.state for c in (IDENTIFIED, CLOSELY) for f in found[c]} == {"pending"}
    assert all(said in f.because for f in found[IDENTIFIED])


def test_a_classifier_taught_with_a_fixture_identifies_nothing(tmp_path: Path) -> None:
    found = figures(lake_with_classifier(), tmp_path, fixture=True)
    assert {f.state for f in found[IDENTIFIED]} == {"pending"} and "fixture" in found[IDENTIFIED][0].because


def test_without_generated_data_or_fine_tuning_the_clauses_do_not_apply(tmp_path: Path) -> None:
    lake = lake_with_classifier()
    for record in lake.of("alpha"):
        record["generator"] = None
    lake.corpus = {}
    found = figures(lake, tmp_path)
    assert {found[c][0].state for c in (CLOSELY, FILTERED, SAFETY_SETS)} == {"not_applicable"}
