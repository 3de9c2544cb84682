"""B.1.4: the classifier's labels; 45652-draft 5 e: the record of this run's steps. Straight from a small lake."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake

from corpusgate import flow
from corpusgate.classify.models import models
from corpusgate.gates.figures import Figure
from corpusgate.gates.log_figures import RECORDED, log_figures
from corpusgate.gates.model_figures import CLASSIFIER, model_figures
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, RELEASE, RUN_ID, Lake, clean_lake

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))

#: Controls of which a violation is planted here (see tests/contracts/test_planted.py).
PLANTED = (CLASSIFIER, RECORDED)


def card(run: Run, taught: tuple[str, ...] = RISKS, fixture: bool = False, held_out: int = 3) -> None:
    """A promoted model of these labels, as its card tells it."""
    folder = models(run.place) / "0123456789ab"
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "version": folder.name, "fixture": fixture, "weights_sha256": "0" * 64,
        "data": {"parts": {"train": dict.fromkeys((*taught, "clean"), 20)}},
        "test": {"classes": {r: {"texts": held_out} for r in taught}},
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(said), "utf-8")
    (models(run.place) / "test.json").write_text(json.dumps({"version": folder.name, "weights_sha256": "0" * 64}))


def of_model(run: Run) -> Figure:
    (figure,) = model_figures(run, RELEASE)
    assert figure.control_id == CLASSIFIER
    return figure


def test_a_model_taught_all_31_risks_passes_and_one_less_fails(tmp_path: Path) -> None:
    run = clean_lake(1).write(tmp_path)
    card(run)
    assert (of_model(run).value, of_model(run).n) == (0, 31) and CATALOGUE[CLASSIFIER].holds(0)
    card(run, RISKS[:-1])
    figure = of_model(run)
    assert (figure.value, figure.examples) == (1, ("a5b",)) and not CATALOGUE[CLASSIFIER].holds(1)


def test_without_a_model_or_with_one_taught_by_a_fixture_the_clause_waits(tmp_path: Path) -> None:
    run = clean_lake(1).write(tmp_path)
    assert of_model(run).state == "pending" and "promoted" in of_model(run).because
    card(run, fixture=True)
    assert of_model(run).state == "pending" and "fixture" in of_model(run).because


def test_a_card_that_is_gone_is_no_pass_and_risks_that_nobody_tested_are_named(tmp_path: Path) -> None:
    run = clean_lake(1).write(tmp_path)
    card(run, held_out=0)
    assert "no held-out text of a1a" in of_model(run).because
    (models(run.place) / "0123456789ab" / "card.json").unlink()
    assert of_model(run).state == "unreadable"


# ---------------------------------------------------------------- the record of the steps


def of_log(lake: Lake, folder: Path) -> Figure:
    run = lake.write(folder)
    run.write(run.result("decide").model_copy(update={"step": "source_gate"}))  # ty: ignore[unresolved-attribute]
    (figure,) = log_figures(run, RELEASE)
    assert figure.control_id == RECORDED
    return figure


def test_a_run_whose_steps_all_left_a_result_passes(tmp_path: Path) -> None:
    figure = of_log(clean_lake(1), tmp_path)
    steps = flow.STEPS[: [s.name for s in flow.STEPS].index("release_gate")]
    wanted = sum(4 if step.per_source else 1 for step in steps)
    assert (figure.state, figure.value, figure.n) == ("measured", 0, wanted) and CATALOGUE[RECORDED].holds(0)


def lost(step: str, source_id: str | None) -> Callable[[Lake], Any]:
    return lambda lake: lake.results.pop((step, source_id))


@pytest.mark.parametrize(
    ("plant", "named"),
    [(lost("fetch", "alpha"), "fetch of alpha"), (lost("admission", "delta"), "admission of delta"),
     (lost("intake", None), "intake"), (lost("decide", None), "decide")],
    ids=["fetch", "admission", "intake", "decide"],
)  # fmt: skip
def test_a_step_without_a_result_fails(tmp_path: Path, plant: Callable[[Lake], Any], named: str) -> None:
    lake = clean_lake(1)
    kept = lake.result("decide")
    plant(lake)
    run = lake.write(tmp_path)
    run.write(kept.model_copy(update={"step": "source_gate"}))
    (figure,) = log_figures(run, RELEASE)
    assert figure.value == 1 and named in figure.because and not CATALOGUE[RECORDED].holds(1)


def test_a_result_whose_rows_do_not_add_up_fails(tmp_path: Path) -> None:
    run = clean_lake(1).write(tmp_path)
    run.write(run.result("decide").model_copy(update={"step": "source_gate"}))  # ty: ignore[unresolved-attribute]
    path = run.folder / "admission--alpha.json"
    said = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(said | {"rows_in": said["rows_in"] + 1}), "utf-8")
    (figure,) = log_figures(run, RELEASE)
    assert figure.value == 1 and "admission of alpha" in figure.because


def test_a_step_that_an_earlier_hold_left_undone_is_no_gap(tmp_path: Path) -> None:
    lake = clean_lake(1)
    licence = lake.result("licence", "alpha")
    licence.state, licence.held_by, licence.because = "held", "45654-4-1-3-a", "forbids the use"
    lost("admission", "alpha")(lake)
    assert of_log(lake, tmp_path).value == 0


def test_a_changed_row_of_an_earlier_run_fails_and_a_missing_table_is_unreadable(tmp_path: Path) -> None:
    run = clean_lake(1).write(tmp_path)
    run.write(run.result("decide").model_copy(update={"step": "source_gate"}))  # ty: ignore[unresolved-attribute]
    row = {"run_id": "run-0", "corpus": "test", "step": "fetch", "source_id": "alpha", "state": "ok", "unit": "object",
           "rows_in": 3, "kept": 3, "removed": 0, "errored": 0, "seconds": 1.0, "run_at": AT}  # fmt: skip
    store.replace(run.place, "step_run", [row], "run_id = 'run-0'", RUN_ID)
    assert log_figures(run, RELEASE)[0].value == 0
    path = str(run.place.table("step_run"))
    rows = store.read(run.place, "step_run").to_pylist()
    rows[0]["rows_in"] = 2
    write_deltalake(path, store.to_arrow(TABLES["step_run"], rows), mode="overwrite")
    assert DeltaTable(path).version() > 0
    figure = log_figures(run, RELEASE)[0]
    assert figure.value == 1 and "run_id run-0" in figure.because
    shutil.rmtree(path)
    assert log_figures(run, RELEASE)[0].state == "unreadable"
