"""Intake: one Spark job that reads, screens and stores what was admitted and is not there yet.

The driver folds what the earlier steps said into the small tables, decides what has to be done, and counts. Where
nothing has to be done no JVM is started. Killed anywhere and started again it leaves what an undisturbed run leaves:
staging is made anew, each table's slice replaces itself, and a batch counts as done only when its report is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusgate.collect.rules import acquisition_rows, signal_rows
from corpusgate.errors import DetectorMissing, Unreconciled
from corpusgate.intake import alone, counts, states, tombstones
from corpusgate.intake import known as texts_known
from corpusgate.intake import plan as plans
from corpusgate.intake.outcome import result
from corpusgate.intake.plan import BY_BATCH, Plan
from corpusgate.intake.pool import Pool, processes
from corpusgate.intake.staged import read_here
from corpusgate.intake.states import Counted
from corpusgate.lake import store
from corpusgate.lake.alone import fits
from corpusgate.lake.dialect import one_of
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
    from corpusgate.intake.splits import Split

FEW_BYTES, FEW_RECORDS = 16 << 20, 20_000
"""Up to so many staged bytes, and records of the batches, the driver writes the slices itself."""

Write = Callable[["DataFrame", Place, str, str], None]


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
        fold_brought(run)
        moved = _move(run, plan)
        reports = {**plan.reports, **{b.id: states.read_report(run.place, b.id) for b in (*plan.read, *plan.again)}}
        return result(plan, reports, texts, moved)


def fold(run: Run) -> None:
    """Brings what fetch and licence said into `source`, `licence_period`, `acquisition` and `host_signal`."""
    store.append_new(run.place, "source", source_rows(run), run.id)
    store.append_new(run.place, "licence_period", licence_rows(run), run.id)
    acquired = [r for r in acquisition_rows(run, plans.fetched_batches(run)) if r["sha256"]]
    store.append_new(run.place, "acquisition", acquired, run.id)
    store.append_new(run.place, "host_signal", signal_rows(run), run.id)


def fold_brought(run: Run) -> None:
    """Brings objects that stay in their stores into `acquisition`, with the hash that intake found of each."""
    rows = [r for r in acquisition_rows(run, plans.fetched_batches(run)) if not r["sha256"]]
    reports = {b: states.read_report(run.place, b) for b in {r["batch_id"] for r in rows}}
    told = {b: r["acquisitions"] for b, r in reports.items() if r}
    hashes = [told.get(r["batch_id"], {}).get(r["acquisition_id"], {}).get("sha256") for r in rows]
    brought = [{**r, "sha256": sha256} for r, sha256 in zip(rows, hashes, strict=True) if sha256]
    if brought:
        store.append_new(run.place, "acquisition", brought, run.id)


def _execute(run: Run, plan: Plan, write: Write | None, profile: Profile) -> int:
    """Reads, screens and stores, with Spark unless it is little; returns how many distinct texts are new."""
    splits, place = plans.splits(plan.read, profile, plan.carried), run.place
    folder = place.lake / "_staging" / safe_name(run.id)
    before = {name: store.partition_rows(place, name) for name in BY_BATCH}
    for batch in plan.read:
        over = plan.carried.get(batch.id)
        if over is None or over.batch_id != batch.id:
            states.forget_report(place, batch.id)  # from here on its slices may be half written
    most = max(profile.alone_bytes * alone.LOOKED, profile.local_bytes)
    known = _known(place, folder, plan)
    counted = None
    if write is None and alone.fits(plan, splits, before, most):
        counted = _alone(place, plan, splits, folder, known, profile)
    if counted is None:
        counted = _by_spark(run, plan, splits, known, write, profile)
    _report(place, plan, counted)
    shutil.rmtree(folder, ignore_errors=True)
    after = store.partition_rows(place, "document")
    return sum(after.get(b, 0) for b in plan.read_ids)


def _alone(
    place: Place, plan: Plan, splits: list[Split], folder: Path, known: str | None, profile: Profile
) -> counts.ByBatch | None:
    """Without Spark: in this process where it is little, else in a few of this machine. None where it is too much."""
    stood, counted = alone.unread(place, plan, splits, profile.alone_bytes), None
    if stood is not None:
        counted = alone.execute(place, plan, partial(read_here, splits), known, stood)
    local = sum(s.size for s in splits) <= profile.local_bytes
    if counted is None and local and fits(place, 0, profile.alone_records, ("document", "record")):
        bins, n = plans.bins(splits, profile), processes(profile.processes)
        pool = Pool(bins, folder / "rows", n, profile.alone_records)
        counted = alone.execute(place, plan, pool.read, known)
    return counted


def _by_spark(
    run: Run, plan: Plan, splits: list[Split], known: str | None, write: Write | None, profile: Profile
) -> counts.ByBatch:
    from corpusgate.intake.frames import Staging
    from corpusgate.lake.session import spark

    bins = plans.bins(splits, profile)
    session = spark(f"corpusgate intake {run.id}", run.place, profile)
    staging = Staging(run.place.lake / "_staging" / safe_name(run.id))
    with in_their_own_words():
        odd = _stage(session, run.place, staging, bins, plan, known)
        return _store(session, run.place, staging, plan, odd, write)


def _stage(
    session: SparkSession, place: Place, staging: Staging, bins: list[Any], plan: Plan, known: str | None
) -> int:
    """Reads and screens what is to be, unless that is staged already; returns how many rows are exceptions."""
    from corpusgate.intake import frames
    from corpusgate.intake.exceptions import stage_exceptions

    there = {name: store.partition_rows(place, name) for name in ("document", "screening")}
    others = {"document": bool(set(there["document"]) - set(plan.read_ids)),
              "screening": bool(set(there["screening"]) - set(plan.new_ids))}  # fmt: skip
    staged = Path(staging.rows).is_dir()  # by processes that found it to be too much for tables without Spark
    while True:
        if plan.read and not staged:
            frames.read_raw(session, staging, bins, plan, known)
        if plan.again:
            frames.screen_again(session, place, staging, plan)
        odd = stage_exceptions(session, place, staging, plan, others)
        if not odd.mistaken:
            return odd.rows
        known, staged = None, False  # a text begins like a known one and is another: all are screened
        shutil.rmtree(staging.rows)


def _known(place: Place, folder: Path, plan: Plan) -> str | None:
    """The file of texts that need no screening, in the folder; None where nothing is read that could have any."""
    shutil.rmtree(folder, ignore_errors=True)
    if not plan.read:
        return None
    own = [plan.before[b.source.id].batch_id for b in plan.read if b.source.id in plan.before]
    chosen = texts_known.within(plan.known, store.partition_rows(place, "record"), own)
    path = folder / "known.npy"
    return str(path) if chosen and texts_known.write(place, chosen, path) else None


def _store(
    session: SparkSession, place: Place, staging: Staging, plan: Plan, odd: int, write: Write | None
) -> counts.ByBatch:
    """Counts what was staged and writes every table's slice; returns what came out of each batch's acquisitions."""
    from corpusgate.intake import frames

    rows = frames.marked(session, staging, odd)
    counted = counts.of_staging(plan, frames.counts(rows).collect())
    lost = counts.with_shadows(session, staging, plan, counted) if odd else None
    before = {name: store.partition_rows(place, name) for name in BY_BATCH}
    made = frames.slices(rows, plan)
    for name in ("record", "quarantine"):
        over = frames.gone_over(session, place, name, plan, lost if name == "record" else None)
        if over is not None:
            made[name] = made[name].unionByName(over, allowMissingColumns=True)
    errored = any(c.errored for of in counted.values() for c in of.values())
    if not errored and not any(before["quarantine"].get(b) for b in plan.read_ids):
        made.pop("quarantine")  # a commit costs seconds
    elif (said := _states(place, plan.read_ids)).num_rows:
        made["quarantine"] = frames.with_states(session, made["quarantine"], said)
    if any(before[t].get(b) for t in ("document", "screening") for b in plan.new_ids):
        stay = frames.staying(session, place, staging, plan)
        for name in ("document", "screening", "finding", "signature"):
            if name in made:
                made[name] = made[name].unionByName(stay(name), allowMissingColumns=True)
    _write(place, plan, made, write or _writer(staging, sum(c.kept for of in counted.values() for c in of.values())))
    return counted


def _writer(staging: Staging, records: int) -> Write:
    """By whom slices are written: few rows by the driver itself, else by Spark."""
    from corpusgate.lake.frames import write_few, write_slice

    size = sum(f.stat().st_size for f in staging.folder.rglob("*.parquet"))
    few = size <= FEW_BYTES

    def written(made: DataFrame, place: Place, name: str, where: str) -> None:
        alone = few and (name != "record" or records <= FEW_RECORDS)
        (write_few if alone else write_slice)(made, place, name, where)

    return written


def _write(place: Place, plan: Plan, made: Mapping[str, DataFrame], write: Write) -> None:
    """Writes each table's slice; a batch that is only screened again keeps its documents and its quarantine."""
    for name in BY_BATCH:
        ids = plan.read_ids if name in ("document", "quarantine") else plan.new_ids
        if name in made and ids:
            write(made[name], place, name, one_of("batch_id", ids))


def _states(place: Place, batches: list[str]) -> pa.Table:
    """What people said of quarantined rows of these batches."""
    columns = ["acquisition_id", "locator", "state", "state_by", "state_because", "state_at"]
    there = [b for b in batches if b in store.partition_rows(place, "quarantine")]
    said = store.read(place, "quarantine", columns, f"{one_of('batch_id', there)} AND state <> 'open'")
    # SQL answers in view types, which mean nothing to Spark.
    each = {(r["acquisition_id"], r["locator"]): r for r in said.to_pylist()}  # a row that stands twice is said once
    return store.to_arrow(TABLES["quarantine"], list(each.values())).select(columns)


def _report(place: Place, plan: Plan, counted: Mapping[str, Mapping[str, Counted]]) -> None:
    """Checks that the tables hold what was counted, and writes the reports that make the batches done."""
    there = {name: store.partition_rows(place, name) for name in BY_BATCH}
    for batch in (*plan.read, *plan.again):
        rows = {name: there[name].get(batch.id, 0) for name in BY_BATCH}
        if batch.id in counted:
            told: dict[str, Any] = {"acquisitions": counts.as_facts(batch, counted[batch.id])}
            if (over := plan.carried.get(batch.id)) is not None:
                told["rests_on"] = list(over.rests_on)
        else:
            told = {n: plan.reports[batch.id][n] for n in ("acquisitions", "rests_on") if n in plan.reports[batch.id]}
        said, _ = states.total(told["acquisitions"].values())
        expected = (said["kept"], said["errored"])
        if (rows["record"], rows["quarantine"]) != expected:
            raise Unreconciled(
                f"intake of {batch.source.id}: {expected[0]} items kept and {expected[1]} errored, but the tables hold "
                f"{rows['record']} records and {rows['quarantine']} quarantined of batch {batch.id}. Nothing was "
                f"passed on; this is a defect: please report it with the run's folder."
            )
        report = {
            "batch_id": batch.id, "source_id": batch.source.id, "reading_sha256": batch.reading_sha256,
            "way_sha256": batch.way_sha256, "versions": dict(plan.versions), "hmac_key_id": plan.kit.hmac_key_id,
            **told, "tables": rows,
        }  # fmt: skip
        states.write_report(place, batch.id, report)


def _move(run: Run, plan: Plan) -> dict[str, tuple[int, int]]:
    """Makes each batch its source's state, and says which records went and came back with that, by source."""
    moved = {}
    for batch in (*plan.read, *plan.again, *plan.reused):
        source_id, before = batch.source.id, plan.before.get(batch.source.id)
        stays = batch.id in {b.id for b in (*plan.reused, *plan.again)} and before and before.batch_id == batch.id
        if before is not None and not stays:
            gone = plan.carried[batch.id].gone if batch.id in plan.carried else None
            because = tombstones.GONE if source_id in plan.same_way else tombstones.READ_OTHERWISE
            moved[source_id] = tombstones.bury(run, source_id, before, batch.id, because, gone)
        # Said anew each time: the log of the table does not go back for ever.
        states.write_state(run.place, source_id, states.State(batch.id, store.version(run.place, "record")))
    return moved


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
