"""Personal information that is left in the released text (45654-2025 4.2.3), found by second patterns.

The filter's own findings cannot prove the filter. Records that are released as stored are judged by the findings that
the second detector (`pi_check`) left in intake; those with masks are searched again in their released form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpusgate.decide.rules import apply_masks, parse_mask_set, text_sha256
from corpusgate.gates.figures import GateInput, ids, quoted, version_of
from corpusgate.gates.strata import Candidate
from corpusgate.lake import store
from corpusgate.lake.alone import texts_named
from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.settings.model import PERSONAL, SENSITIVE

#: Texts searched at a time; they are read as a stream and never held all at once.
CHUNK = 500
#: So many masked records at most are asked for by their texts' hashes, which reads only the pages that hold them.
FEW = 20_000


@dataclass(frozen=True, slots=True)
class Hits:
    """Of one modality: released records, and the ids of those in which the second patterns found personal information
    without a basis, or sensitive information without separate consent or another basis in law."""

    records: int = 0
    personal: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()


#: SQL over `r`, the record: a basis is recorded (`consent: …`, `separate_consent: …`, `law: …`), and one that is enough
#: for sensitive information: plain consent is not (4.2.3 b).
BASED = "COALESCE(r.personal_information_basis, '') <> ''"
SEPARATELY = f"({BASED} AND LOWER(r.personal_information_basis) NOT LIKE 'consent%')"
MASKED = "COALESCE(k.mask_set, '') <> ''"


def personal_hits(run: Run, c: Candidate) -> dict[str, Hits]:
    """Modality -> hits, over every record of the candidate.

    Raises:
        GateInput: masked texts are missing, or cannot be made again as the candidate recorded them.
    """
    rows = store.query(run.place, _stored_sql(c), ["release_record", "record", "finding"]).to_pylist()
    personal = {r["modality"]: set(ids(r["personal"])) for r in rows}
    sensitive = {r["modality"]: set(ids(r["sensitive"])) for r in rows}
    for row, risks in _masked_risks(run, c, sum(r["searched"] for r in rows)):
        if not row["based"]:
            personal[row["modality"]].add(row["record_id"])
        if risks & set(SENSITIVE):
            sensitive[row["modality"]].add(row["record_id"])
    return {
        m: Hits(r["records"], tuple(sorted(personal[m])), tuple(sorted(sensitive[m])))
        for r in rows
        for m in [r["modality"]]
    }


def _stored_sql(c: Candidate) -> str:
    """A row a modality: the records, how many are to be searched again, ids of unmasked ones with a finding that no
    basis covers."""
    personal, sensitive = (", ".join(map(quoted, risks)) for risks in (PERSONAL, SENSITIVE))
    return f"""
    WITH f AS (
      SELECT text_sha256, MAX(CASE WHEN risk IN ({sensitive}) THEN 1 ELSE 0 END) AS sensitive
      FROM finding
      WHERE detector = 'pi_check' AND version IN ({version_of("pi_check", c.versions)}) AND risk IN ({personal})
      GROUP BY text_sha256
    ),
    j AS (
      SELECT k.record_id, COALESCE(k.modality, 'unknown') AS modality, {MASKED} AS masked, {BASED} AS based,
             {SEPARATELY} AS separately, f.sensitive
      FROM f RIGHT JOIN ({_joined(c)}) ON k.text_sha256 = f.text_sha256
    )
    SELECT modality, COUNT(*) AS records, SUM(CASE WHEN masked AND NOT separately THEN 1 ELSE 0 END) AS searched,
           array_agg(record_id) FILTER (WHERE NOT masked AND NOT based AND sensitive IS NOT NULL) AS personal,
           array_agg(record_id) FILTER (WHERE NOT masked AND NOT separately AND sensitive = 1) AS sensitive
    FROM j GROUP BY modality
    """


def _joined(c: Candidate) -> str:
    """SQL: the released records `k` with `r`, the record that each is, of the batch that was decided about, where it
    names a basis (without one it says no more than no record). The few stand left: of them the engine builds its table.
    """
    batches = one_of("batch_id", c.batches.values())
    return f"""
      (SELECT record_id, personal_information_basis FROM record
       WHERE {batches} AND COALESCE(personal_information_basis, '') <> '') r
      RIGHT JOIN (SELECT * FROM release_record WHERE release_id = {quoted(c.release_id)}) k
      ON k.record_id = r.record_id
    """


def _masked_risks(run: Run, c: Candidate, expected: int) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Masked records whose released text still shows something, and what."""
    from corpusgate.intake.detectors.pi_check import recheck

    searched = 0
    for rows in _few_texts(run, c) if expected <= FEW else _many_texts(run, c):
        searched += len(rows)
        for row, places in zip(rows, recheck([_released(row) for row in rows]), strict=True):
            if places:
                yield row, {kind for kind, _, _ in places}
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


def _few_texts(run: Run, c: Candidate) -> Iterator[list[dict[str, Any]]]:
    """The masked records with their texts, asked for by hash: a join goes through all texts of the lake instead."""
    by_text: dict[str, list[dict[str, Any]]] = {}
    for row in store.query(run.place, _masked_sql(c), ["release_record", "record"]).to_pylist():
        by_text.setdefault(row["text_sha256"], []).append(row)
    sql = (f"SELECT text_sha256, text FROM document WHERE {where}" for where in texts_named(by_text))
    for batch in (b for asked in sql for b in store.stream(run.place, asked, ["document"])):
        for start in range(0, batch.num_rows, CHUNK):
            texts = batch.slice(start, CHUNK).to_pylist()
            yield [{**row, "text": d["text"]} for d in texts for row in by_text[d["text_sha256"]]]


def _many_texts(run: Run, c: Candidate) -> Iterator[list[dict[str, Any]]]:
    sql = f"SELECT m.*, d.text FROM ({_masked_sql(c)}) m JOIN document d ON m.text_sha256 = d.text_sha256"
    for batch in store.stream(run.place, sql, ["release_record", "document", "record"]):
        for start in range(0, batch.num_rows, CHUNK):
            yield batch.slice(start, CHUNK).to_pylist()


def _masked_sql(c: Candidate) -> str:
    """The records that must be searched again, without their texts."""
    return f"""
    SELECT k.record_id, COALESCE(k.modality, 'unknown') AS modality, {BASED} AS based, k.mask_set, k.released_sha256,
           k.text_sha256
    FROM {_joined(c)}
    WHERE {MASKED} AND NOT {SEPARATELY}
    """
