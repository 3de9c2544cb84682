"""The whole story of a record or a text: origin, licence, screening, findings, and its fate in each release (Q17)."""

from __future__ import annotations

import re
from typing import Any

from corpusgate.errors import UserError
from corpusgate.evidence.cells import tame
from corpusgate.intake.states import present
from corpusgate.lake.dialect import listed
from corpusgate.lake.store import ensure_tables, query
from corpusgate.settings.place import Place

_HEX = re.compile(r"^[0-9a-f]{8,64}$")

_ORIGIN = """
SELECT r.record_id, r.batch_id, r.source_id, s.title AS source_title, s.kind, s.provider, r.locator, r.url, r.title,
       r.text_sha256, r.language, r.script, r.characters, r.role, r.group_id, r.turn, r.source_rule,
       r.personal_information_basis, r.licence_part, r.raw_sha256,
       a.acquisition_id, a.name AS file, a.purl, a.sha256 AS file_sha256, a.fetched_at, a.run_id AS acquired_by_run
FROM record r LEFT JOIN acquisition a ON r.acquisition_id = a.acquisition_id
LEFT JOIN (SELECT source_id, title, kind, provider,
                  row_number() OVER (PARTITION BY source_id ORDER BY recorded_at DESC) AS newest FROM source) s
       ON s.source_id = r.source_id AND s.newest = 1
WHERE {which} ORDER BY r.record_id
"""
_GRAVES = """
SELECT record_id, because, last_batch_id, vanished_in, vanished_at, returned_in, returned_at FROM tombstone
WHERE {records} ORDER BY record_id, vanished_at
"""
_LICENCE = """
SELECT source_id, part, declared, concluded, concluded_by, concluded_role, concluded_at, because, provisional, notes,
       verdict, valid_from, valid_to, recorded_at, text_sha256
FROM licence_period WHERE source_id IN ({sources}) ORDER BY source_id, part, valid_from, recorded_at
"""
_FATE = """
SELECT release_id, record_id, outcome, step, rule, survivor, cause, cause_record,
       CAST(NULL AS VARCHAR) AS mask_set, CAST(NULL AS VARCHAR) AS released_sha256
FROM decision WHERE {records}
UNION ALL
SELECT release_id, record_id, 'kept', 'decide', NULL, NULL, NULL, NULL, mask_set, released_sha256
FROM release_record WHERE {records}
"""


def story(place: Place, identity: str) -> dict[str, Any]:
    """What every table knows of `identity`: a record id, a text's SHA-256, or the first 8 digits or more of either.

    Raises:
        UserError: it is no such id, nothing has it, or several have it.
    """
    if not _HEX.match(identity):
        raise UserError(f"{identity!r} is no record id and no SHA-256: give at least its first 8 hexadecimal digits.")
    if not place.lake.is_dir():
        raise UserError(f"No lake at {place.lake} yet: run `make run` first, or set CORPUSGATE_LAKE to yours.")
    ensure_tables(place)
    match = f"LIKE '{identity}%'"  # the pattern above leaves nothing that could leave the quotes
    records = _rows(place, _ORIGIN.format(which=f"r.record_id {match} OR r.text_sha256 {match}"))
    if not records:
        raise UserError(f"No record and no text begins with {identity}: nothing of it was taken in.")
    texts = sorted({r["text_sha256"] for r in records})
    if len(texts) > 1:
        some = ", ".join(t[:16] for t in texts[:5])
        raise UserError(f"{identity} begins the ids of {len(texts)} texts ({some}, …): give more digits.")
    records = _newest(records, present(place))
    ids = listed("record_id", (r["record_id"] for r in records))
    sources = ", ".join(sorted({_quoted(r["source_id"]) for r in records}))
    about = f"text_sha256 = '{texts[0]}'"
    return {
        "text_sha256": texts[0],
        "records": records,
        "vanished": _rows(place, _GRAVES.format(records=ids)),
        "licences": _rows(place, _LICENCE.format(sources=sources)),
        "screened": _rows(place, f"SELECT DISTINCT family, version FROM screening WHERE {about} ORDER BY family"),
        "findings": _rows(
            place,
            'SELECT detector, version, rule, risk, "start", "end", weight, surface, count FROM finding '
            f'WHERE {about} ORDER BY "start", rule',
        ),
        "releases": _with_channels(place, _rows(place, _FATE.format(records=ids))),
    }


def as_text(told: dict[str, Any]) -> str:
    """The story in plain lines for a terminal; values are escaped, no text of the record is shown."""
    lines = [f"text {told['text_sha256']}: found in {len(told['records'])} place(s)"]
    for r in told["records"]:
        lines += [
            f"  record {r['record_id']}",
            f"    source    {r['source_id']} ({tame(str(r['source_title']), 80)}; {r['kind']}, {r['provider']})",
            f"    found at  {tame(str(r['locator']), 100)} in {tame(str(r['file']), 80)}",
            f"    acquired  {r['fetched_at']} by run {r['acquired_by_run']}, from {r['purl']}",
            f"    file      sha256 {r['file_sha256']}",
            *([f"    line      sha256 {r['raw_sha256']}"] if r["raw_sha256"] else []),
            f"    text      {r['characters']} characters, language {r['language']}, script {r['script']}",
        ]
        lines += [f"    group     {r['group_id']}: {r['role']}, turn {r['turn']}"] if r["group_id"] else []
        lines += [_grave(g) for g in told["vanished"] if g["record_id"] == r["record_id"]]
    for p in told["licences"]:
        mark = " (provisional)" if p["provisional"] else ""
        by = f"{tame(str(p['concluded_by']), 60)}" + (
            f", {tame(p['concluded_role'], 40)}" if p["concluded_role"] else ""
        )
        said = f"declared {tame(str(p['declared']), 80)}, concluded {p['concluded']}{mark} by {by}"
        judged = f"verdict {p['verdict']}" if p["verdict"] else f"recorded for the runs since {p['recorded_at']}"
        lines.append(f"  licence   {p['source_id']}/{p['part']}: {said}; {judged}")
    lines += [f"  screened  {s['family']} {s['version']}" for s in told["screened"]] or ["  screened  by no family"]
    for f in told["findings"]:
        shown = f" {tame(f['surface'], 40)!r}" if f["surface"] else ""
        lines.append(f"  finding   {f['risk']} by {f['rule']} at {f['start']}–{f['end']}, weight {f['weight']}{shown}")
    for d in told["releases"]:
        fate = d["outcome"] if d["outcome"] == "kept" else f"{d['outcome']} by rule {d['rule']}"
        extra = f", masks {d['mask_set']}" if d["mask_set"] else f", survivor {d['survivor']}" if d["survivor"] else ""
        extra += f", because {d['cause']} took {d['cause_record'][:12]} of its group" if d["cause"] else ""
        lines.append(f"  release   {d['release_id']} ({d['channels']}): record {d['record_id'][:12]} {fate}{extra}")
    return "\n".join(lines)


def _newest(records: list[dict[str, Any]], now: dict[str, str]) -> list[dict[str, Any]]:
    """Each record once: as its source's present batch has it, else as the batch that was acquired last."""
    ranked = sorted(records, key=lambda r: (now.get(r["source_id"]) == r["batch_id"], str(r["fetched_at"])))
    return sorted({r["record_id"]: r for r in ranked}.values(), key=lambda r: r["record_id"])


def _grave(said: dict[str, Any]) -> str:
    why = "its source has it no more" if said["because"] == "gone_from_source" else "its source is read otherwise"
    back = f"; there again since {said['returned_at']}, run {said['returned_in']}" if said["returned_in"] else ""
    return f"    gone      since {said['vanished_at']}, run {said['vanished_in']}: {why}{back}"


def _with_channels(place: Place, fates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    published = _rows(place, "SELECT release_id, channel, published_at FROM release ORDER BY published_at")
    for fate in fates:
        channels = [p["channel"] for p in published if p["release_id"] == fate["release_id"]]
        fate["channels"] = (
            "published to " + ", ".join(dict.fromkeys(channels)) if channels else "candidate, not published"
        )
    return sorted(fates, key=lambda f: (f["release_id"], f["record_id"]))


def _rows(place: Place, sql: str) -> list[dict[str, Any]]:
    return query(place, sql).to_pylist()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
