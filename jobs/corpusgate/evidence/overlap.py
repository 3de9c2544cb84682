"""How much of a release overlaps with the test sets that its policy names: a figure a set, none where none is named."""

from __future__ import annotations

from typing import Any

from corpusgate.intake.rules import detector_version
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import Run
from corpusgate.lake.store import query
from corpusgate.settings.load import load_test_sets

_RECORDS = """
SELECT split_part(f.rule, ':', 2) AS test_set, r.fate, count(DISTINCT r.record_id) AS records
FROM finding f JOIN (
  SELECT record_id, text_sha256, 'kept' AS fate FROM release_record WHERE release_id = {release}
  UNION ALL
  SELECT record_id, text_sha256, 'removed' AS fate FROM decision WHERE release_id = {release} AND rule = 'contamination'
) AS r ON f.text_sha256 = r.text_sha256
WHERE f.detector = 'contamination' AND f.version = {version}
GROUP BY split_part(f.rule, ':', 2), r.fate
"""


def overlaps(run: Run, release_id: str | None) -> list[dict[str, Any]]:
    """A row a test set: test_set, title, licence, sha256, treatment, kept (records of the release that overlap with
    it), removed (records that it removed)."""
    intake = run.result("intake")
    if not run.corpus.policy.test_sets or release_id is None or intake is None:
        return []
    version = detector_version("contamination", intake.facts["versions"])
    sql = _RECORDS.format(release=literal(release_id), version=literal(version))
    found = query(run.place, sql, ["finding", "release_record", "decision"]).to_pylist()
    counted = {(r["test_set"], r["fate"]): r["records"] for r in found}
    return [
        {
            "test_set": one.id, "title": one.title, "licence": one.licence, "sha256": one.sha256,
            "treatment": run.corpus.policy.test_sets[one.id],
            "kept": counted.get((one.id, "kept"), 0), "removed": counted.get((one.id, "removed"), 0),
        }
        for one in load_test_sets(run.place, run.corpus)
    ]  # fmt: skip
