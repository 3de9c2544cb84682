from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.serve.accounts import USERS, as_setting, passwords


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "passwords.json"


def test_every_user_gets_a_password_of_its_own_in_a_file_that_only_the_owner_reads(file: Path) -> None:
    made = passwords(file)
    assert set(made) == set(USERS)
    assert len(set(made.values())) == len(USERS)
    assert all(len(p) == 20 for p in made.values())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == made


def test_second_start_changes_nothing(file: Path) -> None:
    passwords(file)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    passwords(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_missing_user_is_added_and_the_others_keep_theirs(file: Path) -> None:
    file.write_text(json.dumps({"engineer": "kept"}))
    made = passwords(file)
    assert made["engineer"] == "kept"
    assert set(made) == set(USERS)


def test_mode_that_others_can_read_is_put_right(file: Path) -> None:
    passwords(file)
    file.chmod(0o644)
    passwords(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "[]", "no json", '{"engineer": 1}'])
def test_file_that_is_not_ours_is_refused_with_what_to_do(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(UserError, match="Remove it"):
        passwords(file)


def test_nobody_is_an_admin_and_people_who_only_look_are_viewers() -> None:
    assert "admin" not in USERS.values()
    assert USERS["reviewer1"] == USERS["assessor"] == "viewer"
    assert as_setting().split(",")[0] == "engineer:op"
