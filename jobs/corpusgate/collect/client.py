"""Calls the person's own package clients (pip, apt, npm): bounded in time, configuration kept, secrets not shown."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corpusgate.errors import NotAvailable

#: Seconds that one call of a client may take.
LIMIT = 600.0

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_NOT_THEIRS = ("CORPUSGATE_", "AIRFLOW_", "AIRFLOW__")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Said:
    """What a client said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line that tells something, stderr before stdout, without credentials."""
        lines = [line.strip() for text in (self.err, self.out) for line in reversed(text.splitlines()) if line.strip()]
        return shown(lines[0]) if lines else f"exit code {self.code}"


def call(
    args: Sequence[str], folder: Path, *, limit: float = LIMIT, environment: Mapping[str, str] | None = None
) -> Said:
    """Runs a client in `folder` and waits for it; at the limit it and its children are killed.

    The environment is the person's, but for our own variables, which are no client's business.

    Raises:
        NotAvailable: the program is not there, or did not end in time.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_THEIRS)} | {"LC_ALL": "C.UTF-8"}
    try:
        process = subprocess.Popen(
            list(args), cwd=folder, env=own | dict(environment or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise NotAvailable(f"not available here: {args[0]} cannot be started ({error.strerror}).") from None
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise NotAvailable(
            f"not available here: {Path(args[0]).name} did not end within {limit:.0f} s and was stopped."
        ) from None
    finally:
        _end(process)
    return Said(process.returncode, out, err)


def shown(line: str) -> str:
    """A line for a message: no credentials of an address, not endless."""
    line = _CREDENTIALS.sub("***", line)
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _end(process: subprocess.Popen[str]) -> None:
    """Ends what is left of the process and its children, also when we ourselves are interrupted."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
