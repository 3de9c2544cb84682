"""Masks of groups, in whole Arrow batches: what Spark's workers run. No Spark is imported here.

A detector may find a number in the question, where it stands beside its word, and miss it in the answer. So what is
masked in one text of a group is looked for in all of them, and has the same token everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from corpusgate.decide.masking import MASKED, Finder, masked
from corpusgate.decide.rules import Span, merge_spans

VALUES = pa.schema([("group_id", pa.string()), ("surface", pa.string()), ("kind", pa.string())])
MEMBERS = pa.schema([("record_id", pa.string()), *(f for f in MASKED if f.name not in ("text_sha256", "has_basis"))])

Row = Mapping[str, Any]

#: Characters of a value without its separators: shorter ones stand for too much else to be looked for.
SHORTEST = 5
#: From so many on, blanks and hyphens within the value do not count.
LOOSE = 8
_SEPARATORS = frozenset(" -\u00a0\u2010\u2011\u2012\u2013")


def value_batches(
    batches: Iterator[pa.RecordBatch], classes: Mapping[bool, frozenset[str]], version: str
) -> Iterator[pa.RecordBatch]:
    """`values` of whole batches, as `VALUES`."""
    finder = Finder(version)
    for batch in batches:
        yield pa.RecordBatch.from_pylist(values(batch.to_pylist(), classes, finder), schema=VALUES)


def values(rows: Iterable[Row], classes: Mapping[bool, frozenset[str]], finder: Finder) -> list[dict[str, str]]:
    """What is masked in texts with `group_id, text_sha256, has_basis, spans, incomplete, text`: `group_id, surface,
    kind`."""
    found = []
    for row in rows:
        spans, text = finder.spans(row) or (), row["text"]
        inside = merge_spans(s for s in spans if s.kind in classes[row["has_basis"]] and s.end <= len(text))
        masks = {(text[s.start : s.end], s.kind) for s in inside}
        found += [{"group_id": row["group_id"], "surface": v, "kind": k} for v, k in sorted(masks)]
    return found


def member_batches(
    batches: Iterator[pa.RecordBatch], classes: Mapping[bool, frozenset[str]], version: str
) -> Iterator[pa.RecordBatch]:
    """`members` of whole batches, as `MEMBERS`."""
    finder = Finder(version)
    for batch in batches:
        yield pa.RecordBatch.from_pylist(members(batch.to_pylist(), classes, finder), schema=MEMBERS)


def members(rows: Iterable[Row], classes: Mapping[bool, frozenset[str]], finder: Finder) -> list[dict[str, Any]]:
    """Masks texts with `record_id, text_sha256, has_basis, spans, incomplete, values, text`; rows of `MEMBERS`.
    `values` are those of the group (surface, kind; in order)."""
    masks = []
    for row in rows:
        spans, own = finder.spans(row), classes[row["has_basis"]]
        if spans is not None and row["text"] is not None:
            spans = in_group([s for s in spans if s.kind in own], row["text"], row["values"] or ())
        said = masked(row, spans, own)
        masks.append({"record_id": row["record_id"], **{n: said.get(n) for n in MEMBERS.names[1:]}})
    return masks


def in_group(spans: Sequence[Span], text: str, values: Sequence[Mapping[str, str]]) -> list[Span]:
    """The spans of a text, and those of the group's values in it; a value has the class that it has first in the
    group's list, wherever it stands."""
    kinds: dict[str, str] = {}
    for value in values:
        kinds.setdefault(_core(value["surface"]), value["kind"])
    own = [replace(s, kind=kinds.get(_core(text[s.start : s.end]), s.kind)) if s.end <= len(text) else s for s in spans]
    return [*own, *(span for core, kind in kinds.items() for span in occurrences(text, core, kind))]


def occurrences(text: str, core: str, kind: str) -> Iterator[Span]:
    """Where a value (`core`: folded, without separators) stands in a text, as a word of its own."""
    if len(core) < SHORTEST:
        return
    folded, at = _folded(text, loose=len(core) >= LOOSE)
    start = folded.find(core)
    while start >= 0:
        span = Span(at[start], at[start + len(core) - 1] + 1, kind)
        if not (_runs_on(text, span.start - 1, span.start) or _runs_on(text, span.end, span.end - 1)):
            yield span
        start = folded.find(core, start + 1)


def _runs_on(text: str, outside: int, inside: int) -> bool:
    """Whether a word of letters and digits goes on beyond the edge."""
    return 0 <= outside < len(text) and all(text[i].isascii() and text[i].isalnum() for i in (outside, inside))


def _core(surface: str) -> str:
    return _folded(surface, loose=True)[0]


def _folded(text: str, *, loose: bool) -> tuple[str, list[int]]:
    """The text in lower case and half width, and where each of its characters stands; `loose`: without separators."""
    kept = [(_plain(c), n) for n, c in enumerate(text) if not (loose and c in _SEPARATORS)]
    return "".join(c for c, _ in kept), [n for _, n in kept]


def _plain(character: str) -> str:
    code = ord(character)
    plain = chr(code - 0xFEE0) if 0xFF01 <= code <= 0xFF5E else character
    lower = plain.lower()
    return lower if len(lower) == 1 else plain
