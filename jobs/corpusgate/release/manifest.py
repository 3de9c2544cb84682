"""The manifest of a candidate: its content and everything that judged it, byte-equal for equal content.

Run id, times, host and table versions stand in `run.json` beside it. The file *is* the canonical JSON, so that
`sha256sum manifest.json` gives the manifest's root, and the release's id is its first twelve digits.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.run import Run, write_atomically
from corpusgate.release.digests import canonical
from corpusgate.release.merkle import ALGORITHM, Bucket, merkle_root
from corpusgate.settings.licence import USES
from corpusgate.settings.place import Place

FORMAT = "corpusgate-manifest/1"
#: The tables whose versions `run.json` records.
TABLES_BEHIND = ("record", "document", "finding", "decision", "release_record")


def build(
    run: Run,
    *,
    buckets: Sequence[Bucket],
    counts: Mapping[str, Mapping[str, Mapping[str, int]]],
    digests: Mapping[str, str],
    detectors: Mapping[str, str],
    languages: Mapping[str, Sequence[str]],
    sources: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The manifest as plain values.

    Args:
        buckets: of the leaves of every record considered.
        counts: source -> outcome -> rule ('' for kept) -> records.
        detectors: family -> version.
        languages: `served` and `dropped`.
        sources: what was read and under which licence, a source each (see `sources_of`).
        samples: descriptors of the draws; their ids follow from the release's id and stand in the table `sample`.
    """
    return {
        "format": FORMAT,
        "corpus": run.corpus.id,
        "leaves": {
            "algorithm": ALGORITHM,
            "root": merkle_root(buckets),
            "count": sum(b.leaves for b in buckets),
            "buckets": [[b.prefix, b.root, b.leaves] for b in sorted(buckets, key=lambda b: b.prefix)],
        },
        "counts": {"by_outcome": _by_outcome(counts), "by_rule": _by_rule(counts), "by_source": counts},
        "digests": dict(digests),
        "detectors": dict(detectors),
        "languages": {k: list(v) for k, v in languages.items()},
        "sources": [dict(s) for s in sources],
        "samples": [dict(s) for s in samples],
        "seed": run.corpus.seed,
    }


def manifest_root(manifest: Mapping[str, Any]) -> str:
    """SHA-256, hex, of the canonical JSON."""
    return hashlib.sha256(canonical(manifest)).hexdigest()


def release_id(manifest: Mapping[str, Any]) -> str:
    """Corpus and the first twelve hex digits of the manifest's root."""
    return f"{manifest['corpus']}-{manifest_root(manifest)[:12]}"


def sources_of(run: Run, taken: Iterable[str], held: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """What each source of the corpus gave to this candidate, in the declared order: content only, no time, no path.

    `purl`, `kind`, whether it was `taken` in, `held_by` (a control id, or the step's state), the `acquisitions` (name
    and hash of the bytes), the licence `parts` (expression and hash of its text) that passed.
    """
    taken, rows = set(taken), []
    for source in run.sources:
        fetched, licence = run.result("fetch", source.id), run.result("licence", source.id)
        acquisitions = fetched.facts.get("acquisitions", []) if fetched else []
        rows.append({
            "source_id": source.id, "purl": source.purl, "kind": source.kind, "title": source.title,
            "taken": source.id in taken, "held_by": held.get(source.id),
            "acquisitions": sorted([a["name"], a["sha256"] or a["etag"]] for a in acquisitions),
            "parts": passing_parts(licence.facts if licence else {}),
        })  # fmt: skip
    return rows


def passing_parts(licence_facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The licence parts that passed: `part`, `expression` (concluded, else declared), `text_sha256`, granted `uses`,
    `obligations`."""
    return [
        {
            "part": p["part"], "expression": p.get("concluded") or p.get("declared"),
            "text_sha256": p.get("text_sha256"), "uses": {use: p.get(f"use_{use}") for use in USES},
            "obligations": sorted(p.get("obligations") or ()),
        }
        for p in licence_facts.get("parts", ()) if p.get("verdict") == "pass"
    ]  # fmt: skip


def candidate_folder(place: Place, release: str) -> Path:
    """Where a frozen candidate's manifest lies until, and after, it is published."""
    return place.lake / "candidates" / release


def write_candidate(run: Run, manifest: Mapping[str, Any], about: Mapping[str, Any]) -> Path:
    """Writes `run.json` and then, as the last word, `manifest.json`: where the manifest is, the candidate is whole."""
    folder = candidate_folder(run.place, release_id(manifest))
    write_atomically(folder / "run.json", json.dumps(about, indent=1, sort_keys=True))
    write_atomically(folder / "manifest.json", canonical(manifest).decode())
    return folder


def about_run(run: Run) -> dict[str, Any]:
    """What `run.json` says: the circumstances, which are no part of a release's identity."""
    versions = {name: store.version(run.place, name) for name in TABLES_BEHIND}
    return {"run_id": run.id, "at": run.at.isoformat(), "host": os.uname().nodename, "table_versions": versions}


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest in this file.

    Raises:
        UserError: it is not there, or is not in canonical form (somebody edited it).
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"No manifest at {path}: `corpusgate release list` shows the releases there are.") from None
    manifest = json.loads(content)
    if canonical(manifest) != content:
        raise UserError(f"{path} is not as it was written: restore it from a copy, or rebuild the release.")
    return manifest


def buckets_in(manifest: Mapping[str, Any]) -> list[Bucket]:
    """The buckets that a manifest records."""
    return [Bucket(prefix, root, leaves) for prefix, root, leaves in manifest["leaves"]["buckets"]]


def _by_outcome(counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, int]:
    total = {"kept": 0, "removed": 0, "errored": 0}
    for outcomes in counts.values():
        for outcome, rules in outcomes.items():
            total[outcome] += sum(rules.values())
    return total


def _by_rule(counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for outcomes in counts.values():
        for outcome, rules in outcomes.items():
            for rule, n in rules.items():
                if outcome != "kept":
                    total[rule] = total.get(rule, 0) + n
    return total
