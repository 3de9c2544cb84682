"""Streams that cannot hurt: decompression with bounds on size, ratio and memory; parts of a file; Debian's `ar`.

Bounds hold while bytes are read, never by what a header claims.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

import zstandard

#: What the libraries below raise on bytes that are not what they should be, or that end too early.
BROKEN = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile)

SUFFIXES = ("gz", "zst", "xz", "bz2")
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in bytes. A compressed stream may grow to `ratio` times its size, or to `ratio_floor` if that is more.
    `directory`: a zip archive's list of members; `header`: what a tar archive says of one member. Both are held."""

    member: int = 1 << 30
    total: int = 8 << 30
    ratio: int = 200
    ratio_floor: int = 16 << 20
    members: int = 1_000_000
    memory: int = 256 << 20
    directory: int = 64 << 20
    header: int = 4 << 20


LIMITS = Limits()


class LimitExceeded(Exception):
    """A bound of `Limits` is passed; `reason` is the code of the fault."""

    def __init__(self, reason: str, detail: str, offset: int | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.offset = reason, detail, offset


class Broken(Exception):
    """The bytes are not the archive they begin as; the message says where."""


#: What zipfile and tarfile raise besides on headers that somebody made up.
_MADE_UP = (ValueError, OverflowError, RecursionError, struct.error, IndexError)


@contextmanager
def made_up_is_broken() -> Generator[None]:
    """Says what archives of made-up headers raise in the one word for it.

    Raises:
        Broken: a header leads nowhere.
    """
    try:
        yield
    except _MADE_UP as error:
        raise Broken(f"{type(error).__name__}: {error}") from None
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # bz2's word for bad bytes; a place that a header makes up
            raise
        raise Broken(f"{type(error).__name__}: {error}") from None


class Bounded(io.RawIOBase):
    """A stream that raises `LimitExceeded` once more bytes have come out than `limit`, or than `stored` can explain."""

    def __init__(
        self, stream: IO[bytes], limit: int, stored: int, limits: Limits, owned: IO[bytes] | None = None
    ) -> None:
        self._stream, self._limit, self._read, self._owned = stream, limit, 0, owned
        self._explained = max(limits.ratio_floor, limits.ratio * stored)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        with made_up_is_broken():
            block = self._stream.read(min(len(buffer), BLOCK))
        self._read += len(block)
        if self._read > self._explained:
            raise LimitExceeded("ratio", f"more than {self._explained} bytes come out of it", self._read)
        if self._read > self._limit:
            raise LimitExceeded("too_large", f"more than {self._limit} bytes", self._read)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._owned is not None:
                self._owned.close()
        super().close()


class Sipped:
    """A tar archive's file as `tarfile` sees it: what it would hold as a whole, the headers, must be small."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file, self._most = file, max(limits.header, BLOCK)
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._most:
            raise LimitExceeded("too_large", f"a header of {size} bytes, more than {self._most}", self.tell())
        return self._file.read(size)


class Window(io.RawIOBase):
    """The bytes `start` to `start + size` of a file that others read too: each read seeks first."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer) -> int:
        self._file.seek(self._start + self._at)
        block = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        self._at += len(block)
        buffer[: len(block)] = block
        return len(block)


class _Xz(io.RawIOBase):
    """xz with a bound on the memory that its header may ask for, which `lzma.LZMAFile` has not."""

    def __init__(self, stream: IO[bytes], memory: int) -> None:
        self._stream, self._memory = stream, memory
        self._decoder = lzma.LZMADecompressor(memlimit=memory)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while True:
            if self._decoder.eof:
                rest = self._decoder.unused_data.lstrip(b"\0") or self._stream.read(BLOCK).lstrip(b"\0")
                if not rest:
                    return 0
                self._decoder = lzma.LZMADecompressor(memlimit=self._memory)
            else:
                rest = self._stream.read(BLOCK) if self._decoder.needs_input else b""
                if not rest and self._decoder.needs_input:
                    raise EOFError("ends before its end marker")
            block = self._decoder.decompress(rest, max_length=len(buffer))
            if block:
                buffer[: len(block)] = block
                return len(block)


def compression(head: bytes) -> str | None:
    """Which compression a stream's first 16 bytes announce: gz, zst, xz, bz2 or None."""
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zst"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "bz2"
    return None


def decompressed(stream: BinaryIO, kind: str, stored: int, limit: int, limits: Limits = LIMITS) -> BinaryIO:
    """The plain bytes of a compressed stream of `stored` bytes; several frames one after another are one stream."""
    opened: dict[str, Callable[[], IO[bytes]]] = {
        "gz": lambda: cast(IO[bytes], gzip.GzipFile(fileobj=stream)),
        "bz2": lambda: cast(IO[bytes], bz2.BZ2File(stream)),
        "xz": lambda: cast(IO[bytes], _Xz(stream, limits.memory)),
        "zst": lambda: cast(
            IO[bytes],
            zstandard.ZstdDecompressor(max_window_size=limits.memory).stream_reader(stream, read_across_frames=True),
        ),
    }
    return io.BufferedReader(Bounded(opened[kind](), limit, stored, limits, stream), BLOCK)


def plain(stream: BinaryIO, stored: int, limit: int, limits: Limits = LIMITS) -> BinaryIO:
    """The stream with its compression, if it has one, taken off."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream), BLOCK)
    kind = compression(buffered.peek(16)[:16])
    return decompressed(buffered, kind, stored, limit, limits) if kind else buffered


def ar_parts(file: BinaryIO, size: int) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each part of an `ar` archive (deb(5), common format).

    Raises:
        Broken: a header is not one, or a part is longer than the file.
    """
    at = 8
    while at < size:
        file.seek(at)
        header = file.read(60)
        if len(header) < 60 or header[58:] != b"`\n":
            raise Broken(f"no ar header at byte {at}")
        try:
            length = int(header[48:58])
        except ValueError:
            raise Broken(f"no size in the ar header at byte {at}") from None
        if length < 0 or at + 60 + length > size:
            raise Broken(f"the ar part at byte {at} is longer than the file")
        yield header[:16].decode("ascii", "replace").rstrip(" /"), at + 60, length
        at += 60 + length + length % 2
