"""Tutorial and how-to from end to end, with real rebuilds: Spark, Great Expectations, three releases."""

from __future__ import annotations

import re

import pytest

from corpusgate.lake import store
from corpusgate.release.queries import changes
from corpusgate_testing.docs import OWN, REPOSITORY, Typist, blocks, fill_in, installation, sources_of

DOCS = REPOSITORY / "docs"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


class Rebuilding(Typist):
    """Types into an installation that is rebuilt for good, without Airflow."""

    limit = 1800

    def rebuild(self) -> None:
        run = f"r{len(self.releases) + 1}"
        self.shell(f". var/tools/env.sh\n.venv/bin/corpusgate rebuild --run-id {run}")
        rows = store.read(self.place, "release", ["release_id", "published_at"]).to_pylist()
        self.releases.append(max(rows, key=lambda r: r["published_at"])["release_id"])


def test_run_conclude_rebuild_ask_and_add_a_source(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    place = installation(home, (*OWN, "fixture-planted", "fixture-six-percent"))
    _another_provider(place.conf / "sources" / "fixture-planted.yaml")
    monkeypatch.chdir(home)
    monkeypatch.setenv("CORPUSGATE_HOME", str(home))
    monkeypatch.delenv("CORPUSGATE_LAKE", raising=False)
    typist = Rebuilding(place)

    for block in blocks(DOCS / "tutorial.md"):
        if typist.releases:
            records = store.read(place, "record", ["record_id"], "source_id = 'fixture-unlicensed'").to_pylist()
            typist.words = {"OLD": typist.releases[0], "NEW": typist.releases[-1]}
            typist.words |= {"RECORD_ID": records[0]["record_id"]} if records else {}
        typist.type(block)
    before, after = (sources_of(place, r) for r in typist.releases)

    assert "fixture-unlicensed" not in before and "fixture-six-percent" not in before
    _grew_by(place, typist.releases, "fixture-unlicensed", 100)

    path = place.conf / "sources" / "my-texts.yaml"
    for block in blocks(DOCS / "add-a-source.md"):
        if path.exists() and ": FILL IN" in path.read_text("utf-8"):
            fill_in(path, blocks(DOCS / "add-a-source.md", "yaml")[0].lines)
        typist.type(block)
    typist.rebuild()

    _grew_by(place, typist.releases[1:], "my-texts", 2)
    assert after["fixture-unlicensed"] > 90
    batches = store.read(place, "step_run", ["run_id", "step", "because"], "step = 'intake'").to_pylist()
    assert any("reused" in r["because"] for r in batches if r["run_id"] == "r3"), batches


def _grew_by(place, releases, source, records) -> None:
    """Between two releases all records of the source came, but for near duplicates, and nothing else did; what went is
    a near duplicate of what came."""
    old, new = releases
    found = changes(place, old, new)
    came, went = ([c for c in found if c["change"] == change] for change in ("added", "removed"))
    assert {c["source_id"] for c in came} == {source}
    assert {c["rule"] for c in went} <= {"near_duplicate"}
    where = f"release_id = '{new}' AND source_id = '{source}'"
    rules = [r["rule"] for r in store.read(place, "decision", ["rule"], where).to_pylist()]
    assert set(rules) <= {"near_duplicate"} and len(came) + len(rules) == records


def _another_provider(path) -> None:
    """A language needs two providers; of our fixtures all have one."""
    path.write_text(re.sub(r"(?m)^provider:.*$", "provider: planted texts", path.read_text("utf-8")), "utf-8")
