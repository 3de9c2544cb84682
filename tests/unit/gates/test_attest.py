"""Taking down what people vouch for: refused where it could never hold, bound, ended and chained where it can."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from corpusgate.errors import ConfigError, UserError
from corpusgate.gates import attested
from corpusgate.gates.attest import Recorded, Word, attest, one_control
from corpusgate.gates.documents import kept_at
from corpusgate.gates.halves import release_bounds, source_bounds
from corpusgate.lake import store
from corpusgate.lake.run import Run, open_run
from corpusgate.release.digests import canonical
from corpusgate.release.manifest import manifest_root, release_id
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles
from corpusgate_testing.gates import AT, HOME, batch, clean_lake
from corpusgate_testing.lake import rows

MANIFEST = {"corpus": "test", "leaves": {"root": "0" * 64}, "sources": []}
RELEASE, ROOT = release_id(MANIFEST), manifest_root(MANIFEST)
BEFORE = AT - timedelta(days=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    run = clean_lake(2).write(folder)
    shutil.copy(HOME / "conf" / "roles.yaml", run.place.conf / "roles.yaml")
    candidate = run.place.lake / "candidates" / RELEASE
    candidate.mkdir(parents=True)
    (candidate / "manifest.json").write_bytes(canonical(MANIFEST))
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Run:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    (tmp_path / "opinion.pdf").write_bytes(b"read and found in order")
    return open_run(Place(tmp_path, tmp_path / "conf", tmp_path / "lake", tmp_path / "var"), "test", "run-1", AT)


def say(run: Run, at: datetime = BEFORE, **changed: Any) -> Recorded:
    word = {
        "control": "45654-4-2-2-a", "scope": "test", "statement": "the strategy of May is in force", "by": "officer",
        "role": "counsel", "document": str(run.place.home / "opinion.pdf"),
    } | changed  # fmt: skip
    return attest(run.place, Word(**word), at)


WAIVE = {
    "waive": True, "by": "lead", "role": "lead", "document": None, "until": AT + timedelta(days=30),
    "because": "the address is being recovered",
}  # fmt: skip


def test_a_word_about_a_corpus_names_person_role_document_and_end(run: Run) -> None:
    told = say(run)
    row = told.row
    assert told.fresh and (row["by"], row["role"], row["binds_to"], row["scope"]) == (
        "officer", "counsel", "test", "test",
    )  # fmt: skip
    assert row["expires_at"] == BEFORE + timedelta(days=365), "the control's expires_days"
    (evidence,) = rows(run.place, "evidence_file")
    assert (evidence["name"], evidence["sha256"], evidence["bytes"]) == ("opinion.pdf", row["document_sha256"], 23)
    kept = kept_at(run.place, row["document_sha256"])
    assert kept.read_bytes() == b"read and found in order" and kept.stat().st_mode & 0o777 == 0o600


def test_the_gate_believes_the_word_until_its_end_and_not_for_other_content(run: Run) -> None:
    row = say(run, control="45654-4-1-3-a", scope="alpha").row
    assert row["binds_to"] == batch("alpha")
    control = load_catalogue(run.place)["45654-4-1-3-a"]
    bounds = source_bounds(run, {"alpha": batch("alpha")})("alpha")
    assert attested.vouched(control, bounds, [row], AT).verdict == "pass"
    assert attested.vouched(control, bounds, [row], AT + timedelta(days=400)).verdict == "pending"
    other = source_bounds(run, {"alpha": "0123456789abcdef"})("alpha")
    assert "other content" in attested.vouched(control, other, [row], AT).because


def test_a_word_about_a_release_binds_to_its_manifest(run: Run) -> None:
    row = say(run, control="45654-4-2-3-a", scope=RELEASE).row
    assert row["binds_to"] == ROOT
    control = load_catalogue(run.place)["45654-4-2-3-a"]
    assert attested.vouched(control, release_bounds(run, RELEASE, ROOT)(RELEASE), [row], AT).verdict == "pass"


def test_the_same_word_is_recorded_once_and_all_words_are_one_chain(run: Run) -> None:
    first, again = say(run), say(run)
    assert (first.fresh, again.fresh) == (True, False) and first.row == again.row
    second = say(run, at=BEFORE + timedelta(hours=1)).row
    assert first.row["previous_sha256"] == "0" * 64 and second["previous_sha256"] == first.row["row_sha256"]
    assert store.row_digest(second) == second["row_sha256"]


def test_a_document_is_kept_once_and_may_be_named_by_its_hash(run: Run) -> None:
    first = say(run).row
    (run.place.home / "opinion.pdf").unlink()
    second = say(run, control="45654-4-2-2-c", document=first["document_sha256"]).row
    assert second["document_sha256"] == first["document_sha256"] and len(rows(run.place, "evidence_file")) == 1


def test_a_waiver_names_approver_reason_and_end_and_the_gate_shows_it(run: Run) -> None:
    row = say(run, control="45652-draft-6-2-a", scope="beta", **WAIVE).row
    assert (row["waiver"], row["expires_at"], row["document_sha256"]) == (True, AT + timedelta(days=30), None)
    control = load_catalogue(run.place)["45652-draft-6-2-a"]
    found = attested.waiver(control, source_bounds(run, {"beta": batch("beta")})("beta"), [row], AT)
    assert found is not None and found.because == "waived by lead until 2026-03-31: the address is being recovered"


@pytest.mark.parametrize("control", [
    "45654-4-1-1-a", "45654-4-1-1-b", "45654-4-1-3-a", "45654-4-1-3-b", "45654-4-1-3-c", "45654-4-1-3-d",
    "45654-4-2-1", "45654-4-2-1-manual", "45654-4-2-1-technical", "45654-4-2-3-a", "45654-4-2-3-b",
])  # fmt: skip
def test_what_may_never_be_waived_is_not(run: Run, control: str) -> None:
    with pytest.raises(UserError, match="cannot be waived"):
        say(run, control=control, scope="alpha", **WAIVE)
    assert not run.place.table("attestation").joinpath("_delta_log").exists() or not rows(run.place, "attestation")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("another role than the control asks for", {"role": "security"}, "attested by the role counsel"),
    ("a person who does not hold the role", {"by": "reviewer1"}, "'reviewer1' may not speak as counsel.*officer"),
    ("a person who is not in the table", {"by": "Zhao"}, "not in the table"),
    ("a name that is nobody's", {"by": "admin"}, "names nobody"),
    ("no statement", {"statement": " "}, "too little"),
    ("no document", {"document": None}, "--document is missing"),
    ("a document that is not there", {"document": "gone.pdf"}, "cannot be read"),
    ("a hash that is not recorded", {"document": "a" * 64}, "No document with the hash"),
    ("another scope than the control speaks of", {"scope": "alpha"}, "said of a corpus"),
    ("an unknown control", {"control": "9.9.9"}, r"No control for '9.9.9'. Clauses there are: .*4\.1\.1 a\)"),
    ("a number that means several", {"control": "4.1.3"}, "can mean 4 controls; .*45654-4-1-3-d"),
    ("a computed control", {"control": "45654-4-2-1", "scope": RELEASE}, "computed from the data"),
    ("other content", {"control": "45654-4-1-3-a", "scope": "alpha", "binds_to": "f" * 16}, "no content of alpha"),
    ("an end that has passed", {"until": BEFORE - timedelta(days=1)}, "has passed"),
    ("a release that is not there", {"control": "45654-4-2-3-a", "scope": "test-ffffffffffff"}, "No release"),
    ("a waiver by another role", {**WAIVE, "role": "counsel", "by": "officer"}, "given by the role lead"),
    ("a waiver without end", {**WAIVE, "until": None}, "names its end and its reason"),
    ("a waiver without reason", {**WAIVE, "because": None}, "names its end and its reason"),
    ("a waiver for ever", {**WAIVE, "until": AT + timedelta(days=4000)}, "within the year"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(run: Run, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        say(run, **changed)
    assert not (run.place.lake / "documents").exists(), "a refused word leaves nothing"


def test_content_of_an_earlier_run_is_told_from_content_that_never_was(run: Run) -> None:
    earlier = run.place.runs / "run-0"
    earlier.mkdir()
    (earlier / "run.json").write_text(json.dumps({"run_id": "run-0", "corpus": "test", "at": "2026-01-01T00:00:00"}))
    intake = json.loads((run.folder / "intake.json").read_text("utf-8"))
    intake["facts"]["batches"]["alpha"] = "e" * 16
    (earlier / "intake.json").write_text(json.dumps(intake))
    with pytest.raises(UserError, match="held earlier"):
        say(run, control="45654-4-1-3-a", scope="alpha", binds_to="e" * 16)


def test_a_source_of_which_nothing_was_taken_in_has_no_content(run: Run) -> None:
    (run.folder / "intake.json").unlink()
    with pytest.raises(UserError, match="Nothing of alpha was taken in"):
        say(run, control="45654-4-1-3-a", scope="alpha")


@pytest.mark.parametrize("given", ["/etc/hostname", "../opinion.pdf", "sub/opinion.pdf"])
def test_through_airflow_only_files_of_the_inbox_are_read(run: Run, given: str) -> None:
    word = Word("45654-4-2-2-a", "test", "the strategy of May", "officer", "counsel", given)
    with pytest.raises(UserError, match="is no file name"):
        attest(run.place, word, BEFORE, inbox=run.place.var)


def test_a_link_in_the_inbox_is_not_followed(run: Run) -> None:
    run.place.var.mkdir()
    (run.place.var / "opinion.pdf").symlink_to(run.place.home / "opinion.pdf")
    word = Word("45654-4-2-2-a", "test", "the strategy of May", "officer", "counsel", "opinion.pdf")
    with pytest.raises(UserError, match="is no file name"):
        attest(run.place, word, BEFORE, inbox=run.place.var)


def test_without_a_table_of_roles_nobody_attests(run: Run) -> None:
    (run.place.conf / "roles.yaml").unlink()
    with pytest.raises(UserError, match="nobody may attest"):
        say(run)


def test_a_role_that_is_none_is_a_mistake_of_the_table(run: Run) -> None:
    (run.place.conf / "roles.yaml").write_text("users:\n  lead: [king]\n")
    with pytest.raises(ConfigError, match="king"):
        load_roles(run.place)


def test_every_role_that_a_control_asks_for_is_held_by_somebody_of_the_demo() -> None:
    place = Place(HOME, HOME / "conf", HOME / "lake", HOME / "var")
    roles = load_roles(place)
    asked = {c.attestation_role for c in load_catalogue(place) if c.attestation_role}
    assert len(asked) > 3 and all(roles.holders(role) for role in {*asked, attested.WAIVING_ROLE})


def test_an_old_number_finds_the_new_one(run: Run) -> None:
    catalogue = load_catalogue(run.place)
    assert one_control(catalogue, "45654 draft 2024-05 5.2 b) 1)").id == "45654-4-2-2-a"
    with pytest.raises(UserError, match="45654-4-1-1-a"):
        one_control(catalogue, "TC260-003 5.1")


def test_a_word_after_the_run_does_not_count_for_it(run: Run) -> None:
    row = say(run, at=AT + timedelta(hours=1)).row
    bounds = release_bounds(run, RELEASE, ROOT)(RELEASE)
    assert attested.vouched(load_catalogue(run.place)["45654-4-2-2-a"], bounds, [row], AT).verdict == "pending"
    assert row["at"].astimezone(UTC) == AT + timedelta(hours=1)
