"""A small lake as the steps before a gate leave it: rows in lists that a test may change, then written as Delta
tables."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpusgate import flow
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.place import Place
from corpusgate.sources.papers import CONTROL

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
RELEASE, ROOT, RUN_ID = "test-0123456789ab", "f" * 64, "run-1"
VERSIONS = {
    "keyword": "keyword-1+lexicon.0+fold.0",
    "personal_information": "personal_information-1 pi_check-1",
    "language_quality": "language_quality-1",
}
RECORDS = 20
#: source -> (kind, language, country, provider)
SOURCES: dict[str, tuple[str, str, str, str]] = {
    "alpha": ("open_source", "zh", "CN", "alpha.example"),
    "beta": ("self_collected", "zh", "CN", "beta.example"),
    "gamma": ("open_source", "en", "CN", "gamma.example"),
    "delta": ("commercial", "en", "US", "delta.example"),
}
HOME = Path(__file__).resolve().parents[3]
TABLES = (
    "record", "document", "screening", "finding", "acquisition", "release_record", "sample", "sample_item", "review",
    "review_assignment", "attestation", "annotation_batch", "quarantine", "step_run", "admission_label",
)  # fmt: skip


def sha(*parts: object) -> str:
    """A made-up id: the hash of its parts."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


@dataclass
class Lake:
    """The rows of each table, the facts of each step, and the corpus's declaration; `write` makes them real."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in TABLES})
    results: dict[tuple[str, str | None], StepResult] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    corpus: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, tuple[str, str, str, str]] = field(default_factory=lambda: dict(SOURCES))
    blocks: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"beta": {"collection": {"method": "produced", "tool": "hand", "operator": "o"}}}
    )

    def of(self, source_id: str, table: str = "record") -> list[dict[str, Any]]:
        """The rows of one source."""
        return [r for r in self.rows[table] if r["source_id"] == source_id]

    def text_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The document of a record."""
        return next(d for d in self.rows["document"] if d["text_sha256"] == record["text_sha256"])

    def find(self, record: Mapping[str, Any], **finding: Any) -> None:
        """Adds a finding about a record's text."""
        given = {
            "text_sha256": record["text_sha256"], "batch_id": record["batch_id"], "family": "keyword",
            "detector": "keyword", "version": "1+lexicon.0+fold.0", "rule": f"kw:{len(self.rows['finding'])}",
            "risk": "a1f", "start": 0, "end": 2, "score": 1.0, "weight": 1.0, "count": 1,
        }  # fmt: skip
        self.rows["finding"].append(given | finding)

    def illegal(self, source_id: str, number: int, **finding: Any) -> None:
        """Makes `number` records of a source illegal by keyword."""
        for record in self.of(source_id)[:number]:
            self.find(record, **finding)

    def personal(self, record: Mapping[str, Any], risk: str = "pi_mobile") -> None:
        """Adds what the second detector says of a record's text."""
        about = {"family": "personal_information", "detector": "pi_check", "version": "1", "weight": 0.0}
        self.find(record, risk=risk, rule=f"check:{risk}", **about)

    def result(self, step: str, source_id: str | None = None) -> StepResult:
        """The step's result, to be changed."""
        return self.results[(step, source_id)]

    def write(self, folder: Path, only: Sequence[str] | None = None) -> Run:
        """The lake under `folder` with all tables that a gate reads, or `only` some, and the run over it."""
        place = Place(folder, folder / "conf", folder / "lake", folder / "var")
        _write_conf(place, self)
        store.ensure_tables(place, TABLES if only is None else only)
        for name, rows in self.rows.items():
            if rows and (only is None or name in only):
                store.append_new(place, name, rows, RUN_ID)
        run = open_run(place, "test", RUN_ID, AT)
        for result in self.results.values():
            run.write(result)
        return run


def clean_lake(records: int = RECORDS) -> Lake:
    """Four sources of `records` records each, two a language; everything that is computed passes."""
    lake = Lake()
    for source_id in SOURCES:
        _add_source(lake, source_id, records)
    batches = {s: batch(s) for s in SOURCES}
    counts = {"rows_in": records, "kept": records, "removed": 0, "errored": 0, "removed_by_rule": {}}
    total = records * len(SOURCES)
    lake.results[("intake", None)] = StepResult(
        step="intake", unit="item", rows_in=total, kept=total,
        facts={"sources": {s: dict(counts) for s in SOURCES}, "batches": batches, "versions": dict(VERSIONS),
               "texts": total, "reused": []},
    )  # fmt: skip
    lake.results[("decide", None)] = StepResult(
        step="decide", unit="record", rows_in=total, kept=total,
        facts={"release_id": RELEASE, "parent": {"trial": None, "filing": None}, "manifest_root": ROOT,
               "leaves_root": ROOT, "languages_dropped": [], "samples": ["sample-text"]},
    )  # fmt: skip
    for step in flow.STEPS:  # whatever else runs before the gates had nothing to do, and said so
        if step.name == "release_gate":
            break
        if not step.per_source and step.engine != "gate":
            lake.results.setdefault((step.name, None), StepResult(step=step.name, unit="item", rows_in=0, kept=0))
    _draw(lake)
    return lake


def batch(source_id: str) -> str:
    """Batch id of a source."""
    return sha("batch", source_id)[:16]


def review_all(lake: Lake, bad: int = 0, reviewed: int | None = None) -> None:
    """Somebody reviews the sample's items in its order, the first `bad` of them as bad; none is judged twice."""
    lake.rows["review_assignment"].append({
        "sample_id": "sample-text", "reviewer": "r1", "state": "assigned", "double_share": 0.0, "assigned_by": "lead",
        "assigned_at": AT, "attempt": 1,
    })  # fmt: skip
    for item in lake.rows["sample_item"][:reviewed]:
        lake.rows["review"].append({
            "sample_id": item["sample_id"], "record_id": item["record_id"], "released_sha256": item["released_sha256"],
            "reviewer": "r1", "verdict": "bad" if item["ordinal"] <= bad else "good", "comment": "",
            # outside of A.1 to A.4: it speaks against the sample, not against the source's 5 %
            "risks": ["a5a"] if item["ordinal"] <= bad else [],
            "reviewed_at": AT, "seconds": 1.0, "attempt": 1,
        })  # fmt: skip


def attestation(control_id: str, **changed: Any) -> dict[str, Any]:
    """A row of `attestation` about the test release."""
    return {
        "attestation_id": sha(control_id, sorted(changed.items()))[:16], "control_id": control_id, "scope": RELEASE,
        "statement": "read and found in order", "by": "role holder", "role": "counsel",
        "at": datetime(2026, 2, 1, tzinfo=UTC), "document_sha256": "a" * 64, "binds_to": ROOT,
        "expires_at": datetime(2026, 12, 1, tzinfo=UTC), "waiver": False, "because": "",
    } | changed  # fmt: skip


def verdicts(*results: StepResult) -> dict[tuple[str, str, str, str], str]:
    """(control, half, scope id, stratum) -> verdict, out of the gates' facts."""
    return {
        (v["control_id"], v["half"], v["scope_id"], v["stratum"]): v["verdict"]
        for result in results
        for v in result.facts["verdicts"]
    }


def _add_source(lake: Lake, source_id: str, records: int) -> None:
    kind, language, _, provider = lake.sources[source_id]
    acquisition = sha("acquisition", source_id)
    lake.rows["acquisition"].append({
        "acquisition_id": acquisition, "source_id": source_id, "batch_id": batch(source_id),
        "name": f"{source_id}.jsonl", "purl": f"file:{source_id}", "path": f"{source_id}.jsonl", "fetched_at": AT,
        "bytes": 1, "sha256": sha(source_id),
        "status": "ok", "agent": "test", "run_id": RUN_ID,
    })  # fmt: skip
    for number in range(records):
        _add_record(lake, source_id, number, kind, language, provider, acquisition)
    passed = {"part": "all", "include": ["**"], "verdict": "pass", "reason": "allowed", "text_sha256": sha("licence")}
    papers = {"control": CONTROL[kind], "missing": []} if kind in CONTROL else None  # type: ignore[index]
    drawn = {"n": records, "k": 0, "share": 0.0, "risks": {}, "examples": [], "seed": "s", "versions": VERSIONS}
    facts: dict[str, dict[str, Any]] = {
        "fetch": {"acquisitions": [], "signals": []},
        "licence": {"verdict": "pass", "reason": "allowed", "parts": [passed], "papers": papers},
        "admission": drawn,
    }
    units = {"fetch": ("object", 1), "licence": ("part", 1), "admission": ("record", records)}
    for step, (unit, n) in units.items():
        lake.results[(step, source_id)] = StepResult(
            step=step, source_id=source_id, unit=unit, rows_in=n, kept=n, facts=facts[step]
        )


def _add_record(
    lake: Lake, source_id: str, number: int, kind: str, language: str, provider: str, acquisition: str
) -> None:  # fmt: skip
    text = f"{source_id} 第{number}条 an ordinary sentence"
    about = {"text_sha256": hashlib.sha256(text.encode()).hexdigest(), "batch_id": batch(source_id)}
    record_id = sha("record", source_id, number)
    lake.rows["document"].append(about | {"text": text, "characters": len(text), "bytes": len(text.encode())})
    lake.rows["record"].append(about | {
        "record_id": record_id, "source_id": source_id, "acquisition_id": acquisition, "locator": f"key:{number}",
        "url": f"https://{provider}/{number}", "domain": provider, "language": language, "modality": "text",
        "characters": len(text), "bytes": len(text.encode()), "role": "text", "licence_part": "all",
        "first_acquired_at": AT, "attributes": {},
    })  # fmt: skip
    lake.rows["release_record"].append({
        "release_id": RELEASE, "record_id": record_id, "source_id": source_id, "text_sha256": about["text_sha256"],
        "mask_set": "", "released_sha256": about["text_sha256"], "modality": "text", "language": language,
        "characters": len(text), "bytes": len(text.encode()), "domain": provider, "licence_part": "all",
    })  # fmt: skip
    lake.rows["screening"] += [about | {"family": f, "version": v} for f, v in VERSIONS.items()]


def _draw(lake: Lake) -> None:
    kept = sorted(lake.rows["release_record"], key=lambda r: r["record_id"])
    lake.rows["sample"].append({
        "sample_id": "sample-text", "release_id": RELEASE, "control_id": "45654-4-2-1-manual",
        "purpose": "manual review", "frame": "release_record", "frame_sha256": "0" * 64,
        "frame_rows": len(kept), "stratum": "text", "seed": "s", "size": len(kept), "algorithm": "test",
        "item_unit": "document", "drawn_at": AT,
    })  # fmt: skip
    lake.rows["sample_item"] += [
        {"sample_id": "sample-text", "ordinal": n, "record_id": r["record_id"], "released_sha256": r["released_sha256"],
         "stratum": "text"}
        for n, r in enumerate(kept, 1)
    ]  # fmt: skip


def _write_conf(place: Place, lake: Lake) -> None:
    for folder in ("corpora", "sources"):
        (place.conf / folder).mkdir(parents=True, exist_ok=True)
    if not (place.conf / "controls").exists():
        shutil.copytree(HOME / "conf" / "controls", place.conf / "controls")
    corpus = {
        "title": "Test", "intended_use": "pre_training", "commercial": True, "languages": ["zh", "en"],
        "service_type": "test", "item_unit": "document", "home_country": "CN", "seed": "s",
        "sources": list(lake.sources),
        "policy": {"lexicon": "starter", "personal_information": {}, **lake.policy},
    } | lake.corpus  # fmt: skip
    # JSON is YAML
    (place.conf / "corpora" / "test.yaml").write_text(json.dumps(corpus), "utf-8")
    for source_id, (kind, language, country, provider) in lake.sources.items():
        source = {
            "title": f"Source {source_id}", "kind": kind, "language": language, "country": country, "category": "test",
            "grade": "general", "owner": "owner", "provider": provider, "description": "made up for a test",
            "channel": {"type": "folder", "path": source_id}, "reader": {"format": "jsonl", "text": "text"},
        } | lake.blocks.get(source_id, {})  # fmt: skip
        (place.conf / "sources" / f"{source_id}.yaml").write_text(json.dumps(source), "utf-8")
