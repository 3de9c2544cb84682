"""What a worker is given: the lexicon by its hash, and a key that is kept."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from corpusgate.banks.lexicon import digest
from corpusgate.errors import UserError
from corpusgate.intake.detectors.model import SetFile
from corpusgate.intake.kit import KEY_VARIABLE, hmac_key, key_id, kit_for
from corpusgate.release.digests import digests
from corpusgate_testing.intake import HMAC_HEX, place_at, run_over


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def test_the_kit_names_lexicon_and_key_by_their_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, HMAC_HEX)
    place = place_at(tmp_path)
    kit = kit_for(run_over(place, {}))
    assert kit.lexicon_sha256 == digest(place.conf / "lexicons" / "starter")
    assert kit.hmac_key == bytes.fromhex(HMAC_HEX)
    assert kit.hmac_key_id == hashlib.sha256(bytes.fromhex(HMAC_HEX)).hexdigest()[:16]


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = hmac_key(tmp_path / "var")
    path = tmp_path / "var" / "keys" / "hmac.key"
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert hmac_key(tmp_path / "var") == key
    assert [p.name for p in path.parent.iterdir()] == ["hmac.key"]


def test_the_environment_wins_over_the_file_and_writes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, HMAC_HEX)
    assert key_id(hmac_key(tmp_path)) == key_id(bytes.fromhex(HMAC_HEX))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["secret", "abcd", "5a" * 15, "0x" + "5a" * 32])
def test_a_key_that_is_none_is_refused_without_showing_it(tmp_path: Path, monkeypatch, wrong: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, wrong)
    with pytest.raises(UserError, match=KEY_VARIABLE) as caught:
        hmac_key(tmp_path)
    assert wrong not in str(caught.value)


def test_a_lexicon_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    run = run_over(place_at(tmp_path), {})
    run = type(run)(
        run.id,
        run.corpus.model_copy(update={"policy": run.corpus.policy.model_copy(update={"lexicon": "none"})}),
        run.at,
        run.place,
    )
    with pytest.raises(UserError, match=r"'none'.*starter"):
        kit_for(run)


def with_set(run, **declared):
    """The run of a corpus that names the test set `quiz`, declared so."""
    folder = run.place.conf / "test_sets"
    folder.mkdir(exist_ok=True)
    about = {
        "title": "Quiz",
        "source": "https://quiz.example/1.0",
        "licence": "MIT",
        "path": "quiz.txt",
        "format": "text",
    }
    (folder / "quiz.yaml").write_text(json.dumps(about | declared), "utf-8")
    policy = run.corpus.policy.model_copy(update={"test_sets": {"quiz": "remove"}})
    return replace(run, corpus=run.corpus.model_copy(update={"policy": policy}))


def test_the_kit_names_the_test_sets_of_the_policy_by_the_hash_of_their_files(tmp_path: Path) -> None:
    run = run_over(place_at(tmp_path), {})
    file = run.place.var / "test_sets" / "quiz.txt"
    sha256 = hashlib.sha256(b"a question\n").hexdigest()
    with pytest.raises(UserError, match=r"get it from https://quiz.example/1.0 \(licence MIT\)"):
        kit_for(with_set(run, sha256=sha256))
    file.parent.mkdir()
    file.write_bytes(b"another\n")
    with pytest.raises(UserError, match="get the declared file again"):
        kit_for(with_set(run, sha256=sha256))
    file.write_bytes(b"a question\n")
    assert kit_for(with_set(run, sha256=sha256)).test_sets == (SetFile("quiz", str(file), sha256),)
    assert kit_for(run).test_sets == ()


def test_a_test_set_that_nobody_declared_is_told_with_those_there(tmp_path: Path) -> None:
    run = with_set(run_over(place_at(tmp_path), {}), sha256="0" * 64)
    (run.place.conf / "test_sets" / "quiz.yaml").rename(run.place.conf / "test_sets" / "exam.yaml")
    with pytest.raises(UserError, match=r"No test set 'quiz'.*exam"):
        kit_for(run)


def test_a_changed_declaration_of_a_test_set_is_another_configuration(tmp_path: Path) -> None:
    run = run_over(place_at(tmp_path), {})
    before = digests(run)["conf"]
    one, two = digests(with_set(run, sha256="0" * 64))["conf"], digests(with_set(run, sha256="1" * 64))["conf"]
    assert len({before, one, two}) == 3
