"""Intake: one Spark job that reads, screens and stores what was admitted and is not there yet.

The driver folds what the earlier steps said into the small tables, decides what has to be done, and counts. Where
nothing has to be done no JVM is started. Killed anywhere and started again it leaves what an undisturbed run leaves:
staging is made anew, each table's slice replaces itself, and a batch counts as done only when its report is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corpusgate.collect.rules import acquisition_rows, signal_rows
from corpusgate.errors import DetectorMissing, Unreconciled
from corpusgate.intake import plan as plans
from corpusgate.intake.plan import BY_BATCH, Batch, Plan
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult, safe_name
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place
from corpusgate.settings.profile import Profile, load_profile
from corpusgate.sources.rules import licence_rows, source_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from corpusgate.intake.frames import Staging

Write = Callable[["DataFrame", Place, str, str], None]


@dataclass
class Counted:
    """What came out of one source's batch, in items; `signals`: undeclared field -> acquisitions that have it."""

    kept: int = 0
    errored: int = 0
    removed_by_rule: dict[str, int] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)

    @property
    def removed(self) -> int:
        return sum(self.removed_by_rule.values())

    def as_fact(self) -> dict[str, Any]:
        """As it stands in the step's facts and in the batch's report."""
        return {
            "rows_in": self.kept + self.removed + self.errored, "kept": self.kept, "removed": self.removed,
            "errored": self.errored, "removed_by_rule": self.removed_by_rule,
        }  # fmt: skip


def intake(run: Run, write: Write | None = None, profile: Profile | None = None) -> StepResult:
    """Reads, screens and stores every admitted source whose batch is not done. Unit: item.

    `write` writes one slice (default: `lake.frames.write_slice`).

    Raises:
        UserError: an earlier step's result or raw bytes are missing. LakeBusy: another run writes.
        DetectorMissing: a worker cannot prove its detectors. Unreconciled: rows in and out do not add up.
    """
    with lease(run.place, run.id):
        store.ensure_tables(run.place)
        fold(run)
        plan = plans.plan(run)
        texts = _execute(run, plan, write, profile or load_profile(run.place)) if plan.read or plan.again else 0
        return _result(plan, {**plan.reports, **{b.id: plans.read_report(run.place, b.id) for b in plan.read}}, texts)


def fold(run: Run) -> None:
    """Brings what fetch and licence said into `source`, `licence_period`, `acquisition` and `host_signal`."""
    store.append_new(run.place, "source", source_rows(run), run.id)
    store.append_new(run.place, "licence_period", licence_rows(run), run.id)
    store.append_new(run.place, "acquisition", acquisition_rows(run, plans.fetched_batches(run)), run.id)
    store.append_new(run.place, "host_signal", signal_rows(run), run.id)


def _execute(run: Run, plan: Plan, write: Write | None, profile: Profile) -> int:
    """The Spark job; returns how many distinct texts are new."""
    from corpusgate.intake.frames import Staging
    from corpusgate.lake.frames import write_slice
    from corpusgate.lake.session import spark

    bins = plans.bins(plans.splits(plan.read, profile), profile)
    session = spark(f"corpusgate intake {run.id}", run.place, profile)
    staging = Staging(run.place.lake / "_staging" / safe_name(run.id))
    shutil.rmtree(staging.folder, ignore_errors=True)
    with in_their_own_words():
        counted, texts = _stage_and_write(session, run.place, staging, bins, plan, write or write_slice)
    _report(run.place, plan, counted)
    shutil.rmtree(staging.folder, ignore_errors=True)
    return texts


def _stage_and_write(
    session: SparkSession, place: Place, staging: Staging, bins: list[Any], plan: Plan, write: Write
) -> tuple[dict[str, Counted], int]:
    from corpusgate.intake import frames

    if plan.read:
        frames.read_raw(session, staging, bins, plan)
    if plan.again:
        frames.screen_again(session, place, staging, plan)
    before = {name: store.partition_rows(place, name) for name in BY_BATCH}
    others = {name: bool(set(before[name]) - set(plan.new_ids)) for name in BY_BATCH}
    others["document"] = bool(set(before["document"]) - set(plan.read_ids))
    exceptions = frames.stage_exceptions(session, place, staging, plan, others)
    rows = frames.marked(session, staging, exceptions)
    counted = _counted(plan, frames.counts(rows).collect())
    made = frames.slices(rows, plan)
    if not any(c.errored for c in counted.values()) and not any(before["quarantine"].get(b) for b in plan.read_ids):
        made.pop("quarantine")  # a commit costs seconds
    elif (states := _states(place, plan.read_ids)).num_rows:
        made["quarantine"] = frames.with_states(session, made["quarantine"], states)
    if others["record"] and any(before[t].get(b) for t in ("document", "screening") for b in plan.new_ids):
        stay = frames.carried(session, place, staging, plan)
        for name in ("document", "screening", "finding", "signature"):
            if name in made:
                made[name] = made[name].unionByName(stay(name), allowMissingColumns=True)
    _write(place, plan, made, write)
    after = store.partition_rows(place, "document")
    return counted, sum(after.get(b, 0) for b in plan.read_ids)


def _write(place: Place, plan: Plan, made: Mapping[str, DataFrame], write: Write) -> None:
    """Writes each table's slice; a batch that is only screened again keeps its documents and its quarantine."""
    from corpusgate.lake.frames import one_of

    for name in BY_BATCH:
        ids = plan.read_ids if name in ("document", "quarantine") else plan.new_ids
        if name in made and ids:
            write(made[name], place, name, one_of("batch_id", ids))


def _states(place: Place, batches: list[str]) -> pa.Table:
    """What people said of quarantined rows of these batches."""
    columns = ["acquisition_id", "locator", "state", "state_by", "state_because", "state_at"]
    there = [b for b in batches if b in store.partition_rows(place, "quarantine")]
    chosen = ", ".join(f"'{b}'" for b in there) or "NULL"
    said = store.read(place, "quarantine", columns, f"batch_id IN ({chosen}) AND state <> 'open'")
    # SQL answers in view types, which mean nothing to Spark.
    return store.to_arrow(TABLES["quarantine"], said.to_pylist()).select(columns)


def _counted(plan: Plan, rows: list[Any]) -> dict[str, Counted]:
    """The accounting of each source that was read, from its staged rows; one with no row at all has zeros."""
    counted = {b.source.id: Counted() for b in plan.read}
    for row in sorted(rows, key=lambda r: (r.source_id, r.outcome, r.rule or "")):
        of_source = counted[row.source_id]
        if row.outcome == "record":
            of_source.kept += row.rows
        elif row.outcome == "fault":
            of_source.errored += row.rows
        elif row.outcome == "removed":
            of_source.removed_by_rule[row.rule] = row.rows
        else:
            of_source.signals[row.rule] = row.acquisitions
    return counted


def _report(place: Place, plan: Plan, counted: Mapping[str, Counted]) -> None:
    """Checks that the tables hold what was counted, and writes the reports that make the batches done."""
    there = {name: store.partition_rows(place, name) for name in BY_BATCH}
    for batch in (*plan.read, *plan.again):
        rows = {name: there[name].get(batch.id, 0) for name in BY_BATCH}
        if batch.source.id in counted:
            of_source = counted[batch.source.id]
            told = {"counts": of_source.as_fact(), "signals": of_source.signals}
        else:
            told = {n: plan.reports[batch.id][n] for n in ("counts", "signals")}
        expected = (told["counts"]["kept"], told["counts"]["errored"])
        if (rows["record"], rows["quarantine"]) != expected:
            raise Unreconciled(
                f"intake of {batch.source.id}: {expected[0]} items kept and {expected[1]} errored, but the tables hold "
                f"{rows['record']} records and {rows['quarantine']} quarantined of batch {batch.id}. Nothing was "
                f"passed on; this is a defect: please report it with the run's folder."
            )
        plans.write_report(place, plan, batch, {**told, "tables": rows})


def _result(plan: Plan, reports: Mapping[str, Any], texts: int) -> StepResult:
    every = sorted((*plan.read, *plan.again, *plan.reused), key=lambda b: b.source.id)
    counts = {b.source.id: reports[b.id]["counts"] for b in every}
    rules: dict[str, int] = {}
    for of_source in counts.values():
        for rule, n in of_source["removed_by_rule"].items():
            rules[rule] = rules.get(rule, 0) + n
    totals = {n: sum(c[n] for c in counts.values()) for n in ("rows_in", "kept", "removed", "errored")}
    return StepResult(
        step="intake", unit="item", **totals, removed_by_rule=dict(sorted(rules.items())),
        because=_because(plan, totals),
        facts={
            "sources": counts, "batches": {b.source.id: b.id for b in every}, "versions": dict(plan.versions),
            "texts": texts, "reused": [b.source.id for b in plan.reused], "again": [b.source.id for b in plan.again],
            "signals": {b.source.id: s for b in every if (s := reports[b.id]["signals"])},
            "errored_share": {s: c["errored"] / c["rows_in"] if c["rows_in"] else 0.0 for s, c in counts.items()},
            "out_of_bounds": _out_of_bounds(every, counts),
        },
    ).reconcile()  # fmt: skip


def _because(plan: Plan, totals: Mapping[str, int]) -> str:
    done = [f"{len(batches)} {what}" for what, batches in
            (("read", plan.read), ("screened again", plan.again), ("reused", plan.reused)) if batches]  # fmt: skip
    return f"sources: {', '.join(done) or 'none admitted'}; {totals['kept']} of {totals['rows_in']} items stored"


def _out_of_bounds(batches: list[Batch], counts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Sources that gave fewer or more records than they declare: a format that broke without a fault shows here."""
    found = {}
    for batch in batches:
        expected, n = batch.source.expected, counts[batch.source.id]["kept"] + counts[batch.source.id]["removed"]
        if n < expected.records_min or (expected.records_max is not None and n > expected.records_max):
            most = "any number" if expected.records_max is None else expected.records_max
            found[batch.source.id] = f"{n} records read, {expected.records_min} to {most} expected"
    return found


@contextmanager
def in_their_own_words() -> Generator[None]:
    """Says a worker's missing detector in its own words, not in those of the engine that carried it."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        marker = f"{DetectorMissing.__module__}.{DetectorMissing.__name__}: "
        _, found, rest = str(error).partition(marker)
        if found:
            raise DetectorMissing(rest.strip().splitlines()[0]) from None
        raise
