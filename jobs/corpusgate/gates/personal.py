"""Personal information that is left in the released text (45654-2025 4.2.3), found by second patterns.

The filter's own findings cannot prove the filter. Records that are released as stored are judged by the findings that the
second detector (`pi_check`) left in intake; those with masks are searched again in their released form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpusgate.decide.rules import apply_masks, parse_mask_set, text_sha256
from corpusgate.gates.figures import GateInput, ids, quoted, version_of
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.model import PERSONAL, SENSITIVE

#: Texts searched at a time; they are read as a stream and never held all at once.
CHUNK = 500


@dataclass(slots=True)
class Hits:
    """Of one modality: released records, and those without a basis in which the second patterns found something."""

    records: int = 0
    personal: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    masked: int = 0


def personal_hits(run: Run, release_id: str, versions: Mapping[str, str]) -> dict[str, Hits]:
    """Modality -> hits, over every record of the candidate.

    Raises:
        GateInput: masked texts are missing, or cannot be made again as the candidate recorded them.
    """
    hits: dict[str, Hits] = {}
    for row in store.query(
        run.place, _stored_sql(release_id, versions), ["release_record", "record", "finding"]
    ).to_pylist():
        hits[row["modality"]] = Hits(row["records"], ids(row["personal"]), ids(row["sensitive"]), row["masked"])
    for modality, record_id, risks in _masked_risks(run, release_id, sum(h.masked for h in hits.values())):
        one = hits[modality]
        one.personal = tuple(sorted({*one.personal, record_id}))
        if risks & set(SENSITIVE):
            one.sensitive = tuple(sorted({*one.sensitive, record_id}))
    return hits


def _stored_sql(release_id: str, versions: Mapping[str, str]) -> str:
    """A row a modality: the records, those to be searched again, and the ids of unmasked ones with a finding and no basis."""
    return f"""
    WITH f AS (
      SELECT text_sha256, MAX(CASE WHEN risk IN ({_listed(SENSITIVE)}) THEN 1 ELSE 0 END) AS sensitive
      FROM finding
      WHERE detector = 'pi_check' AND version IN ({version_of("pi_check", versions)}) AND risk IN ({_listed(PERSONAL)})
      GROUP BY text_sha256
    ),
    j AS (
      SELECT k.record_id, COALESCE(k.modality, 'unknown') AS modality,
             COALESCE(k.mask_set, '') <> '' AS masked, {_HAS_BASIS} AS based, f.sensitive
      FROM release_record k
      LEFT JOIN record r ON k.record_id = r.record_id AND k.source_id = r.source_id
      LEFT JOIN f ON k.text_sha256 = f.text_sha256
      WHERE k.release_id = {quoted(release_id)}
    )
    SELECT modality, COUNT(*) AS records, SUM(CASE WHEN masked AND NOT based THEN 1 ELSE 0 END) AS masked,
           array_agg(record_id ORDER BY record_id) FILTER (WHERE NOT masked AND NOT based AND sensitive IS NOT NULL)
             AS personal,
           array_agg(record_id ORDER BY record_id) FILTER (WHERE NOT masked AND NOT based AND sensitive = 1) AS sensitive
    FROM j GROUP BY modality
    """


_HAS_BASIS = "COALESCE(r.personal_information_basis, '') <> ''"


def _listed(risks: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, risks))


def _masked_risks(run: Run, release_id: str, expected: int) -> Iterator[tuple[str, str, set[str]]]:
    """(modality, record_id, risks) of masked records whose released text still shows something."""
    from corpusgate.intake.detectors.pi_check import recheck

    searched = 0
    for rows in _masked_texts(run, release_id):
        searched += len(rows)
        for row, places in zip(rows, recheck([_released(row) for row in rows]), strict=True):
            if risks := {kind for kind, _, _ in places}:
                yield row["modality"], row["record_id"], risks
    if searched != expected:
        raise GateInput(f"{expected} masked records must be searched again, but the texts of only {searched} are there")


def _released(row: Mapping[str, Any]) -> str:
    """The released text of one masked record.

    Raises:
        GateInput: it does not hash to what the candidate recorded; the message names the record, never its text.
    """
    try:
        text = apply_masks(row["text"], parse_mask_set(row["mask_set"]))
    except ValueError as error:
        raise GateInput(f"the masks of record {row['record_id']} do not fit its text: {error}") from None
    if text_sha256(text) != row["released_sha256"]:
        raise GateInput(f"the released text of record {row['record_id']} is not the one that was recorded")
    return text


def _masked_texts(run: Run, release_id: str) -> Iterator[list[dict[str, Any]]]:
    sql = f"""
    SELECT k.record_id, COALESCE(k.modality, 'unknown') AS modality, k.mask_set, k.released_sha256, d.text
    FROM release_record k
    JOIN document d ON k.text_sha256 = d.text_sha256
    LEFT JOIN record r ON k.record_id = r.record_id AND k.source_id = r.source_id
    WHERE k.release_id = {quoted(release_id)} AND COALESCE(k.mask_set, '') <> '' AND NOT ({_HAS_BASIS})
    """
    for batch in store.stream(run.place, sql, ["release_record", "document", "record"]):
        for start in range(0, batch.num_rows, CHUNK):
            yield batch.slice(start, CHUNK).to_pylist()
