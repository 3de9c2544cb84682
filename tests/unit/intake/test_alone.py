"""Intake without Spark: what is little is read by the driver, and lies in the tables as Spark would have laid it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from corpusgate.intake import known, staged, states
from corpusgate.intake.job import intake
from corpusgate.intake.plan import BY_BATCH
from corpusgate.lake import store
from corpusgate.settings.profile import Profile
from corpusgate_testing.lake import duplicates, place_in, rows
from corpusgate_testing.taken import CALL, DAYS, Made, content, first, line, read_again, second

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "00" * 32)
    monkeypatch.setattr("corpusgate.intake.job._by_spark", lambda *_: pytest.fail("a JVM for so little"))
    place = place_in(tmp_path)
    store.ensure_tables(place)
    return Made(place)


def test_every_item_lies_where_it_belongs_and_the_same_again_changes_nothing(made):
    result = intake(first(made).run("r1", DAYS[0]))
    assert (result.rows_in, result.kept, result.removed, result.errored) == (24, 20, 2, 2)
    assert result.removed_by_rule == {"duplicate_locator": 2} and result.facts["signals"] == {"s": {"stranger": 1}}
    assert len(rows(made.place, "document")) == result.facts["texts"] == 19
    seen = {(s["text_sha256"], s["family"], s["version"]) for s in rows(made.place, "screening")}
    texts = {r["text_sha256"] for r in rows(made.place, "record")}
    assert seen == {(t, *fv) for t in texts for fv in result.facts["versions"].items()}
    assert {r["risk"] for r in rows(made.place, "finding")} >= {"pi_mobile"}
    assert not any(duplicates(made.place, name) for name in BY_BATCH)
    before = {n: store.version(made.place, n) for n in BY_BATCH}
    assert intake(first(made).run("r2", DAYS[1])).facts["reused"] == ["s"]
    assert {n: store.version(made.place, n) for n in BY_BATCH} == before


def test_what_changed_is_read_what_is_new_is_screened_and_the_rest_goes_over(made, monkeypatch):
    intake(first(made).run("r1", DAYS[0]))
    given = []
    real = staged.stage
    monkeypatch.setattr(
        staged, "stage", lambda splits, work, screen: real(splits, work, lambda t: given.extend(t) or screen(t))
    )
    result = intake(second(made).run("r2", DAYS[1]))
    assert sorted(given) == sorted(["改了。" + CALL, line("new")["text"]])
    assert (result.facts["read"], result.facts["carried"], result.facts["texts"]) == ({"s": 2}, {"s": 1}, 2)
    assert result.facts["vanished"] == {"s": 6}
    batch = result.facts["batches"]["s"]
    since = {r["locator"]: r["first_acquired_at"] for r in rows(made.place, "record", f"batch_id = '{batch}'")}
    assert (since["key:a2"], since["key:new"], since["key:a0"]) == (DAYS[0], DAYS[1], DAYS[1])
    assert (since["key:c1"], since["key:copy"], since["key:both"]) == (DAYS[0], DAYS[1], DAYS[0])
    assert all(r["language"] for r in rows(made.place, "record", f"batch_id = '{batch}'"))
    found = content(made.place, batch, BY_BATCH)

    states.forget_report(made.place, batch)
    (made.place.lake / "_states" / "s.json").unlink()
    for name in BY_BATCH:
        store.replace(made.place, name, [], f"batch_id = '{batch}'" if name != "record" else "TRUE", "a test")
    whole = intake(second(made).run("r3", DAYS[2]))
    assert whole.facts["carried"] == {"s": 0} and whole.facts["sources"] == result.facts["sources"]
    again = content(made.place, batch, BY_BATCH)
    assert {n: again[n] for n in BY_BATCH if n != "record"} == {n: found[n] for n in BY_BATCH if n != "record"}


def test_a_twin_comes_back_when_the_file_that_had_its_place_goes(made):
    intake(first(made).run("r1", DAYS[0]))
    both = next(r for r in rows(made.place, "record") if r["locator"] == "key:both")
    names = {r["acquisition_id"]: r["name"] for r in rows(made.place, "acquisition")}
    first(made, DAYS[1])
    del made.raw["s"][names[both["acquisition_id"]]]
    batch = intake(made.run("r2", DAYS[1])).facts["batches"]["s"]
    there = rows(made.place, "record", f"batch_id = '{batch}' AND locator = 'key:both'")
    assert len(there) == 1 and there[0]["acquisition_id"] != both["acquisition_id"]
    assert there[0]["first_acquired_at"] == DAYS[0]


def test_two_sources_that_changed_both_go_over_in_one_rebuild(made):
    def day(n: int, run_id: str) -> dict[str, list]:
        for source in ("s", "t"):
            files = {f"{i}.jsonl": [line(f"{source}{i}-{k}") for k in range(3)] for i in range(3)}
            files["0.jsonl"] = [line(f"{source}0-{n}")]
            made.files(source, files, DAYS[n])
        result = intake(made.run(run_id, DAYS[n]))
        assert (result.kept, result.errored) == (14, 0)
        return result.facts

    day(0, "r1")
    told = day(1, "r2")
    assert (told["read"], told["carried"]) == ({"s": 1, "t": 1}, {"s": 2, "t": 2})
    for source, batch in told["batches"].items():
        there = rows(made.place, "record", f"batch_id = '{batch}'")
        expected = {f"key:{source}0-1", *(f"key:{source}{i}-{k}" for i in (1, 2) for k in range(3))}
        assert {r["locator"] for r in there} == expected and {r["source_id"] for r in there} == {source}


@pytest.mark.parametrize("stays", [True, False], ids=["the file stays", "the file goes"])
def test_what_is_to_be_read_again_does_not_go_over_when_the_source_changed_too(made, stays):
    result, changed = read_again(made, stays)
    assert result.facts["carried"] == {"s": 2}
    there = rows(made.place, "record", f"batch_id = '{result.facts['batches']['s']}'")
    assert sorted(r["locator"] for r in there) == sorted(f"key:{x['id']}" for of in changed.values() for x in of)
    buried = {r["locator"] for r in rows(made.place, "tombstone")}
    assert buried == {"key:0-1", *(() if stays else ("key:1-0", "key:1-1"))}


def test_which_of_two_files_keeps_a_twin_does_not_depend_on_which_came_earlier(made, tmp_path):
    lines = {f"{n}.jsonl": [line("same"), line(f"own{n}")] for n in range(6)}
    kept = set()
    for n, order in enumerate((list(lines), list(reversed(lines)))):
        made.place = place_in(tmp_path / str(n))
        store.ensure_tables(made.place)
        for day, some in enumerate((order[:2], order[:4], order)):
            made.files("t", {name: lines[name] for name in some}, DAYS[day])
            result = intake(made.run(f"r{day}", DAYS[day]))
            assert (result.kept, result.removed) == (len(some) + 1, len(some) - 1)
        where = f"batch_id = '{result.facts['batches']['t']}' AND locator = 'key:same'"
        (row,) = rows(made.place, "record", where)
        kept.add(row["acquisition_id"])
    assert len(kept) == 1


def test_a_text_that_only_begins_like_a_known_one_is_screened(made, monkeypatch):
    intake(first(made).run("r1", DAYS[0]))
    real = staged.stage.__globals__["among"]
    monkeypatch.setitem(staged.stage.__globals__, "among", lambda path, hashes: set(hashes))
    batch = intake(second(made).run("r2", DAYS[1])).facts["batches"]["s"]
    monkeypatch.setitem(staged.stage.__globals__, "among", real)
    texts = {r["text_sha256"] for r in rows(made.place, "record", f"batch_id = '{batch}'")}
    assert texts <= {r["text_sha256"] for r in rows(made.place, "document")}
    assert known.DIGITS == 16


def test_what_is_too_much_after_all_spark_does(made, monkeypatch):
    monkeypatch.setattr(staged, "CHARACTERS", 100)
    with pytest.raises(pytest.fail.Exception, match="a JVM for so little"):
        intake(first(made).run("r1", DAYS[0]), profile=Profile(local_bytes=0))
    with pytest.raises(pytest.fail.Exception, match="a JVM for so little"):
        intake(first(made).run("r1", DAYS[0]), profile=Profile(alone_bytes=10, local_bytes=0))


def test_many_bytes_are_looked_through_where_half_of_them_stood_there_before(made, monkeypatch):
    def files(more):
        return {f"{n}.jsonl": [*(line(f"{n}-{k}") for k in range(20)), *more] for n in range(3)}

    intake(made.files("s", files([]), DAYS[0]).run("r1", DAYS[0]))
    size = sum(len(raw) for raw in made.raw["s"].values())
    little = Profile(alone_bytes=size // 10, local_bytes=0)
    changed = made.files("s", files([line("new")]), DAYS[1]).run("r2", DAYS[1])
    assert intake(changed, profile=little).kept == 61
    with pytest.raises(pytest.fail.Exception, match="a JVM for so little"):
        intake(made.files("s", files([line("newer")] * 60), DAYS[2]).run("r3", DAYS[2]), profile=little)
    with pytest.raises(pytest.fail.Exception, match="a JVM for so little"):
        profile = Profile(alone_bytes=size // 20, local_bytes=0)
        intake(made.files("s", files([line("new"), line("newer")]), DAYS[2]).run("r3", DAYS[2]), profile=profile)


def test_no_spark_is_so_much_as_imported(made):
    first(made).run("r1", DAYS[0])
    code = (
        "import sys; from pathlib import Path; from corpusgate.intake.job import intake\n"
        "from corpusgate.lake.run import open_run; from corpusgate.settings.place import Place\n"
        "from datetime import datetime, UTC; h = Path(sys.argv[1])\n"
        "run = open_run(Place(h, h / 'conf', h / 'lake', h / 'var'), 'c', 'r1', datetime(2026, 5, 4, tzinfo=UTC))\n"
        "print(intake(run).kept, 'pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(made.place.home)], capture_output=True, text=True)
    assert done.stdout.split() == ["20", "False"], done.stderr
