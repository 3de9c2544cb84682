"""The form for attestations: who may speak is the person who started the run, as the table of roles says."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import ParamsDict
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.settings.place import Place
from corpusgate_airflow import attesting
from corpusgate_testing.gates import AT, HOME, batch, clean_lake
from corpusgate_testing.lake import rows

GIVEN: dict[str, Any] = {
    "control": "45654-4-1-3-a", "scope": "alpha", "role": "counsel", "statement": "the licence was read and is kept",
    "document": "opinion.pdf", "binds_to": "", "waive": False, "until": None, "because": "",
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = clean_lake(1).write(tmp_path).place
    shutil.copy(HOME / "conf" / "roles.yaml", made.conf / "roles.yaml")
    (made.var / "documents").mkdir(parents=True)
    (made.var / "documents" / "opinion.pdf").write_bytes(b"read")
    monkeypatch.setattr(attesting, "find_place", lambda: made)
    return made


def press(monkeypatch: pytest.MonkeyPatch, person: str | None, **changed: Any) -> str:
    run = SimpleNamespace(triggering_user_name=person, run_after=AT - timedelta(days=1))
    context = {"dag_run": run, "params": ParamsDict(GIVEN | changed)}
    monkeypatch.setattr(attesting, "get_current_context", lambda: context)
    return attesting.attest()


def test_the_person_who_is_logged_in_vouches(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    name = press(monkeypatch, "officer")
    (row,) = rows(place, "attestation")
    assert (row["attestation_id"], row["by"], row["role"], row["binds_to"]) == (
        name, "officer", "counsel", batch("alpha")
    )  # fmt: skip
    assert row["at"] == AT - timedelta(days=1), "the run's own time: a retry records the same word"
    assert press(monkeypatch, "officer") == name and len(rows(place, "attestation")) == 1


@pytest.mark.parametrize("person", ["lead", "reviewer1", "engineer", "reviewapp", "assessor", None, ""])
def test_nobody_else_can(place: Place, monkeypatch: pytest.MonkeyPatch, person: str | None) -> None:
    with pytest.raises(AirflowFailException, match=r"may not speak as counsel|Nobody is known"):
        press(monkeypatch, person)
    assert rows(place, "attestation") == []


def test_the_form_cannot_name_another_person(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"by", "user", "at"} & set(attesting.FORM)
    with pytest.raises(AirflowFailException, match="'engineer' may not speak"):
        press(monkeypatch, "engineer", by="officer")


def test_a_waiver_is_the_lead_s_and_ends(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    waiver = {
        "control": "45652-draft-6-2-a", "scope": "beta", "waive": True, "role": "lead", "document": "",
        "until": "2026-05-01", "because": "the address is being recovered",
    }  # fmt: skip
    with pytest.raises(AirflowFailException, match="may not speak as lead"):
        press(monkeypatch, "officer", **waiver)
    press(monkeypatch, "lead", **waiver)
    (row,) = rows(place, "attestation")
    assert row["waiver"] and f"{row['expires_at']:%Y-%m-%d}" == "2026-05-01"


def test_what_cannot_be_waived_is_refused_for_good(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"waive": True, "role": "lead", "until": "2026-05-01", "because": "we are in a hurry"}
    with pytest.raises(AirflowFailException, match="cannot be waived"):
        press(monkeypatch, "lead", **given)


@pytest.mark.parametrize(("field", "value"), [
    ("scope", "../alpha"), ("scope", ""), ("scope", "a b"), ("document", "../../etc/passwd"), ("document", "a/b"),
    ("document", "a\\b"), ("binds_to", "x y"), ("role", "king"), ("control", ""), ("waive", "yes"),
])  # fmt: skip
def test_the_form_refuses_before_anything_runs(field: str, value: object) -> None:
    with pytest.raises(Exception, match=r"Invalid input|does not match|too short|non-empty|is not"):
        attesting.FORM[field].resolve(value)


def test_the_form_takes_what_it_should() -> None:
    for field, value in (GIVEN | {"until": "2026-05-01", "binds_to": "a" * 64}).items():
        assert attesting.FORM[field].resolve(value) == value
