"""Handing in annotation through Airflow: the DAG as data, and what its tasks do."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.annotation.exports import TOOLS
from corpusgate.annotation.facts import ensure
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate_airflow import annotating
from corpusgate_testing import annotation as a
from corpusgate_testing.gates import clean_lake
from corpusgate_testing.lake import rows

ROOT = Path(__file__).resolve().parents[2]
SIDECAR = {
    "batch": {"name": "b", "kind": "functional", "rule_version": "v1"}, "people": {"7": "e1"}, "signed_by": "lead",
    "signed_role": "annotation_lead", "signed_at": "2026-02-10T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    made = clean_lake().write(tmp_path)
    ensure(made.place)
    store.append_new(made.place, "annotator", a.clean(0, 0).registers["annotator"], "test")
    monkeypatch.setattr(annotating, "find_place", lambda: made.place)
    annotating.inbox_of(made.place).mkdir(parents=True)
    return made


@pytest.fixture
def started(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the form said."""

    def say(**given: str) -> None:
        params = {"corpus": "test", "file": "", "tool": "label_studio", "sidecar": "", "map": ""} | given
        context = {"params": params, "run_id": run.id, "dag_run": SimpleNamespace(run_after=run.at)}
        monkeypatch.setattr(annotating, "get_current_context", lambda: context)

    return say


def hand_in(run: Run, name: str, content: Any) -> None:
    a.file(annotating.inbox_of(run.place), name, content if isinstance(content, str) else json.dumps(content))


def task(record: str, text: str, by: int | None = 7) -> dict[str, Any]:
    said = {"id": 1, "completed_by": by, "created_at": "2026-02-03T01:00:00Z", "updated_at": "2026-02-03T01:00:00Z",
            "result": [{"type": "choices", "from_name": "v", "value": {"choices": ["ok"]}}]}  # fmt: skip
    return {"id": 1, "project": 1, "data": {"record_id": record, "text": text}, "annotations": [said]}


def test_the_file_is_taken_in_before_it_is_judged_and_verdicts_are_not_tried_again() -> None:
    bag = BundleDagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags")
    dag = bag.dags["annotation_intake"]
    assert [(t.task_id, sorted(t.downstream_task_ids), t.retries) for t in dag.tasks] == [
        ("take_in", ["check"], 1), ("check", [], 0)
    ]  # fmt: skip
    assert dag.schedule is None and dag.max_active_runs == 1


def test_the_form_offers_the_tools_that_can_be_read() -> None:
    assert (*TOOLS, "register", "list") == annotating.TOOLS


@pytest.mark.parametrize("name", ["../secret", "a/b.json", "a\\b", ""])
def test_the_form_takes_names_of_files_and_no_paths(name: str) -> None:
    with pytest.raises(Exception, match=r"does not match|Invalid input"):
        annotating.FORM["file"].resolve(name)


def test_a_file_goes_in_and_no_text_into_the_log(run: Run, started: Any, caplog: pytest.LogCaptureFixture) -> None:
    record = next(r for r in rows(run.place, "record") if r["source_id"] == "alpha")
    (document,) = rows(run.place, "document", f"text_sha256 = '{record['text_sha256']}'")
    hand_in(run, "export.json", [task(record["record_id"], document["text"])])
    hand_in(run, "sidecar.yaml", SIDECAR)
    started(file="export.json", sidecar="sidecar.yaml")
    with caplog.at_level(logging.INFO):
        annotating.take_in()
    assert len(rows(run.place, "annotation")) == 1
    assert "annotation_import: 1 facts in = 1 kept + 0 removed" in caplog.text
    assert document["text"] not in caplog.text


def test_a_file_of_which_nothing_is_taken_fails_for_good(run: Run, started: Any) -> None:
    hand_in(run, "export.json", [task("0" * 64, "x")])
    hand_in(run, "sidecar.yaml", SIDECAR)
    started(file="export.json", sidecar="sidecar.yaml")
    with pytest.raises(AirflowFailException, match=r"Nothing of the file was taken.*annotation_refusal"):
        annotating.take_in()


def test_a_missing_file_and_one_that_leads_out_of_the_folder_are_refused(
    run: Run, started: Any, tmp_path: Path
) -> None:
    started(file="nothing.json")
    with pytest.raises(AirflowFailException, match=r"No file 'nothing\.json' in"):
        annotating.take_in()
    (annotating.inbox_of(run.place) / "link.json").symlink_to(a.file(tmp_path, "secret.json", "[]"))
    started(file="link.json")
    with pytest.raises(AirflowFailException, match=r"No file 'link\.json' in"):
        annotating.take_in()


def test_a_register_goes_in_and_its_mistakes_are_told(run: Run, started: Any) -> None:
    hand_in(run, "annotator.csv", "annotator_id,organisation\np01,test\n")
    started(file="annotator.csv", tool="register")
    annotating.take_in()
    assert "p01" in {r["annotator_id"] for r in rows(run.place, "annotator")}
    hand_in(run, "exam.csv", "exam_id,annotator_id,taken_on,passed\nx,nobody,2026-01-01,yes\n")
    started(file="exam.csv", tool="register")
    with pytest.raises(AirflowFailException, match=r"exam.csv:2: annotator_id: 'nobody'"):
        annotating.take_in()


def test_a_failing_shall_makes_the_check_red_with_clause_and_next_act(run: Run, started: Any) -> None:
    made = a.clean()
    made.write(run.place)
    started()
    annotating.check()  # 200 items a risk is a should: it does not
    store.replace(run.place, "qualification", [], "annotator_id = 'e1'", "test")
    with pytest.raises(AirflowFailException, match=r"Held by 45654-4-3-1-b: 45654-2025 4\.3\.1 b\).*Next: "):
        annotating.check()


def test_a_list_of_files_goes_in_one_after_the_other_and_leads_out_of_the_folder_no_more_than_one_file_does(
    run: Run, started: Any, tmp_path: Path
) -> None:
    record = next(r for r in rows(run.place, "record") if r["source_id"] == "alpha")
    (document,) = rows(run.place, "document", f"text_sha256 = '{record['text_sha256']}'")
    hand_in(run, "people.csv", "annotator_id,organisation\np01,test\n")
    hand_in(run, "export.json", [task(record["record_id"], document["text"])])
    hand_in(run, "sidecar.yaml", SIDECAR)
    entries = [
        {"file": "people.csv", "tool": "register", "register": "annotator"},
        {"file": "export.json", "tool": "label_studio", "sidecar": "sidecar.yaml"},
    ]  # fmt: skip
    hand_in(run, "all.yaml", entries)
    started(file="all.yaml", tool="list")
    annotating.take_in()
    assert "p01" in {r["annotator_id"] for r in rows(run.place, "annotator")}
    assert len(rows(run.place, "annotation")) == 1
    (annotating.inbox_of(run.place) / "out.json").symlink_to(a.file(tmp_path, "secret.json", "[]"))
    hand_in(run, "all.yaml", [{"file": "out.json", "tool": "label_studio"}])
    with pytest.raises(AirflowFailException, match=r"No file 'out\.json' in"):
        annotating.take_in()


def test_the_check_leaves_a_page_with_the_verdicts_for_the_tab(run: Run, started: Any) -> None:
    a.clean().write(run.place)
    started()
    annotating.check()
    page = (run.folder / "annotation.html").read_text("utf-8")
    assert "45654-2025 4.3.1 c)" in page and "People by role" in page
