"""A complaint of a rights holder (45654-2025 4.2.2 c): the records it names are held from the next decision on.

It binds to the text, not to one place of it: copies elsewhere go too, and what is found later under the same address or
with the same text. A takedown is lifted by a person as well; both words stay.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.dialect import listed
from corpusgate.lake.lease import lease
from corpusgate.settings.person import named_and_reasoned
from corpusgate.settings.place import Place

#: Rule under which decide removes what was taken down, and what its host has reserved since it was fetched.
TAKEDOWN, OPTED_OUT = "takedown", "opted_out"
_RECORD_ID = re.compile(r"[0-9a-f]{64}")
_TABLES = ["takedown", "record", "acquisition", "host_signal"]

# The newest word about each subject counts (all its rows have one time); a lifted one holds nothing.
_IN_FORCE = """
SELECT text_sha256, url FROM (
  SELECT *, RANK() OVER (PARTITION BY subject ORDER BY recorded_at DESC) AS nth FROM takedown
) AS t WHERE nth = 1 AND state = 'held'
"""
# What a host said of single addresses of which it says something else than of itself, newest first.
_ADDRESSED = """
SELECT url, MAX(CASE WHEN verdict = 'refused' THEN 1 ELSE 0 END) AS refused FROM (
  SELECT url, verdict, ROW_NUMBER() OVER (PARTITION BY url, signal ORDER BY fetched_at DESC) AS nth
  FROM host_signal WHERE url IS NOT NULL
) AS h WHERE nth = 1 GROUP BY url
"""
# What a host says of itself as a whole, newest first; an object that we fetched was judged by its own address.
_REFUSING = """
SELECT DISTINCT SPLIT_PART(host, ':', 1) AS host FROM (
  SELECT host, signal, verdict, ROW_NUMBER() OVER (PARTITION BY host, signal ORDER BY fetched_at DESC) AS nth
  FROM host_signal WHERE signal IN ('robots', 'content-usage rule', 'tdmrep', 'ai.txt')
) AS h WHERE nth = 1 AND verdict = 'refused'
"""
WITHDRAWN = f"""
SELECT r.record_id,
       CASE WHEN t.text_sha256 IS NOT NULL OR u.url IS NOT NULL THEN '{TAKEDOWN}' ELSE '{OPTED_OUT}' END AS rule
FROM record r
LEFT JOIN acquisition a ON r.acquisition_id = a.acquisition_id
LEFT JOIN (SELECT DISTINCT text_sha256 FROM ({_IN_FORCE}) AS x WHERE text_sha256 IS NOT NULL) t
  ON r.text_sha256 = t.text_sha256
LEFT JOIN (SELECT DISTINCT url FROM ({_IN_FORCE}) AS x WHERE url IS NOT NULL) u ON r.url = u.url
LEFT JOIN ({_REFUSING}) h ON r.domain = h.host
LEFT JOIN ({_ADDRESSED}) s ON r.url = s.url
WHERE t.text_sha256 IS NOT NULL OR u.url IS NOT NULL
   OR (COALESCE(s.refused = 1, h.host IS NOT NULL) AND (a.permission IS NULL OR a.url IS DISTINCT FROM r.url))
"""


def takedown(place: Place, subject: str, *, by: str, because: str, at: datetime, lift: bool = False) -> dict[str, Any]:
    """Records the word about a record (its id) or an address. Returns its `rows`, and the `releases` that hold them.

    Raises:
        UserError: no such record, neither record nor address, nothing to lift, or a person or reason that is none.
    """
    by, because = named_and_reasoned(by, because)
    by_record = bool(_RECORD_ID.fullmatch(subject))
    if not by_record and (not re.fullmatch(r"https?://\S+", subject) or "'" in subject):
        raise UserError(f"{subject[:80]!r} is neither a record's id (64 hex digits) nor an http or https address.")
    with lease(place, "takedown"):
        store.ensure_tables(place, [*_TABLES, "release_record", "release"])
        found = _found(place, subject, by_record)
        if by_record and not found:
            raise UserError(f"No record {subject}; see `corpusgate explain` and `corpusgate sql`.")
        if lift and not _named(place, subject):
            raise UserError(f"Nothing is taken down as {subject}; so nothing can be lifted.")
        # an address of which nothing is here yet is held for what comes
        rows = [_row(subject, one, by, because, at, lift) for one in found or [{"url": subject}]]
        store.append_new(place, "takedown", rows, "takedown")
    return {"rows": rows, "releases": _releases(place, [r["text_sha256"] for r in rows if r["text_sha256"]])}


def withdrawn(place: Place) -> dict[str, str]:
    """Record -> rule, of what was taken down or reserved by its host since: what no candidate may keep."""
    store.ensure_tables(place, ["takedown", "host_signal", "acquisition"])  # lost ones make it stricter, not laxer
    rows = store.query(place, WITHDRAWN, _TABLES).to_pylist()
    return {r["record_id"]: r["rule"] for r in sorted(rows, key=lambda r: r["rule"])}


def _found(place: Place, subject: str, by_record: bool) -> list[dict[str, Any]]:
    column = "record_id" if by_record else "url"
    found = store.read(place, "record", ["record_id", "source_id", "text_sha256", "url"], f"{column} = '{subject}'")
    return sorted(found.to_pylist(), key=lambda r: r["record_id"])


def _named(place: Place, subject: str) -> bool:
    return store.read(place, "takedown", ["takedown_id"], f"subject = '{subject}'").num_rows > 0


def _row(subject: str, one: dict[str, Any], by: str, because: str, at: datetime, lift: bool) -> dict[str, Any]:
    state, of_address = "lifted" if lift else "held", not _RECORD_ID.fullmatch(subject)
    parts = ("takedown", subject, one.get("record_id") or "", state, at.isoformat())
    return {
        "takedown_id": hashlib.sha256("\0".join(parts).encode()).hexdigest(), "subject": subject, "state": state,
        "record_id": one.get("record_id") or "", "source_id": one.get("source_id"),
        "text_sha256": one.get("text_sha256"), "url": subject if of_address else None, "by": by, "because": because,
        "recorded_at": at,
    }  # fmt: skip


def _releases(place: Place, texts: list[str]) -> list[str]:
    if not texts:
        return []
    sql = (
        "SELECT DISTINCT k.release_id FROM release_record k JOIN release r ON k.release_id = r.release_id "
        f"WHERE {listed('k.text_sha256', texts)} ORDER BY 1"
    )
    return [r["release_id"] for r in store.query(place, sql, ["release_record", "release"]).to_pylist()]
