"""What the step intake says of itself, from the plan and the batches' reports. Unit: item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpusgate.intake import states
from corpusgate.intake.plan import Batch, Plan
from corpusgate.lake.run import StepResult


def result(plan: Plan, reports: Mapping[str, Any], texts: int, moved: Mapping[str, tuple[int, int]]) -> StepResult:
    """The step's result: the accounting of every batch, done now or before, and what changed in the sources."""
    every = sorted((*plan.read, *plan.again, *plan.reused), key=lambda b: b.source.id)
    said = {b.source.id: states.total(reports[b.id]["acquisitions"].values()) for b in every}
    sources = {s: c for s, (c, _) in said.items()}
    rules: dict[str, int] = {}
    for of_source in sources.values():
        for rule, n in of_source["removed_by_rule"].items():
            rules[rule] = rules.get(rule, 0) + n
    totals = {n: sum(c[n] for c in sources.values()) for n in ("rows_in", "kept", "removed", "errored")}
    over = {b.source.id: len(plan.carried[b.id].acquisitions) if b.id in plan.carried else 0 for b in plan.read}
    return StepResult(
        step="intake", unit="item", **totals, removed_by_rule=dict(sorted(rules.items())),
        because=_because(plan, totals, moved),
        facts={
            "sources": sources, "batches": {b.source.id: b.id for b in every}, "versions": dict(plan.versions),
            "texts": texts, "reused": [b.source.id for b in plan.reused], "again": [b.source.id for b in plan.again],
            "read": {b.source.id: len(b.acquisitions) - over[b.source.id] for b in plan.read}, "carried": over,
            "vanished": {s: v for s, (v, _) in moved.items() if v},
            "returned": {s: r for s, (_, r) in moved.items() if r},
            "signals": {s: signals for s, (_, signals) in said.items() if signals},
            "errored_share": {s: c["errored"] / c["rows_in"] if c["rows_in"] else 0.0 for s, c in sources.items()},
            "out_of_bounds": _out_of_bounds(every, sources),
        },
    ).reconcile()  # fmt: skip


def _because(plan: Plan, totals: Mapping[str, int], moved: Mapping[str, tuple[int, int]]) -> str:
    done = [f"{len(batches)} {what}" for what, batches in
            (("read", plan.read), ("screened again", plan.again), ("reused", plan.reused)) if batches]  # fmt: skip
    gone, back = (sum(n) for n in zip(*moved.values(), strict=True)) if moved else (0, 0)
    more = (f"; {gone} gone from their sources" if gone else "") + (f"; {back} there again" if back else "")
    return f"sources: {', '.join(done) or 'none admitted'}; {totals['kept']} of {totals['rows_in']} items stored{more}"


def _out_of_bounds(batches: list[Batch], counted: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Sources that gave fewer or more records than they declare: a format that broke without a fault shows here."""
    found = {}
    for batch in batches:
        expected, n = batch.source.expected, counted[batch.source.id]["kept"] + counted[batch.source.id]["removed"]
        if n < expected.records_min or (expected.records_max is not None and n > expected.records_max):
            most = "any number" if expected.records_max is None else expected.records_max
            found[batch.source.id] = f"{n} records read, {expected.records_min} to {most} expected"
    return found
