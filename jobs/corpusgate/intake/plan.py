"""What intake has to do: which sources are admitted, which of their batches are done already, who reads what. No Spark.

A batch is done when its report lies in the lake: what it was made of (acquisitions, declaration, licence parts,
detectors) and what came out. The report is written last, so that a batch whose tables were half written has none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from corpusgate.collect.rules import batch_id
from corpusgate.errors import UserError
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.kit import kit_for
from corpusgate.intake.read import EXTRACTION_VERSION, split_reader
from corpusgate.intake.stage import Split, Work
from corpusgate.lake import store
from corpusgate.lake.run import Run, write_atomically
from corpusgate.settings.place import Place
from corpusgate.settings.profile import Profile
from corpusgate.settings.source import Source

#: Tables that intake writes by batch, in the order in which it writes them.
BY_BATCH = ("document", "screening", "finding", "signature", "quarantine", "record")


@dataclass(frozen=True, slots=True)
class Batch:
    """One admitted source's acquisitions (facts of its fetch step), and the licence parts that pass."""

    id: str
    source: Source
    acquisitions: tuple[Mapping[str, Any], ...]
    parts: frozenset[str]
    register: tuple[str, str] | None = None
    """User input: file with the authorisations in force, and its hash."""

    @property
    def reading_sha256(self) -> str:
        """Hash of everything that the reading of this batch depends on; detectors apart."""
        source = self.source.model_dump(mode="json")
        told = {
            n: source[n] for n in ("id", "modality", "country", "reader", "personal_information_basis", "generator")
        }
        body = {
            "extraction": EXTRACTION_VERSION, "source": told, "parts": sorted(self.parts),
            "includes": [[p["id"], p["include"]] for p in source["licence"]],
            "acquisitions": sorted([a["acquisition_id"], a["fetched_at"]] for a in self.acquisitions),
        }  # fmt: skip
        if source["kind"] == "user_input":
            body["register"] = [source["user_input"], self.register and self.register[1]]
        return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """Batches by what is to be done with them: `read` from raw, screened `again` from `document`, or `reused`."""

    read: tuple[Batch, ...]
    again: tuple[Batch, ...]
    reused: tuple[Batch, ...]
    reports: Mapping[str, Mapping[str, Any]]
    kit: Kit
    versions: Mapping[str, str]

    @property
    def read_ids(self) -> list[str]:
        """Batches whose slices are made anew from raw."""
        return [b.id for b in self.read]

    @property
    def new_ids(self) -> list[str]:
        """Batches whose screening is made anew."""
        return [b.id for b in (*self.read, *self.again)]

    @property
    def work(self) -> Work:
        """What the workers that read are told."""
        return Work(
            {b.source.id: b.source for b in self.read}, {b.source.id: b.id for b in self.read},
            {b.source.id: b.parts for b in self.read}, self.kit, self.versions,
            {b.source.id: b.register[0] for b in self.read if b.register},
        )  # fmt: skip


def plan(run: Run) -> Plan:
    """What this run's intake has to do.

    Raises:
        UserError: a source was neither held nor fetched and judged; or the corpus names no usable lexicon.
    """
    kit = kit_for(run)
    versions = detectors.versions(kit)
    there = {name: store.partition_rows(run.place, name) for name in BY_BATCH}
    read, again, reused, reports = [], [], [], {}
    for batch in batches(run):
        report = read_report(run.place, batch.id)
        if report is None or report["reading_sha256"] != batch.reading_sha256 or not _whole(report, batch.id, there):
            read.append(batch)
            continue
        reports[batch.id] = report
        same = report["versions"] == versions and report["hmac_key_id"] == kit.hmac_key_id
        (reused if same else again).append(batch)
    return Plan(tuple(read), tuple(again), tuple(reused), reports, kit, versions)


def batches(run: Run) -> list[Batch]:
    """The batch of each source that no step of this run holds, in the corpus's order."""
    held = run.held()
    made = []
    for source in run.sources:
        if source.id in held:
            continue
        fetch, licence = run.result("fetch", source.id), run.result("licence", source.id)
        missing = [s for s in ("fetch", "licence", "admission") if run.result(s, source.id) is None]
        if fetch is None or licence is None or missing:
            raise UserError(
                f"The source {source.id} has no result of {', '.join(missing)} in run {run.id}: nothing is read of a "
                f"source before it is admitted. Run `corpusgate step {missing[0]} --source {source.id}` first."
            )
        acquisitions = tuple(fetch.facts["acquisitions"])
        passing = frozenset(p["part"] for p in licence.facts["parts"] if p["verdict"] == "pass")
        found = (licence.facts.get("papers") or {}).get("register")
        register = (found["path"], found["sha256"]) if found else None
        made.append(Batch(fetched_batch(acquisitions), source, acquisitions, passing, register))
    return made


def fetched_batches(run: Run) -> dict[str, str]:
    """Batch id of each source that was fetched, held or not."""
    done = (r for r in run.results("fetch") if r.source_id and r.facts.get("acquisitions"))
    return {str(r.source_id): fetched_batch(r.facts["acquisitions"]) for r in done}


def fetched_batch(acquisitions: Sequence[Mapping[str, Any]]) -> str:
    """Id of the batch that these acquisitions make."""
    return batch_id([a["acquisition_id"] for a in acquisitions], EXTRACTION_VERSION)


def splits(batches: Sequence[Batch], profile: Profile) -> list[Split]:
    """One split an acquisition; ranges of bytes where the file is big, plain and its records have keys.

    Without keys a record is named by its ordinal among the equal texts of its member, which only who reads all of the
    member can count.

    Raises:
        UserError: the raw file is gone.
    """
    made: list[Split] = []
    for batch in sorted(batches, key=lambda b: b.id):
        for fact in sorted(batch.acquisitions, key=lambda a: a["acquisition_id"]):
            path = Path(fact["path"])
            if not path.is_file():
                raise UserError(
                    f"The bytes of {fact['name']} ({batch.source.id}) are not in {path} any more. "
                    f"Run `corpusgate step fetch --source {batch.source.id}` again."
                )
            made += _of_file(len(made), batch.source, fact, path, profile.split_bytes)
    return made


def bins(splits: Sequence[Split], profile: Profile) -> list[list[Split]]:
    """The splits in as many bins as there shall be tasks, evenly by bytes: the biggest first into the emptiest."""
    cores = os.cpu_count() or 1
    total = sum(s.size for s in splits)
    wanted = max(profile.tasks or 2 * cores, total // profile.split_bytes)
    filled: list[list[Split]] = [[] for _ in range(max(1, min(len(splits), wanted)))]
    load = [0] * len(filled)
    for split in sorted(splits, key=lambda s: (-s.size, s.number)):
        emptiest = load.index(min(load))
        filled[emptiest].append(split)
        load[emptiest] += split.size + 1
    return [sorted(b, key=lambda s: s.number) for b in filled]


def read_report(place: Place, batch: str) -> dict[str, Any] | None:
    """The report of a batch that is done, or None."""
    path = _report(place, batch)
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def forget_report(place: Place, batch: str) -> None:
    """Makes the batch one that was never done: the next intake reads it again."""
    _report(place, batch).unlink(missing_ok=True)


def write_report(place: Place, plan: Plan, batch: Batch, counted: Mapping[str, Any]) -> None:
    """Says that the batch is done: what it was made of, and what came out (`counted`, with rows by table)."""
    report = {
        "batch_id": batch.id, "source_id": batch.source.id, "reading_sha256": batch.reading_sha256,
        "versions": dict(plan.versions), "hmac_key_id": plan.kit.hmac_key_id, **counted,
    }  # fmt: skip
    write_atomically(_report(place, batch.id), json.dumps(report, ensure_ascii=False, indent=1, sort_keys=True))


def _of_file(first: int, source: Source, fact: Mapping[str, Any], path: Path, split_bytes: int) -> list[Split]:
    size, reader = path.stat().st_size, source.reader
    of_part = split_reader(path, fact["name"], reader) if size > split_bytes and reader.key else None
    starts = range(0, size, split_bytes) if of_part else [0]
    at = datetime.fromisoformat(fact["fetched_at"])
    web = fact["url"] if (fact.get("url") or "").startswith(("http://", "https://")) else None
    return [
        Split(
            first + n, source.id, fact["acquisition_id"], str(path), fact["name"], at,
            min(split_bytes, size - start) if of_part else size, of_part or reader, start,
            start + split_bytes if of_part and start + split_bytes < size else None, web,
        )
        for n, start in enumerate(starts)
    ]  # fmt: skip


def _whole(report: Mapping[str, Any], batch: str, there: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether the tables still hold what the report says: none of the batch's slices is gone."""
    return all(bool(n) == bool(there[table].get(batch)) for table, n in report["tables"].items())


def _report(place: Place, batch: str) -> Path:
    return place.lake / "_batches" / f"{batch}.json"
