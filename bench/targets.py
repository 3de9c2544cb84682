"""The targets of the rebuild's speed, each computed from what a run of the bench measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import incremental
from incremental import AGAIN, CHANGED

Median = Callable[[str, str], float | None]

GATE_STEPS = ("source_gate", "release_gate")
FIXED, MARGINAL, WHOLE, IO, GATES, MEMORY = 110.0, 2.5, 5.0, 1.6, 0.10, 1.3
RECALL, PRECISION, FORMS = 0.98, 0.99, 0.99


@dataclass(frozen=True, slots=True)
class Target:
    """`value` None: not measured in this run. `said`: the figure in words."""

    what: str
    bound: str
    value: float | None
    met: bool
    said: str


def targets(said: dict[str, Any], cpu: Median, peak: Median, step: Median) -> Iterator[Target]:
    """`cpu(tool, size)` and `step(size, name)` are medians in CPU seconds, `peak(tool, size)` is one in MiB."""
    fixed, small, big = (cpu("corpusgate", s) for s in ("tiny", "small", "big"))
    yield _at_most("fixed cost of a rebuild (200 documents), CPU-s", FIXED, fixed, "{:.0f}")
    yield _at_most(
        "marginal cost a document, times the limit's",
        MARGINAL,
        _ratio(_slope(said, cpu, "corpusgate"), _slope(said, cpu, "limit")),
    )
    yield _at_most("whole, big, times the limit", WHOLE, _ratio(big, cpu("limit", "big")))
    yield _at_most(
        "whole, big, times the limit that folds by libraries too", WHOLE, _ratio(big, cpu("limit_norm", "big"))
    )
    for peer in ("spark", "juicer", "datatrove"):
        yield _at_most(f"whole, small, times {peer}", 1.0, _ratio(small, cpu(peer, "small")), "{:.2f}")
    yield _at_most("intake, big, times Spark's io", IO, _ratio(step("big", "intake"), cpu("spark io", "big")), "{:.2f}")
    yield _at_most(
        "gates' share of a big rebuild, beyond imports and sessions", GATES, _gates(said, cpu, step), "{:.3f}"
    )
    yield _memory(peak("intake by Spark", "big"), peak("intake by Spark", "small"))
    duplicates = [r["judged"]["duplicates"] for r in said["runs"] if r["tool"] == "corpusgate" and "judged" in r]
    worst = duplicates[-1] if duplicates else {}
    yield _at_least("recall of duplicates in the rebuild", RECALL, worst.get("all"))
    yield _at_least("precision of duplicates in the rebuild", PRECISION, worst.get("precision"))
    for size in ("small", "big"):
        yield from _again(size, said.get("incremental", {}).get(size))
    forms = [f["recall"] for f in said.get("forms", {}).get("recall", {}).values() if f["recall"] is not None]
    yield _at_least("disguised keywords, the worst form", FORMS, min(forms, default=None))


def _gates(said: dict[str, Any], cpu: Median, step: Median) -> float | None:
    """Sessions are taken off for the steps that started one: a JVM less makes no gate dearer."""
    sessions = next((len(r["by_spark"]) for r in said["runs"] if "by_spark" in r and r["size"] == "big"), 0)
    gates, rebuild = [step("big", s) for s in GATE_STEPS], cpu("corpusgate", "big")
    imports, session = cpu("imports", "-"), cpu("session", "-")
    if None in gates or rebuild is None or imports is None or session is None:
        return None
    own = sum(g for g in gates if g is not None) - len(GATE_STEPS) * imports
    return own / (rebuild - len(GATE_STEPS) * imports - sessions * session)


def _slope(said: dict[str, Any], cpu: Median, tool: str) -> float | None:
    """CPU seconds a document, from the small corpus to the big one."""
    small, big = cpu(tool, "small"), cpu(tool, "big")
    if small is None or big is None:
        return None
    return (big - small) / (said["corpora"]["big"]["docs"] - said["corpora"]["small"]["docs"])


def _memory(big: float | None, small: float | None) -> Target:
    times = _ratio(big, small)
    target = _at_most("peak memory of intake by Spark, big against small", MEMORY, times, "{:.2f}")
    return target if times is None else replace(target, said=f"{target.said} ({big:,.0f} MiB / {small:,.0f} MiB)")


def _again(size: str, measured: dict[str, Any] | None) -> Iterator[Target]:
    """What a rebuild costs again, of one size: with nothing changed, and by the two ways to change 1 %."""
    found = incremental.verdict(measured["rounds"]) if measured else {"none_over_fixed": None, "share_of_full": {}}
    yield _at_most(f"nothing changed, {size}, times the fixed cost", AGAIN, found["none_over_fixed"], "{:.2f}")
    for how, where in (("files", "one file in a hundred"), ("spread", "1 % of every file")):
        what = f"{where} changed, {size}, share of a full rebuild, both beyond none"
        yield _at_most(what, CHANGED, found["share_of_full"].get(how), "{:.3f}")


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def _at_most(what: str, bound: float, value: float | None, form: str = "{:.1f}") -> Target:
    return Target(what, f"at most {bound:g}", value, value is not None and value <= bound, _said(value, form))


def _at_least(what: str, bound: float, value: float | None) -> Target:
    return Target(what, f"at least {bound:g}", value, value is not None and value >= bound, _said(value, "{:.4f}"))


def _said(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
