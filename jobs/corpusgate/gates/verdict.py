"""Verdicts: what figures, Great Expectations and people together say of each control. Nothing defaults to pass."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from corpusgate.gates.attested import Vouched
from corpusgate.gates.figures import Figure, Half, quoted
from corpusgate.gates.run import Outcome
from corpusgate.gates.words import bound_shown, shown
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.control import Control, Verdict

Channel = Literal["trial", "filing"]

#: Gates whose controls all wait together where a corpus has nothing of theirs: no annotation, no library, no bank.
WAIT_TOGETHER: tuple[str, ...] = ("annotation", "lexicon", "questions")

#: Worst first. Two halves of a control have the worse of their verdicts; what does not apply says nothing.
ORDER: tuple[Verdict, ...] = ("fail", "pending", "waived", "pass", "not_applicable")


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of one half of one control on one scope and stratum. `waiting`: it is pending for want of a part of
    corpusgate or of data, not because of something about the source."""

    control_id: str
    half: Half
    scope: str
    scope_id: str
    stratum: str
    verdict: Verdict
    because: str
    value: float | None = None
    k: int | None = None
    n: int | None = None
    examples: tuple[str, ...] = ()
    suite_sha256: str | None = None
    evidence_ids: tuple[str, ...] = ()
    waiting: bool = False

    @property
    def sort_key(self) -> tuple[int, str, str, str, str]:
        """Failing first, then by control, scope, stratum and half."""
        return (ORDER.index(self.verdict), self.control_id, self.scope_id, self.stratum, self.half)


def judge(control: Control, figure: Figure, outcome: Outcome) -> Judged:
    """The verdict on one figure. It passes only if Great Expectations looked at it, found it within the bound, and the
    bound, read again, agrees."""
    verdict, because = _verdict(control, figure, outcome)
    return Judged(
        control.id, figure.half, figure.scope, figure.scope_id, figure.stratum, verdict, because, figure.value,
        figure.k, figure.n, figure.examples, outcome.suite_sha256 or None,
    )  # fmt: skip


def _verdict(control: Control, figure: Figure, outcome: Outcome) -> tuple[Verdict, str]:
    if figure.state in ("pending", "not_applicable"):
        return ("pending" if figure.state == "pending" else "not_applicable"), figure.because
    if figure.state == "unreadable":
        return "fail", figure.because
    if figure.n == 0:
        return (
            "fail",
            f"empty: there is no {control.unit or 'row'} to judge, and zero rows never pass ({figure.because})",
        )
    if figure.value is None or math.isnan(figure.value):
        return "fail", f"the gate could not read the figure: it has no value ({figure.because})"
    cell = (control.id, figure.place)
    if fault := outcome.fault or outcome.faults.get(control.id):
        return "fail", fault
    if cell not in outcome.evaluated:
        return "fail", "the gate could not read the figure: no expectation looked at it"
    if (cell in outcome.failed) == control.holds(figure.value):
        return "fail", f"the gate contradicts itself about the bound {control.comparator} {shown(control.bound)}"
    if cell in outcome.failed:
        return "fail", f"{figure.because}; asked for: {control.comparator} {bound_shown(control)}"
    return "pass", figure.because


def missing(control: Control, scope: str, scope_id: str) -> Judged:
    """The verdict on a control of which no figure was computed: a failure."""
    because = "the gate could not read the figure: none was computed"
    return Judged(control.id, "computed", scope, scope_id, "", "fail", because)


def with_waiver(judged: Judged, waiver: Vouched | None) -> Judged:
    """The same verdict, waived where a waiver holds and it would not pass; what was waived stays readable."""
    if waiver is None or judged.verdict not in ("fail", "pending"):
        return judged
    because = f"{waiver.because} (without it: {judged.verdict}: {judged.because})"
    return replace(judged, verdict="waived", because=because, evidence_ids=waiver.evidence_ids)


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """fail > pending > waived > pass; not_applicable only where nothing else is said."""
    return min(verdicts, key=ORDER.index, default="not_applicable")


def holds_source(control: Control, judged: Judged) -> bool:
    """Whether this verdict keeps its source out of both channels: a computed fail or pending, or people's fail.

    People who have not spoken yet, and parts of corpusgate that are not there yet, block filing but hold no source.
    """
    if control.level != "shall" or judged.scope != "source":
        return False
    return judged.verdict == "fail" or (
        judged.verdict == "pending" and judged.half == "computed" and not judged.waiting
    )


def blocks(control: Control, judged: Judged, channel: Channel) -> bool:
    """Whether this verdict on a release keeps it from the channel (design, section 6)."""
    if control.level != "shall" or channel not in control.blocks:
        return False
    if judged.verdict == "pending":
        return channel == "filing"
    return judged.verdict == "fail" and (channel == "filing" or judged.half == "computed")


def blocked(catalogue: Catalogue, judged: Sequence[Judged], left_out: Collection[str]) -> dict[str, list[str]]:
    """Channel -> ids of the controls that keep the release from it. Verdicts on sources that are left out say
    nothing."""
    said = [j for j in judged if not (j.scope == "source" and j.scope_id in left_out)]
    channels: tuple[Channel, ...] = ("trial", "filing")
    return {
        channel: sorted({j.control_id for j in said if blocks(catalogue[j.control_id], j, channel)})
        for channel in channels
    }


def fact(j: Judged) -> dict[str, Any]:
    """A verdict as a fact of its step's result (JSON)."""
    return {
        "source_id": j.scope_id if j.scope == "source" else None, "scope": j.scope, "scope_id": j.scope_id,
        "control_id": j.control_id, "half": j.half, "stratum": j.stratum, "verdict": j.verdict, "figure": j.value,
        "n": j.n, "k": j.k, "because": j.because, "examples": list(j.examples), "waiting": j.waiting,
    }  # fmt: skip


def from_fact(f: Mapping[str, Any]) -> Judged:
    """What `fact` wrote."""
    return Judged(
        f["control_id"], f["half"], f["scope"], f["scope_id"], f["stratum"], f["verdict"], f["because"], f["figure"],
        f["k"], f["n"], tuple(f["examples"]), waiting=f["waiting"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A line of the verdict table: both halves of a control on one scope, or several sources of which the same is
    true."""

    verdict: Verdict
    control_id: str
    clause: str
    title: str
    scope: str
    figure: str
    bound: str
    n: int | None
    because: str
    next_act: str
    examples: tuple[str, ...] = ()
    of: str = "release"


def verdict_table(run: Run, *, detail: bool = False) -> list[VerdictRow]:
    """The run's verdicts that are in force, failing first: for the terminal, the run's note and the evidence page.

    Sources of which a control says the same without failing share a line, and so do controls of one gate that only
    wait; `detail` asks for each. Empty while no gate has judged."""
    catalogue = load_catalogue(run.place).for_corpus(run.corpus)
    rows = [
        row
        for gate in ("source_gate", "release_gate")
        for row in store.in_force(run.place, "control_result", f"run_id = {quoted(run.id)} AND gate = {quoted(gate)}")
    ]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["control_id"], row["scope"], row["scope_id"], row["stratum"]), []).append(row)
    for (control_id, scope, scope_id, stratum), people in list(groups.items()):
        # a person's half is about the whole scope: it stands beside every stratum that was computed
        strata = [k for k in groups if k[:3] == (control_id, scope, scope_id) and k[3] and k[3] != stratum]
        if not stratum and strata and all(r["half"] == "human" for r in people):
            for key in strata:
                groups[key] += people
            del groups[(control_id, scope, scope_id, stratum)]
    lines = [_line(catalogue[key[0]], halves) for key, halves in groups.items()]
    lines = lines if detail else _waiting(_merged(lines), catalogue)
    return sorted(lines, key=lambda r: (ORDER.index(r.verdict), r.clause, r.scope))


def _line(control: Control, halves: Sequence[Mapping[str, Any]]) -> VerdictRow:
    verdict = combined(h["verdict"] for h in halves)
    first = min(halves, key=lambda h: (h["half"] == "human", h["stratum"] == ""))
    said = [h for h in halves if h["verdict"] == verdict] or list(halves)
    scope = first["scope_id"] if first["scope"] == "source" else "release"
    where = f"{scope} {first['stratum']}".strip()
    figure = bound_shown(control, first["figure"]) if first["figure"] is not None else "–"
    bound = f"{first['comparator']} {bound_shown(control)}" if first["comparator"] else "attested"
    examples = tuple(e for h in halves for e in h["examples"] or ())
    because = "; ".join(dict.fromkeys(h["because"] for h in said))
    return VerdictRow(
        verdict, control.id, control.clause, control.title, where, figure, bound, first["n"], because,
        control.next_act if verdict in ("fail", "pending") else "", examples, first["scope"],
    )  # fmt: skip


def _merged(lines: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Lines of sources that did not fail, one for each control and verdict; a release's lines and failures stay."""
    kept, alike = [], {}
    for line in lines:
        if line.verdict == "fail" or line.of == "release":
            kept.append(line)
        else:
            alike.setdefault((line.control_id, line.verdict), []).append(line)
    for group in alike.values():
        if len(group) == 1:
            kept.append(group[0])
            continue
        reasons = list(dict.fromkeys(line.because for line in group))
        because = reasons[0] if len(reasons) == 1 else ""
        if not because and group[0].verdict != "pass":
            because = "; ".join(f"{line.scope}: {line.because}" for line in group)
        n = [line.n for line in group if line.n is not None]
        scope = f"{len(group)} sources: " + ", ".join(line.scope for line in group)
        kept.append(replace(group[0], scope=scope, figure=_span(group), n=sum(n) if n else None, because=because))
    return kept


def _span(group: Sequence[VerdictRow]) -> str:
    """The figures of several sources, from the one that sorts first to the last; they are never averaged."""
    figures = sorted({line.figure for line in group if line.figure != "–"}, key=lambda f: float(f.removesuffix(" %")))
    return "–" if not figures else figures[0] if len(figures) == 1 else f"{figures[0]} … {figures[-1]}"


def _waiting(lines: Sequence[VerdictRow], catalogue: Catalogue) -> list[VerdictRow]:
    """Controls that wait together, pending without a figure: one line a gate and level."""
    kept, groups = [], {}
    for line in lines:
        control = catalogue[line.control_id]
        waits = line.verdict == "pending" and line.figure == "–" and control.gate in WAIT_TOGETHER
        groups.setdefault((control.gate, control.level), []).append(line) if waits else kept.append(line)
    for (gate, level), group in groups.items():
        clauses = ", ".join(sorted({line.clause for line in group}))
        because = "; ".join(dict.fromkeys(line.because for line in group if line.because.startswith("waits for: ")))
        title = f"{len(group)} {level} controls of the gate {gate} wait"
        kept.append(
            VerdictRow(
                "pending", "", clauses, title, "release", "–", "–", None, f"{title}. {because}", group[0].next_act
            )
        )
    return kept
