"""What an assessor asks, by number: (what, SQL, parameters). `:release` is the bundle's release."""

from __future__ import annotations

_LICENCE = """
SELECT r.source_id, r.record_id, a.fetched_at AS acquired_at, r.licence_part, l.declared, l.concluded, l.verdict,
       l.text_sha256, l.valid_from, l.valid_to
FROM release_record k JOIN record r ON r.record_id = k.record_id
LEFT JOIN acquisition a ON a.acquisition_id = r.acquisition_id
LEFT JOIN licence_period l ON l.source_id = r.source_id AND l.part = coalesce(r.licence_part, 'all')
  AND l.verdict IS NOT NULL AND (l.valid_from IS NULL OR l.valid_from <= a.fetched_at)
  AND (l.valid_to IS NULL OR l.valid_to > a.fetched_at)
  AND l.recorded_at = (SELECT max(m.recorded_at) FROM licence_period m WHERE m.source_id = l.source_id
                       AND m.part = l.part AND m.verdict IS NOT NULL)
WHERE k.release_id = :release AND r.source_id = :source ORDER BY r.record_id
"""
_RATES = """
SELECT c.control_id, c.stratum, c.k, c.n, c.figure, c.comparator, c.bound, c.verdict, c.because, c.judged_at
FROM control_result c WHERE c.release_id = :release
AND c.control_id IN ('45654-4-2-1-manual', '45654-4-2-1-technical') ORDER BY c.control_id, c.stratum, c.judged_at
"""
_REMOVED = """
SELECT d.source_id, d.outcome, d.rule, d.version, count(*) AS records,
       (SELECT group_concat(record_id, ' ') FROM (SELECT e.record_id FROM decision e WHERE e.release_id = d.release_id
        AND e.source_id = d.source_id AND e.rule = d.rule ORDER BY e.record_id LIMIT 5)) AS examples
FROM decision d WHERE d.release_id = :release GROUP BY d.source_id, d.outcome, d.rule, d.version
ORDER BY d.source_id, records DESC, d.rule
"""
_SHARES = """
SELECT scope_id AS source_id, control_id, k, n, figure AS share, bound, verdict, because, judged_at
FROM control_result WHERE control_id IN ('45654-4-1-1-a', '45654-4-1-1-b') AND half = 'computed'
ORDER BY source_id, control_id, judged_at
"""
_ANNOTATED = """
SELECT 'executor' AS role, batch_id, record_id, rule_version, label, decided_at AS at FROM annotation
WHERE annotator_id = :annotator
UNION ALL SELECT 'executor', batch_id, record_id, rule_version, label, decided_at FROM safety_annotation
WHERE annotator_id = :annotator
UNION ALL SELECT 'reviewer', batch_id, record_id, NULL, decision, reviewed_at FROM approval
WHERE reviewer_id = :annotator ORDER BY batch_id, record_id, at
"""
_UNQUALIFIED = """
SELECT x.annotator_id, x.batch_id, x.record_id, x.kind, x.decided_at, 'no examination passed by then' AS why
FROM (SELECT * FROM annotation UNION ALL SELECT * FROM safety_annotation) x WHERE NOT EXISTS (
  SELECT 1 FROM exam e WHERE e.annotator_id = x.annotator_id AND e.passed AND e.kind IN (x.kind, 'both')
  AND e.taken_on <= substr(x.decided_at, 1, 10))
UNION ALL SELECT p.reviewer_id, p.batch_id, p.record_id, NULL, p.reviewed_at, 'reviewed own work'
FROM approval p JOIN (SELECT * FROM annotation UNION ALL SELECT * FROM safety_annotation) x
  ON x.batch_id = p.batch_id AND x.record_id = p.record_id AND x.annotator_id = p.reviewer_id
"""
_PATH = """
SELECT r.record_id, r.source_id, a.name AS file, a.purl, a.sha256 AS raw_sha256, a.fetched_at, r.locator, r.url,
       r.text_sha256, k.mask_set, k.released_sha256, k.release_id, rel.channel, rel.published_at
FROM record r LEFT JOIN acquisition a ON a.acquisition_id = r.acquisition_id
LEFT JOIN release_record k ON k.record_id = r.record_id LEFT JOIN release rel ON rel.release_id = k.release_id
WHERE r.record_id = :record
"""
_PEOPLE = """
SELECT 'waiver' AS what, "by", role, "at", control_id || ' for ' || scope AS about, because
FROM attestation WHERE waiver
UNION ALL SELECT 'attestation', "by", role, "at", control_id || ' for ' || scope, statement FROM attestation
WHERE NOT waiver
UNION ALL SELECT 'signoff: ' || decision, "by", role, "at", release_id || ' to ' || channel, because FROM signoff
UNION ALL SELECT 'draw after a failure', drawn_by, '', drawn_at, sample_id || ' after ' || follows, follows_because
FROM sample WHERE follows IS NOT NULL ORDER BY "at"
"""
_KEPT = "FROM release_record k JOIN record r ON r.record_id = k.record_id WHERE k.release_id = :release"

QUESTIONS = {
    1: ("records of a source with the licence in force when they were acquired", _LICENCE, ("source",)),
    2: ("samples of the release (python redraw.py draws them again)",
        "SELECT sample_id, control_id, purpose, stratum, seed, size, frame_rows, item_unit, drawn_at, follows, "
        "follows_because FROM sample WHERE release_id = :release ORDER BY control_id, stratum, drawn_at", ()),
    3: ("manual and technical pass rates, as gates recorded them (python verify.py counts the manual ones again)",
        _RATES, ()),
    4: ("what was removed, by source, rule and version, with five examples each", _REMOVED, ()),
    5: ("share of illegal or unhealthy records of each source, before and after collection", _SHARES, ()),
    6: ("all that an annotator touched", _ANNOTATED, ("annotator",)),
    7: ("who labelled without an examination, or reviewed own work: must be empty", _UNQUALIFIED, ()),
    8: ("verdicts on a sample, person by person (agreement)",
        "SELECT reviewer, verdict, count(*) AS verdicts, min(reviewed_at) AS first, max(reviewed_at) AS last, "
        "avg(seconds) AS seconds FROM review WHERE sample_id = :sample GROUP BY reviewer, verdict", ("sample",)),
    9: ("whether the release holds a text, by the SHA-256 of the stored or the released text",
        "SELECT record_id, source_id, text_sha256, released_sha256 FROM release_record WHERE release_id = :release "
        "AND :text IN (text_sha256, released_sha256)", ("text",)),
    10: ("records of a host, and what the host said then",
         "SELECT k.record_id, r.url, s.signal, s.verdict, s.fetched_at " + _KEPT.replace(
             "WHERE", "LEFT JOIN host_signal s ON s.host = r.domain WHERE")
         + " AND r.domain = :host ORDER BY k.record_id", ("host",)),
    12: ("requests to be forgotten, and what was done", "SELECT * FROM erasure_request", ()),
    14: ("size by source, kind, modality, language and country",
         "SELECT k.source_id, s.kind, k.modality, k.language, s.country, count(*) AS records, sum(k.bytes) AS bytes, "
         "sum(k.characters) AS characters FROM release_record k LEFT JOIN (SELECT source_id, kind, country, "
         "max(recorded_at) FROM source GROUP BY source_id) s ON s.source_id = k.source_id "
         "WHERE k.release_id = :release GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 3, 4", ()),
    15: ("licences that ended or end, and the records that depend on them",
         "SELECT l.source_id, l.part, l.concluded, l.valid_to, (SELECT count(*) FROM release_record k WHERE "
         "k.source_id = l.source_id AND k.release_id = :release) AS records FROM licence_period l "
         "WHERE l.valid_to IS NOT NULL ORDER BY l.valid_to", ()),
    16: ("released records without a passing licence: must be empty",
         "SELECT k.source_id, k.licence_part, count(*) AS records FROM release_record k WHERE k.release_id = :release "
         "AND NOT EXISTS (SELECT 1 FROM licence_period l WHERE l.source_id = k.source_id AND l.verdict = 'pass' "
         "AND l.part = coalesce(k.licence_part, 'all')) GROUP BY 1, 2", ()),
    17: ("the path of a record from its raw bytes to the release", _PATH, ("record",)),
    19: ("domains by bytes, the largest first",
         "SELECT domain, count(*) AS records, sum(bytes) AS bytes FROM release_record WHERE release_id = :release "
         "GROUP BY domain ORDER BY bytes DESC", ()),
    20: ("records made by machines, with what made them",
         "SELECT k.source_id, r.generator, count(*) AS records " + _KEPT
         + " AND coalesce(r.generator, '') <> '' GROUP BY 1, 2", ()),
    21: ("what people decided: waivers, attestations, signatures, draws after a failure", _PEOPLE, ()),
    22: ("documents that prove something, and the attestations that name them",
         "SELECT e.evidence_id, e.name, e.sha256, e.about, a.control_id, a.\"by\", a.\"at\" FROM evidence_file e "
         "LEFT JOIN attestation a ON a.document_sha256 = e.sha256 ORDER BY e.evidence_id", ()),
}  # fmt: skip
CANNOT = {
    11: "which releases hold a number: needs the provider's key, which is in no bundle",
    13: "the difference to another release: needs that one's bundle; compare release_record of both",
    18: "keywords and their hits: the words are in no bundle; question 4 counts what they removed",
    23: "whether anything was altered: python verify.py",
}
