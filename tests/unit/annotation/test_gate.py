"""The annotation gate on real tables: Great Expectations, verdicts, commands; and the fixture's whole way.

The only module here that imports Great Expectations (13 CPU s)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpusgate.annotation import fixtures
from corpusgate.annotation.demonstration import SOURCE, annotate_fixture
from corpusgate.annotation.job import accepted_labels, void_records
from corpusgate.collect.fixtures import make_fixtures
from corpusgate.gates.annotation_gate import annotation_gate, verdict_rows
from corpusgate.lake import store
from corpusgate.lake.run import Run, open_run
from corpusgate.settings.model import RISKS
from corpusgate_testing import annotation as a
from corpusgate_testing.annotation import HOME, SHORT, Annotated, catalogue, clean
from corpusgate_testing.annotation_fixture import fixture_lake
from corpusgate_testing.annotation_planted import PLANTED, fail_verification
from corpusgate_testing.gates import RELEASE, clean_lake
from corpusgate_testing.lake import rows


def judged(made: Annotated, folder: Path) -> tuple[Run, dict[str, str]]:
    """Control -> verdict of its computed half, after a whole gate."""
    run = clean_lake().write(folder)
    made.write(run.place)
    result = annotation_gate(run)
    return run, {v["control_id"]: v["verdict"] for v in result.facts["verdicts"] if v["half"] == "computed"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return judged(clean(), tmp_path_factory.mktemp("clean"))[1]


def test_a_clean_corpus_passes_its_gate_and_people_s_halves_wait(tmp_path: Path, base: dict[str, str]) -> None:
    run = clean_lake().write(tmp_path)
    clean().write(run.place)
    result = annotation_gate(run)
    assert (result.state, result.removed_by_rule) == ("ok", {SHORT: 1}), "a should that fails holds nothing"
    human = {v["verdict"] for v in result.facts["verdicts"] if v["half"] == "human"}
    assert human == {"pending"}
    measured = {c for c, v in base.items() if v == "pass"}
    assert {"45654-4-3-1-b", "45674-8-2-g", "45674-8-3-c", "45674-6-rules"} <= measured
    own = {c.id for c in catalogue() if c.gate == "annotation" and c.computed}
    assert set(base) & own == own and {base[c] for c in own} == {"pass", "fail", "not_applicable"}


@pytest.mark.parametrize(("plant", "expected"), PLANTED[::7], ids=[p.__name__ for p, _ in PLANTED[::7]])
def test_planted_violations_fail_through_the_whole_gate(
    plant: Callable[..., Any], expected: set[str], tmp_path: Path, base: dict[str, str]
) -> None:
    made = clean()
    plant(made)
    _, after = judged(made, tmp_path)
    assert {c for c, v in after.items() if v != base[c]} >= expected
    assert {c for c, v in after.items() if v == "fail"} - {SHORT} == expected


def test_exactly_5_percent_passes_the_suite_and_six_does_not(tmp_path: Path) -> None:
    made = clean(safe=9)
    fail_verification(made, made.records("safety")[:2])
    _, after = judged(made, tmp_path / "five")
    assert after["45674-8-3-c"] == "pass"
    more = clean(safe=19)
    fail_verification(more, more.records("safety")[:3])
    run, after = judged(more, tmp_path / "six")
    assert after["45674-8-3-c"] == "fail"
    row = next(r for r in verdict_rows(run) if r["control_id"] == "45674-8-3-c")
    assert (row["figure"], row["bound"], row["n"], row["stratum"]) == (
        "6 %",
        "<= 5 %",
        50,
        f"batch:{more.batch('safety')}",
    )
    assert sorted(row["examples"]) == sorted(more.records("safety")[:3])


def test_judging_twice_says_the_same_once(tmp_path: Path) -> None:
    run, _ = judged(clean(), tmp_path)
    before = store.version(run.place, "control_result")
    annotation_gate(run)
    assert store.version(run.place, "control_result") == before
    assert {r["gate"] for r in rows(run.place, "control_result")} == {"annotation"}


def test_without_annotation_everything_waits_and_nothing_passes(tmp_path: Path) -> None:
    from corpusgate.annotation.facts import ensure

    run = clean_lake().write(tmp_path)
    ensure(run.place)
    result = annotation_gate(run)
    computed = [v for v in result.facts["verdicts"] if v["half"] == "computed"]
    assert {v["verdict"] for v in computed} == {"pending"} and result.state == "ok"
    assert any("none was handed in for the corpus test" in v["because"] for v in computed)


@pytest.mark.parametrize(
    "gone", ["annotation", "safety_annotation", "qualification", "verification", "annotation_batch"]
)
def test_a_table_that_went_missing_fails_and_never_passes(gone: str, tmp_path: Path) -> None:
    import shutil

    run = clean_lake().write(tmp_path)
    clean().write(run.place)
    shutil.rmtree(run.place.table(gone))
    result = annotation_gate(run)
    own = {c.id for c in catalogue() if c.gate == "annotation" and c.computed}
    failed = {v["control_id"] for v in result.facts["verdicts"] if v["half"] == "computed" and v["verdict"] == "fail"}
    assert failed == own and result.state == "held"
    assert "could not read its input" in next(v["because"] for v in result.facts["verdicts"] if v["verdict"] == "fail")


# ---------------------------------------------------------------- of a release


def in_release(lake: Any, made: Annotated) -> None:
    """Makes the first functional item a record of the release, and its batch void."""
    record = lake.of("alpha")[0]["record_id"]
    batch = made.batch("functional")
    old = made.records("functional")[0]
    new = a.batch_id([record, *made.records("functional")[1:]], "v1", "functional")
    for table in (made.batches, made.items, made.annotations, *made.registers.values()):
        for row in table:
            if row.get("record_id") == old and row.get("batch_id") == batch:
                row["record_id"] = record
            if row.get("batch_id") == batch:
                row["batch_id"] = new


@pytest.mark.parametrize("void", [False, True])
def test_a_void_batch_keeps_a_release_from_trial_and_a_good_one_does_not(void: bool, tmp_path: Path) -> None:
    from corpusgate.gates import job

    lake, made = clean_lake(), clean()
    in_release(lake, made)
    if void:
        about = {"corpus": a.CORPUS, "batch_id": made.batch("functional"), "voided_at": a.VERIFIED}
        made.registers["batch_voiding"].append(about | {"voided_by": "lead", "because": "illegal content"})
    run = lake.write(tmp_path)
    made.write(run.place)
    run.write(job.source_gate(run))
    result = job.release_gate(run)
    assert result.facts["blocked"]["trial"] == (["45674-8-2-g"] if void else [])
    verdict = {v["control_id"]: v["verdict"] for v in result.facts["verdicts"] if v["scope_id"] == RELEASE}
    assert verdict["45674-8-2-g"] == ("fail" if void else "pass")
    assert verdict["45674-8-3-c"] == "not_applicable", "no safety item is in the release"
    assert (lake.of("alpha")[0]["record_id"] in void_records(run.place, "test")) == void


# ---------------------------------------------------------------- the fixture


def test_the_fixture_goes_through_intake_gate_and_labels_with_its_one_breach(tmp_path: Path) -> None:
    run = fixture_lake(tmp_path)
    told = annotate_fixture(run, tmp_path / "fixture")
    assert {r.state for r in told} == {"ok"} and {r.removed for r in told} == {0}
    result = annotation_gate(run)
    failed = {v["control_id"] for v in result.facts["verdicts"] if v["verdict"] == "fail"}
    assert failed - {SHORT} == {"45654-4-3-1-c", "45674-7-3-e"}, "one executor reviewed one of his own items"
    labels = accepted_labels(run.place)
    assert len(labels) == len(fixtures.texts())
    assert {r for found in labels for r in found["risks"]} == set(RISKS)
    texts = {r["text_sha256"]: r["text"] for r in rows(run.place, "document")}
    assert all(found["label"] == fixtures.label_of(texts[found["text_sha256"]]) for found in labels)
    assert {r["organisation"] for r in rows(run.place, "annotator")} == {fixtures.SAYS_SO}


def test_the_fixture_without_its_breach_passes_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    run = fixture_lake(tmp_path)
    annotate_fixture(run, tmp_path / "fixture", breach=False)
    assert annotation_gate(run).state == "ok"
    names = ["annotation", "safety_annotation", "approval", "assignment", "verification", "supervision",
                         "annotator", "exam", "qualification", "annotation_batch", "annotation_import"]  # fmt: skip
    before = {n: store.version(run.place, n) for n in names}
    again = annotate_fixture(run, tmp_path / "fixture", breach=False)
    assert {r.state for r in again} == {"unchanged"}
    assert {n: store.version(run.place, n) for n in names} == before


def test_the_fixture_s_files_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    make_fixtures(tmp_path, HOME / "conf" / "lexicons" / "starter")
    lines = (tmp_path / SOURCE / "texts.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [t["text"] for t in fixtures.texts()]
    assert len(lines) == 244
    assert all("风险" not in t["text"] or t["text"].startswith(fixtures.SAYS_SO) for t in fixtures.texts())


# ---------------------------------------------------------------- commands


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    from corpusgate.cli import annotation

    run = fixture_lake(tmp_path)
    monkeypatch.setenv("CORPUSGATE_HOME", str(run.place.home))
    monkeypatch.setenv("CORPUSGATE_LAKE", str(run.place.lake))
    monkeypatch.setenv("CORPUSGATE_CONF", str(run.place.conf))

    def call(*words: str) -> Any:
        return CliRunner().invoke(annotation.app, [*words, "--corpus", "test", "--at", run.at.isoformat()])

    return call


def test_the_commands_from_registers_to_verdicts(command: Callable[..., Any], tmp_path: Path) -> None:
    run = open_run(fixture_place(tmp_path), "test", "run-1", a.AT)
    for path in fixtures.make_people(tmp_path / "people", run.at):
        assert command("import", str(path), "--tool", "register").exit_code == 0
    records = rows(run.place, "record", f"source_id = '{SOURCE}'")
    ids = a.file(tmp_path, "ids.txt", "\n".join(sorted(r["record_id"] for r in records)[:6]))
    words = ("--kind", "safety", "--rules", fixtures.RULES, "--tool", "label_studio", "--out", str(tmp_path / "out"))
    drawn = command("assign", *words, "--records", str(ids), "--name", "one")
    assert drawn.exit_code == 0, drawn.output
    tasks = json.loads((tmp_path / "out" / "one.label_studio.json").read_text("utf-8"))
    batch = tasks[0]["data"]["batch_id"]
    assert f"batch {batch} (one)" in drawn.output
    tasks[0]["annotations"] = [{"id": 1, "completed_by": None, "result": [], "created_at": "2026-02-20T00:00:00Z"}]
    export = a.file(tmp_path, "export.json", json.dumps(tasks))
    taken = command("import", str(export), "--tool", "label_studio")
    assert (
        taken.exit_code == 1 and "annotator_lost" in taken.output and "1 facts in = 0 kept + 1 removed" in taken.output
    )
    again = command("rework", "one", "--tool", "table", "--out", str(tmp_path / "out"))
    assert again.exit_code == 0 and "open: {'annotate': 6}" in again.output
    checked = command("check", "--format", "json")
    assert checked.exit_code == 1, "no item of the batch is done: nothing to judge is no pass"
    verdicts = {r["clause"]: r["verdict"] for r in json.loads(checked.output)}
    assert verdicts["45674-2025 8.1 a)"] == "fail"
    assert command("assign", *words[2:], "--kind", "both").exit_code != 0


def fixture_place(folder: Path):
    from corpusgate.settings.place import Place

    return Place(folder, folder / "conf", folder / "lake", folder / "var")
