"""The figures of one run, computed once and frozen beside it: pages, packs and exports print these alone (R9)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from corpusgate.errors import UserError
from corpusgate.evidence.job import in_order
from corpusgate.evidence.overlap import overlaps
from corpusgate.gates.verdict import verdict_table
from corpusgate.lake.run import Run, StepResult, open_run, safe_name
from corpusgate.lake.store import ensure_tables, in_force, query
from corpusgate.settings.place import Place

#: The steps whose verdicts `control_result` holds.
GATES = ("source_gate", "release_gate")

_SIZES = """
SELECT k.source_id, k.language, p.concluded AS licence, count(*) AS records, sum(k.characters) AS characters,
       sum(k.bytes) AS bytes, sum(CASE WHEN k.mask_set <> '' THEN 1 ELSE 0 END) AS masked
FROM release_record k
LEFT JOIN (SELECT source_id, part, concluded,
                  row_number() OVER (PARTITION BY source_id, part ORDER BY recorded_at DESC) AS newest
           FROM licence_period WHERE verdict IS NOT NULL AND recorded_at <= TIMESTAMP '{at}') p
       ON p.source_id = k.source_id AND p.part = k.licence_part AND p.newest = 1
WHERE k.release_id = '{release}' GROUP BY k.source_id, k.language, p.concluded
ORDER BY k.source_id, k.language, p.concluded
"""
_REMOVED = """
SELECT source_id, outcome, rule, count(*) AS records FROM decision WHERE release_id = '{release}'
GROUP BY source_id, outcome, rule ORDER BY source_id, outcome, rule
"""
_RELEASE = """
SELECT release_id, channel, parent, manifest_root, records, characters, key_id, published_at FROM release
WHERE release_id = '{release}' ORDER BY published_at, channel
"""


def figures(place: Place, run_id: str) -> dict[str, Any]:
    """Everything the page of a run prints, as JSON types: run, release, verdicts, sources, sizes, removals, steps.

    Raises:
        UserError: no such run.
    """
    run = find_run(place, run_id)
    ensure_tables(place)
    results = in_order(run.results())
    decided = run.result("decide")
    release_id = decided.facts.get("release_id") if decided else None
    safe = (release_id or "").replace("'", "''")
    at = run.at.isoformat()
    sizes = query(place, _SIZES.format(release=safe, at=at)).to_pylist() if release_id else []
    removed = query(place, _REMOVED.format(release=safe)).to_pylist() if release_id else []
    return {
        "run": {"id": run.id, "corpus": run.corpus.id, "title": run.corpus.title, "at": run.at.isoformat()},
        "release_id": release_id,
        "releases": query(place, _RELEASE.format(release=safe)).to_pylist() if release_id else [],
        "published": _published(run),
        "verdicts": [asdict(row) for row in verdict_table(run)],
        "judgements": _judgements(run),
        "sources": _sources(run, results, sizes, removed),
        "sizes": sizes,
        "removed": removed,
        "masks_in_notices": _masks_in_notices(place, release_id),
        "test_sets": overlaps(run, release_id),
        "languages_dropped": decided.facts.get("languages_dropped", []) if decided else [],
        "steps": [r.model_dump(exclude={"facts"}) for r in results],
        "annotation_page": None,
    }


def find_run(place: Place, run_id: str) -> Run:
    """The run with this id, as its folder tells; nothing outside the runs' folder can be named.

    Raises:
        UserError: no such run.
    """
    about = place.runs / safe_name(run_id) / "run.json"
    if not about.is_file():
        raise UserError(f"No run {run_id!r} in this lake.")
    said = json.loads(about.read_text("utf-8"))
    from datetime import datetime

    return open_run(place, said["corpus"], said["run_id"], datetime.fromisoformat(said["at"]))


def _masks_in_notices(place: Place, release_id: str | None) -> dict[str, int]:
    """Source -> masks inside copyright notices, as counted when the release was written; empty for a mere candidate."""
    path = place.releases / (release_id or "-") / "files.json"
    return json.loads(path.read_text("utf-8")).get("masks_in_notices", {}) if path.is_file() else {}


def _published(run: Run) -> str:
    result = run.result("publish")
    return result.state if result else "not_published"


def _judgements(run: Run) -> list[dict[str, Any]]:
    """Every verdict in force, half by half, as `control_result` has it; by control, scope and stratum."""
    where = f"run_id = '{run.id.replace(chr(39), chr(39) * 2)}' AND gate = "
    rows = [row for gate in GATES for row in in_force(run.place, "control_result", f"{where}'{gate}'")]
    rows.sort(key=lambda r: (r["control_id"], r["scope"], r["scope_id"], r["stratum"] or "", r["half"]))
    return [{k: v for k, v in r.items() if k not in ("previous_sha256", "row_sha256")} for r in rows]


def _sources(
    run: Run, results: list[StepResult], sizes: list[dict[str, Any]], removed: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    held = run.held()
    intake = run.result("intake")
    taken = intake.facts.get("sources", {}) if intake else {}
    rows = []
    for source in run.sources:
        mine = [s for s in sizes if s["source_id"] == source.id]
        licence = next((r for r in results if r.step == "licence" and r.source_id == source.id), None)
        hold = held.get(source.id)
        rows.append(
            {
                "source_id": source.id, "title": source.title, "kind": source.kind, "country": source.country,
                "language": source.language, "fixture": source.fixture,
                "state": hold.state if hold else "taken_in", "held_by": hold.held_by if hold else None,
                "held_at": hold.step if hold else None, "because": hold.because if hold else "",
                "licence": licence.facts.get("parts", []) if licence else [],
                "items": taken.get(source.id, {}).get("rows_in", 0),
                "kept": sum(s["records"] for s in mine), "characters": sum(s["characters"] or 0 for s in mine),
                "removed": _count(removed, source.id, "removed")
                + taken.get(source.id, {}).get("removed", 0),
                "errored": _count(removed, source.id, "errored") + taken.get(source.id, {}).get("errored", 0),
            }
        )  # fmt: skip
    return rows


def _count(removed: list[dict[str, Any]], source_id: str, outcome: str) -> int:
    return sum(r["records"] for r in removed if r["source_id"] == source_id and r["outcome"] == outcome)
