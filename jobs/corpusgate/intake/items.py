"""What reading yields: a record, one that could not be read, a field that nobody declared, or a line that stood there
before. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Item:
    """One raw record as a reader finds it.

    `member` is its path inside the acquisition. As `read.read_items` hands it out, `text` is the stored text (decoded,
    NFC, LF) and can be written as UTF-8. `attributes` holds every declared field of the source as text, under the name
    that the declaration gives it, also those that fill `title`, `url` and the like. Records with one `group_id` stay
    together: what a conversation is made of, `turn` by turn. `raw_sha256` is the hash of the line of UTF-8 that says
    all of it and nothing else, where there is one. `utf8` is `text` so encoded: whoever sees first whether that can be
    done leaves it there. Not frozen like the rest, since there is one for each record, and that costs.
    """

    member: str
    text: str
    key: str | None = None
    title: str | None = None
    url: str | None = None
    role: str = "text"
    group_id: str | None = None
    turn: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    raw_sha256: str | None = None
    utf8: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """One raw record, or a whole member, that cannot be read: it goes to quarantine and is never lost.

    `reason` is a code (`read.REASONS` explains each), `detail` says more without quoting the text, `byte_offset` counts
    in the decompressed member, `raw_sha256` is the hash of the raw bytes where they were at hand.
    """

    member: str
    reason: str
    detail: str
    byte_offset: int | None = None
    raw_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A field of the source that is neither key, text, declared nor ignored: said once an acquisition, no record."""

    member: str
    field: str


@dataclass(frozen=True, slots=True)
class Stands:
    """A line that gave the record `record_id` in the source's last state: it is not read again."""

    member: str
    record_id: str


Found = Item | Fault | Signal | Stands
