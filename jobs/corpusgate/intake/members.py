"""The files inside what was fetched: wheel, zip, Debian package, tar in any compression, a file, compressed or not.

What a file is, its first bytes tell and not its name. Nothing is extracted by name to disk and nothing is executed; a
link is never followed, so what is reachable under two paths is read once, under its own.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import BinaryIO, cast

from corpusgate.intake.items import Fault
from corpusgate.intake.rules import matches, member_path
from corpusgate.intake.unpack import (
    BLOCK,
    BROKEN,
    LIMITS,
    Bounded,
    Broken,
    LimitExceeded,
    Limits,
    Sipped,
    Window,
    ar_parts,
    compression,
    decompressed,
    made_up_is_broken,
    plain,
)  # fmt: skip
from corpusgate.settings.source import Reader

_LONGEST_LINK = 4096
UNREADABLE = (*BROKEN, Broken, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)
_END_OF_ZIP = 22 + (1 << 16)


@dataclass(frozen=True, slots=True)
class Member:
    """One file. `open()` gives its plain bytes from the start, also a second time, until the next member is asked for.

    `size` is what it takes in its archive (before decompression of the file itself); `path` is set for a plain file
    on disk that can be read in parts, `packed` (path and compression) for a compressed one.
    """

    name: str
    open: Callable[[], BinaryIO]
    size: int
    path: Path | None = None
    packed: tuple[Path, str] | None = None


def members(path: Path, name: str, reader: Reader, *, limits: Limits = LIMITS) -> Iterator[Member | Fault]:
    """The members that the reader's globs choose (`rules.matches`), in the archive's order.

    `name` is the acquisition's own name: a plain or compressed file has it as its member path. Faults: names that lead
    out, links that lead out, encrypted members, what is no file, and archives that are broken or pass a bound
    (`limits`): these end the archive, with what was read before them kept.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        size = os.fstat(file.fileno()).st_size
        head = file.read(512)
        file.seek(0)
        try:
            if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                yield from _zip(file, reader, limits)
            elif head.startswith(b"!<arch>\n"):
                yield from _deb(file, size, reader, limits, stack)
            elif _is_tar(head):
                yield from _tar(file, reader, limits)
            elif (kind := compression(head)) and _is_tar(_peek(path, kind, size, limits)):
                yield from _tar(_spooled(file, kind, size, limits, stack), reader, limits)
            else:
                yield from _single(path, name, size, kind, reader, limits)
        except UNREADABLE as error:
            yield Fault(_printable(name), "broken_archive", f"{type(error).__name__}: {error}"[:300])
        except LimitExceeded as error:
            yield Fault(_printable(name), error.reason, error.detail, error.offset)


def _single(
    path: Path, name: str, size: int, kind: str | None, reader: Reader, limits: Limits
) -> Iterator[Member | Fault]:
    try:
        own = member_path(name)
    except ValueError as error:
        yield Fault(_printable(name), "unsafe_name", str(error))
        return
    if not matches(own, reader.include, reader.exclude):
        return
    if kind is None:
        yield Member(own, lambda: path.open("rb"), size, path)
    else:
        opened = lambda: decompressed(path.open("rb"), kind, size, limits.total, limits)  # noqa: E731
        yield Member(own, opened, size, packed=(path, kind))


def _zip(file: BinaryIO, reader: Reader, limits: Limits) -> Iterator[Member | Fault]:
    _directory_in_bounds(file, limits)
    with made_up_is_broken():
        opened = zipfile.ZipFile(file)
    with opened as archive:
        chosen = _Chosen(reader, limits)
        for info in archive.infolist():
            if info.filename.endswith("/"):
                continue
            name = chosen(info.filename, info.file_size, _zip_link(archive, info))
            if isinstance(name, Fault):
                yield name
            elif name and info.flag_bits & 0x1:
                yield Fault(name, "encrypted", "an encrypted member of a zip archive")
            elif name:
                yield Member(name, _opener(_zipped(archive, info), info.compress_size, limits), info.file_size)


def _directory_in_bounds(file: BinaryIO, limits: Limits) -> None:
    """zipfile holds the list of members as a whole; how long it is, the archive's end says."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_OF_ZIP))
    tail = file.read()
    found = tail.rfind(b"PK\x05\x06")
    said = int.from_bytes(tail[found + 12 : found + 16], "little") if found >= 0 else 0
    if said == 0xFFFFFFFF:  # ZIP64: its own end record stands before
        wide = tail.rfind(b"PK\x06\x06", 0, found)
        said = int.from_bytes(tail[wide + 40 : wide + 48], "little") if wide >= 0 else said
    if said > limits.directory:
        raise LimitExceeded("too_large", f"a list of members of {said} bytes, more than {limits.directory}")
    file.seek(0)


def _zip_link(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    """Where a symbolic link in a zip leads; one that cannot be told counts as leading out."""
    if not stat.S_ISLNK(info.external_attr >> 16):
        return None
    if info.file_size > _LONGEST_LINK or info.flag_bits & 0x1:
        return ".."
    with made_up_is_broken():
        return join(dirname(info.filename), archive.read(info).decode("utf-8", "replace"))


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, archive.open(info))


def _deb(file: BinaryIO, size: int, reader: Reader, limits: Limits, stack: ExitStack) -> Iterator[Member | Fault]:
    """The installed files (`data.tar.*`) of a Debian package; its control part holds no corpus text."""
    for name, start, length in ar_parts(file, size):
        if name.startswith("data.tar"):
            data = io.BufferedReader(Window(file, start, length), BLOCK)
            kind = compression(data.peek(16)[:16])
            whole = cast(BinaryIO, data)
            yield from _tar(_spooled(whole, kind, length, limits, stack) if kind else whole, reader, limits)
            return
    raise Broken("an ar archive without data.tar: no Debian package")


def _tar(file: BinaryIO, reader: Reader, limits: Limits) -> Iterator[Member | Fault]:
    sipped = cast(BinaryIO, Sipped(file, limits))
    with made_up_is_broken():
        opened = tarfile.open(fileobj=sipped, mode="r:", errors="surrogateescape")  # noqa: SIM115
    with opened as archive:
        chosen = _Chosen(reader, limits)
        while info := _next(archive):
            # tarfile keeps every header: a million of them would fill the memory
            archive.members.clear()  # ty: ignore[missing-attribute]
            archive.pax_headers = {}
            if info.isdir():
                continue
            name = chosen(info.name, info.size, _tar_link(info))
            if isinstance(name, Fault):
                yield name
            elif name and not info.isfile():
                yield Fault(name, "not_a_file", "a device, pipe or other special file")
            elif name:
                yield Member(name, _opener(_tarred(archive, info), info.size, limits), info.size)
        file.seek(archive.offset)
        if file.read(512).strip(b"\0"):  # tarfile takes a broken header for the end
            raise Broken(f"no tar header at byte {archive.offset}")


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    with made_up_is_broken():
        return archive.next()


def _tar_link(info: tarfile.TarInfo) -> str | None:
    if info.issym():
        return join(dirname(info.name), info.linkname)
    return info.linkname if info.islnk() else None


def _tarred(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        stream = archive.extractfile(info)
        assert stream is not None  # only regular files come here
        return cast(BinaryIO, stream)

    return opened


def _opener(stream: Callable[[], BinaryIO], stored: int, limits: Limits) -> Callable[[], BinaryIO]:
    """Opens a member with bounds on what comes out of it, and takes off a compression of its own."""

    def opened() -> BinaryIO:
        with made_up_is_broken():
            raw = stream()
        bounded = io.BufferedReader(Bounded(raw, limits.member, stored, limits), BLOCK)
        return plain(bounded, stored, limits.member, limits)

    return opened


class _Chosen:
    """Judges one archive's entries: the path of a member to read, a fault, or None where there is nothing to read."""

    def __init__(self, reader: Reader, limits: Limits) -> None:
        self._reader, self._limits = reader, limits
        self._seen: set[str] = set()
        self._total = self._count = 0

    def __call__(self, raw: str, size: int, target: str | None) -> str | Fault | None:
        self._count += 1
        if self._count > self._limits.members:
            raise LimitExceeded("too_large", f"more than {self._limits.members} members")
        try:
            name = member_path(raw)
        except ValueError as error:
            return Fault(_printable(raw), "unsafe_name", str(error))
        if not matches(name, self._reader.include, self._reader.exclude):
            return None
        if target is not None:
            out = target.startswith(("/", "\\")) or normpath(target).split("/")[0] == ".."
            return Fault(name, "link_outside", "a link that leads out of the archive") if out else None
        if name in self._seen:
            return Fault(name, "duplicate_member", "a second member of this path; the first was read")
        self._seen.add(name)
        if size > self._limits.member:
            return Fault(name, "too_large", f"{size} bytes, more than {self._limits.member}")
        self._total += size
        if self._total > self._limits.total:
            raise LimitExceeded("too_large", f"its members add up to more than {self._limits.total} bytes")
        return name


def _spooled(file: BinaryIO, kind: str, size: int, limits: Limits, stack: ExitStack) -> BinaryIO:
    """A compressed tar as a plain one in a nameless temporary file: its members can be read in any order, and twice."""
    spool = stack.enter_context(tempfile.TemporaryFile(prefix="corpusgate-"))  # noqa: SIM115
    stream = decompressed(file, kind, size, limits.total, limits)
    while block := stream.read(BLOCK):
        spool.write(block)
    spool.seek(0)
    return cast(BinaryIO, spool)


def _peek(path: Path, kind: str, size: int, limits: Limits) -> bytes:
    with path.open("rb") as file, decompressed(file, kind, size, limits.total, limits) as stream:
        return stream.read(512)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _printable(name: str) -> str:
    """The name with what cannot be shown or stored written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode().encode("unicode_escape").decode("ascii")[:500]
