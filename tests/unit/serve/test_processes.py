from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from corpusgate.serve import processes

WAIT = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WAIT
#: A parent with a child; both carry the mark, since a child inherits the environment.
FAMILY = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAIT!r}]);" + WAIT


class Yard:
    """Starts Python programs under one mark, and clears up whatever the test left."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.pids, self.mark = folder / "logs", folder / "run", uuid4().hex

    def start(self, name: str, code: str, ready: int = 1) -> psutil.Process:
        environment = {**os.environ, processes.MARK: self.mark}
        process = processes.start(name, [sys.executable, "-c", code], environment, self.logs, self.pids)
        until = time.monotonic() + 20
        while (self.logs / f"{name}.log").read_text().count("ready") < ready:
            assert time.monotonic() < until, "the program did not start"
            time.sleep(0.02)
        return process


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    processes.end(processes.marked(made.mark), 0.1)


def test_started_process_is_found_again_by_its_note(yard: Yard) -> None:
    process = yard.start("one", WAIT)
    assert processes.noted("one", yard.pids) == process


def test_started_process_leads_a_session_of_its_own(yard: Yard) -> None:
    process = yard.start("one", WAIT)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_number_that_another_process_has_by_now_is_not_ours(yard: Yard) -> None:
    yard.pids.mkdir(parents=True)
    (yard.pids / "one.json").write_text(json.dumps({"pid": os.getpid(), "born": 1.0}))
    assert processes.noted("one", yard.pids) is None


@pytest.mark.parametrize("content", ["", "{}", '{"pid": "x", "born": 1}', '{"pid": 999999999, "born": 1.0}'])
def test_broken_or_stale_note_names_nobody(yard: Yard, content: str) -> None:
    yard.pids.mkdir(parents=True)
    (yard.pids / "one.json").write_text(content)
    assert processes.noted("one", yard.pids) is None


def test_ended_process_is_not_found(yard: Yard) -> None:
    process = yard.start("one", WAIT)
    assert processes.end([process], 5) == []
    assert processes.noted("one", yard.pids) is None


def test_process_that_will_not_end_is_killed_after_the_patience(yard: Yard) -> None:
    process = yard.start("one", STUBBORN)
    began = time.monotonic()
    assert processes.end([process], 0.5) == [process]
    assert time.monotonic() - began < 4
    assert not processes.is_alive(process)


def test_orphan_of_a_crashed_parent_is_found_by_its_mark(yard: Yard) -> None:
    parent = yard.start("family", FAMILY, ready=2)
    (child,) = parent.children()
    parent.kill()
    parent.wait(5)
    assert [p.pid for p in processes.marked(yard.mark)] == [child.pid]


def test_we_ourselves_are_never_among_the_marked(monkeypatch: pytest.MonkeyPatch, yard: Yard) -> None:
    mine = psutil.Process().environ().get("PATH", "")
    monkeypatch.setattr(processes, "MARK", "PATH")
    assert os.getpid() not in {p.pid for p in processes.marked(mine)}


def test_other_mark_is_left_alone(yard: Yard) -> None:
    process = yard.start("one", WAIT)
    assert processes.marked("something else") == []
    assert processes.is_alive(process)
