"""Which addresses a source names: lists of them and sitemaps. What is read is hostile: bounded, no entities."""

from __future__ import annotations

import gzip
import io
import zlib
from xml.parsers.expat import ExpatError, ParserCreate

SITEMAP_MAX = 50 << 20
"""Bytes of one sitemap, uncompressed (sitemaps.org)."""
SITEMAPS_MAX = 1000
DEPTH_MAX = 20
_LONGEST = 4096


class Unusable(Exception):
    """A list or sitemap that cannot be read: `str` says why."""


def of_list(content: bytes) -> list[str]:
    """One address a line; blank lines and those that begin with `#` are none.

    Raises:
        Unusable: no UTF-8 text.
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Unusable(f"the list is no UTF-8 text: {error.reason} at byte {error.start}") from None
    return list(dict.fromkeys(s for line in lines if (s := line.strip()) and not s.startswith("#")))


def of_sitemap(content: bytes) -> tuple[list[str], list[str]]:
    """Addresses of pages, and of further sitemaps. No tree is built: of 50 MB of empty elements that takes gigabytes.

    Raises:
        Unusable: no sitemap, too large, or with a document type (which sitemaps have no use for).
    """
    reader = _Sitemap()
    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.text, reader.doctype
    try:
        parser.Parse(_plain(content), True)
    except ExpatError as error:
        raise Unusable(f"the sitemap is no XML: {error}") from None
    found = list(reader.found)
    return (found, []) if reader.kind == "urlset" else ([], found)


class _Sitemap:
    """`loc` of each entry, two below the root."""

    def __init__(self) -> None:
        self.kind, self.found = "", dict[str, None]()
        self._depth, self._said, self._in = 0, "", False

    def start(self, name: str, attributes: object) -> None:
        self._depth += 1
        own = name.rpartition(" ")[2]
        if self._depth == 1:
            if own not in ("urlset", "sitemapindex"):
                raise Unusable(f"the sitemap begins with <{own[:40]}>")
            self.kind = own
        elif self._depth > DEPTH_MAX:
            raise Unusable(f"the sitemap is nested more than {DEPTH_MAX} deep")
        self._in, self._said = self._depth == 3 and own == "loc", ""

    def text(self, said: str) -> None:
        if self._in and len(self._said) < _LONGEST:
            self._said += said

    def end(self, name: str) -> None:
        if self._in and (found := self._said.strip()):
            self.found.setdefault(found)
        self._depth, self._in = self._depth - 1, False

    def doctype(self, *said: object) -> None:
        raise Unusable("the sitemap has a document type or entities")


def _plain(content: bytes) -> bytes:
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
                content = stream.read(SITEMAP_MAX + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Unusable(f"the sitemap is no gzip: {error}") from None
    if len(content) > SITEMAP_MAX:
        raise Unusable(f"the sitemap has more than {SITEMAP_MAX:,} bytes")
    return content
