"""What a command costs: CPU seconds and peak memory of its whole process tree, on Linux.

CPU is user and system time of everything the command started, also of what outlived it: this process makes itself the
reaper of orphans and waits for them. Memory is the greatest sum of the tree's proportional set sizes (pages that
processes share count once), looked at twice a second.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SUBREAPER = 36  # prctl(2)
_LOOK_EVERY = 0.5
_ORPHANS_WAIT = 20.0


@dataclass(frozen=True, slots=True)
class Cost:
    """`cpu` and `wall` in seconds, `peak` in MiB, `code` the exit code."""

    cpu: float
    wall: float
    peak: float
    code: int

    def __add__(self, other: Cost) -> Cost:
        """One after the other: times add up, memory does not."""
        return Cost(
            self.cpu + other.cpu, self.wall + other.wall, max(self.peak, other.peak), self.code or other.code
        )  # fmt: skip


NOTHING = Cost(0.0, 0.0, 0.0, 0)


def measure(command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, limit: float = 7200) -> Cost:
    """Runs the command to its end; what it says goes to `log`. After `limit` seconds it is ended, with code 124."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    log.parent.mkdir(parents=True, exist_ok=True)
    peak, ended = [0.0], threading.Event()
    looking = threading.Thread(target=_look, args=(peak, ended), daemon=True)
    before, started = _children_cpu(), time.monotonic()
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=env, start_new_session=True)
        looking.start()
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = 124
    wall = time.monotonic() - started
    _reap(process.pid)
    ended.set()
    looking.join()
    return Cost(_children_cpu() - before, wall, peak[0], code)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap(group: int) -> None:
    """Waits for what the command left behind; what stays longer than it should is ended."""
    end = time.monotonic() + _ORPHANS_WAIT
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            if time.monotonic() > end:
                for left in _tree(os.getpid()):
                    os.kill(left, signal.SIGKILL)
                end += _ORPHANS_WAIT
            time.sleep(0.05)


def _look(peak: list[float], ended: threading.Event) -> None:
    me = os.getpid()
    while not ended.wait(_LOOK_EVERY):
        peak[0] = max(peak[0], sum(map(_pss, _tree(me))) / 1024)


def _tree(root: int) -> list[int]:
    """Ids of all descendants of a process."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path("/proc", name, "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], list(children.get(root, ()))
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], ())
    return found


def _pss(pid: int) -> int:
    """KiB; 0 for a process that has ended."""
    try:
        lines = Path("/proc", str(pid), "smaps_rollup").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
