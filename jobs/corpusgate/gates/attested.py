"""What people vouch for: attestations and waivers, and whether they still hold for exactly this content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from corpusgate.settings.control import Binding, Control, Verdict

#: The role that may waive; a waiver is signed by nobody less.
WAIVING_ROLE = "lead"


@dataclass(frozen=True, slots=True)
class Bound:
    """What an attestation may bind to for one scope: `scope` as it is named in the row, and the content's own
    hashes."""

    scope: str
    content: frozenset[str]


@dataclass(frozen=True, slots=True)
class Vouched:
    """A person's half: pass with the attestations that hold, or pending with what is missing."""

    verdict: Verdict
    because: str
    evidence_ids: tuple[str, ...] = ()


Bounds = Mapping[Binding, Bound]


def vouched(control: Control, bounds: Bounds, rows: Sequence[Mapping[str, Any]], at: datetime) -> Vouched:
    """The verdict of the control's human half at the run's time `at`. Nothing defaults to pass."""
    problems = []
    for row in _about(control, bounds, rows, waiver=False):
        problem = _problem(control, bounds, row, at, control.attestation_role)
        if not problem:
            until = _until(control, row)
            because = f"attested by {row['by']} ({row['role']}) on {row['at']:%Y-%m-%d}"
            because += f", until {until:%Y-%m-%d}" if until else ""
            return Vouched("pass", because, (row["attestation_id"],))
        problems.append(problem)
    asked = f"waits for an attestation by the role {control.attestation_role}: {control.attests}"
    return Vouched("pending", f"{problems[0]}; {asked}" if problems else asked)


def waiver(control: Control, bounds: Bounds, rows: Sequence[Mapping[str, Any]], at: datetime) -> Vouched | None:
    """The waiver that holds for the control now, or None; a control that may not be waived has none."""
    if not control.waivable:
        return None
    for row in _about(control, bounds, rows, waiver=True):
        if row["by"] and row["because"] and row["expires_at"] and not _problem(control, bounds, row, at, WAIVING_ROLE):
            until = f"{row['expires_at']:%Y-%m-%d}"
            return Vouched("waived", f"waived by {row['by']} until {until}: {row['because']}", (row["attestation_id"],))
    return None


def _about(
    control: Control, bounds: Bounds, rows: Sequence[Mapping[str, Any]], *, waiver: bool
) -> list[Mapping[str, Any]]:
    """Rows about this control and scope, the newest first."""
    scope = bounds[control.binding].scope
    chosen = [r for r in rows if r["control_id"] == control.id and r["scope"] == scope and bool(r["waiver"]) == waiver]
    return sorted(chosen, key=lambda r: (r["at"], r["attestation_id"]), reverse=True)


def _problem(control: Control, bounds: Bounds, row: Mapping[str, Any], at: datetime, role: str | None) -> str:
    """Why the row does not hold; empty when it does."""
    who = f"the attestation by {row['by']} of {row['at']:%Y-%m-%d}"
    until = _until(control, row)
    if row["at"] > at:
        return f"{who} lies after this run"
    if until is not None and until <= at:
        return f"{who} expired on {until:%Y-%m-%d}"
    if row["role"] != role:
        return f"{who} was given as {row['role']}, not as {role}"
    if row["binds_to"] not in bounds[control.binding].content:
        return f"{who} is bound to other content than what is judged now"
    if control.binding == "corpus" and not row["waiver"] and not row["document_sha256"]:
        return f"{who} names no document by its hash"
    return ""


def _until(control: Control, row: Mapping[str, Any]) -> datetime | None:
    """The earlier of the row's own end and the control's period; None where neither is set."""
    ends = [row["expires_at"]] if row["expires_at"] else []
    if control.expires_days is not None and not row["waiver"]:
        ends.append(row["at"] + timedelta(days=control.expires_days))
    return min(ends, default=None)
