"""The raw archive: bytes under their own hash, put there by one rename, never changed afterwards."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpusgate.errors import Mismatch
from corpusgate.lake.run import write_atomically
from corpusgate.settings.place import Place


@dataclass(frozen=True, slots=True)
class Digest:
    """Size and hashes of a file's bytes; `sha512` is empty where it was not asked for."""

    bytes: int
    sha256: str
    sha512: str

    @property
    def integrity(self) -> str:
        """`sha512-` and the hash in base64: the form that npm publishes."""
        return "sha512-" + base64.b64encode(bytes.fromhex(self.sha512)).decode("ascii")


def digest(path: Path, *, long: bool = False) -> Digest:
    """Reads the file once, in blocks; `long` asks for the SHA-512 too."""
    size, short, other = 0, hashlib.sha256(), hashlib.sha512() if long else None
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            size += len(block)
            short.update(block)
            if other:
                other.update(block)
    return Digest(size, short.hexdigest(), other.hexdigest() if other else "")


def archived(place: Place, sha256: str, *, long: bool = False) -> Digest | None:
    """Digest of the archived bytes with this hash, read again; None where they are missing.

    Raises:
        Mismatch: something else lies there; the archive was written to by others.
    """
    path = place.raw_file(sha256)
    if not path.is_file():
        return None
    found = digest(path, long=long)
    if found.sha256 != sha256:
        raise Mismatch(
            f"{path} does not hold the bytes that its name says (SHA-256 {found.sha256}): the raw archive was changed. "
            "Find out by whom; then remove this file and run the step again: it is fetched anew."
        )
    return found


def keep(place: Place, path: Path, found: Digest) -> None:
    """Moves a checked file to its place in the archive; bytes that are there already are left as they are."""
    target = place.raw_file(found.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(path, target)


def known_sha256(place: Place, sha512: str) -> str | None:
    """SHA-256 of archived bytes of which only the SHA-512 is pinned (npm); None where they were never kept."""
    note = _note(place, sha512)
    return note.read_text("ascii").strip() if note.is_file() else None


def remember(place: Place, found: Digest) -> None:
    """Notes under which SHA-256 the bytes with this SHA-512 lie."""
    write_atomically(_note(place, found.sha512), found.sha256 + "\n")


@contextmanager
def incoming(place: Place, name: str) -> Generator[Path]:
    """An empty folder beside the archive for one source's download, for one process at a time.

    What a killed process left in it goes first; the folder goes at the end.
    """
    parent = place.raw / "_incoming"
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / name
    with (parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _note(place: Place, sha512: str) -> Path:
    return place.raw / "sha512" / sha512[:2] / sha512
