"""Digests, manifest, signature, NOTICE and the pointer: content only, refused when touched."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from corpusgate.errors import StaleCandidate, UserError
from corpusgate.lake.run import Run
from corpusgate.release import signing
from corpusgate.release.digests import canonical, digests
from corpusgate.release.manifest import build, manifest_root, read_manifest, release_id, sources_of, write_candidate
from corpusgate.release.merkle import buckets_of
from corpusgate.release.notice import notice
from corpusgate.release.pointer import current_release, move_pointer, pointer_file
from corpusgate_testing.decide import AT, Text, World, declare, judged
from corpusgate_testing.lake import place_in

TEXTS = [Text("甲"), Text("乙", source="beta")]


@pytest.fixture
def run(tmp_path):
    from corpusgate.lake import store

    place = place_in(tmp_path)
    store.ensure_tables(place)
    return judged(place, TEXTS)


def manifest_for(run, **change):
    parts = {
        "buckets": buckets_of([t.record_id for t in TEXTS]),
        "counts": {"alpha": {"kept": {"": 1}}, "beta": {"removed": {"keyword": 1}, "errored": {"document_missing": 1}}},
        "digests": digests(run), "detectors": {"keyword": "k1"}, "languages": {"served": ["zh"], "dropped": []},
        "sources": sources_of(run, ["alpha", "beta"], {"beta": "45654-4-1-1-b"}), "samples": [],
    }  # fmt: skip
    return build(run, **{**parts, **change})


def test_the_manifest_depends_on_content_not_on_run_or_time(run):
    other = Run("another-run", run.corpus, AT + timedelta(days=3), run.place)
    for result in run.results():
        other.write(result)
    assert canonical(manifest_for(run)) == canonical(manifest_for(other))


def test_counts_by_outcome_and_rule_leave_kept_without_a_rule(run):
    counts = manifest_for(run)["counts"]
    assert counts["by_outcome"] == {"kept": 1, "removed": 1, "errored": 1}
    assert counts["by_rule"] == {"keyword": 1, "document_missing": 1}


def test_the_files_own_hash_is_the_manifests_root_and_names_the_release(run):
    manifest = manifest_for(run)
    folder = write_candidate(run, manifest, {"run_id": run.id})
    root = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert root == manifest_root(manifest) and folder.name == f"demo-{root[:12]}" == release_id(manifest)
    assert read_manifest(folder / "manifest.json") == manifest


def test_a_manifest_that_was_edited_is_refused(run):
    path = write_candidate(run, manifest_for(run), {}) / "manifest.json"
    path.write_text(path.read_text("utf-8").replace(":", ": ", 1), "utf-8")
    with pytest.raises(UserError, match="not as it was written"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        pytest.param("corpora/demo.yaml", {"conf"}, id="the corpus"),
        pytest.param("sources/alpha.yaml", {"conf"}, id="a source of it"),
        pytest.param("controls/45654-4-1-1-a.yaml", {"conf"}, id="a control"),
        pytest.param("licences.yaml", {"conf"}, id="the licences"),
        pytest.param("lexicons/starter/words.tsv", {"conf", "lexicon"}, id="its lexicon"),
        pytest.param("sources/stranger.yaml", set(), id="another corpus's source"),
        pytest.param("lexicons/other/words.tsv", set(), id="another lexicon"),
        pytest.param("../requirements.lock", {"lock"}, id="the lock file"),
    ],
)
def test_a_digest_changes_with_its_own_files_only(run, name, changed):
    before, path = digests(run), run.place.conf / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text("utf-8") if path.exists() else "") + "\n", "utf-8")
    after = digests(run)
    assert {k for k in before if before[k] != after[k]} == changed
    assert set(before) == {"code", "conf", "lock", "lexicon", "policy"}


def test_another_policy_is_another_version(run):
    before = digests(run)["policy"]
    declare(run.place, World(policy={"remove_at": 2.0}))
    from corpusgate.settings.load import load_corpus

    assert digests(replace(run, corpus=load_corpus(run.place, "demo")))["policy"] != before


def test_the_notice_names_each_source_with_kept_records_on_one_line(run):
    manifest = manifest_for(run)
    manifest["sources"][0]["title"] = "Laws\n- forged line\u202e (x)"
    lines = [line for line in notice(manifest, "demo-1").splitlines() if line.startswith("- ")]
    assert len(lines) == 1 and lines[0].startswith(
        "- Laws - forged line (x) (file:alpha), all: CC0-1.0; licence text sha256:"
    )


def test_a_signature_holds_for_its_root_alone(run, monkeypatch):
    monkeypatch.setenv(signing.KEY_VARIABLE, "11" * 32)
    signed = signing.sign(run.place, "ab" * 32)
    assert signing.verifies(signed, "ab" * 32) and signed["demo"] is False
    assert not signing.verifies(signed, "ac" * 32)
    assert not signing.verifies({**signed, "key_id": "0" * 16}, "ab" * 32)
    assert not signing.verifies({**signed, "public_key": "22" * 32}, "ab" * 32)
    assert not (run.place.var / "keys").exists()
    assert signing.sign(run.place, "ab" * 32) == signed


def test_a_key_that_is_none_is_the_users_mistake(run, monkeypatch):
    monkeypatch.setenv(signing.KEY_VARIABLE, "secret words")
    with pytest.raises(UserError, match="CORPUSGATE_SIGNING_KEY") as error:
        signing.sign(run.place, "ab" * 32)
    assert "secret words" not in str(error.value)


def test_the_pointer_moves_only_from_what_was_expected(run):
    def move(expected, to):
        return move_pointer(run.place, "demo", "trial", expected=expected, to=to, root="0" * 64, run_id=run.id, at=AT)

    move(None, "demo-1")
    with pytest.raises(StaleCandidate, match="shows demo-1 by now"):
        move(None, "demo-2")
    assert move("demo-1", "demo-2")["previous"] == "demo-1"
    assert move("demo-1", "demo-2")["previous"] == "demo-1"  # moved already: a restart
    assert current_release(run.place, "demo", "trial") == "demo-2"
    assert current_release(run.place, "demo", "filing") is None


@pytest.mark.parametrize("name", ["../demo", "demo/x", "", "Demo"])
def test_a_pointers_name_cannot_leave_its_folder(run, name):
    with pytest.raises(UserError):
        pointer_file(run.place, name, "trial")
