"""Figures of the source gate: what the earlier steps found of each source, and one pass over what was collected."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from corpusgate.gates import statistics
from corpusgate.gates.collected import NOTHING, Collected, collect, hexadecimal
from corpusgate.gates.figures import EXAMPLES, Figure, GateInput, guarded, quoted, share
from corpusgate.gates.kind_figures import kind_figures
from corpusgate.gates.strata import allowed_said
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.catalogue import load_catalogue

BEFORE = ("fetch", "licence", "admission")
ADMISSION, LICENCE = "45654-4-1-1-a", "45654-4-1-3-a"
ILLEGAL, COVERAGE, ORIGIN, ERRORED = "45654-4-1-1-b", "45654-4-2-1", "45652-draft-6-2-a", "corpusgate-quarantine-share"


def held_before(run: Run) -> dict[str, StepResult]:
    """Sources that a step before intake keeps back. The gate's own earlier attempt does not count: it may be
    repeated."""
    held: dict[str, StepResult] = {}
    for step in BEFORE:
        for result in run.results(step):
            if result.source_id and result.state in ("held", "unavailable", "failed"):
                held.setdefault(result.source_id, result)
    return held


def source_figures(run: Run) -> list[Figure]:
    """One figure for each computed control and source of the corpus; none is left out and none is averaged."""
    held = held_before(run)
    bound = load_catalogue(run.place)[ADMISSION].bound
    figures: list[Figure] = []
    for source in run.sources:
        result = held.get(source.id)
        admitted = partial(_admission, run, source.id, result, bound)
        figures += guarded([(ADMISSION, "admission")], "source", [source.id], admitted)
        if result is not None:
            licensed = partial(_licence, run, source.id, result)
            figures += guarded([(LICENCE, "admission")], "source", [source.id], licensed)
            figures += [_not_judged(c, "source", source.id, result) for c in (ILLEGAL, COVERAGE, ORIGIN, ERRORED)]
    collected = [s.id for s in run.sources if s.id not in held]
    if collected:
        wanted = [(LICENCE, "admission"), (ILLEGAL, "source"), (COVERAGE, "source"), (ORIGIN, "source")]
        figures += guarded(wanted, "source", collected, lambda: _of_records(run, collected))
        figures += [
            f for s in collected for f in guarded([(ERRORED, "source")], "source", [s], partial(_errored, run, s))
        ]
    return figures + kind_figures(run, held)


def _admission(run: Run, source_id: str, held: StepResult | None, bound: float | None) -> list[Figure]:
    """4.1.1 a: share of the sample that was assessed before collection. The point figure is judged, as the clause
    asks; what a sample of this size can tell is said beside it."""
    result = run.result("admission", source_id)
    if held is not None and held.step != "admission" and (result is None or "n" not in result.facts):
        return [_not_judged(ADMISSION, "admission", source_id, held)]
    if result is None:
        raise GateInput(f"the admission of {source_id} has no result")
    if result.state in ("unavailable", "failed"):
        raise GateInput(f"the admission of {source_id} did not end: {result.because or result.state}")
    facts = result.facts
    k, n = int(facts["k"]), int(facts["n"])
    because = f"{k} of {n} sampled records count as illegal or unhealthy (seed {facts.get('seed', 'not recorded')})"
    if 0 < n < facts.get("frame_rows", n + 1):
        because += f"; the point figure is judged; {statistics.said(k, n)}"
        because += f"; {statistics.size_said(bound, n)}" if bound else ""
    examples = tuple(facts.get("examples") or ())[:EXAMPLES]
    if facts.get("waits"):
        return [
            Figure(ADMISSION, "admission", "source", source_id, "pending", k=k, n=n, because=result.because,
                   examples=examples)
        ]  # fmt: skip
    if facts.get("labelled"):
        because += f"; people judged {facts['labelled']} of them, and their word stands"
    return [_measured(ADMISSION, "admission", source_id, share(k, n), k, n, because, examples)]


def _licence(run: Run, source_id: str, held: StepResult) -> list[Figure]:
    """4.1.3 a of a source of which nothing was collected: its licence parts without a passing licence."""
    if held.step == "fetch":
        return [_not_judged(LICENCE, "admission", source_id, held)]
    result = run.result("licence", source_id)
    if result is None:
        raise GateInput(f"the licence step of {source_id} has no result")
    verdict, parts = result.facts["verdict"], result.facts["parts"]
    n, passed = max(len(parts), 1), sum(p["verdict"] == "pass" for p in parts)
    because = result.because or f"the licence verdict is {verdict} ({result.facts.get('reason', 'no reason given')})"
    if verdict == "pending":
        return [Figure(LICENCE, "admission", "source", source_id, "pending", k=n, n=n, because=because)]
    k = 0 if verdict == "pass" and passed else n
    return [
        _measured(
            LICENCE, "admission", source_id, float(k), k, n, because if k else f"{passed} of {n} licence parts pass"
        )
    ]


def _of_records(run: Run, source_ids: list[str]) -> list[Figure]:
    """What one pass over the records of the collected sources says of them."""
    collected, figures = collect(run, source_ids, _intake(run).facts), []
    for source_id in source_ids:
        c = collected.get(source_id) or NOTHING
        for control_id, gate, (k, examples), n, said in (
            (LICENCE, "admission", c.unlicensed, c.records, "records stand in a part without a passing licence"),
            (
                ILLEGAL,
                "source",
                c.illegal,
                c.records,
                "collected records count as illegal or unhealthy; every record was looked at, so there is no interval"
                + _by_people(c)
                + allowed_said(c.allowed),
            ),
            (COVERAGE, "source", c.unscreened, c.texts, "texts lack a screening by a running detector family"),
            (ORIGIN, "source", c.originless, c.records, "records lack what their kind of source must carry"),
        ):
            value = share(k, n) if control_id == ILLEGAL else float(k)
            figures.append(_measured(control_id, gate, source_id, value, k, n, f"{k} of {n} {said}", examples))
        figures[-3] = _asked_of_people(run, source_id, c, figures[-3])  # 4.1.1 b, the second of the four
    return figures


def _asked_of_people(run: Run, source_id: str, c: Collected, machine: Figure) -> Figure:
    """The figure of 4.1.1 b; pending while fewer records have a person's verdict than the corpus asks for. What fails
    already does not wait."""
    most = min(run.source(source_id).admission.sample, c.records)
    wanted = math.ceil(run.corpus.policy.source_by_people * most - 1e-9)
    bound = load_catalogue(run.place)[ILLEGAL].bound or 0.0
    if c.judged >= wanted or (machine.value or 0.0) > bound:
        return machine
    because = (
        f"waits for: people's verdicts on {wanted} collected records of {source_id}; {c.judged} have one "
        f"(policy.source_by_people). `corpusgate source sample {source_id}` writes what is to be judged. "
        f"By the detectors {machine.because}"
    )
    return replace(machine, state="pending", value=None, because=because)


def _by_people(c: Collected) -> str:
    if not c.judged:
        return ""
    return f"; people judged {c.judged} of them, against the detectors' word in {c.overruled}"


def _errored(run: Run, source_id: str) -> list[Figure]:
    """Share of the source's items that could not be read and that nobody dismissed; they are in quarantine."""
    said = _intake(run).facts
    facts = said["sources"][source_id]
    k, n = int(facts["errored"]), int(facts["rows_in"])
    because = f"{k} of {n} items could not be read and are in quarantine"
    if k and (gone := _dismissed(run, said["batches"][source_id])):
        k -= gone
        because += f", {gone} of them dismissed by people as no records"
    return [_measured(ERRORED, "source", source_id, share(k, n), k, n, because)]


def _dismissed(run: Run, batch_id: str) -> int:
    where = f"batch_id = {quoted(hexadecimal(batch_id))} AND state = 'dismissed'"
    return store.read(run.place, "quarantine", ["locator"], where).num_rows


def _intake(run: Run) -> StepResult:
    result = run.result("intake")
    if result is None:
        raise GateInput("intake has no result in this run")
    return result


def _not_judged(control_id: str, gate: str, source_id: str, held: StepResult) -> Figure:
    by = f"{held.step}{f' ({held.held_by})' if held.held_by else ''}"
    because = f"not judged: the source was kept back before, at {by}"
    return Figure(control_id, gate, "source", source_id, "not_applicable", because=because)


def _measured(
    control_id: str, gate: str, source_id: str, value: float | None, k: int, n: int, because: str,
    examples: tuple[str, ...] = (),
) -> Figure:  # fmt: skip
    return Figure(
        control_id, gate, "source", source_id, "measured", value=value, k=k, n=n, because=because, examples=examples
    )
