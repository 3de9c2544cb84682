"""What people said of records, for the figures about sources: a person's verdict stands over a detector's."""

from __future__ import annotations

from corpusgate.gates.figures import quoted
from corpusgate.review.fold import IN_FORCE
from corpusgate.settings.model import RISKS_OF_SOURCE

#: The tables that `people_sql` reads.
TABLES = ("review", "review_assignment", "sample", "release_record", "admission_label", "record")


def people_sql() -> str:
    """SQL (DataFusion): `record_id, text_sha256, illegal` of the records that people judged in any sample, also before
    the source was admitted, in the text that they were drawn with. Bad counts as illegal or unhealthy, unless all its
    risks lie outside of A.1 to A.4.

    Of people who differ the majority counts; where as many say the one as the other, the detectors' word stands.
    """
    listed = ", ".join(map(quoted, RISKS_OF_SOURCE))
    bad = (
        "v.verdict = 'bad' AND (v.risks IS NULL OR cardinality(v.risks) = 0 "
        f"OR array_has_any(v.risks, make_array({listed})))"
    )
    newest = "ROW_NUMBER() OVER (PARTITION BY record_id, reviewer ORDER BY reviewed_at DESC, recorded_at DESC)"
    admission = (
        f"SELECT DISTINCT 'admission' AS sample_id, v.reviewer, v.record_id, r.text_sha256, "
        f"CASE WHEN {bad} THEN 1 ELSE -1 END AS says FROM (SELECT *, {newest} AS place FROM admission_label) AS v "
        "JOIN record r ON r.record_id = v.record_id WHERE v.place = 1"
    )
    return (
        f"SELECT record_id, text_sha256, SUM(says) > 0 AS illegal FROM ({admission} UNION ALL "
        f"SELECT DISTINCT v.sample_id, v.reviewer, k.record_id, k.text_sha256, CASE WHEN {bad} THEN 1 ELSE -1 END "
        f"AS says FROM {IN_FORCE} AS v JOIN sample s ON s.sample_id = v.sample_id "
        "JOIN (SELECT DISTINCT sample_id, reviewer FROM review_assignment) AS g "
        "ON g.sample_id = v.sample_id AND g.reviewer = v.reviewer "
        "JOIN release_record k ON k.release_id = s.release_id AND k.record_id = v.record_id "
        "AND k.released_sha256 = v.released_sha256) AS said "
        "GROUP BY record_id, text_sha256 HAVING SUM(says) <> 0"
    )
