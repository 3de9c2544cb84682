"""Reading a member in a child process, for formats whose parser hostile bytes can hurt (`APART` in their module).

One child reads many members, so that a hundred thousand small files do not pay for a hundred thousand processes. What
crashes, loops or takes too much memory ends the child and not the run: the member gets a fault, the next one a new
child. A child knows no secret: its environment is a handful of names, and what it answers is JSON, never code.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from corpusgate.errors import CorpusgateError
from corpusgate.intake.document import DOCUMENT_MAX
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.source import Reader

SECONDS = 60
"""CPU time from one answer of a child to the next, where the format's options say nothing."""
STARTS_WITHIN = 600
MEMORY_MAX = 2 << 30
"""Bytes of address space of a child."""
RESIDENT_MAX = 512 << 20
"""A child that has once held more is not given another member."""
INLINE_MAX = 1 << 20
FRAME_MAX = 4 * DOCUMENT_MAX
DEATHS_MAX = 20
"""So many records of one archive may end a child each; then the rest of it is given up."""

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_BLOCK = 1 << 16
_KINDS = {"item": Item, "fault": Fault, "signal": Signal}


class _Died(Exception):
    """The child ended, or had to be ended, before it was done: reason and detail of the fault."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(slots=True)
class _Child:
    """One process. `ours`: who started it; a copy that a fork made shares its pipes and must not use them."""

    folder: Path
    process: subprocess.Popen[bytes]
    ours: int = field(default_factory=os.getpid)
    pending: bytearray = field(default_factory=bytearray)

    def ask(self, request: dict[str, Any], content: bytes) -> None:
        """Sends what is to be read."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode("ascii") + b"\n" + content)
            self.process.stdin.flush()
        except OSError:
            raise self._post_mortem(1) from None

    def frame(self, seconds: int) -> list[Any]:
        """The next answer.

        Raises:
            _Died: there is none within the bounds.
        """
        size = int.from_bytes(self._bytes(4, seconds))
        if size > FRAME_MAX:
            raise _Died("too_large", f"an answer of {size} bytes, more than {FRAME_MAX}")
        return json.loads(self._bytes(size, seconds).decode("utf-8", "surrogatepass"))

    def _bytes(self, size: int, seconds: int) -> bytes:
        assert self.process.stdout is not None
        handle, poll = self.process.stdout.fileno(), select.poll()
        poll.register(handle, select.POLLIN)
        patience = by_the_clock(seconds)
        ends = time.monotonic() + patience
        while len(self.pending) < size:
            if not poll.poll(max(0.0, 1000 * (ends - time.monotonic()))):
                raise _Died("timeout", f"the parser said nothing for {patience} s")
            block = os.read(handle, max(_BLOCK, size - len(self.pending)))
            if not block:
                raise self._post_mortem(seconds)
            self.pending += block
        taken = bytes(self.pending[:size])
        del self.pending[:size]
        return taken

    def _post_mortem(self, seconds: int) -> _Died:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        code = self.process.poll()
        if code is not None and -code == signal.SIGXCPU:
            return _Died("timeout", f"the parser took more than {seconds} s of CPU")
        said = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        return _Died("parser_ended", f"the parser ended {said}")

    def end(self) -> None:
        """Ends it at once, and removes what it left."""
        if self.ours == os.getpid():
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def by_the_clock(seconds: int) -> int:
    """Seconds that a child is waited for which may take so much CPU time. What loops, the kernel ends by its CPU time;
    this is for what waits for ever, and must not hit a good page on a busy machine."""
    return 60 + 10 * seconds


_idle: list[_Child] = []
_last: list[Any] = []


def read_apart(module: ModuleType, member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """What `module.read(member, reader)` yields, read by a child.

    A module with `RESUMES` is an archive of many records: where one of them ends the child, the next child goes on
    behind it. Of others the rest of the member is given up.

    Raises:
        LimitExceeded, and what else unpacking raises: the member itself passes a bound or is broken.
        CorpusgateError: no child starts here, which says nothing about the member.
    """
    seconds = int(getattr(module.Options.model_validate(reader.options), "seconds", SECONDS))
    resumes, done, deaths = getattr(module, "RESUMES", False), 0, 0
    with ExitStack() as stack:
        request, content = _request(module, member, reader, seconds, stack)
        while True:
            place: list[int | None] = [None]
            try:
                for found in _answers({**request, "skip": done}, content, seconds, place):
                    done += 1
                    yield found
                return
            except _Died as died:
                deaths, done = deaths + 1, done + 1
                given_up = not resumes or deaths > DEATHS_MAX
                rest = "; nothing after it was read" if given_up and done > 1 else ""
                yield Fault(member.name, died.reason, died.detail + rest, place[0])
                if given_up:
                    return


def _answers(
    request: dict[str, Any], content: bytes, seconds: int, place: list[int | None]
) -> Iterator[Item | Fault | Signal]:
    child = _free()
    clean = False
    try:
        child.ask(request, content)
        while True:
            kind, said = child.frame(seconds)
            if kind == "end":
                clean = said["resident"] < RESIDENT_MAX
                return
            if kind == "died":
                raise _Died(said["reason"], said["detail"])
            if kind == "at":
                place[0] = int(said)
            else:
                yield _checked(_KINDS[kind](**{**said, "member": request["member"]["name"]}))
    except (ValueError, TypeError, KeyError):
        raise _Died("parser_ended", "the parser answered something that is no record") from None
    finally:
        if clean:
            _idle.append(child)
        else:
            child.end()


def _checked(found: Item | Fault | Signal) -> Item | Fault | Signal:
    """The answer, if its parts are what they should be: a parser that was taken over may say anything."""
    values = {name: getattr(found, name) for name in found.__dataclass_fields__}
    attributes = values.pop("attributes", {})
    numbers = {"turn", "byte_offset"}
    right = all(v is None or isinstance(v, int if n in numbers else str) for n, v in values.items())
    if not right or not all(isinstance(x, str) for pair in attributes.items() for x in pair):
        raise ValueError("no record")
    if (isinstance(found, Item) and found.text is None) or (isinstance(found, Fault) and not found.reason):
        raise ValueError("no record")
    return found


def _request(
    module: ModuleType, member: Member, reader: Reader, seconds: int, stack: ExitStack
) -> tuple[dict[str, Any], bytes]:
    """What the child is told, and the member's bytes where they are few; else where they lie."""
    request: dict[str, Any] = {
        "module": module.__name__, "reader": _as_json(reader), "seconds": seconds,
        "member": {"name": member.name, "size": member.size}, "path": None, "packed": None, "inline": 0,
    }  # fmt: skip
    if member.packed is not None:
        return {**request, "path": str(member.packed[0]), "packed": member.packed[1]}, b""
    if member.path is not None:
        return {**request, "path": str(member.path)}, b""
    with member.open() as stream:
        content = stream.read(INLINE_MAX + 1)
        if len(content) <= INLINE_MAX:
            return {**request, "inline": len(content)}, content
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpusgate-"))) / "member"
        with copy.open("xb") as file:
            file.write(content)
            shutil.copyfileobj(stream, file, 1 << 20)
    return {**request, "path": str(copy)}, b""


def _as_json(reader: Reader) -> str:
    """The reader as JSON, kept as long as the same one is asked with: a source has one for all its members."""
    if not _last or _last[0] is not reader:
        _last[:] = [reader, reader.model_dump_json()]
    return str(_last[1])


def _free() -> _Child:
    """A child that has nothing to do: one that waits, else a new one."""
    while _idle:
        child = _idle.pop()
        if child.ours == os.getpid() and child.process.poll() is None:
            return child
        child.end()
    folder = Path(tempfile.mkdtemp(prefix="corpusgate-apart-"))
    environment = {n: os.environ[n] for n in _ENVIRONMENT if n in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "TMPDIR": str(folder), "HOME": str(folder),
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # Arrow's own pool reserves more address space than a child may have
    }  # fmt: skip
    command = [sys.executable, "-m", "corpusgate.intake.apart_child", str(MEMORY_MAX)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    child = _Child(folder, process)
    try:
        child.frame(STARTS_WITHIN)  # that it is there: what it takes to start is no member's time
    except _Died as died:
        child.end()
        raise CorpusgateError(f"No process for reading could be started on this machine: {died.detail}.") from None
    return child


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()
