"""JSON Lines: one object a line. Reads in bounded memory, and in parts: a part owns the lines that begin in it."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from corpusgate.intake import encoding
from corpusgate.intake.fields import Fields
from corpusgate.intake.items import Fault, Found, Item, Stands
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

SPLITTABLE = HAS_FIELDS = True
LINE_MAX = 16 << 20
"""Bytes of a line, its end included; a longer one is a fault, and is skipped without being held in memory."""

BLOCK = 1 << 17
"""Bytes of a plain file that are read at once; a line is seldom cut then."""

_BLANK = b" \t\r\n"
_UTF8 = ("utf-8", "utf-8-sig")


class Options(Declared):
    """JSON Lines need none."""


def read(
    member: Member, reader: Reader, start: int = 0, end: int | None = None, stood: Mapping[str, str] | None = None
) -> Iterator[Found]:
    """Records of the lines that begin at a byte from `start` to before `end` (None: the member's end).

    The encoding is decided on the whole member (`encoding.of_lines`); a line that is not in it, is no JSON object or
    is too long is a fault with its offset. Offsets count in the member's bytes, recoded as UTF-8 where it was UTF-16.
    `stood` (hash of a line to the record that it gave) names lines that are not to be read again; where it is given,
    also empty, lines of UTF-8 that are one record each are hashed. In another encoding the same bytes may be another
    text, as the file around them says.
    """
    codec = encoding.of_lines(member.open, reader.encoding)
    if start and (member.path is None or encoding.is_wide(codec)):
        raise ValueError(f"{member.name} cannot be read in parts: ask read.split_reader first")
    of_line = "utf-8" if encoding.is_wide(codec) or codec == "utf-8-sig" else codec
    fields, hashed = Fields(member.name, reader), codec in _UTF8 and reader.chat is None
    with member.path.open("rb", BLOCK) if member.path else member.open() as stream:
        for at, line in _lines(member.name, encoding.recoded(stream, codec), start, end):
            if isinstance(line, Fault):
                yield line
            elif line.strip(_BLANK):
                raw = hashlib.sha256(line).hexdigest() if hashed and stood is not None else None
                if stood and raw is not None and raw in stood:
                    yield Stands(member.name, stood[raw])
                else:
                    yield from _line(member.name, of_line, fields, at, line, raw)


def _line(member: str, codec: str, fields: Fields, at: int, line: bytes, raw: str | None) -> Iterator[Found]:
    try:
        row = json.loads(line.decode(codec))
    except UnicodeDecodeError as error:
        yield _fault(member, "undecodable", f"not {codec}: {error.reason}", at + error.start, line)
        return
    except ValueError as error:
        yield _fault(member, "not_json", getattr(error, "msg", type(error).__name__), at, line)
        return
    except RecursionError:
        yield _fault(member, "not_json", "nested too deeply", at, line)
        return
    if not isinstance(row, dict):
        yield _fault(member, "not_an_object", f"an object was expected, not {type(row).__name__}", at, line)
        return
    for found in fields.read(row, raw):
        if isinstance(found, Fault):
            yield replace(found, byte_offset=at, raw_sha256=hashlib.sha256(line).hexdigest())
        elif isinstance(found, Item) and not _encoded(found) and b"\\u" in line:
            yield _fault(member, "lone_surrogate", "half of a surrogate pair: no character", at, line)
        else:
            yield found


def _encoded(item: Item) -> bool:
    """Leaves the UTF-8 of the text with the item; False: it has none."""
    try:
        item.utf8 = item.text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lines(member: str, stream: BinaryIO, start: int, end: int | None) -> Iterator[tuple[int, bytes | Fault]]:
    """Offset and bytes of each line; a fault in place of one that is too long."""
    at = _first_line(stream, start)
    while end is None or at < end:
        line = stream.readline(LINE_MAX)
        if not line:
            return
        if len(line) < LINE_MAX or line.endswith(b"\n"):
            mark = len(codecs.BOM_UTF8) if at == 0 and line.startswith(codecs.BOM_UTF8) else 0
            yield at + mark, line[mark:]
            at += len(line)
        else:
            digest, size = hashlib.sha256(line), len(line)
            while not line.endswith(b"\n") and (line := stream.readline(LINE_MAX)):
                digest.update(line)
                size += len(line)
            yield at, Fault(member, "line_too_long", f"{size} bytes, more than {LINE_MAX}", at, digest.hexdigest())
            at += size


def _first_line(stream: BinaryIO, start: int) -> int:
    """Moves to the first line that begins at `start` or later; its offset."""
    if start == 0:
        return 0
    stream.seek(start - 1)
    at = start - 1
    while line := stream.readline(LINE_MAX):
        at += len(line)
        if line.endswith(b"\n"):
            break
    return at


def _fault(member: str, reason: str, detail: str, at: int, line: bytes) -> Fault:
    return Fault(member, reason, detail, at, hashlib.sha256(line).hexdigest())
