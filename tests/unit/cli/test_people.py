"""The commands of people who vouch and draw: `control`, `attest`, `sample`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from corpusgate.cli import app
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, batch, clean_lake
from corpusgate_testing.lake import rows
from corpusgate_testing.verdicts import RELEASE, judged_release


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = clean_lake(1).write(tmp_path).place
    shutil.copy(HOME / "conf" / "roles.yaml", made.conf / "roles.yaml")
    for name, value in (("HOME", made.home), ("CONF", made.conf), ("LAKE", made.lake)):
        monkeypatch.setenv(f"CORPUSGATE_{name}", str(value))
    return made


def corpusgate(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=True)


def test_an_old_number_shows_the_controls_that_took_its_place(place: Place) -> None:
    shown = json.loads(corpusgate("control", "show", "TC260-003 5.1", "--format", "json").stdout)
    assert {c["clause"].split()[1] for c in shown} >= {"4.1.1", "4.1.2", "4.1.3"}
    assert "4.1.1 a)" in corpusgate("control", "show", "4.1.1").stdout


def test_an_unknown_number_lists_those_there_are(place: Place) -> None:
    error = corpusgate("control", "show", "9.9").exception
    assert isinstance(error, UserError) and "4.1.1 a)" in str(error)


def test_the_list_says_which_controls_wait(place: Place) -> None:
    listed = json.loads(corpusgate("control", "list", "--format", "json").stdout)
    assert len(listed) > 100 and {"id", "clause", "bound", "state"} <= set(listed[0])
    assert any(c["state"].startswith("waits for: ") for c in listed) and any(c["bound"] == "<= 5 %" for c in listed)


def test_an_attestation_and_a_refused_one(place: Place) -> None:
    paper = place.home / "opinion.pdf"
    paper.write_bytes(b"read")
    words = ["attest", "45654-4-1-3-a", "--scope", "alpha", "--statement", "the licence was read and is kept",
             "--by", "officer", "--role", "counsel", "--document", paper, "--at", AT.isoformat()]  # fmt: skip
    said = corpusgate(*words)
    assert said.exit_code == 0 and f"bound to {batch('alpha')}" in said.stdout, said.output
    assert json.loads(corpusgate(*words, "--format", "json").stdout)["fresh"] is False
    assert len(rows(place, "attestation")) == 1
    refused = corpusgate(*words, "--waive", "--until", "2026-04-01", "--because", "we are in a hurry")
    assert isinstance(refused.exception, UserError) and "cannot be waived" in str(refused.exception)


def test_catalogue_and_verdicts_are_written_as_oscal(place: Place) -> None:
    out = place.home / "catalog.json"
    assert corpusgate("controls", "export", "--oscal", "--out", out).exit_code == 0
    assert set(json.loads(out.read_text("utf-8"))) == {"catalog"}
    assert isinstance(corpusgate("controls", "export").exception, UserError)


def test_a_release_s_verdicts_are_written_as_oscal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = judged_release(tmp_path)
    for name, value in (("HOME", made.home), ("CONF", made.conf), ("LAKE", made.lake)):
        monkeypatch.setenv(f"CORPUSGATE_{name}", str(value))
    said = corpusgate("control", "export", "--oscal", "--release", RELEASE)
    assert set(json.loads(said.stdout)) == {"assessment-results"}


def test_samples_are_drawn_listed_drawn_again_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = judged_release(tmp_path)
    for name, value in (("HOME", made.home), ("CONF", made.conf), ("LAKE", made.lake)):
        monkeypatch.setenv(f"CORPUSGATE_{name}", str(value))
    drawn = corpusgate("sample", "draw", "--control", "45654-4-1-1-b", "--release", RELEASE, "--format", "json")
    (row,) = json.loads(drawn.stdout)
    assert (row["size"], row["frame_rows"], row["new"]) == (1, 2, True), "10 % of two, rounded up"
    listed = json.loads(corpusgate("sample", "list", "--release", RELEASE, "--format", "json").stdout)
    assert [r["sample_id"] for r in listed] == [row["sample_id"]]
    assert "the same 1 items" in corpusgate("sample", "redraw", row["sample_id"]).stdout
    out = tmp_path / "sample.jsonl"
    assert corpusgate("sample", "export", row["sample_id"], "--out", out).exit_code == 0
    assert json.loads(out.read_text("utf-8"))["record_id"] in ("alpha", "delta")
    assert isinstance(corpusgate("sample", "redraw", "none").exception, UserError)
    assert store.read(made, "export").num_rows == 1
    bad = corpusgate("sample", "draw", "--control", "45654-4-1-1-b", "--release", RELEASE, "--seed", "a'b")
    assert isinstance(bad.exception, UserError) and "--seed" in str(bad.exception)
