"""Channels: one module each, named after the `type` of its model in `settings/source.py`.

A module has `fetch(channel, bench) -> Batch`. It brings the declared bytes, checks their hashes itself and raises
`NotAvailable` or `Mismatch` where it cannot. Nothing that is fetched is executed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from corpusgate.collect import client
from corpusgate.settings.place import Place
from corpusgate.settings.source import Channel


@dataclass(frozen=True, slots=True)
class Fetched:
    """One raw file or object at `path`: `name` is the same in each run, whatever the client called the file.

    An object that stays in its store has an `address` instead of a path, and an `etag` instead of a hash.
    """

    name: str
    path: Path
    bytes: int
    sha256: str
    status: str
    agent: str
    etag: str | None = None
    url: str | None = None
    permission: str | None = None
    address: str | None = None

    @property
    def identity(self) -> str:
        """What names its bytes: their SHA-256, else what the store says of them."""
        return self.sha256 or f"etag:{self.etag}:{self.bytes}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a channel brought. `faults`: objects that could not be read, name and reason; `refused`: objects that are
    not to be taken, name and rule; `signals`: rows of `host_signal`."""

    objects: list[Fetched]
    faults: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a channel works: `name` is the source's id, `python` the interpreter whose pip is used, `limit` the seconds
    that one call of a client may take; `run` and `at` (ISO 8601) are the run's."""

    place: Place
    name: str
    python: str = sys.executable
    limit: float = client.LIMIT
    run: str = ""
    at: str = ""


def fetch(channel: Channel, bench: Bench) -> Batch:
    """Fetches by the module that is named after the channel's type.

    Raises:
        NotAvailable: it cannot be had on this machine.
        Mismatch: what came is not what was declared; nothing of it was kept.
    """
    module = import_module(f"{__name__}.{channel.type}")
    batch: Batch = module.fetch(channel, bench)
    return batch
