"""A member that is one document: its bytes within a bound, and its text."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from corpusgate.intake import encoding
from corpusgate.intake.items import Fault
from corpusgate.intake.members import Member
from corpusgate.settings.source import Reader

DOCUMENT_MAX = 64 << 20
"""Bytes of a member that must be held in memory as a whole."""

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)


def whole(member: Member) -> bytes | Fault:
    """All bytes of the member, or a fault where they are too many."""
    with member.open() as stream:
        raw = stream.read(DOCUMENT_MAX + 1)
    if len(raw) > DOCUMENT_MAX:
        return Fault(member.name, "too_large", f"more than {DOCUMENT_MAX} bytes in a document that is read as a whole")
    return raw


def text_of(member: Member, reader: Reader, *, page: bool = False) -> str | Fault:
    """The member as text in the encoding found (`encoding.decode`); `page`: its own `charset=` is a hint."""
    raw = whole(member)
    if isinstance(raw, Fault):
        return raw
    hint = _CHARSET.search(raw[:4096]) if page else None
    try:
        text = encoding.decode(raw, reader.encoding, hint[1].decode("ascii") if hint else None)
    except encoding.Undecodable as error:
        return Fault(member.name, "undecodable", error.detail, error.offset, hashlib.sha256(raw).hexdigest())
    if (nul := text.find("\0")) >= 0:
        detail = f"a NUL, the first at character {nul}: no text file"
        return Fault(member.name, "binary", detail, None, hashlib.sha256(raw).hexdigest())
    return text


def local_copy(member: Member, folder: Path) -> Path:
    """The member as a file that can be read at any place: itself where it is one, else a copy in `folder`."""
    if member.path is not None:
        return member.path
    copy = folder / "member"
    with member.open() as stream, copy.open("xb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return copy
