"""Intake by a few processes: what they leave is what one process leaves, whoever is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from corpusgate.errors import CorpusgateError, DetectorMissing
from corpusgate.intake import job, plan, pool, staged, states
from corpusgate.intake.job import intake
from corpusgate.intake.plan import BY_BATCH
from corpusgate.intake.rows import STAGED
from corpusgate.lake import store
from corpusgate.settings.profile import Profile
from corpusgate_testing.lake import duplicates, place_in
from corpusgate_testing.taken import DAYS, Made, content, first, line, second

pytestmark = pytest.mark.timeout(600)

BY_PROCESSES = Profile(alone_bytes=0, processes=2, tasks=2)


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "00" * 32)
    monkeypatch.setattr("corpusgate.intake.job._by_spark", lambda *_: pytest.fail("a JVM for so little"))
    return anew(Made(place_in(tmp_path)), tmp_path / "one")


def anew(made: Made, folder: Path) -> Made:
    made.place = place_in(folder)
    store.ensure_tables(made.place)
    return made


def readers(of: psutil.Process) -> list[psutil.Process]:
    return [p for p in of.children(recursive=True) if reads(p)]


def reads(process: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.Error:  # it ended meanwhile
        return False


def waited_for(of: psutil.Process) -> list[psutil.Process]:
    until = time.monotonic() + 60
    while len(found := readers(of)) < 2:
        assert time.monotonic() < until, "no process reads"
        time.sleep(0.01)
    return found


def test_two_processes_leave_what_one_leaves_of_a_first_and_a_changed_source(made, tmp_path, monkeypatch):
    one = [intake(first(made).run("r1", DAYS[0])), intake(second(made).run("r2", DAYS[1]))]
    batch = one[1].facts["batches"]["s"]
    found = content(made.place, batch, BY_BATCH)

    anew(made, tmp_path / "two")
    monkeypatch.setattr(job, "read_here", lambda *_: pytest.fail("read by the driver itself"))
    two = [intake(first(made).run("r1", DAYS[0]), profile=BY_PROCESSES)]
    assert not duplicates(made.place, "document") and not list((made.place.lake / "_staging").iterdir())
    two.append(intake(second(made).run("r2", DAYS[1]), profile=BY_PROCESSES))
    assert content(made.place, batch, BY_BATCH) == found
    for a, b in zip(one, two, strict=True):
        assert a.model_dump(exclude={"seconds"}) == b.model_dump(exclude={"seconds"})


def test_more_text_than_one_process_holds_goes_to_several(made, monkeypatch):
    monkeypatch.setattr(staged, "CHARACTERS", 100)
    assert intake(first(made).run("r1", DAYS[0])).kept == 20


def test_more_records_than_are_handled_without_spark_are_left_staged_for_it(made, monkeypatch):
    rows = []

    def by_spark(run, plan, splits, known, write, profile):
        folder = run.place.lake / "_staging" / run.id / "rows"
        rows.extend(pq.read_table(folder, columns=["outcome"]).column(0).to_pylist())
        raise KeyboardInterrupt  # what comes of them: tests/spark/intake/test_incremental.py

    monkeypatch.setattr("corpusgate.intake.job._by_spark", by_spark)
    with pytest.raises(KeyboardInterrupt):
        intake(first(made).run("r1", DAYS[0]), profile=Profile(alone_bytes=0, processes=2, alone_records=10))
    assert rows.count("record") == 22 and rows.count("fault") == 2


def test_a_process_without_the_detectors_of_the_run_says_so_in_its_own_words(made, tmp_path):
    run = first(made).run("r1", DAYS[0])
    todo = plan.plan(run)
    bins = plan.bins(plan.splits(todo.read, BY_PROCESSES), BY_PROCESSES)
    reading = pool.Pool(bins, tmp_path / "rows", 2, 1000)
    with pytest.raises(DetectorMissing, match=r"This worker has detectors .*, and the run names"):
        reading.read(replace(todo.work(), versions={**todo.versions, "keyword": "another"}))
    found = reading.read(todo.work())
    assert found is not None and found.told.num_rows == 25 and set(found.told.column_names) < set(STAGED.names)


def test_a_killed_process_is_told_of_and_the_step_goes_on_when_started_again(made, tmp_path):
    intake(first(made).run("r1", DAYS[0]))
    batch = states.read_state(made.place, "s").batch_id
    undisturbed = content(made.place, batch, BY_BATCH)

    run = first(anew(made, tmp_path / "two")).run("r1", DAYS[0])
    killing = threading.Thread(target=lambda: waited_for(psutil.Process())[0].kill())
    killing.start()
    with pytest.raises(CorpusgateError, match=r"One of 2 reading processes was killed, .* `processes` in the profile"):
        intake(run, profile=BY_PROCESSES)
    killing.join()
    assert not readers(psutil.Process())
    intake(run, profile=BY_PROCESSES)
    assert content(made.place, batch, BY_BATCH) == undisturbed


def test_who_reads_ends_with_a_driver_that_is_killed_and_its_step_can_be_started_again(made):
    files = {f"{n}.jsonl": [line(f"{n}-{k}") for k in range(20_000)] for n in range(4)}
    run = made.files("s", files, DAYS[0]).run("r1", DAYS[0])
    code = (
        "import sys; from pathlib import Path; from corpusgate.intake.job import intake\n"
        "from corpusgate.lake.run import open_run; from corpusgate.settings.place import Place\n"
        "from corpusgate.settings.profile import Profile; from datetime import datetime, UTC\n"
        "if __name__ == '__main__':\n"
        "    h = Path(sys.argv[1]); place = Place(h, h / 'conf', h / 'lake', h / 'var')\n"
        "    intake(open_run(place, 'c', 'r1', datetime(2026, 5, 4, tzinfo=UTC)), None,\n"
        "           Profile(alone_bytes=0, processes=2, tasks=4))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(made.place.home)])
    reading = waited_for(psutil.Process(process.pid))
    while not list((made.place.lake / "_staging").rglob(".bin-*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    gone, alive = psutil.wait_procs(reading, timeout=10)
    assert len(gone) == 2 and not alive
    assert intake(run, profile=Profile(alone_bytes=0, processes=2)).kept == 80_000


def test_there_are_as_many_as_the_profile_says_or_as_there_are_cores(monkeypatch):
    assert pool.processes(3) == 3
    for cores, expected in ((1, 1), (5, 5), (64, pool.MOST)):
        monkeypatch.setattr(os, "sched_getaffinity", partial(lambda n, _: set(range(n)), cores))
        assert pool.processes(None) == expected
