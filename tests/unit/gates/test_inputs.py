"""Enforced: whatever a gate reads, when it is gone something fails and nothing passes that did not. Complete by
construction: the tables are those that the gates were seen to read, the files all that a run and its corpus have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from corpusgate.classify.models import models
from corpusgate.decide.rules import text_sha256
from corpusgate.errors import CorpusgateError
from corpusgate.gates import halves
from corpusgate.gates.annotation_figures import annotation_figures
from corpusgate.gates.bank_figures import bank_figures
from corpusgate.gates.figures import Figure
from corpusgate.gates.log_figures import log_figures
from corpusgate.gates.model_figures import model_figures
from corpusgate.gates.release_figures import release_figures
from corpusgate.gates.response_figures import response_figures
from corpusgate.gates.source_figures import source_figures
from corpusgate.gates.strata import candidate
from corpusgate.lake import store
from corpusgate.lake.run import Run, open_run, write_atomically
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place
from corpusgate_testing import banks as b
from corpusgate_testing.annotation import clean
from corpusgate_testing.gates import AT, HOME, RUN_ID, clean_lake, sha

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
Seen = dict[tuple[str, str, str], str]


def place_of(folder: Path) -> Place:
    return Place(folder, folder / "conf", folder / "lake", folder / "var")


def everything(folder: Path) -> Run:
    """A lake in which every figure has something to read: sources of each kind, annotation, banks, answers, a model."""
    lake = clean_lake(2)
    lake.corpus = {"banks": list(b.BANKS)}
    masked = lake.of("alpha", "release_record")[0]
    text = "请拨打13800138000联系。"
    old, new = masked["text_sha256"], text_sha256(text)
    released = text_sha256("请拨打[pi_mobile]联系。")
    for rows in lake.rows.values():
        for row in rows:
            if row.get("released_sha256") == old:
                row["released_sha256"] = released
            if row.get("text_sha256") == old:
                row["text_sha256"] = new
    next(d for d in lake.rows["document"] if d["text_sha256"] == new)["text"] = text
    masked["mask_set"] = "pi_mobile:3-14"
    lake.result("intake").facts["sources"]["alpha"] |= {"rows_in": 300, "kept": 298, "errored": 2}
    lake.rows["quarantine"].append({"acquisition_id": "a", "source_id": "alpha", "locator": "l", "state": "dismissed",
                                    "batch_id": lake.of("alpha")[0]["batch_id"], "recorded_at": AT})  # fmt: skip
    run = lake.write(folder)
    store.ensure_tables(run.place)
    clean().write(run.place)
    for bank_id in b.BANKS:
        b.declare(run.place, bank_id)
        if bank_id in b.MADE:
            b.take(run.place, bank_id, b.MADE[bank_id](0))
    asked = store.read(run.place, "question", ["bank_id", "question_id"], "bank_id = 'refuse'").to_pylist()
    b.take(run.place, "runs", [
        {"bank": "refuse", "question": q["question_id"], "model": "m", "at": "2026-02-20T10:00:00", "method": "manual",
         "verdict": "pass", "refused": "yes"} for q in asked])  # fmt: skip
    (models(run.place) / "v1").mkdir(parents=True)
    card = {"version": "v1", "fixture": False, "independent": False, "test": {"classes": {}},
            "data": {"parts": {"train": dict.fromkeys(RISKS, 1)}}}  # fmt: skip
    (models(run.place) / "v1" / "card.json").write_text(json.dumps(card))
    (models(run.place) / "test.json").write_text(json.dumps({"version": "v1", "weights_sha256": sha("w")}))
    run.write(run.result("decide").model_copy(update={"step": "source_gate", "facts": {"verdicts": []}}))  # ty: ignore[unresolved-attribute]
    return run


def figures(run: Run) -> list[Figure]:
    """All figures of both gates, and people's words, as the gates read them."""
    c = candidate(run)
    halves.attestations(run)
    found = source_figures(run) + release_figures(run, CATALOGUE, c)
    found += annotation_figures(run, CATALOGUE, c.release_id, c.release_id)
    found += bank_figures(run, CATALOGUE, c.release_id) + response_figures(run, CATALOGUE, c.release_id)
    return found + model_figures(run, c.release_id) + log_figures(run, c.release_id)


def seen(run: Run) -> Seen:
    """What each figure would say; a gate that crashes says `fail` of everything."""
    try:
        found = figures(run)
    except Exception:  # whatever it is: the gate records a failure of every control
        return {}
    return {(f.control_id, f.scope_id, f.stratum): said(f) for f in found}


def said(figure: Figure) -> str:
    if figure.state != "measured":
        return "fail" if figure.state == "unreadable" else figure.state
    control = CATALOGUE[figure.control_id]
    holds = not control.computed or (figure.value is not None and figure.n and control.holds(figure.value))
    return "pass" if holds else "fail"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return everything(tmp_path_factory.mktemp("everything")).place.home


@pytest.fixture(scope="module")
def before(base: Path) -> Seen:
    return seen(open_run(place_of(base), "test", RUN_ID, AT))


def without(base: Path, folder: Path, gone: str) -> Seen:
    """What is said after a path below the lake's folder is taken away."""
    shutil.copytree(base, folder / "lake")
    path = folder / "lake" / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    try:
        return seen(open_run(place_of(folder / "lake"), "test", RUN_ID, AT))
    except CorpusgateError:
        return {}  # the run cannot even be opened: nothing is judged and nothing published


def worse(before: Seen, after: Seen) -> None:
    """Something failed, and nothing passes, waits or is put aside that failed before or was not there."""
    lost = {key for key, verdict in before.items() if after.get(key, "fail") != verdict}
    assert lost, "nothing noticed that it was gone"
    assert "fail" in {after.get(key, "fail") for key in lost} or not after
    assert not {key for key in lost if after.get(key) == "pass"}
    assert not {key for key, verdict in after.items() if verdict == "pass" and before.get(key) != "pass"}


def test_with_everything_there_each_gate_measures_something(before: Seen) -> None:
    assert {CATALOGUE[c].gate for (c, _, _), verdict in before.items() if verdict == "pass"} == {
        "admission", "source", "content", "annotation", "lexicon", "questions", "release",
    }  # fmt: skip


#: Tables that the gates read; that these are all is seen by `test_the_tables_are_all_that_the_gates_read`.
TABLES = (
    "acquisition", "admission_label", "annotation", "annotation_batch", "annotation_batch_item", "annotator",
    "annotator_role", "approval", "arbitration", "assignment", "attestation", "bank_review", "bank_version",
    "batch_voiding", "correction", "document", "exam", "finding", "keyword", "qualification", "quarantine",
    "question", "record", "release_record", "response", "review", "review_assignment", "revocation", "rule_document",
    "safety_annotation", "sample", "sample_item", "screening", "step_run", "supervision", "verification",
)  # fmt: skip


def test_the_tables_are_all_that_the_gates_read(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(base, tmp_path / "lake")  # a lake of its own: what was read once of the other is remembered
    read: set[str] = set()

    def spy(call: Callable[..., Any]) -> Callable[..., Any]:
        def seen_by(place: Place, sql: str, tables: Sequence[str] | None = None) -> Any:
            read.update(tables or store.TABLES)
            return call(place, sql, tables)

        return seen_by

    monkeypatch.setattr(store, "query", spy(store.query))
    monkeypatch.setattr(store, "stream", spy(store.stream))
    figures(open_run(place_of(tmp_path / "lake"), "test", RUN_ID, AT))
    assert read | {"step_run"} == set(TABLES), "step_run is walked as a chain"


@pytest.mark.parametrize("table", TABLES)
def test_without_a_table_something_fails_and_nothing_passes_that_did_not(
    tmp_path: Path, base: Path, before: Seen, table: str
) -> None:
    worse(before, without(base, tmp_path, f"lake/tables/{table}"))


def files() -> Iterator[str]:
    steps = [("licence", s) for s in ("alpha", "beta")] + [("admission", s) for s in ("alpha", "delta")]
    yield from (f"{step}--{source}.json" for step, source in [*steps, ("fetch", "gamma")])
    yield from ("intake.json", "decide.json", "source_gate.json", "hosts.json", "run.json")


@pytest.mark.parametrize("name", list(files()))
def test_without_a_step_s_result_something_fails(tmp_path: Path, base: Path, before: Seen, name: str) -> None:
    (path,) = base.rglob(f"{RUN_ID}/{name}")
    after = without(base, tmp_path, str(path.relative_to(base)))
    if name == "run.json":  # the run's own name and time, which whoever opens the run gives again
        assert after == before
        return
    worse(before, after)


@pytest.mark.parametrize("kind", ["bank", "card", "corpus", "source"])
def test_without_a_declaration_or_a_card_something_fails(tmp_path: Path, base: Path, before: Seen, kind: str) -> None:
    gone = {"bank": "conf/banks/words.yaml", "card": "lake/models/v1/card.json", "corpus": "conf/corpora/test.yaml",
            "source": "conf/sources/alpha.yaml"}[kind]  # fmt: skip
    worse(before, without(base, tmp_path, gone))


def test_a_result_that_is_no_json_is_no_pass(tmp_path: Path, base: Path, before: Seen) -> None:
    shutil.copytree(base, tmp_path / "lake")
    (path,) = (tmp_path / "lake").rglob(f"{RUN_ID}/decide.json")
    write_atomically(path, "{")
    assert seen(open_run(place_of(tmp_path / "lake"), "test", RUN_ID, AT)) == {} != before
