"""A lake as intake and the source gate leave it, from a list of texts: what decide and publish start from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from corpusgate.intake.rules import detector_version, group_id, record_id, text_sha256
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.place import Place

AT = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
NOTHING_LOST = {"removed": 0, "errored": 0, "removed_by_rule": {}}
VERSIONS = {
    "keyword": "keyword-k1", "personal_information": "personal_information-p1 pi_check-c1",
    "language_quality": "language_quality-l1",
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """One text in one source: what intake found in it. `personal` are (start, end, class), `key` names the record."""

    text: str
    source: str = "alpha"
    key: str = ""
    language: str | None = "zh"
    weights: tuple[tuple[str, float], ...] = ()
    personal: tuple[tuple[int, int, str], ...] = ()
    counted: int | None = None
    source_rule: str | None = None
    basis: str | None = None
    modality: str = "text"
    first_acquired_at: datetime = AT
    url: str | None = None
    role: str = "text"
    group: str | None = None
    turn: int | None = None

    @property
    def sha256(self) -> str:
        """Hash of the stored text."""
        return text_sha256(self.text)

    @property
    def record_id(self) -> str:
        """Id of the record."""
        return record_id(self.source, f"key:{self.key or self.sha256}", self.sha256)


@dataclass(frozen=True)
class World:
    """What is declared: sources with their providers, and the policy of the corpus `demo`."""

    providers: dict[str, str] = field(default_factory=lambda: {"alpha": "a.example", "beta": "b.example"})
    languages: tuple[str, ...] = ("zh",)
    policy: dict[str, Any] = field(default_factory=dict)
    seed: str = "seed-1"
    safety: tuple[str, ...] = ()


def declare(place: Place, world: World, *, signed: bool = True) -> None:
    """Writes the configuration (JSON is YAML); where no text is `signed`, near duplicates are not asked for."""
    for source, provider in world.providers.items():
        about = {
            "title": f"Source {source}", "kind": "open_source", "language": "mul", "country": "CN", "category": "test",
            "owner": "test", "provider": provider, "description": "made by a test",
            "channel": {"type": "folder", "path": source}, "reader": {"format": "text"},
        }  # fmt: skip
        if source in world.safety:
            about |= {"safety": True, "reader": {"format": "jsonl", "chat": {"turns": "messages"}}}
        _json(place.conf / "sources" / f"{source}.yaml", about)
    unasked = {} if signed else {"near_duplicates": None}
    policy = {"lexicon": "starter", "personal_information": {}, **unasked, **world.policy}
    corpus = {
        "title": "Demo", "intended_use": "pre_training", "commercial": True, "languages": list(world.languages),
        "service_type": "chat", "item_unit": "document", "home_country": "CN", "seed": world.seed,
        "sources": list(world.providers), "policy": policy,
    }  # fmt: skip
    _json(place.conf / "corpora" / "demo.yaml", corpus)
    words = place.conf / "lexicons" / "starter" / "words.tsv"
    words.parent.mkdir(parents=True, exist_ok=True)
    words.write_text("word\n", "utf-8")


def judged(
    place: Place,
    texts: Sequence[Text],
    *,
    world: World | None = None,
    run_id: str = "run-1",
    at: datetime = AT,
    held: dict[str, str] | None = None,
    versions: dict[str, str] = VERSIONS,
    keep_tables: bool = False,
) -> Run:
    """A run whose intake took in `texts` and whose source gate held `held` (source -> control); ready for decide."""
    world = world or World()
    declare(place, world, signed="signature" in versions)
    run = open_run(place, "demo", run_id, at)
    taken = sorted({t.source for t in texts})
    if not keep_tables:
        for source in taken:
            write_tables(place, source, [t for t in texts if t.source == source], versions)
    for source in taken:
        acquired = {"acquisition_id": f"acq-{source}", "name": source, "sha256": _digest(source)}
        run.write(StepResult(step="fetch", source_id=source, unit="object", rows_in=1, kept=1,
                             facts={"acquisitions": [acquired]}))  # fmt: skip
        part = {
            "part": "all",
            "verdict": "pass",
            "declared": "MIT",
            "concluded": "CC0-1.0",
            "text_sha256": _digest("l"),
        }
        run.write(StepResult(step="licence", source_id=source, unit="part", rows_in=1, kept=1, facts={"parts": [part]}))
    kept = {s: sum(t.source == s for t in texts) for s in taken}
    facts = {
        "sources": {s: {**NOTHING_LOST, "rows_in": n, "kept": n} for s, n in kept.items()},
        "batches": {s: f"batch-{s}" for s in taken}, "versions": versions, "texts": len(texts), "reused": [],
    }  # fmt: skip
    run.write(StepResult(step="intake", unit="item", rows_in=len(texts), kept=len(texts), facts=facts))
    run.write(StepResult(step="source_gate", unit="source", rows_in=len(taken), kept=len(taken),
                         facts={"verdicts": [], "held": held or {}}))  # fmt: skip
    return run


def write_tables(place: Place, source: str, texts: Sequence[Text], versions: dict[str, str] = VERSIONS) -> None:
    """Replaces the source's slice of record, document and finding by these texts."""
    batch = f"batch-{source}"
    records = [
        {
            "record_id": t.record_id, "source_id": source, "batch_id": batch, "acquisition_id": f"acq-{source}",
            "locator": t.key, "url": t.url, "domain": "example", "text_sha256": t.sha256, "language": t.language,
            "modality": t.modality, "bytes": len(t.text.encode()), "characters": len(t.text), "role": t.role,
            "group_id": group_id(source, t.group), "turn": t.turn,
            "first_acquired_at": t.first_acquired_at, "personal_information_basis": t.basis, "licence_part": "all",
            "source_rule": t.source_rule,
        }
        for t in texts
    ]  # fmt: skip
    there = set(store.read(place, "document", ["text_sha256"], f"batch_id <> '{batch}'").column(0).to_pylist())
    fresh = list({t.sha256: t for t in texts if t.sha256 not in there}.values())
    documents = [
        {
            "text_sha256": t.sha256,
            "batch_id": batch,
            "text": t.text,
            "characters": len(t.text),
            "bytes": len(t.text.encode()),
        }
        for t in fresh
    ]
    for name, rows in (
        ("record", records),
        ("document", documents),
        ("finding", [f for t in fresh for f in findings(t, batch, versions)]),
    ):
        store.replace(place, name, rows, f"batch_id = '{batch}'", "made by a test")


def findings(text: Text, batch: str, versions: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of `finding` of one text; a rule of personal information is named after its class."""
    common: dict[str, Any] = {"text_sha256": text.sha256, "batch_id": batch, "score": 1.0, "count": 1}
    word = {
        **common,
        "family": "keyword",
        "detector": "keyword",
        "version": detector_version("keyword", versions),
        "start": 0,
        "end": 1,
    }
    words = [{**word, "rule": f"w{n}", "risk": r, "weight": w} for n, (r, w) in enumerate(text.weights)]
    family = "personal_information"
    place = {
        **common,
        "family": family,
        "detector": family,
        "version": detector_version(family, versions),
        "weight": 0.0,
    }
    kinds = [kind for _, _, kind in text.personal]
    return words + [
        {**place, "rule": k, "risk": k, "start": start, "end": end, "count": text.counted or kinds.count(k)}
        for start, end, k in text.personal
    ]


def _json(path: Any, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
