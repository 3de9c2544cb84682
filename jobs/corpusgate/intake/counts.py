"""The accounting of intake: what came out of each acquisition, from staged rows and from what went over unread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from corpusgate.intake.plan import Batch, Plan
from corpusgate.intake.stage import DUPLICATE
from corpusgate.intake.states import Counted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from corpusgate.intake.frames import Staging

ByBatch = dict[str, dict[str, Counted]]


def of_staging(plan: Plan, rows: Iterable[Any]) -> ByBatch:
    """Batch -> acquisition -> what came out of it: of rows of `frames.counts`, of what goes over, and zeros for an
    acquisition that gave no row at all."""
    counted: ByBatch = {b.id: {a["acquisition_id"]: Counted() for a in b.acquisitions} for b in plan.read}
    for batch, over in plan.carried.items():
        for acquisition, told in over.acquisitions.items():
            counted[batch][acquisition] = of_fact(told)
    for row in sorted(rows, key=lambda r: (r.batch_id, r.acquisition_id, r.outcome, r.rule or "")):
        one = counted[row.batch_id][row.acquisition_id]
        if row.outcome == "record":
            one.kept += row.rows
        elif row.outcome == "fault":
            one.errored += row.rows
        elif row.outcome == "brought":
            one.sha256 = row.rule
        elif row.outcome == "removed":
            one.removed_by_rule[row.rule] = one.removed_by_rule.get(row.rule, 0) + row.rows
        else:
            one.signals.append(row.rule)
    return counted


def with_shadows(session: SparkSession, staging: Staging, plan: Plan, counted: ByBatch) -> DataFrame | None:
    """Notes which acquisitions lost twins to which, also of those that went over unread; returns the records
    (record_id) that these lost, None where nothing goes over."""
    from corpusgate.intake import exceptions

    for batch, loser, winner in exceptions.shadows(session, staging):
        shadow(counted[batch][loser], winner)
    if not plan.carried:
        return None
    lost, losses = exceptions.losses(session, staging)
    for batch, loser, winner, n in losses:
        lose(counted[batch][loser], winner, n)
    return lost if losses else None


def as_facts(batch: Batch, counted: Mapping[str, Counted]) -> dict[str, Any]:
    """The acquisitions as they stand in the batch's report."""
    at = {a["acquisition_id"]: a["fetched_at"] for a in batch.acquisitions}
    return {a: {"fetched_at": at[a], **one.as_fact()} for a, one in sorted(counted.items())}


def of_fact(told: Mapping[str, Any]) -> Counted:
    """What `as_facts` said of one acquisition, to be counted on."""
    return Counted(
        told.get("kept", 0), told.get("errored", 0), dict(told.get("removed_by_rule", {})),
        list(told.get("signals", ())), list(told.get("shadowed_by", ())), told.get("sha256"),
    )  # fmt: skip


def lose(loser: Counted, winner: str, n: int) -> None:
    """Of what went over unread, `n` records lose their places to twins in the acquisition `winner`."""
    loser.kept -= n
    loser.removed_by_rule[DUPLICATE] = loser.removed_by_rule.get(DUPLICATE, 0) + n
    shadow(loser, winner)


def shadow(loser: Counted, winner: str) -> None:
    """Notes that twins in `winner` have places that `loser` would have."""
    loser.shadowed_by = sorted({*loser.shadowed_by, winner})
