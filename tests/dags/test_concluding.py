"""The form for licence conclusions: who concludes is who started the run, and only counsel may."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import ParamsDict
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.errors import LakeBusy
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.settings.place import Place
from corpusgate_airflow import concluding
from corpusgate_testing.lake import rows
from corpusgate_testing.sources import AT, NOTES, REPOSITORY, installation

GIVEN: dict[str, Any] = {
    "source": "notes", "part": "", "expression": "LicenseRef-Own-Work", "note": "", "valid_from": None, "until": None,
    "because": "written by our staff in 2026, contract 12", "definitive": False,
}  # fmt: skip
SOURCE = (
    NOTES
    + """\
channel: {type: folder, path: data}
reader: {format: text}
"""
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = installation(tmp_path, "notes")
    shutil.copy(REPOSITORY / "conf" / "roles.yaml", made.conf / "roles.yaml")
    (made.conf / "sources" / "notes.yaml").write_text(SOURCE, "utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("文本", "utf-8")
    store.ensure_tables(made, ["licence_period"])
    monkeypatch.setattr(concluding, "find_place", lambda: made)
    return made


def press(monkeypatch: pytest.MonkeyPatch, person: str | None, **changed: Any) -> str:
    run = SimpleNamespace(triggering_user_name=person, run_after=AT)
    context = {"dag_run": run, "params": ParamsDict(GIVEN | changed)}
    monkeypatch.setattr(concluding, "get_current_context", lambda: context)
    return concluding.conclude()


def test_counsel_who_is_logged_in_concludes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert press(monkeypatch, "officer", until="2026-12-31", note="ask again") == "notes all LicenseRef-Own-Work"
    (row,) = rows(place, "licence_period")
    assert (row["concluded_by"], row["concluded_role"], row["provisional"]) == ("officer", "counsel", True)
    assert (row["recorded_at"], row["valid_to"]) == (AT, datetime(2027, 1, 1, tzinfo=UTC))
    assert row["notes"] == ["ask again"] and row["verdict"] is None
    press(monkeypatch, "officer", until="2026-12-31", note="ask again")
    assert len(rows(place, "licence_period")) == 1, "a retry records the same word"


@pytest.mark.parametrize("person", ["lead", "reviewer1", "engineer", "reviewapp", "assessor", None, ""])
def test_nobody_else_can(place: Place, monkeypatch: pytest.MonkeyPatch, person: str | None) -> None:
    with pytest.raises(AirflowFailException, match=r"may not speak as counsel|Nobody is known"):
        press(monkeypatch, person)
    assert rows(place, "licence_period") == []


def test_the_form_cannot_name_another_person_or_role(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"by", "user", "role", "at"} & set(concluding.FORM)
    with pytest.raises(AirflowFailException, match="'engineer' may not speak"):
        press(monkeypatch, "engineer", by="officer", role="counsel")


@pytest.mark.parametrize(("changed", "says"), [
    ({"expression": "GPLv9 only"}, "Write one that"), ({"source": "others"}, "No source 'others'"),
    ({"part": "x"}, "no licence part"),
    ({"because": "so"}, "too little"), ({"because": "a\u202eb written by our staff"}, "control or direction"),
    ({"until": "2020-01-01"}, "before it holds"), ({"valid_from": "2020-13-01"}, "month must be"),
])  # fmt: skip
def test_a_word_that_is_none_is_refused_for_good(place: Place, monkeypatch, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(AirflowFailException, match=says):
        press(monkeypatch, "officer", **changed)
    assert rows(place, "licence_period") == []


def test_while_a_rebuild_writes_it_is_tried_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with lease(place, "another"), pytest.raises(LakeBusy):
        press(monkeypatch, "officer")


@pytest.mark.parametrize(("field", "value"), [
    ("source", "../notes"), ("source", ""), ("part", "a b"), ("expression", ""), ("because", ""), ("definitive", "yes"),
    ("until", 5),
])  # fmt: skip
def test_the_form_refuses_before_anything_runs(field: str, value: object) -> None:
    with pytest.raises(Exception, match=r"Invalid input|does not match|too short|non-empty|is not"):
        concluding.FORM[field].resolve(value)


def test_the_form_takes_what_it_should() -> None:
    for field, value in (GIVEN | {"until": "2026-05-01", "part": "docs"}).items():
        assert concluding.FORM[field].resolve(value) == value
