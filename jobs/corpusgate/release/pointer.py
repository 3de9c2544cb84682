"""Which release a channel shows: one small file a channel, moved by compare-and-set under the lake's lease."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpusgate.errors import StaleCandidate, UserError
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.lake.run import write_atomically
from corpusgate.release.manifest import manifest_root, read_manifest
from corpusgate.settings.model import is_identifier
from corpusgate.settings.place import Place


def pointer_file(place: Place, corpus: str, channel: str) -> Path:
    """The pointer of a channel of a corpus.

    Raises:
        UserError: a name that is no identifier, and so cannot be part of a path.
    """
    if not (is_identifier(corpus) and is_identifier(channel)):
        raise UserError(f"Not the name of a corpus and a channel: {corpus!r}, {channel!r}.")
    return place.releases / "_channels" / f"{corpus}--{channel}.json"


def read_pointer(place: Place, corpus: str, channel: str) -> dict[str, Any] | None:
    """The pointer: `corpus, channel, release_id, manifest_root, run_id, moved_at, previous`; None before any."""
    path = pointer_file(place, corpus, channel)
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def current_release(place: Place, corpus: str, channel: str) -> str | None:
    """The release that the channel shows, or None."""
    pointer = read_pointer(place, corpus, channel)
    return pointer["release_id"] if pointer else None


def move_pointer(
    place: Place, corpus: str, channel: str, *, expected: str | None, to: str, root: str, run_id: str, at: datetime
) -> dict[str, Any]:
    """Moves the channel from the release `expected` to `to`; a pointer that shows `to` already is left alone.

    Raises:
        StaleCandidate: the channel shows something else than `expected`.
        LakeBusy: another run holds the lake.
    """
    with lease(place, run_id):
        now = read_pointer(place, corpus, channel)
        shown = now["release_id"] if now else None
        if now is not None and shown == to:
            return now
        if shown != expected:
            raise StaleCandidate(
                f"{to} was built on {expected or 'nothing'}, but the channel {channel} of {corpus} shows "
                f"{shown or 'nothing'} by now. Nothing was published; start a new rebuild, which builds on that."
            )
        pointer = {
            "corpus": corpus, "channel": channel, "release_id": to, "manifest_root": root, "run_id": run_id,
            "moved_at": at.isoformat(), "previous": expected,
        }  # fmt: skip
        write_atomically(pointer_file(place, corpus, channel), json.dumps(pointer, indent=1))
        return pointer


def rollback(
    place: Place, corpus: str, channel: str, to: str, *, run_id: str = "rollback", at: datetime | None = None
) -> dict[str, Any]:
    """Shows an earlier release of the channel again. The later one stays where it is, and in the table `release`.

    A person's act, not a step: `at` is now where it is left out.

    Raises:
        UserError: `to` was never published to this channel, or its files are gone.
    """
    known = store.read(place, "release", ["release_id", "channel", "corpus"]).to_pylist()
    if {"release_id": to, "channel": channel, "corpus": corpus} not in known:
        there = sorted({r["release_id"] for r in known if (r["corpus"], r["channel"]) == (corpus, channel)})
        raise UserError(f"{to} was never published to {channel} of {corpus}. Those were: {', '.join(there) or 'none'}.")
    root = manifest_root(read_manifest(place.releases / to / "manifest.json"))
    with lease(place, run_id):
        shown = current_release(place, corpus, channel)
        when = at or datetime.now(UTC)
        return move_pointer(place, corpus, channel, expected=shown, to=to, root=root, run_id=run_id, at=when)
