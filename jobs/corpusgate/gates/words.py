"""A verdict in words: for the step's result, the task's log, the run's note."""

from __future__ import annotations

from typing import Protocol

from corpusgate.settings.control import Control


class Said(Protocol):
    """What is put into words: any verdict with these fields."""

    @property
    def scope_id(self) -> str: ...
    @property
    def stratum(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def because(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def n(self) -> int | None: ...
    @property
    def examples(self) -> tuple[str, ...]: ...


def sentence(control: Control, said: Said) -> str:
    """Clause, figure, bound, worst offenders (record ids only) and the next act, in one paragraph."""
    worst = f" Worst records: {', '.join(said.examples)}." if said.examples else ""
    about = f"{control.clause} ({control.title}): {said.verdict} for {f'{said.scope_id} {said.stratum}'.strip()}"
    return f"{about}: {said.because}.{worst} Next: {control.next_act}"


def gate_failed(control: Control, said: Said) -> str:
    """The last line of a failed gate's log: clause, figure, comparator, bound, n, worst offenders, next act."""
    figure = bound_shown(control, said.value) if said.value is not None else "unreadable"
    worst = ",".join(said.examples[:3]) or "none"
    n = "unknown" if said.n is None else said.n
    return (
        f"GATE FAILED [{control.clause} | {said.scope_id} | {control.figure} {figure} | asked {control.comparator} "
        f"{bound_shown(control)} | n {n} | worst {worst} | {said.because} | next: {control.next_act}]"
    )


def shown(number: float | None) -> str:
    """A figure for people: no trailing zeros, four significant digits."""
    if number is None:
        return "–"
    return f"{number:.0f}" if number == int(number) else f"{number:.4g}"


def bound_shown(control: Control, value: float | None = None) -> str:
    """The bound (or a value in its terms) for people: shares as per cent."""
    number = control.bound if value is None else value
    if number is not None and control.figure is not None and control.figure.endswith(("_share", "_rate")):
        return f"{number * 100:.4g} %"
    return shown(number)
