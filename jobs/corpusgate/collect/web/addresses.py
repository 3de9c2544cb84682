"""Which addresses a source names: lists of them and sitemaps. What is read is hostile: bounded, no entities."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from xml.etree import ElementTree

SITEMAP_MAX = 50 << 20
"""Bytes of one sitemap, uncompressed (sitemaps.org)."""
SITEMAPS_MAX = 1000


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
    """Addresses of pages, and of further sitemaps.

    Raises:
        Unusable: no sitemap, too large, or with a document type (which sitemaps have no use for).
    """
    content = _plain(content)
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise Unusable("the sitemap has a document type or entities")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise Unusable(f"the sitemap is no XML: {error}") from None
    kind = _name(root)
    if kind not in ("urlset", "sitemapindex"):
        raise Unusable(f"the sitemap begins with <{kind[:40]}>")
    found = [
        (inner.text or "").strip() for entry in root for inner in entry if _name(inner) == "loc" and inner.text
    ]  # fmt: skip
    found = list(dict.fromkeys(f for f in found if f))
    return (found, []) if kind == "urlset" else ([], found)


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


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
