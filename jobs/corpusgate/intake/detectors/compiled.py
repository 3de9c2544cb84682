"""hyperscan's compiled form of a list of words, kept on disk: 100,000 words take 4 CPU seconds to compile and 200 MB
while they do, and every worker process needs them; read back, they take milliseconds.

A file is named by what it was compiled from and begins with the hash of the rest. One that is missing, damaged, or of
another processor is no fault: the words are compiled again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

FROM_WORDS = 2000
"""Shorter lists compile faster than a file is looked after."""
KEPT = 8
"""Compiled lists that stay: those of a few corpora, and of the weeks before."""
_HASH = 32


def compiled(keys: Sequence[bytes], cache: Path | None, once: bool = True) -> Any:
    """A hyperscan database that reports each of `keys`, of which none holds a zero byte, by its index: `once` a text,
    or wherever it ends. `cache`: folder of compiled ones.

    Raises:
        ImportError: hyperscan is not there.
    """
    import hyperscan as hs

    if cache is None or len(keys) < FROM_WORDS:
        return _compile(keys, once)
    path = cache / f"{_name(keys, once)}.hsdb"
    database = _read(path)
    if database is None:
        database = _compile(keys, once)
        _keep(path, hs.dumpb(database))
    return database


def _compile(keys: Sequence[bytes], once: bool) -> Any:
    import hyperscan as hs

    database = hs.Database(mode=hs.HS_MODE_BLOCK)
    database.compile(
        expressions=list(keys),
        ids=list(range(len(keys))),
        elements=len(keys),
        flags=[hs.HS_FLAG_SINGLEMATCH if once else 0] * len(keys),
        literal=True,
    )
    return database


def _name(keys: Sequence[bytes], once: bool) -> str:
    made_by = f"hyperscan {metadata.version('hyperscan')} {platform.machine()} {'once' if once else 'all'}\n"
    hashed = hashlib.sha256(made_by.encode())
    for key in keys:
        hashed.update(b"%d " % len(key) + key)
    return hashed.hexdigest()


def _read(path: Path) -> Any:
    import hyperscan as hs

    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = content[_HASH:]
    if hashlib.sha256(body).digest() != content[:_HASH]:
        return None
    try:
        database = hs.loadb(body, hs.HS_MODE_BLOCK)
        database.scratch = hs.Scratch(database)  # what compiling would have made
    except hs.HyperscanError:
        return None
    return database


def _keep(path: Path, body: bytes) -> None:
    """Writes the file whole or not at all; where nothing can be written, the next process compiles again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".hsdb.")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(temporary, path)
        for old in sorted(path.parent.glob("*.hsdb"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return
