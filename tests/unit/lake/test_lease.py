"""One writer a lake: who holds it, who is told so, and what becomes of a dead holder's lease."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from corpusgate.errors import LakeBusy
from corpusgate.lake import lease as leases
from corpusgate.lake import store
from corpusgate.lake.lease import commit_metadata, lease, state
from corpusgate.settings.place import Place
from corpusgate_testing.lake import commits, place_in

HOLD = """
import sys, time
from pathlib import Path
from corpusgate.lake.lease import lease
from corpusgate.settings.place import Place
home = Path(sys.argv[1])
with lease(Place(home, home / "conf", home / "lake", home / "var"), "other run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_in(tmp_path)


@pytest.fixture
def other(place: Place):
    """Another process that holds the lake."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(place.home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_lease_says_who_where_and_since_when_and_is_gone_afterwards(place):
    with lease(place, "run 1") as mine:
        now = state(place)
        assert now is not None
        assert (now["holder"], now["pid"], now["alive"], now["fence"]) == ("run 1", os.getpid(), True, mine.fence)
    assert state(place) is None


def test_the_loser_is_told_who_holds_it_and_what_to_do(place, other):
    with pytest.raises(LakeBusy, match=rf"written by other run \(process {other.pid} on .*since .*Wait until") as told:
        with lease(place, "run 2"):
            pytest.fail("two writers")
    assert told.value.exit_code == 2


def test_a_killed_holder_frees_the_lake_at_once_even_before_it_is_waited_for(place, other):
    other.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and state(place)["alive"]:
        time.sleep(0.02)
    assert other.returncode is None  # nobody waited for it: it is still in the process table
    with lease(place, "run 2") as mine:
        assert mine.fence == 2
        assert state(place)["holder"] == "run 2"


def test_a_reused_pid_is_not_taken_for_the_holder(place):
    fake(place, pid=os.getpid(), started="1")
    with lease(place, "run 2") as mine:
        assert mine.fence == 8


def test_a_holder_on_another_host_is_stale_only_after_its_time(place):
    fake(place, host="elsewhere", age=30)
    with pytest.raises(LakeBusy, match="on elsewhere"):
        with lease(place, "run 2"):
            pass
    fake(place, host="elsewhere", age=61)
    with lease(place, "run 2") as mine:
        assert mine.fence == 8


def test_a_heartbeat_keeps_a_long_run_alive(place):
    with lease(place, "run 1", beat=0.05):
        first = state(place)["heartbeat"]
        deadline = time.monotonic() + 5
        while state(place)["heartbeat"] == first and time.monotonic() < deadline:
            time.sleep(0.02)
        assert state(place)["heartbeat"] > first


def test_the_same_run_enters_twice_in_one_process_and_another_run_does_not(place):
    with lease(place, "run 1") as outer, lease(place, "run 1") as inner:
        assert outer is inner
        with pytest.raises(LakeBusy, match="already holds the lake"):
            with lease(place, "run 2"):
                pass
    assert state(place) is None


def test_leaving_the_inner_block_does_not_give_the_lake_back(place):
    with lease(place, "run 1"):
        with lease(place, "run 1"):
            pass
        assert state(place)["holder"] == "run 1"


def test_fence_numbers_only_grow(place):
    fences = []
    for run in ("a", "b", "a"):
        with lease(place, run) as mine:
            fences.append(mine.fence)
    assert fences == [1, 2, 3]


def test_a_holder_that_was_taken_for_dead_writes_nothing_more(place):
    store.ensure_tables(place)
    with pytest.raises(LakeBusy, match="no longer holds"):
        with lease(place, "run 1"):
            fake(place, host="elsewhere")
            store.replace(place, "export", [], "release_id = 'r'", "run 1")
    assert state(place)["holder"] == "somebody"  # the successor's lease is left alone


def test_a_torn_lease_file_is_held_by_nobody_known_until_it_is_old(place):
    path = place.lake / "_lease.json"
    path.write_text("{", "utf-8")
    with pytest.raises(LakeBusy, match="unknown"):
        with lease(place, "run 1"):
            pass
    old = time.time() - 100
    os.utime(path, (old, old))
    with lease(place, "run 1"):
        assert state(place)["holder"] == "run 1"


def test_of_many_that_find_a_stale_lease_one_takes_it(place):
    fake(place, host="elsewhere", age=1000)
    outcomes = []

    def attempt(n: int) -> None:
        code = HOLD.replace("time.sleep(60)", "time.sleep(1)").replace("other run", f"run {n}")
        done = subprocess.run(
            [sys.executable, "-c", code, str(place.home)], capture_output=True, text=True, check=False
        )
        outcomes.append("held" in done.stdout)
        assert "held" in done.stdout or "LakeBusy" in done.stderr

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(attempt, range(3)))
    assert sum(outcomes) >= 1
    with lease(place, "last") as mine:  # each winner took the next number, none was given twice
        assert mine.fence == 7 + sum(outcomes) + 1


def test_commits_carry_run_and_fence(place):
    store.ensure_tables(place)
    with lease(place, "run 1") as mine:
        store.append_new(place, "export", [{"release_id": "r", "path": "p"}], "run 1")
        assert commit_metadata(place) == {"corpusgate.run": "run 1", "corpusgate.fence": str(mine.fence)}
    info = [c["commitInfo"] for c in commits(place, "export") if "commitInfo" in c][-1]
    assert (info["corpusgate.run"], info["corpusgate.fence"]) == ("run 1", str(mine.fence))


def fake(place: Place, *, host: str | None = None, age: float = 0, **about: object) -> None:
    """A lease file as another holder would have left it, with fence 7."""
    at = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    body = {"holder": "somebody", "pid": 1, "host": host or leases.socket.gethostname(), "since": at, "heartbeat": at,
            "fence": 7, **about}  # fmt: skip
    (place.lake / "_lease.json").write_text(json.dumps(body), "utf-8")
