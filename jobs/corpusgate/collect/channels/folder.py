"""Files that lie in reachable storage: listed in order, hashed in place, not copied. Links are not followed.

A file that the file system says is the one that was hashed before costs its line in the listing: same inode, size,
times of change. The last of these no ordinary program can set. One that changed less than `SETTLED` before it was
hashed is hashed again, since a second change may have got the same time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpusgate.collect.archive import digest
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.errors import NotAvailable
from corpusgate.intake.rules import matches, member_path
from corpusgate.lake.run import write_atomically
from corpusgate.settings.source import FolderChannel

#: Seconds that a file must have been left alone before it is taken for the one that was hashed.
SETTLED = 2.0


def fetch(channel: FolderChannel, bench: Bench) -> Batch:
    """Every regular file below the folder that the globs choose, by name. A file that cannot be read is a fault.

    Raises:
        NotAvailable: the folder is not there, or nothing in it is chosen.
    """
    root = Path(channel.path) if Path(channel.path).is_absolute() else bench.place.home / channel.path
    if not root.is_dir():
        raise NotAvailable(
            f"not available here: there is no folder {root}. Next: put the files there, or correct channel.path; the "
            "demonstration's own sources are made by `corpusgate fixtures`."
        )
    note = bench.place.lake / "_folders" / f"{bench.name}.json"
    known: dict[str, Any] = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    kept: dict[str, Any] = {}
    objects: list[Fetched] = []
    faults: list[tuple[str, str]] = []
    for path in sorted(_files(root)):
        name = path.relative_to(root).as_posix()
        try:
            if not matches(member_path(name), channel.include):
                continue
            found = _hashed(path, name, known, kept)
        except ValueError as error:
            faults.append((name.encode("utf-8", "backslashreplace").decode("utf-8"), str(error)))
        except OSError as error:
            faults.append((name, error.strerror or type(error).__name__))
        else:
            objects.append(Fetched(name, path, found["bytes"], found["sha256"], "listed", "folder"))
    if not objects and not faults:
        raise NotAvailable(
            f"not available here: no file below {root} matches {', '.join(channel.include)}. Next: put files there, or "
            "correct channel.include."
        )
    if kept != known:
        write_atomically(note, json.dumps(kept, sort_keys=True))
    return Batch(objects, faults)


def _hashed(path: Path, name: str, known: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """Size and hash of the file, from the last run's note where it is still the same; noted where it has settled."""
    now, at = _looks(path), time.time()
    last = known.get(name)
    if last is None or last["looks"] != now:
        found = digest(path)
        last = {"looks": now, "bytes": found.bytes, "sha256": found.sha256}
    if max(now[2:]) < (at - SETTLED) * 1e9 and _looks(path) == now:
        kept[name] = last
    return last


def _looks(path: Path) -> list[int]:
    said = path.stat()
    return [said.st_ino, said.st_size, said.st_mtime_ns, said.st_ctime_ns]


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root, followlinks=False):
        folders.sort()
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink() and path.is_file():
                yield path
