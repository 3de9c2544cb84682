"""What people ask of releases: which there are, what one holds, how two differ. Rows out, nothing printed, no JVM."""

from __future__ import annotations

from typing import Any

from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.release.pointer import current_release
from corpusgate.release.verify import manifest_of
from corpusgate.settings.place import Place

Row = dict[str, Any]

_LIST = """
SELECT release_id, corpus, channel, parent, records, characters, manifest_root, key_id, run_id, published_at
FROM release ORDER BY published_at DESC, release_id, channel
"""

# Full outer join of what the two hold; a removal's reason is the newer release's decision about the record.
_CHANGES = """
WITH a AS (SELECT record_id, source_id, released_sha256 FROM release_record WHERE release_id = {old}),
     b AS (SELECT record_id, source_id, released_sha256 FROM release_record WHERE release_id = {new}),
     d AS (SELECT record_id, outcome, rule FROM decision WHERE release_id = {new}),
     e AS (SELECT record_id, rule FROM decision WHERE release_id = {old})
SELECT coalesce(a.record_id, b.record_id) AS record_id, coalesce(a.source_id, b.source_id) AS source_id,
       CASE WHEN a.record_id IS NULL THEN 'added' WHEN b.record_id IS NULL THEN 'removed' ELSE 'changed' END AS change,
       CASE WHEN b.record_id IS NULL THEN d.rule WHEN a.record_id IS NULL THEN e.rule END AS rule,
       a.released_sha256 AS old_sha256, b.released_sha256 AS new_sha256
FROM a FULL OUTER JOIN b ON a.record_id = b.record_id
LEFT JOIN d ON d.record_id = a.record_id LEFT JOIN e ON e.record_id = b.record_id
WHERE a.record_id IS NULL OR b.record_id IS NULL OR a.released_sha256 <> b.released_sha256
"""


def releases(place: Place) -> list[Row]:
    """What was published, newest first; `current` says whether the channel shows it now."""
    rows = store.query(place, _LIST, ["release"]).to_pylist()
    return [{**r, "current": current_release(place, r["corpus"], r["channel"]) == r["release_id"]} for r in rows]


def counts(place: Place, release_id: str) -> list[Row]:
    """source_id, outcome, rule (empty for kept), records: of a release, or a candidate, from its manifest.

    Raises:
        UserError: there is none of this id.
    """
    by_source = manifest_of(place, release_id)["counts"]["by_source"]
    return [
        {"source_id": source, "outcome": outcome, "rule": rule, "records": n}
        for source, outcomes in sorted(by_source.items())
        for outcome, rules in sorted(outcomes.items())
        for rule, n in sorted(rules.items())
    ]


def changes(place: Place, old: str, new: str, limit: int = 1000) -> list[Row]:
    """record_id, source_id, change (added, removed, changed), rule, old_sha256, new_sha256: at most `limit` records.

    `rule` says why the newer release removed a record, or which rule of the older one had kept it out. A record that
    the newer one did not consider has `source_not_taken` (its source was held or is gone) or `no_longer_offered`.
    """
    sql = f"SELECT * FROM ({_changes(place, old, new)}) AS c ORDER BY source_id, change, record_id LIMIT {int(limit)}"
    return store.query(place, sql, ["release_record", "decision"]).to_pylist()


def difference(place: Place, old: str, new: str) -> list[Row]:
    """source_id, change, rule, records: the changes between two releases, counted."""
    sql = (
        f"SELECT source_id, change, rule, count(*) AS records FROM ({_changes(place, old, new)}) AS c "
        "GROUP BY source_id, change, rule ORDER BY source_id, change, rule"
    )
    return store.query(place, sql, ["release_record", "decision"]).to_pylist()


def _changes(place: Place, old: str, new: str) -> str:
    manifest_of(place, old)
    taken = [s["source_id"] for s in manifest_of(place, new)["sources"] if s["taken"]]
    offered = f"source_id IN ({', '.join(literal(s) for s in taken)})" if taken else "false"
    changed = _CHANGES.format(old=literal(old), new=literal(new))
    vanished = f"CASE WHEN {offered} THEN 'no_longer_offered' ELSE 'source_not_taken' END"
    return (
        "SELECT record_id, source_id, change, old_sha256, new_sha256, "
        f"CASE WHEN change = 'removed' THEN coalesce(rule, {vanished}) ELSE coalesce(rule, '') END AS rule "
        f"FROM ({changed}) AS x"
    )
