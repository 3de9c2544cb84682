"""The text that annotators are shown: of a release the released form; else the stored text with all personal
information masked. The stored text itself is for the pipeline only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from corpusgate.annotation.keeping import rows_with
from corpusgate.decide.rules import apply_masks, merge_spans, parse_mask_set
from corpusgate.lake.dialect import literal
from corpusgate.settings.place import Place

Masker = Callable[[str], str | None]


def stored_texts(place: Place, hashes: Sequence[str]) -> dict[str, str]:
    """Stored text of each hash that the lake has."""
    rows = rows_with(place, "document", ["text_sha256", "text"], "text_sha256", hashes).to_pylist()
    return {r["text_sha256"]: r["text"] for r in rows}


def released_masks(place: Place, release_id: str, records: Sequence[str]) -> dict[str, str]:
    """Record id -> the masks of its released form."""
    rows = rows_with(place, "release_record", ["release_id", "record_id", "mask_set"], "record_id", records).to_pylist()
    return {r["record_id"]: r["mask_set"] or "" for r in rows if r["release_id"] == release_id}


def released(text: str, masks: str) -> str:
    """The released form of a stored text."""
    return apply_masks(text, parse_mask_set(masks))


def masker() -> Masker:
    """A function that masks every span of personal information; None for a text with too many to be told."""
    from corpusgate.decide.masking import all_spans_finder
    from corpusgate.intake.detectors import personal_information
    from corpusgate.intake.detectors.model import Kit

    find = all_spans_finder(personal_information.prepare(Kit("", "", None, None)).version)

    def mask(text: str) -> str | None:
        spans = find(text)
        return None if spans is None else apply_masks(text, merge_spans(spans))

    return mask


def texts_of(place: Place, release_id: str | None, records: Mapping[str, str]) -> dict[str, str]:
    """Record id -> the text to be shown; `records` are ids with the hashes of their stored texts. A record that cannot
    be shown (its document is missing, or holds more personal information than can be told) is left out."""
    texts = stored_texts(place, list(records.values()))
    if release_id is not None:
        masks = released_masks(place, release_id, list(records))
        return {r: released(texts[h], masks[r]) for r, h in records.items() if h in texts and r in masks}
    mask, shown = masker(), {}
    for record, text_hash in records.items():
        text = mask(texts[text_hash]) if text_hash in texts else None
        if text is not None:
            shown[record] = text
    return shown


def frame(sources: Sequence[str], release_id: str | None) -> tuple[str, str]:
    """The records that a batch is drawn from: SQL giving `record_id, text_sha256, modality, source_id, locator`, and
    the table it reads. Of a release its records, else those of the sources."""
    if release_id is not None:
        where = f"release_id = {literal(release_id)}"
        table = "release_record"
        return f"SELECT record_id, text_sha256, modality, source_id, '' AS locator FROM {table} WHERE {where}", table
    where = f"source_id IN ({', '.join(map(literal, sources))})" if sources else "FALSE"
    return f"SELECT record_id, text_sha256, modality, source_id, locator FROM record WHERE {where}", "record"
