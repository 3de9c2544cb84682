"""The NOTICE of a release: what it is made of, under which licence, a line a source; and masks in others' notices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from corpusgate.decide.rules import Span

_HEAD = """\
{release_id}
This corpus was built by corpusgate from the sources below. Each text stays under the licence of its source; the hash is
that of the licence text as it was read when the source was taken in. Removed and masked stretches are said in the
manifest and in the table release_record. Where personal information was masked inside a copyright notice, the number of
such masks is said: the notice itself stands, an address in it does not.

"""
#: How a line begins that a licence asks to be kept.
_NOTICE = re.compile(r"copyright\b|©|\(c\)\s*(?:19|20)\d\d|版权所有|著作权(?:人|归)", re.IGNORECASE)
_REACH = 400


def masks_in_notices(text: str, masks: Iterable[Span]) -> int:
    """How many masks of a stored text lie in a copyright notice: on its line, or on the next, where a long one goes on.

    A blank line ends a notice; more than `_REACH` characters away nothing is looked for.
    """
    counted = 0
    for span in masks:
        first, last = max(span.start - _REACH, 0), min(span.end + _REACH, len(text))
        line = text.rfind("\n", first, span.start) + 1 or first
        above = text.rfind("\n", first, max(line - 1, first)) + 1 or first
        end = text.find("\n", span.end, last)
        counted += _NOTICE.search(text, above, last if end < 0 else end) is not None
    return counted


def notice(manifest: Mapping[str, Any], release_id: str, masked: Mapping[str, int] | None = None) -> str:
    """A line for each licence part of each source with kept records: title, address, licence, its text's hash.

    `masked`: source id -> masks inside copyright notices, counted in its released texts; said in the first line of it.
    """
    kept = {s for s, outcomes in manifest["counts"]["by_source"].items() if outcomes.get("kept")}
    lines = []
    for source in manifest["sources"]:
        if source["source_id"] not in kept:
            continue
        count = (masked or {}).get(source["source_id"], 0)
        for part in source["parts"]:
            lines.append(
                f"- {_plain(source['title'])} ({_plain(source['purl'])}), {part['part']}: "
                f"{_plain(part['expression'] or 'NOASSERTION')}; "
                f"licence text sha256:{part['text_sha256'] or 'none'}{_duties(part)}"
                f"{f'; masks in copyright notices: {count}' if count else ''}"
            )
            count = 0
    return _HEAD.format(release_id=release_id) + "\n".join(lines) + "\n"


def _duties(part: Mapping[str, Any]) -> str:
    return f"; obligations: {', '.join(map(_plain, part['obligations']))}" if part["obligations"] else ""


def _plain(text: str) -> str:
    """On one line and without control or direction marks: titles are written by others."""
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())
