"""Processes that outlive us: found again by a file with their id and birth, ended with all that they started.

A process id alone proves nothing, since ids are used again: the time of birth goes with it. What lost its parent in a
crash is found by a mark in its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from corpusgate.lake.run import write_atomically

#: In the environment of every process that we start, and so of all that these start: whose it is.
MARK = "CORPUSGATE_SERVED_FROM"


def start(name: str, command: Sequence[str], environment: Mapping[str, str], logs: Path, pids: Path) -> psutil.Process:
    """Starts a process in a session of its own, output to `logs/name.log`, and notes it in `pids/name.json`."""
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    process = psutil.Process(child.pid)
    write_atomically(pids / f"{name}.json", json.dumps({"pid": child.pid, "born": process.create_time()}))
    return process


def noted(name: str, pids: Path) -> psutil.Process | None:
    """The process noted under this name, if it still lives; a number that someone else has by now is not it."""
    try:
        note = json.loads((pids / f"{name}.json").read_text("utf-8"))
        process = psutil.Process(int(note["pid"]))
        same = abs(process.create_time() - float(note["born"])) < 1
        return process if same and is_alive(process) else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def marked(value: str) -> list[psutil.Process]:
    """All living processes that carry our mark with this value, we ourselves and our parents left out."""
    ours = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in ours and process.environ().get(MARK) == value and is_alive(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end(processes: Iterable[psutil.Process], patience: float) -> list[psutil.Process]:
    """Asks them to end (TERM), waits `patience` seconds, then ends those that are left (KILL). Returns the killed."""
    asked = list(processes)
    for process in asked:
        _signal(process, kill=False)
    _, stubborn = psutil.wait_procs(asked, timeout=patience)
    for process in stubborn:
        _signal(process, kill=True)
    psutil.wait_procs(stubborn, timeout=3)
    return stubborn


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.Error:
        return
