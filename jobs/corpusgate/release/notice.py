"""The NOTICE of a release: what it is made of, under which licence, a line a source."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

_HEAD = """\
{release_id}
This corpus was built by corpusgate from the sources below. Each text stays under the licence of its source; the hash is
that of the licence text as it was read when the source was taken in. Removed and masked stretches are said in the
manifest and in the table release_record.

"""


def notice(manifest: Mapping[str, Any], release_id: str) -> str:
    """A line for each licence part of each source with kept records: title, address, licence, its text's hash."""
    kept = {s for s, outcomes in manifest["counts"]["by_source"].items() if outcomes.get("kept")}
    lines = [
        f"- {_plain(source['title'])} ({_plain(source['purl'])}), {part['part']}: "
        f"{_plain(part['expression'] or 'NOASSERTION')}; "
        f"licence text sha256:{part['text_sha256'] or 'none'}{_duties(part)}"
        for source in manifest["sources"]
        if source["source_id"] in kept
        for part in source["parts"]
    ]
    return _HEAD.format(release_id=release_id) + "\n".join(lines) + "\n"


def _duties(part: Mapping[str, Any]) -> str:
    return f"; obligations: {', '.join(map(_plain, part['obligations']))}" if part["obligations"] else ""


def _plain(text: str) -> str:
    """On one line and without control or direction marks: titles are written by others."""
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())
