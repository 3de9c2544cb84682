"""One writer a lake: an exclusive file with a heartbeat, and a fence number that only grows.

`_lease.json` says who writes; it is created with O_EXCL and renewed every few seconds. `_fence` keeps the last number
that was given out, so that a holder that slept through its own expiry can be told from its successor: each commit
carries the number, and a holder that finds another one in the file stops. Both are read and written under a lock on
`_fence`, so that of two that find a stale lease only one takes it. Times here are the machine's, not the run's.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from corpusgate.errors import LakeBusy
from corpusgate.lake.run import write_atomically
from corpusgate.settings.place import Place

STALE_AFTER = 60.0  # seconds without a heartbeat
BEAT = 10.0  # seconds between heartbeats

_held: dict[Path, Lease] = {}
_guard = threading.RLock()


@dataclass
class Lease:
    """A lease that this process holds: `fence` is its number, `holder` the run's id."""

    lake: Path
    holder: str
    fence: int
    _entered: int = 1
    _end: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def path(self) -> Path:
        """The file that says so."""
        return self.lake / "_lease.json"

    def check(self) -> None:
        """Raises LakeBusy if somebody else has taken the lake over meanwhile."""
        now = _read(self.path)
        if now is None or now.get("fence") != self.fence:
            taken = f"{now['holder']} holds it now (fence {now['fence']})" if now else "its lease file was removed"
            raise LakeBusy(
                f"{self.holder} no longer holds the lake {self.lake}: {taken}. Nothing more is written. "
                f"Start the run again when the other one has ended; it overwrites its own slices."
            )


@contextmanager
def lease(place: Place, holder: str, *, stale_after: float = STALE_AFTER, beat: float = BEAT) -> Generator[Lease]:
    """Holds the lake for `holder` (a run's id) as long as the block runs. Within one process it can be entered again.

    A lease is stale after `stale_after` seconds without heartbeat, or at once when its process on this host is gone.

    Raises:
        LakeBusy: somebody else holds it; says who, where, since when, and what to do.
    """
    mine = _enter(place.lake, holder, stale_after, beat)
    try:
        yield mine
    finally:
        _leave(mine)


def current(place: Place) -> Lease | None:
    """The lease that this process holds on the lake, if any."""
    return _held.get(place.lake)


def commit_metadata(place: Place, run_id: str | None = None) -> dict[str, str]:
    """What every commit carries: the run, and the fence number if this process holds the lake.

    Raises:
        LakeBusy: it held the lake and lost it.
    """
    held = current(place)
    if held is None:
        return {"corpusgate.run": run_id} if run_id else {}
    held.check()
    return {"corpusgate.run": run_id or held.holder, "corpusgate.fence": str(held.fence)}


def state(place: Place) -> dict[str, Any] | None:
    """Who holds the lake, from its file (holder, pid, host, since, heartbeat, fence), and `alive`; None if nobody."""
    now = _read(place.lake / "_lease.json")
    return None if now is None else {**now, "alive": not _stale(now, STALE_AFTER)}


def _enter(lake: Path, holder: str, stale_after: float, beat: float) -> Lease:
    with _guard:
        held = _held.get(lake)
        if held is not None:
            if held.holder != holder:
                raise LakeBusy(
                    f"This process already holds the lake {lake} for {held.holder}; {holder} must wait for it."
                )
            held._entered += 1
            return held
        lake.mkdir(parents=True, exist_ok=True)
        with _locked(lake) as numbers:
            now = _read(lake / "_lease.json")
            if now is not None and not _stale(now, stale_after):
                raise LakeBusy(_busy(lake, now, stale_after))
            mine = Lease(lake, holder, _next(numbers, now))
            (lake / "_lease.json").unlink(missing_ok=True)
            _create(mine)
        _held[lake] = mine
        threading.Thread(target=_beats, args=(mine, beat), name="lake-lease", daemon=True).start()
        return mine


def _leave(mine: Lease) -> None:
    with _guard:
        mine._entered -= 1
        if mine._entered:
            return
        mine._end.set()
        _held.pop(mine.lake, None)
        with _locked(mine.lake):
            now = _read(mine.path)
            if now is not None and now.get("fence") == mine.fence:
                mine.path.unlink(missing_ok=True)


@contextmanager
def _locked(lake: Path) -> Generator[IO[str]]:
    with (lake / "_fence").open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _next(numbers: IO[str], now: dict[str, Any] | None) -> int:
    """The next fence number, on disk before anybody carries it."""
    numbers.seek(0)
    text = numbers.read().strip()
    fence = max(int(text) if text.isdigit() else 0, int(now["fence"]) if now else 0) + 1
    numbers.seek(0)
    numbers.truncate()
    numbers.write(f"{fence}\n")
    numbers.flush()
    os.fsync(numbers.fileno())
    return fence


def _create(mine: Lease) -> None:
    now = datetime.now(UTC).isoformat()
    about = {"holder": mine.holder, "pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid())}
    text = json.dumps({**about, "since": now, "heartbeat": now, "fence": mine.fence}, indent=1)
    with os.fdopen(os.open(mine.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
        file.write(text)


def _beats(mine: Lease, beat: float) -> None:
    while not mine._end.wait(beat):
        with _locked(mine.lake):
            now = _read(mine.path)
            if now is None or now.get("fence") != mine.fence or mine._end.is_set():
                return  # lost, or just given back: the next commit finds out
            write_atomically(mine.path, json.dumps({**now, "heartbeat": datetime.now(UTC).isoformat()}, indent=1))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return {
            **found,
            "fence": int(found["fence"]),
            "heartbeat": str(found["heartbeat"]),
            "holder": str(found["holder"]),
        }
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # torn by a crash between create and write: as old as the file
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
        return {"holder": "unknown", "host": "unknown", "pid": -1, "since": written, "heartbeat": written, "fence": 0}


def _stale(now: dict[str, Any], stale_after: float) -> bool:
    if now.get("host") == socket.gethostname() and not _alive(int(now.get("pid", -1)), now.get("started")):
        return True
    return time.time() - datetime.fromisoformat(now["heartbeat"]).timestamp() > stale_after


def _alive(pid: int, started: str | None) -> bool:
    """Whether the process runs and is the same one: a dead one that nobody waited for, or a reused pid, is not."""
    if pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    now = _started(pid)
    return not (now == "" or (started and now and now != started))


def _started(pid: int) -> str | None:
    """When the process started (clock ticks since boot); "" for one that is dead, None where /proc is missing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in "ZX" else fields[19]


def _busy(lake: Path, now: dict[str, Any], stale_after: float) -> str:
    return (
        f"The lake {lake} is being written by {now['holder']} (process {now.get('pid')} on {now.get('host')}) "
        f"since {now['since']}, last heard of at {now['heartbeat']}. Wait until it has ended. If it is dead, the lake "
        f"is free {stale_after:.0f} seconds after its last heartbeat; `corpusgate doctor` shows who holds it."
    )
