"""Files that lie in reachable storage: listed in order, hashed in place, not copied. Links are not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from corpusgate.collect.archive import digest
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.errors import NotAvailable
from corpusgate.intake.rules import matches, member_path
from corpusgate.settings.source import FolderChannel


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
    objects: list[Fetched] = []
    faults: list[tuple[str, str]] = []
    for path in sorted(_files(root)):
        name = path.relative_to(root).as_posix()
        try:
            if not matches(member_path(name), channel.include):
                continue
            found = digest(path)
        except ValueError as error:
            faults.append((name.encode("utf-8", "backslashreplace").decode("utf-8"), str(error)))
        except OSError as error:
            faults.append((name, error.strerror or type(error).__name__))
        else:
            objects.append(Fetched(name, path, found.bytes, found.sha256, "listed", "folder"))
    if not objects and not faults:
        raise NotAvailable(
            f"not available here: no file below {root} matches {', '.join(channel.include)}. Next: put files there, or "
            "correct channel.include."
        )
    return Batch(objects, faults)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root, followlinks=False):
        folders.sort()
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink() and path.is_file():
                yield path
