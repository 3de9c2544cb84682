"""Verdicts from a figure and what a suite said of it, without Great Expectations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpusgate.gates.attested import Vouched
from corpusgate.gates.figures import Figure
from corpusgate.gates.run import Outcome, table
from corpusgate.gates.verdict import (
    ORDER,
    Judged,
    blocked,
    blocks,
    combined,
    fact,
    from_fact,
    holds_source,
    judge,
    missing,
    with_waiver,
)
from corpusgate.gates.words import bound_shown, shown
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.control import Verdict
from corpusgate.settings.place import Place
from corpusgate_testing.gates import HOME

CATALOGUE: Catalogue = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
SHARE = CATALOGUE["45654-4-1-1-b"]
CELL = ("45654-4-1-1-b", ("source", "alpha", ""))


def figure(value: float | None = 0.05, **changed: object) -> Figure:
    made = Figure("45654-4-1-1-b", "source", "source", "alpha", "measured", value=value, k=1, n=20, because="1 of 20")
    return replace(made, **changed)  # ty: ignore[invalid-argument-type]


def said(*, failed: bool = False, evaluated: bool = True, fault: str = "", of_control: str = "") -> Outcome:
    return Outcome(
        "source", "s" * 64, frozenset({CELL} if evaluated else ()), frozenset({CELL} if failed else ()),
        {"45654-4-1-1-b": of_control} if of_control else {}, fault,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "outcome", "verdict", "because"),
    [
        pytest.param(figure(0.05), said(), "pass", "1 of 20", id="at the bound"),
        pytest.param(figure(0.051), said(failed=True), "fail", "asked for: <= 5 %", id="above the bound"),
        pytest.param(figure(state="pending", because="waits"), said(), "pending", "waits", id="pending"),
        pytest.param(figure(state="not_applicable", because="none"), said(), "not_applicable", "none", id="absent"),
        pytest.param(figure(state="unreadable", because="no table"), said(), "fail", "no table", id="unreadable"),
        pytest.param(figure(n=0, k=0), said(), "fail", "empty", id="zero rows"),
        pytest.param(figure(None), said(), "fail", "it has no value", id="no value"),
        pytest.param(figure(float("nan")), said(), "fail", "it has no value", id="not a number"),
        pytest.param(figure(0.0), said(evaluated=False), "fail", "no expectation looked at it", id="not evaluated"),
        pytest.param(figure(0.0), said(fault="crashed"), "fail", "crashed", id="suite crashed"),
        pytest.param(figure(0.0), said(of_control="no column"), "fail", "no column", id="column missing"),
        pytest.param(figure(0.9), said(), "fail", "contradicts itself", id="suite passes what the bound refuses"),
        pytest.param(
            figure(0.0), said(failed=True), "fail", "contradicts itself", id="suite fails what the bound allows"
        ),
    ],
)
def test_judge(given: Figure, outcome: Outcome, verdict: str, because: str) -> None:
    result = judge(SHARE, given, outcome)
    assert result.verdict == verdict
    assert because in result.because


def test_a_control_without_a_figure_fails() -> None:
    assert missing(SHARE, "source", "alpha").verdict == "fail"


@pytest.mark.parametrize(
    ("halves", "whole"),
    [
        (["pass", "pass"], "pass"), (["pass", "pending"], "pending"), (["fail", "pending"], "fail"),
        (["waived", "pass"], "waived"), (["waived", "pending"], "pending"), (["not_applicable", "pass"], "pass"),
        (["not_applicable"], "not_applicable"), ([], "not_applicable"),
    ],
)  # fmt: skip
def test_halves_combine_to_the_worse(halves: list[Verdict], whole: str) -> None:
    assert combined(halves) == whole
    assert combined(reversed(halves)) == whole


def of(control_id: str, verdict: Verdict, half: str = "computed", scope: str = "release", **more: object) -> Judged:
    return Judged(control_id, half, scope, "alpha", "", verdict, "", **more)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    ("judged", "trial", "filing"),
    [
        pytest.param(of("45654-4-2-1", "fail"), True, True, id="shall that says trial, fail"),
        pytest.param(of("45654-4-2-1", "pending"), False, True, id="shall that says trial, pending"),
        pytest.param(of("45654-4-2-1-technical", "pending", waiting=True), False, True, id="technical sample waits"),
        pytest.param(of("45654-4-1-2-a", "fail"), False, True, id="shall that says filing only"),
        pytest.param(of("45654-4-2-3-a", "fail", "human"), False, True, id="people's half fails"),
        pytest.param(of("45654-4-2-3-a", "waived"), False, False, id="waived"),
        pytest.param(of("45654-4-3-4", "fail", "human"), False, False, id="should, fail"),
        pytest.param(of("45674-8-1-b", "pending"), False, False, id="should, pending"),
        pytest.param(of("45674-8-2-g", "fail"), True, True, id="void batches"),
        pytest.param(of("45674-8-3-c", "fail"), True, True, id="failed safety items"),
        pytest.param(of("45652-draft-6-2-b", "fail"), True, True, id="risk results"),
        pytest.param(of("45654-4-2-1", "pass"), False, False, id="pass"),
    ],
)
def test_what_keeps_a_release_from_a_channel(judged: Judged, trial: bool, filing: bool) -> None:
    control = CATALOGUE[judged.control_id]
    assert (blocks(control, judged, "trial"), blocks(control, judged, "filing")) == (trial, filing)


@pytest.mark.parametrize(
    ("judged", "held"),
    [
        (of("45654-4-1-1-b", "fail", scope="source"), True),
        (of("45654-4-1-3-a", "pending", scope="source"), True),
        (of("45654-4-1-3-a", "pending", "human", scope="source"), False),
        (of("45654-4-1-1-a", "fail", "human", scope="source"), True),
        (of("45654-4-1-3-b", "pending", scope="source", waiting=True), False),
        (of("45652-draft-6-2-a", "waived", scope="source"), False),
        (of("45654-4-2-1", "fail", scope="release"), False),
    ],
)
def test_what_holds_a_source(judged: Judged, held: bool) -> None:
    assert holds_source(CATALOGUE[judged.control_id], judged) is held


def test_verdicts_on_sources_that_are_left_out_do_not_block_the_release() -> None:
    judged = [of("45654-4-1-1-b", "fail", scope="source")]
    assert blocked(CATALOGUE, judged, {"alpha"}) == {"trial": [], "filing": []}
    assert blocked(CATALOGUE, judged, set())["trial"] == ["45654-4-1-1-b"]


def test_a_waiver_keeps_what_it_waives_readable() -> None:
    waived = with_waiver(of("45652-draft-6-2-a", "fail"), Vouched("waived", "by the lead", ("id",)))
    assert (waived.verdict, waived.evidence_ids) == ("waived", ("id",))
    assert "without it: fail" in waived.because
    assert with_waiver(of("45652-draft-6-2-a", "pass"), Vouched("waived", "x")).verdict == "pass"


def test_a_fact_says_all_of_a_verdict_but_its_suite_and_evidence() -> None:
    judged = of("45654-4-2-1", "fail", value=1.0, k=1, n=80, examples=("a",), waiting=True)
    assert from_fact(fact(judged)) == judged


def test_the_table_refuses_two_values_for_one_cell() -> None:
    with pytest.raises(ValueError, match="two figures source_illegal_share"):
        table([figure(0.1), figure(0.2)], CATALOGUE)


def test_unmeasured_cells_of_the_table_are_empty() -> None:
    places, columns = table([figure(0.1), figure(state="pending", scope_id="beta", value=0.3)], CATALOGUE)
    assert places == [("source", "alpha", ""), ("source", "beta", "")]
    assert columns == {"source_illegal_share": [0.1, None]}


def test_figures_are_shown_as_people_write_them() -> None:
    assert (bound_shown(SHARE), bound_shown(SHARE, 0.0625), shown(2.0), shown(None)) == ("5 %", "6.25 %", "2", "–")
    assert ORDER[0] == "fail"
