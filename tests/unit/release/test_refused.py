"""What readers see of a refused candidate: nothing (docs/adr/0051-what-readers-see.md); to refuse needs no Spark."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from corpusgate.errors import CorpusgateError
from corpusgate.evidence import sql as door
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult
from corpusgate.release.job import publish
from corpusgate.release.pointer import move_pointer, read_pointer
from corpusgate.release.queries import releases
from corpusgate_testing.gates import AT, RELEASE, clean_lake
from corpusgate_testing.lake import rows

SHOWN = "test-aaaaaaaaaaaa"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A decided candidate, on a lake whose trial channel shows an earlier release."""
    run = clean_lake(2).write(tmp_path)
    store.ensure_tables(run.place)
    before = {"release_id": SHOWN, "corpus": "test", "channel": "trial", "records": 1, "digests": {},
              "published_at": AT - timedelta(days=7)}  # fmt: skip
    store.append_new(run.place, "release", [before], "before")
    move_pointer(run.place, "test", "trial", expected=None, to=SHOWN, root="0" * 64, run_id="before", at=AT)
    return run


def gate(run: Run, state: str = "held", blocked: tuple[str, ...] = ("45654-4-2-3-a",)) -> None:
    facts = {"release_id": RELEASE, "verdicts": [], "blocked": {"trial": list(blocked), "filing": list(blocked)}}
    by = blocked[0] if blocked else "45654-4-2-3-a"
    run.write(StepResult.model_validate({
        "step": "release_gate", "state": state, "unit": "control", "rows_in": 1, "kept": 1, "held_by": by,
        "because": "2 of 80 records", "facts": facts,
    }))  # fmt: skip


@pytest.mark.parametrize("channel", ["trial", "filing"])
@pytest.mark.parametrize(("state", "blocked"), [
    ("held", ("45654-4-2-3-a", "45654-4-2-1")), ("ok", ("45654-4-2-3-a",)), ("held", ()), ("failed", ()),
])  # fmt: skip
def test_of_a_refused_candidate_nothing_is_where_readers_look(
    run: Run, channel: str, state: str, blocked: tuple[str, ...]
) -> None:
    gate(run, state, blocked)
    pointer, files = read_pointer(run.place, "test", "trial"), sorted(run.place.releases.rglob("*"))
    result = publish(run, channel)
    assert (result.state, result.kept, result.facts["state"]) == ("held", 0, "held") and result.held_by
    assert sorted(run.place.releases.rglob("*")) == files, "no folder, no half of one"
    assert [r["release_id"] for r in rows(run.place, "release")] == [SHOWN] and rows(run.place, "export") == []
    assert read_pointer(run.place, "test", "trial") == pointer and read_pointer(run.place, "test", "filing") is None
    assert [(r["release_id"], r["current"]) for r in releases(run.place)] == [(SHOWN, True)]


def test_a_gate_that_did_not_end_publishes_nothing(run: Run) -> None:
    with pytest.raises(CorpusgateError, match="release_gate of run run-1 has no result: nothing is published unjudged"):
        publish(run)
    assert [r["release_id"] for r in rows(run.place, "release")] == [SHOWN]


def test_what_is_kept_of_it_is_evidence_without_a_word_of_its_text(run: Run) -> None:
    """Whoever asks why it was refused needs its decisions; no table that the SQL door shows holds its text."""
    gate(run)
    publish(run)
    where = f"WHERE release_id = {quoted(RELEASE)}"
    _, kept = door.ask(run.place, f"SELECT * FROM release_record {where}")
    assert len(kept) == 8
    texts = [d["text"] for d in rows(run.place, "document")]
    assert texts and not [t for t in texts if t in str(kept)]
    with pytest.raises(Exception, match="document"):
        door.ask(run.place, "SELECT text FROM document")
    _, published = door.ask(run.place, "SELECT k.* FROM release_record k JOIN release r ON r.release_id = k.release_id")
    assert published == [], "joined with release, only what was published is there"
