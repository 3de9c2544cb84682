"""Documents that attestations rest on: kept by their hash beside the tables, so that what was vouched for stays
readable after the original is gone or edited."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.settings.place import Place

#: Contracts and minutes are smaller; a database dump is no document.
LARGEST = 64 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Document:
    """A document by its name and hash; `content` None: it is recorded already."""

    name: str
    sha256: str
    content: bytes | None


def document(place: Place, given: str, inbox: Path | None) -> Document:
    """The document that a person names: a path, or the SHA-256 of one that is recorded.

    With `inbox` a path must be a bare file name in that folder: who attests through Airflow must not make the server
    read whatever it can.

    Raises:
        UserError: there is none, it is empty or too large, or its name cannot be shown.
    """
    if _SHA256.fullmatch(given):
        return _recorded(place, given)
    path = Path(given) if inbox is None else inbox / given
    if inbox is not None and (Path(given).name != given or path.is_symlink()):
        raise UserError(f"{given!r} is no file name: put the document into {inbox} and give its name alone.")
    if any(unicodedata.category(c)[0] in "CZ" and c != " " for c in path.name):
        raise UserError(f"The document's name {path.name!r} holds characters that no page could show; rename it.")
    try:
        size = path.stat().st_size
        content = path.read_bytes() if 0 < size <= LARGEST and path.is_file() else None
    except OSError as error:
        raise UserError(f"The document {path} cannot be read: {error.strerror or error}.") from None
    if content is None:
        raise UserError(f"{path} is no document: a file of 1 byte to {LARGEST >> 20} MB is wanted.")
    return Document(path.name, hashlib.sha256(content).hexdigest(), content)


def kept_at(place: Place, sha256: str) -> Path:
    """Where the document with this hash lies."""
    return place.lake / "documents" / sha256[:2] / sha256


def keep(place: Place, found: Document, about: str, at: datetime) -> None:
    """Keeps the bytes (readable by their owner alone) and says so in `evidence_file`; once for each content."""
    if found.content is None:
        return
    path = kept_at(place, found.sha256)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(found.content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    row = {
        "evidence_id": found.sha256[:16], "name": found.name, "sha256": found.sha256, "bytes": len(found.content),
        "about": about, "recorded_at": at,
    }  # fmt: skip
    store.append_new(place, "evidence_file", [row], "attest")


def _recorded(place: Place, sha256: str) -> Document:
    store.ensure_tables(place, ["evidence_file"])
    rows = store.read(place, "evidence_file", ["name"], f"sha256 = '{sha256}'").to_pylist()
    if not rows:
        raise UserError(f"No document with the hash {sha256} is recorded; give the file itself once.")
    return Document(rows[0]["name"], sha256, None)
