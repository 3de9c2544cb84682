"""The child of `apart.py`: reads one member after another, in bounds that the kernel keeps.

Started as `python -m corpusgate.intake.apart_child BYTES`. Requests come on standard input, a line of JSON each and the
member's bytes where they are few; answers go out as frames: four bytes of length, then JSON.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from corpusgate.intake.document import DOCUMENT_MAX
from corpusgate.intake.items import Fault, Found, Item
from corpusgate.intake.members import Member
from corpusgate.intake.read import shielded
from corpusgate.intake.unpack import LIMITS, decompressed
from corpusgate.settings.source import Reader

TEXT_MAX = 2 * DOCUMENT_MAX


class _Allowance:
    """CPU time until the next answer, by the process's own soft limit: the kernel ends who passes it (SIGXCPU)."""

    def __init__(self, seconds: int) -> None:
        self._seconds, self._since = seconds, -1.0

    def renew(self) -> None:
        now = time.process_time()
        if now - self._since >= 1 or self._since < 0:
            self._since = now
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (int(now) + 1 + self._seconds, hard))


def _send(out: BinaryIO, kind: str, said: Any) -> None:
    body = json.dumps([kind, said], ensure_ascii=False).encode("utf-8", "surrogatepass")
    out.write(len(body).to_bytes(4) + body)
    out.flush()


def _serve(requests: BinaryIO, out: BinaryIO) -> None:
    while line := requests.readline():
        request = json.loads(line)
        content = requests.read(request["inline"])
        allowance = _Allowance(request["seconds"])
        allowance.renew()
        try:
            for found in _found(request, content, out):
                _send(out, type(found).__name__.lower(), {n: getattr(found, n) for n in found.__dataclass_fields__})
                allowance.renew()
        except MemoryError:
            _send(out, "died", {"reason": "memory", "detail": "the parser wanted more memory than its bound"})
            return
        _send(out, "end", {"resident": _most_resident()})


def _most_resident() -> int:
    """Bytes that this process has held at once. Not `ru_maxrss` where it can be helped: a child takes over the peak of
    the process that it was forked from, and every member of a big worker would get a new child."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _found(request: dict[str, Any], content: bytes, out: BinaryIO) -> Iterator[Found]:
    reader, member = _reader(request["reader"]), _member(request, content)
    module = import_module(request["module"])
    more: dict[str, Any] = {}
    if getattr(module, "RESUMES", False):
        more = {"skip": request["skip"], "at": lambda offset: _send(out, "at", offset)}
    try:
        for found in shielded(member, module.read(member, reader, **more)):
            if isinstance(found, Item) and len(found.text) > TEXT_MAX:
                yield Fault(member.name, "too_large", f"more than {TEXT_MAX} characters in one record")
            else:
                yield found
    except MemoryError:
        raise
    except Exception as error:  # whatever a parser of hostile bytes raises is about these bytes
        yield Fault(member.name, "parser_ended", f"{type(error).__name__}: {error}"[:300])


@lru_cache(maxsize=8)
def _reader(said: str) -> Reader:
    return Reader.model_validate_json(said)


def _member(request: dict[str, Any], content: bytes) -> Member:
    said = request["member"]
    if request["path"] is None:
        return Member(said["name"], lambda: io.BytesIO(content), said["size"])
    path, packed = Path(request["path"]), request["packed"]
    if packed is None:
        return Member(said["name"], lambda: path.open("rb"), said["size"], path)
    return Member(
        said["name"], lambda: decompressed(path.open("rb"), packed, said["size"], LIMITS.total), said["size"],
        packed=(path, packed),
    )  # fmt: skip


def main(memory: int) -> None:
    """Reads until nobody asks any more."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints must not come between the answers
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMITS.total, LIMITS.total))
    _send(out, "ready", None)
    _serve(cast(BinaryIO, sys.stdin.buffer), out)


if __name__ == "__main__":
    main(int(sys.argv[1]))
