"""The journal: what was acknowledged survives a crash, torn and edited lines are told apart, folds lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from corpusgate.errors import CorpusgateError, LakeBusy, UserError
from corpusgate.lake.chains import chain_of
from corpusgate.lake.lease import lease
from corpusgate.review import journal
from corpusgate.review.fold import fold, in_force, unfolded
from corpusgate.review.journal import COMMENT, Verdict, append, append_all, journal_file, read, undo
from corpusgate_testing.gates import AT
from corpusgate_testing.lake import place_in, rows
from corpusgate_testing.review import at


def said(record: str = "r1", verdict: str = "good", who: str = "ann", hours: float = 0.0, **more: object) -> Verdict:
    about = {"risks": (), "comment": "", "seconds": 3.25, "origin": "page", **more}
    return Verdict("s1", record, "a" * 64, who, verdict, reviewed_at=at(hours), **about)  # ty: ignore


def test_what_was_appended_is_read_again_word_for_word(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    whole = said("r1", "bad", risks=("a1a", "a2b"), comment='quote " and \n newline 中文', seconds=None)
    append(place, whole)
    assert read(place, "s1") == [whole]
    assert read(place, "s2") == []


def test_a_line_is_on_disk_before_append_returns_and_so_is_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, synced = place_in(tmp_path), []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    append(place, said("r1"))
    path = journal_file(place, "s1", "ann")
    assert synced == [path, path.parent, path.parent.parent, place.lake]
    synced.clear()
    append(place, said("r2"))
    assert synced == [path], "the folder knows the file already"


def test_the_newest_word_of_a_person_on_an_item_is_in_force_and_an_undone_one_is_none(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    first, other = said("r1", "bad"), said("r1", "good", "ben")
    append_all(place, [first, said("r2"), other])
    changed = said("r1", "good", hours=1)
    append(place, changed)
    assert {(v.reviewer, v.record_id): v.verdict for v in read(place, "s1")} == {
        ("ann", "r1"): "good", ("ann", "r2"): "good", ("ben", "r1"): "good",
    }  # fmt: skip
    append(place, undo(changed, at(2)))
    assert {(v.reviewer, v.record_id) for v in read(place, "s1")} == {("ann", "r2"), ("ben", "r1")}
    append(place, said("r1", "bad", hours=3))
    assert [v.verdict for v in read(place, "s1") if (v.reviewer, v.record_id) == ("ann", "r1")] == ["bad"]


@pytest.mark.parametrize("cut", [1, 20, 200, 400])
def test_a_line_that_a_crash_cut_off_is_passed_over_and_swallows_no_other(tmp_path: Path, cut: int) -> None:
    place = place_in(tmp_path)
    append_all(place, [said("r1"), said("r2", comment="long " * 40)])
    path = journal_file(place, "s1", "ann")
    path.write_bytes(path.read_bytes()[:-cut])
    left = [v.record_id for v in read(place, "s1")]
    assert left[0] == "r1" and (left == ["r1"] or cut == 1)
    append(place, said("r3"))
    assert [v.record_id for v in read(place, "s1")] == [*left, "r3"]


def test_an_edited_line_stops_the_reading(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    append_all(place, [said("r1", "bad"), said("r2")])
    assert len(read(place, "s1")) == 2, "also where the process has read it before"
    path = journal_file(place, "s1", "ann")
    path.write_text(path.read_text().replace('"bad"', '"good"'))
    with pytest.raises(CorpusgateError, match="entry 1 was edited"):
        read(place, "s1")


def test_many_threads_append_and_none_is_lost_or_mixed_up(tmp_path: Path) -> None:
    place = place_in(tmp_path)

    def work(n: int) -> None:
        for m in range(6):
            append(place, said(f"r{n}-{m}", who="ann" if n % 2 else "ben", comment="x" * 500))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(read(place, "s1")) == 36


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "a/b", "a b", "名字", "x" * 300, ""])
def test_a_name_never_leads_out_of_the_journal_and_no_two_share_a_file(tmp_path: Path, name: str) -> None:
    place = place_in(tmp_path)
    path = journal_file(place, name, name)
    assert path.parent.parent == place.lake / "_journal" and ".." not in path.parts
    assert path != journal_file(place, name + "_", name + "_")
    append(place, said(who=name))
    assert [v.reviewer for v in read(place, "s1")] == [name]


@pytest.mark.parametrize(("wrong", "message"), [
    ({"verdict": "fine"}, "good or bad"), ({"verdict": "bad", "risks": ("a9z",)}, "No such risk"),
    ({"verdict": "good", "risks": ("a1a",)}, "An item with a risk is bad"),
    ({"comment": "x" * (COMMENT + 1)}, "2,001 characters"),
])  # fmt: skip
def test_what_is_no_verdict_is_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    place = place_in(tmp_path)
    with pytest.raises(UserError, match=message):
        append_all(place, [said("r1"), said("r2", **wrong)])  # ty: ignore
    assert read(place, "s1") == []


def test_a_fold_brings_every_word_once_into_the_chained_table(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    first = said("r1", "bad", risks=("a1a",), comment="why")
    append_all(place, [first, said("r2"), said("r1", "good", "ben")])
    assert fold(place, "run") == 3 and fold(place, "run") == 0
    append(place, undo(first, at(1)))
    append(place, said("r1", "good", hours=2))
    append(place, said("r1", "good", hours=2))  # the page sent it twice
    assert fold(place, "run") == 2
    found = [(r["record_id"], r["reviewer"], r["attempt"], r["verdict"]) for r in rows(place, "review")]
    assert sorted(found) == [
        ("r1", "ann", 1, "bad"), ("r1", "ann", 2, "undone"), ("r1", "ann", 3, "good"), ("r1", "ben", 1, "good"),
        ("r2", "ann", 1, "good"),
    ]  # fmt: skip
    assert not chain_of(place, "review").problems
    assert {(v.record_id, v.reviewer, v.verdict) for v in in_force(place, "s1", table_only=True)} == {
        ("r1", "ann", "good"), ("r1", "ben", "good"), ("r2", "ann", "good"),
    }  # fmt: skip
    (kept,) = [r for r in rows(place, "review") if r["verdict"] == "bad"]
    assert (kept["risks"], kept["comment"], kept["seconds"], kept["origin"]) == (["a1a"], "why", 3.25, "page")


def test_a_fold_that_is_killed_between_two_batches_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from corpusgate.review import fold as module

    place = place_in(tmp_path)
    append_all(place, [said(f"r{n}") for n in range(7)])
    monkeypatch.setattr(module, "BATCH", 3)
    real, calls = module.store.append_new, []

    def killed(*given: object) -> int:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*given)  # ty: ignore

    monkeypatch.setattr(module.store, "append_new", killed)
    with pytest.raises(KeyboardInterrupt):
        fold(place, "run")
    monkeypatch.setattr(module.store, "append_new", real)
    assert len(in_force(place, "s1", table_only=True)) == 6 and len(in_force(place, "s1")) == 7
    assert fold(place, "run") == 1
    assert len(rows(place, "review")) == 7 and unfolded(place, "s1") == []


def test_while_another_run_writes_the_fold_waits_and_the_journal_keeps_all(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    append(place, said("r1"))
    with lease(place, "rebuild"), pytest.raises(LakeBusy):
        fold(place, "run")
    assert [v.record_id for v in in_force(place, "s1")] == ["r1"]
    assert fold(place, "run") == 1


def test_a_lake_without_its_journal_still_has_what_was_folded(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    append_all(place, [said("r1", "bad"), said("r2")])
    fold(place, "run")
    journal_file(place, "s1", "ann").unlink()
    assert {(v.record_id, v.verdict) for v in in_force(place, "s1")} == {("r1", "bad"), ("r2", "good")}
    assert journal.folders(place)


def test_a_line_holds_no_text_of_the_item(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    append(place, said("r1"))
    line = json.loads(journal_file(place, "s1", "ann").read_text())
    assert set(line) == {
        "sample_id", "record_id", "released_sha256", "reviewer", "verdict", "risks", "comment", "reviewed_at",
        "milliseconds", "origin", "entry_id",
    }  # fmt: skip
    assert line["reviewed_at"] == AT.isoformat()
    assert journal_file(place, "s1", "ann").stat().st_mode & 0o777 == 0o600


def test_whatever_was_acknowledged_before_the_process_was_killed_is_there(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    script = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from corpusgate.review.journal import Verdict, append; from corpusgate.settings.place import Place\n"
        "home = Path(sys.argv[1]); place = Place(home, home / 'conf', home / 'lake', home / 'var')\n"
        "for n in range(100000):\n"
        "    append(place, Verdict('s1', f'r{n}', 'a' * 64, 'ann', 'good', (), 'x' * n, datetime.now(UTC), 1.0))\n"
        "    print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.wait()
    kept = {v.record_id for v in read(place, "s1")}
    assert {f"r{n}" for n in acknowledged} <= kept and len(acknowledged) >= 20
    assert fold(place, "run") == len(kept)
