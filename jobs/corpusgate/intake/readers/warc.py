"""WARC and WET: a record for each page fetched (`response`, HTML or plain text) or text extracted (`conversion`).

Compressed archives (a gzip stream a record) and plain ones. Other records (requests, metadata, images) hold no text of
the corpus and are passed over, as files are that no glob chooses.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pydantic import Field

from corpusgate.intake import encoding
from corpusgate.intake.document import DOCUMENT_MAX
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.intake.readers import html
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

APART = RESUMES = True
_PAGES = ("text/html", "application/xhtml+xml")


class Options(Declared):
    """What this format understands; `main` and `skip` as for HTML."""

    main: bool = True
    skip: tuple[str, ...] = ()
    status: tuple[int, ...] = Field((200,), description="HTTP statuses whose pages are read")
    seconds: int = Field(30, ge=1, description="CPU time that one page may take")


def read(
    member: Member, reader: Reader, skip: int = 0, at: Callable[[int], object] = lambda offset: None
) -> Iterator[Item | Fault]:
    """Pages and texts with `url` and, in the attributes, `date` and `warc_id`.

    The first `skip` of them are passed over, unread; `at` is told where each of the others begins before it is read.
    """
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    options = Options.model_validate(reader.options)
    kinds = WarcRecordType.response | WarcRecordType.conversion
    seen, found = False, 0
    with member.open() as stream:
        try:
            archive = ArchiveIterator(_Forward(stream), record_types=kinds, parse_http=True, strict_mode=True)
            for record in archive:
                seen, kind = True, _kind(record, options)
                if kind is None:
                    continue
                found += 1
                if found > skip:
                    at(record.stream_pos)
                    yield _record(member.name, record, reader, options, kind)
        except BaseException as error:  # a panic of fastwarc's own code is no Exception
            ours = isinstance(error, RuntimeError | ValueError | OSError) and not getattr(error, "errno", None)
            if not ours and type(error).__name__ != "PanicException":
                raise
            yield Fault(member.name, "not_warc", f"{type(error).__name__}: {error}"[:300])
            return
    if not seen:
        yield Fault(member.name, "no_records", "no response and no conversion record")


class _Forward:
    """The stream with the forward moves that fastwarc makes over what it passes over."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._at = stream, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._at += len(block)
        return block

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._stream.close()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END or target < self._at:
            raise ValueError("a WARC archive is read forward")
        while self._at < target and self.read(min(encoding.BLOCK, target - self._at)):
            pass
        return self._at


def _kind(record: Any, options: Options) -> str | None:
    """The media type of a record that holds text; None for others."""
    if not (record.is_http and record.http_headers is not None):
        return "text/plain"
    kind = (record.http_content_type or "").lower()
    wanted = record.http_headers.status_code in options.status and kind in (*_PAGES, "text/plain")
    return kind if wanted else None


def _record(member: str, record: Any, reader: Reader, options: Options, kind: str) -> Item | Fault:
    headers = record.headers
    url, offset = headers.get("WARC-Target-URI"), record.stream_pos
    attributes = {"url": url, "date": headers.get("WARC-Date"), "warc_id": headers.get("WARC-Record-ID")}
    raw = record.reader.read(DOCUMENT_MAX + 1)
    if len(raw) > DOCUMENT_MAX:
        return Fault(member, "too_large", f"more than {DOCUMENT_MAX} bytes in one record", offset)
    try:
        text = encoding.decode(raw, reader.encoding, record.http_charset if record.is_http else None)
    except encoding.Undecodable as error:
        return Fault(member, "undecodable", error.detail, offset)
    declared = {name: value for name, value in attributes.items() if value}
    if kind in _PAGES:
        found = html.page(member, text, html.Options(main=options.main, skip=options.skip), url)
        if isinstance(found, Fault):
            return Fault(member, found.reason, found.detail, offset)
        return Item(member, found.text, title=found.title, url=url, attributes={**found.attributes, **declared})
    return Item(member, text, url=url, attributes=declared)
