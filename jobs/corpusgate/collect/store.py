"""Objects that stay in their store: what the listing says is the acquisition, and who reads it brings its bytes.

A reader needs a file that it can seek in, so the bytes come to a nameless place on the reader's own disk: the whole
object, checked against the listing while it comes, or for a part of a plain file of lines just the lines that begin in
it. Each request names the version that was listed: the store refuses where there is another one by now.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from corpusgate.errors import Mismatch
from corpusgate.settings.source import S3Channel, Source

if TYPE_CHECKING:
    from botocore.client import BaseClient

ADDRESS = "s3://"
#: Bytes at the beginning that tell what a file is.
HEAD = 512
_BLOCK = 1 << 20
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')

_clients: dict[str, BaseClient] = {}


@dataclass(frozen=True, slots=True)
class Here:
    """The bytes of an object, or of a part of it (the rest is a hole), in a file of the object's size; `sha256` of the
    whole object, where all of it came."""

    path: Path
    sha256: str | None


def stays(path: str) -> bool:
    """Whether a fact's path is the address of an object that stays in its store."""
    return path.startswith(ADDRESS)


@contextmanager
def here(source: Source, address: str, etag: str, size: int, start: int = 0, end: int | None = None) -> Generator[Here]:
    """The object on this machine's disk for as long as the block runs; `start` and `end` as for a reader.

    Raises:
        Mismatch: there is another object under this name by now, or none, or what came is not what was listed.
    """
    assert isinstance(source.channel, S3Channel)
    client, wanted = _client(source.channel), _wanted(address, etag)
    with tempfile.TemporaryDirectory(prefix="corpusgate-") as folder:
        path = Path(folder) / "object"
        with path.open("wb") as file, _told(address):
            if start or end is not None:
                _part(client, wanted, file, size, start, size if end is None else end)
                sha256 = None
            else:
                sha256 = _whole(client, wanted, file, address, etag, size)
        yield Here(path, sha256)


def sha256_of(source: Source, address: str, etag: str, size: int) -> str:
    """SHA-256 of the whole object; nothing of it is kept.

    Raises:
        Mismatch: as `here`.
    """
    assert isinstance(source.channel, S3Channel)
    with tempfile.TemporaryFile() as none, _told(address):
        return _whole(_client(source.channel), _wanted(address, etag), none, address, etag, size, keep=False)


def _whole(
    client: Any, wanted: dict[str, str], file: BinaryIO | Any, address: str, etag: str, size: int, keep: bool = True
) -> str:
    """Brings all of it and returns its SHA-256. An ETag of one upload without a key of the store's is the MD5."""
    said = client.get_object(**wanted)
    total, long, short = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    while block := said["Body"].read(_BLOCK):
        total += len(block)
        long.update(block)
        short.update(block)
        if keep:
            file.write(block)
    plain = _MD5.fullmatch(etag) if said.get("ServerSideEncryption") in (None, "AES256") else None
    if total != size or (plain and plain[1] != short.hexdigest()):
        raise Mismatch(f"{address} is not what was listed: {total} bytes came, {size} were named with the ETag {etag}.")
    return long.hexdigest()


def _part(client: Any, wanted: dict[str, str], file: BinaryIO | Any, size: int, start: int, end: int) -> None:
    """Brings the beginning, and the lines that begin between `start` and `end`, each at its own place."""
    file.truncate(size)
    first = max(0, start - 1)
    if first:
        file.seek(0)
        file.write(_range(client, wanted, 0, min(HEAD, size)))
    file.seek(first)
    body = client.get_object(**wanted, Range=f"bytes={first}-{min(end, size) - 1}")["Body"]
    last = b""
    while block := body.read(_BLOCK):
        file.write(block)
        last = block[-1:]
    at = end
    while at < size and last != b"\n":
        more = _range(client, wanted, at, min(at + _BLOCK, size))
        cut = more.find(b"\n") + 1 or len(more)
        file.write(more[:cut])
        at, last = at + cut, more[cut - 1 : cut]


def _range(client: Any, wanted: dict[str, str], start: int, end: int) -> bytes:
    return client.get_object(**wanted, Range=f"bytes={start}-{end - 1}")["Body"].read()


@contextmanager
def _told(address: str) -> Generator[None]:
    """Says as a mismatch that the store has another object by now, or none, or that bytes came damaged."""
    from botocore.exceptions import ClientError, FlexibleChecksumError

    try:
        yield
    except FlexibleChecksumError as error:
        raise Mismatch(f"{address} came damaged: {error}") from None
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") not in (404, 412):
            raise
        raise Mismatch(f"{address} is not what was listed: the store has another object by now, or none.") from None


def _wanted(address: str, etag: str) -> dict[str, str]:
    bucket, _, key = address.removeprefix(ADDRESS).partition("/")
    return {"Bucket": bucket, "Key": key, "IfMatch": etag}


def _client(channel: S3Channel) -> BaseClient:
    """This process's client of the store: credentials are those of the process's environment."""
    from corpusgate.collect.channels.s3 import connect

    key = f"{channel.endpoint} {channel.region}"
    if key not in _clients:
        _clients[key] = connect(channel)
    return _clients[key]
