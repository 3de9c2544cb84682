"""What intake has to do: which sources are admitted, which of their batches are done already, who reads what. No Spark.

A batch is done when its report lies in the lake (`states.py`): what it was made of (acquisitions, declaration, licence
parts, detectors) and what came out. Where a source changed, only its new acquisitions are read: of the others what its
last state holds goes over into the new batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpusgate.collect.rules import batch_id
from corpusgate.errors import UserError
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.kit import kit_for
from corpusgate.intake.read import EXTRACTION_VERSION
from corpusgate.intake.splits import bins, splits
from corpusgate.intake.stage import Work
from corpusgate.intake.standing import Standing
from corpusgate.intake.states import State, forget_report, read_report, read_state
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.place import Place
from corpusgate.settings.source import Source

__all__ = [
    "BY_BATCH", "Batch", "Carried", "Plan", "bins", "carried_over", "forget_report", "plan", "read_report", "splits",
]  # fmt: skip

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
        told = [self.way_sha256, sorted([a["acquisition_id"], a["fetched_at"]] for a in self.acquisitions)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def way_sha256(self) -> str:
        """Hash of how an acquisition of this source is read, whichever it is."""
        source = self.source.model_dump(mode="json")
        told = {
            n: source[n] for n in ("id", "modality", "country", "reader", "personal_information_basis", "generator")
        }
        body = {
            "extraction": EXTRACTION_VERSION, "source": told, "parts": sorted(self.parts),
            "includes": [[p["id"], p["include"]] for p in source["licence"]],
        }  # fmt: skip
        if source["kind"] == "user_input":
            body["register"] = [source["user_input"], self.register and self.register[1]]
        return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes over from a source's last state into a batch that is read: of these acquisitions (id to what came out
    of each) the rows of the batch `batch_id`. `gone`: the other acquisitions of that batch."""

    batch_id: str
    acquisitions: Mapping[str, Mapping[str, Any]]
    gone: tuple[str, ...]
    rests_on: tuple[str, ...]
    """The batches under which texts of these acquisitions lie."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Batches by what is to be done with them: `read` from raw, screened `again` from `document`, or `reused`."""

    read: tuple[Batch, ...]
    again: tuple[Batch, ...]
    reused: tuple[Batch, ...]
    reports: Mapping[str, Mapping[str, Any]]
    kit: Kit
    versions: Mapping[str, str]
    carried: Mapping[str, Carried] = field(default_factory=dict)
    """By batch that is read."""
    known: tuple[str, ...] = ()
    """Batches all of whose records' texts are stored, and screened by the current detectors."""
    before: Mapping[str, State] = field(default_factory=dict)
    """Last state of each source that has one."""
    same_way: frozenset[str] = frozenset()
    """Sources whose last state was read in the way of this run."""

    @property
    def read_ids(self) -> list[str]:
        """Batches whose slices are made anew from raw."""
        return [b.id for b in self.read]

    @property
    def new_ids(self) -> list[str]:
        """Batches whose screening is made anew."""
        return [b.id for b in (*self.read, *self.again)]

    def work(self, known: str | None = None, standing: Mapping[str, Standing] | None = None) -> Work:
        """What who reads is told; `known`: file of texts that need no screening (`intake/known.py`); `standing`: lines
        of a source that need no reading."""
        return Work(
            {b.source.id: b.source for b in self.read}, {b.source.id: b.id for b in self.read},
            {b.source.id: b.parts for b in self.read}, self.kit, self.versions,
            {b.source.id: b.register[0] for b in self.read if b.register}, known, standing or {},
        )  # fmt: skip


def plan(run: Run) -> Plan:
    """What this run's intake has to do.

    Raises:
        UserError: a source was neither held nor fetched and judged; or the corpus names no usable lexicon.
    """
    kit = kit_for(run)
    versions = detectors.versions(kit)
    there = {name: store.partition_rows(run.place, name) for name in BY_BATCH}
    read, again, reused, reports, carried, known, before, same_way = [], [], [], {}, {}, [], {}, set()
    for batch in batches(run):
        state = read_state(run.place, batch.source.id)
        if state is not None:
            before[batch.source.id] = state
        last = read_report(run.place, state.batch_id) if state else None
        current = last is not None and _current(last, versions, kit) and _whole(run.place, last, there)
        if last is not None and last.get("way_sha256") == batch.way_sha256:
            same_way.add(batch.source.id)
        if last is not None and current:
            known.append(last["batch_id"])
        report = read_report(run.place, batch.id)
        if report is None or not _done(report, batch) or not _whole(run.place, report, there):
            read.append(batch)
            if last is not None and current and (over := carried_over(batch, last)):
                carried[batch.id] = over
            continue
        reports[batch.id] = report
        (reused if _current(report, versions, kit) else again).append(batch)
    return Plan(
        tuple(read), tuple(again), tuple(reused), reports, kit, versions, carried, tuple(known), before,
        frozenset(same_way),
    )  # fmt: skip


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
        made.append(batch_of(source, fetch.facts, licence.facts))
    return made


def batch_of(source: Source, fetched: Mapping[str, Any], licensed: Mapping[str, Any]) -> Batch:
    """The source's batch, by the facts of its fetch and licence steps."""
    acquisitions = tuple(fetched["acquisitions"])
    passing = frozenset(p["part"] for p in licensed.get("parts", ()) if p["verdict"] == "pass")
    found = (licensed.get("papers") or {}).get("register")
    register = (found["path"], found["sha256"]) if found else None
    return Batch(fetched_batch(acquisitions), source, acquisitions, passing, register)


def fetched_batches(run: Run) -> dict[str, str]:
    """Batch id of each source that was fetched, held or not."""
    done = (r for r in run.results("fetch") if r.source_id and r.facts.get("acquisitions"))
    return {str(r.source_id): fetched_batch(r.facts["acquisitions"]) for r in done}


def fetched_batch(acquisitions: Sequence[Mapping[str, Any]]) -> str:
    """Id of the batch that these acquisitions make."""
    return batch_id([a["acquisition_id"] for a in acquisitions], EXTRACTION_VERSION)


def _done(report: Mapping[str, Any], batch: Batch) -> bool:
    """Whether the report is of this reading, and none of its acquisitions was forgotten since."""
    there = report.get("acquisitions", {})
    return report["reading_sha256"] == batch.reading_sha256 and all(
        a["acquisition_id"] in there for a in batch.acquisitions
    )


def _current(report: Mapping[str, Any], versions: Mapping[str, str], kit: Kit) -> bool:
    return report["versions"] == versions and report["hmac_key_id"] == kit.hmac_key_id


def _whole(place: Place, report: Mapping[str, Any], there: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether the tables still hold what the report says, of this batch and of those on which its texts rest."""
    on = [read_report(place, b) for b in report.get("rests_on", ())]
    return None not in on and all(
        bool(n) == bool(there[table].get(r["batch_id"])) for r in (report, *filter(None, on))
        for table, n in r["tables"].items()
    )  # fmt: skip


def carried_over(batch: Batch, last: Mapping[str, Any]) -> Carried | None:
    """What of a source's last state goes over: acquisitions that are the same in both, read in the same way, unless
    they lost twins to one that is gone."""
    if last.get("way_sha256") != batch.way_sha256:
        return None
    now = {a["acquisition_id"]: a["fetched_at"] for a in batch.acquisitions}
    same = {a for a, told in last["acquisitions"].items() if now.get(a) == told["fetched_at"]}
    over = {a: last["acquisitions"][a] for a in same if same.issuperset(last["acquisitions"][a].get("shadowed_by", ()))}
    if not over:
        return None
    # a person may have had some of that batch forgotten (`quarantine retry`): its rows are there all the same
    there = {*last["acquisitions"], *last.get("forgotten", ()), *(now if last["batch_id"] == batch.id else ())}
    gone = tuple(sorted(there - set(over)))
    rests_on = {*last.get("rests_on", ()), last["batch_id"]} - {batch.id}
    return Carried(last["batch_id"], over, gone, tuple(sorted(rests_on)))
