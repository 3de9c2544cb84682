"""What a command costs: CPU seconds and peak memory of its whole process tree, on Linux.

CPU is user and system time of everything the command started, also of what outlived it: this process makes itself the
reaper of orphans and waits for them. Of a process whose parent ignores that its children end, the system forgets what
it cost (getrusage(2), sigaction(2)), and the daemon that starts PySpark's workers is such a parent. What these cost is
taken from the last look at them, ten a second, unless they outlived their parent and were waited for here. Memory is
the greatest sum of the tree's proportional set sizes (pages that processes share count once), looked at twice a second.
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
from dataclasses import dataclass, field
from pathlib import Path

_SUBREAPER = 36  # prctl(2)
_LOOK_EVERY, _MEMORY_EVERY = 0.1, 5
"""Seconds between two looks, and looks between two at the memory."""
_ORPHANS_WAIT = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


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
    seen, ended = _Seen(), threading.Event()
    looking = threading.Thread(target=_look, args=(seen, ended), daemon=True)
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
    waited_for = _reap()
    ended.set()
    looking.join()
    return Cost(_children_cpu() - before + seen.forgotten(waited_for), wall, seen.peak, code)


@dataclass(slots=True)
class _Seen:
    """What was seen of the tree: `peak` (MiB), and (process, when it started) -> CPU seconds of those whose parents
    ignore that they end."""

    peak: float = 0.0
    ignored: dict[tuple[int, int], float] = field(default_factory=dict)

    def forgotten(self, waited_for: set[int]) -> float:
        """CPU seconds that nobody was told of."""
        return sum(cpu for (pid, _), cpu in self.ignored.items() if pid not in waited_for)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap() -> set[int]:
    """Waits for what the command left behind; what stays longer than it should is ended. Returns who that was."""
    end, waited_for = time.monotonic() + _ORPHANS_WAIT, set[int]()
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return waited_for
        if pid:
            waited_for.add(pid)
            continue
        if time.monotonic() > end:
            for left in _tree(os.getpid()):
                os.kill(left, signal.SIGKILL)
            end += _ORPHANS_WAIT
        time.sleep(0.05)


def _look(seen: _Seen, ended: threading.Event) -> None:
    me, looks = os.getpid(), 0
    while not ended.wait(_LOOK_EVERY):
        tree = _tree(me)
        parents = {parent for parent, _, _ in tree.values()} & tree.keys()
        ignoring = {parent for parent in parents if _ignores_children(parent)}
        for pid, (parent, started, cpu) in tree.items():
            if parent in ignoring or (pid, started) in seen.ignored:
                seen.ignored[pid, started] = cpu
        looks += 1
        if looks % _MEMORY_EVERY == 0:
            seen.peak = max(seen.peak, sum(map(_pss, tree)) / 1024)


def _tree(root: int) -> dict[int, tuple[int, int, float]]:
    """All descendants of a process: id to parent, when it started (ticks), and CPU seconds, with those of its own that
    it waited for."""
    children: dict[int, list[int]] = {}
    stats = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path("/proc", name, "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            parent, cpu = int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
            stats[int(name)] = (parent, int(fields[19]), cpu)
            children.setdefault(parent, []).append(int(name))
    found, todo = {}, list(children.get(root, ()))
    while todo:
        pid = todo.pop()
        found[pid] = stats[pid]
        todo += children.get(pid, ())
    return found


def _ignores_children(pid: int) -> bool:
    """Whether the process ignores SIGCHLD (proc(5), SigIgn)."""
    try:
        lines = Path("/proc", str(pid), "status").read_text("ascii", "replace").splitlines()
    except OSError:
        return False
    masks = [int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:")]
    return bool(masks and masks[0] >> (signal.SIGCHLD - 1) & 1)


def _pss(pid: int) -> int:
    """KiB; 0 for a process that has ended."""
    try:
        lines = Path("/proc", str(pid), "smaps_rollup").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
