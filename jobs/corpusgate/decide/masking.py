"""Masks whole Arrow batches: what Spark's workers run. No Spark is imported here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from corpusgate.decide.rules import (
    DOCUMENT_CHANGED,
    DOCUMENT_MISSING,
    SPAN_OUT_OF_RANGE,
    SPANS_INCOMPLETE,
    Span,
    apply_masks,
    mask_set,
    merge_spans,
    parse_mask_set,
    text_sha256,
)
from corpusgate.errors import DetectorMissing
from corpusgate.release.notice import masks_in_notices

MASKED = pa.schema({
    "text_sha256": pa.string(), "has_basis": pa.bool_(), "mask_set": pa.string(), "released_sha256": pa.string(),
    "released_characters": pa.int64(), "released_bytes": pa.int64(), "fault": pa.string(),
})  # fmt: skip

SpanFinder = Callable[[str], list[Span] | None]

#: Looks at a text whose findings were cut short; at some twenty findings a rule and look, a thousand of a rule.
ROUNDS = 50
_BLOT = "。"  # ends every number, word and address, and is as long as any other code point


def mask_batches(
    batches: Iterator[pa.RecordBatch], classes: Mapping[bool, frozenset[str]], version: str
) -> Iterator[pa.RecordBatch]:
    """Masks the texts of batches with `text_sha256, has_basis, spans, incomplete, text`; yields `MASKED`.

    `classes` are those to be masked, by whether the record has a basis for keeping them.
    """
    finder = Finder(version)
    for batch in batches:
        rows = [masked(row, finder.spans(row), classes[row["has_basis"]]) for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=MASKED)


def release_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Replaces `stored` by `text` (the released text), `checked` (its hash is `released_sha256`) and `notice_masks`
    (how many of its masks lie inside copyright notices)."""
    for batch in batches:
        texts, checks, notices = [], [], []
        columns = (batch.column(c).to_pylist() for c in ("stored", "mask_set", "released_sha256"))
        for stored, masks, expected in zip(*columns, strict=True):
            text = _released(stored, masks)
            texts.append(text)
            notices.append(masks_in_notices(stored, parse_mask_set(masks)) if masks and text is not None else 0)
            checks.append(text is not None and text_sha256(text) == expected)
        kept = batch.drop_columns(["stored"])
        kept = kept.append_column("text", pa.array(texts, pa.string()))
        kept = kept.append_column("checked", pa.array(checks, pa.bool_()))
        yield kept.append_column("notice_masks", pa.array(notices, pa.int64()))


def _released(stored: str | None, masks: str | None) -> str | None:
    if stored is None:
        return None
    try:
        return apply_masks(stored, parse_mask_set(masks))
    except ValueError:
        return None


class Finder:
    """The spans of rows as they were found; of those cut short the text is looked at again, by this detector."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._look: SpanFinder | None = None

    def spans(self, row: Mapping[str, Any]) -> list[Span] | None:
        """Spans of a row with `spans`, `incomplete`, `text`; None: too many to be told."""
        if row["incomplete"] and row["text"] is not None:
            self._look = self._look or all_spans_finder(self._version)
            return self._look(row["text"])
        return [Span(s["start"], s["end"], s["risk"]) for s in row["spans"] or ()]


def masked(row: Mapping[str, Any], spans: Sequence[Span] | None, classes: frozenset[str]) -> dict[str, Any]:
    """A row of `MASKED`, for a row with `text_sha256, has_basis, text` and its spans: of these classes are masked."""
    about = {"text_sha256": row["text_sha256"], "has_basis": row["has_basis"]}
    text = row["text"]
    if text is None:
        return {**about, "fault": DOCUMENT_MISSING}
    if text_sha256(text) != row["text_sha256"]:
        return {**about, "fault": DOCUMENT_CHANGED}
    if spans is None:
        return {**about, "fault": SPANS_INCOMPLETE}
    merged = merge_spans(s for s in spans if s.kind in classes)
    try:
        released = apply_masks(text, merged)
    except ValueError:
        return {**about, "fault": SPAN_OUT_OF_RANGE}
    return {
        **about, "mask_set": mask_set(merged), "released_sha256": text_sha256(released),
        "released_characters": len(released), "released_bytes": len(released.encode("utf-8")),
    }  # fmt: skip


def all_spans_finder(version: str) -> SpanFinder:
    """A function from a text to every span of personal information in it, for texts whose findings were cut short; it
    returns None where a text holds too many to be told.

    Raises:
        DetectorMissing: this worker's detector is not the version that found the spans.
    """
    from corpusgate.intake.detectors import personal_information
    from corpusgate.intake.detectors.batch import make_batch
    from corpusgate.intake.detectors.model import Kit

    detector = personal_information.prepare(Kit("", "", None, None))
    if detector.version != version:
        raise DetectorMissing(
            f"This worker detects personal information in version {detector.version}, the run screened with {version}: "
            "masks would not fit. Deploy one version of corpusgate everywhere, then start the step again."
        )

    def look(text: str) -> list[Span]:
        found = detector.find(make_batch([text]))[0]
        return [Span(f.start, f.end, f.risk) for f in found if f.risk.startswith("pi_")]

    return lambda text: spans_in_rounds(text, look)


def spans_in_rounds(text: str, look: Callable[[str], list[Span]]) -> list[Span] | None:
    """All spans, by a detector that tells some of them at a time: what was found is blotted out, and it looks again.

    None where it still finds some after `ROUNDS`: a text made to be found in without end.
    """
    spans: list[Span] = []
    for _ in range(ROUNDS):
        fresh = look(text)
        if not fresh:
            return spans
        spans += fresh
        for span in fresh:
            text = text[: span.start] + _BLOT * span.length + text[span.end :]
    return None
