"""The catalogue, the suites and the page agree; no control is without a judge and no expectation without a control."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from corpusgate.gates.catalogue_page import page
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.control import Control
from corpusgate.settings.place import Place

HOME = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
#: What the suites are, as rendered; that they are so is tested where Great Expectations is imported anyway.
SUITES: dict[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text("utf-8"))["expectations"]
    for path in sorted((HOME / "tests" / "data" / "suites").glob("*.json"))
}
EXPECTED = {(gate, e["meta"]["control"]) for gate, suite in SUITES.items() for e in suite[1:]}


@pytest.mark.parametrize("control", list(CATALOGUE), ids=lambda c: c.id)
def test_a_control_has_an_expectation_an_attestation_parts_or_says_what_it_waits_for(control: Control) -> None:
    gates = {gate for gate, control_id in EXPECTED if control_id == control.id}
    if control.computed:
        assert gates == {control.gate, *control.also_at}, (
            f"{control.id} is computed: give it an expectation in "
            f"expectations/corpusgate_expectations/{control.gate}.py "
            "(and in each gate of also_at), or say under waits_for what is missing."
        )
    else:
        assert not gates, f"{control.id} is not computed now: take its expectation out."
        assert control.waits_for or control.attests or control.all_of


def test_no_expectation_without_a_control() -> None:
    assert {control_id for _, control_id in EXPECTED} <= {c.id for c in CATALOGUE}


@pytest.mark.parametrize("gate", list(SUITES))
def test_a_suite_begins_with_its_row_count_and_takes_its_bounds_from_the_catalogue(gate: str) -> None:
    first, *rest = SUITES[gate]
    assert first["type"] == "expect_table_row_count_to_be_between"
    assert first["kwargs"]["min_value"] == 1 and first["severity"] == "critical"
    for expectation in rest:
        control = CATALOGUE[expectation["meta"]["control"]]
        limits = {v for k, v in expectation["kwargs"].items() if k in ("min_value", "max_value")}
        assert limits == {control.bound}
        assert expectation["kwargs"]["column"] == control.figure
        assert expectation["meta"]["clause"] == control.clause
        assert expectation["severity"] == ("critical" if control.level == "shall" else "warning")


def test_the_controls_of_the_first_rebuild_are_there() -> None:
    for control_id in (
        "45654-4-1-1-a", "45654-4-1-1-b", "45654-4-1-2-a", "45654-4-1-3-a", "45654-4-2-1", "45654-4-2-1-technical",
        "45654-4-2-1-manual", "45654-4-2-3-a", "45654-4-2-3-b", "45652-draft-6-2-a",
    ):  # fmt: skip
        assert control_id in CATALOGUE


#: Every data clause that a pipeline computes or a person attests: it, or a clause below it, is a control.
CLAUSES = """
45654-2025 4.1.1 a)|45654-2025 4.1.1 b)|45654-2025 4.1.2 a)|45654-2025 4.1.2 b)|45654-2025 4.1.3 a)|45654-2025 4.1.3 b)
45654-2025 4.1.3 c)|45654-2025 4.1.3 d)|45654-2025 4.2.1|45654-2025 4.2.2 a)|45654-2025 4.2.2 b)|45654-2025 4.2.2 c)
45654-2025 4.2.2 d)|45654-2025 4.2.3 a)|45654-2025 4.2.3 b)|45654-2025 4.3.1 a)|45654-2025 4.3.1 b)|45654-2025 4.3.1 c)
45654-2025 4.3.2 a)|45654-2025 4.3.2 b)|45654-2025 4.3.2 c)|45654-2025 4.3.2 d)|45654-2025 4.3.3 a)|45654-2025 4.3.3 b)
45654-2025 4.3.4|45654-2025 5.1 a)|45654-2025 6.3|45654-2025 6.6|45654-2025 B.1.1 a)|45654-2025 B.1.1 b)
45654-2025 B.1.1 c)|45654-2025 B.1.2 a)|45654-2025 B.1.2 b)|45654-2025 B.1.2 c)|45654-2025 B.1.2 d)|45654-2025 B.1.3 a)
45654-2025 B.1.3 b)|45654-2025 B.1.3 c)|45654-2025 B.1.4|45654-2025 5.2 a)|45654-2025 B.2.2.2|45654-2025 B.2.1.1.2|
45654-2025 B.2.1.1.3.1 a)|45654-2025 B.2.1.2.1 a)|45654-2025 B.2.1.2.1 b)
45674-2025 5 a)|45674-2025 5 b)|45674-2025 5 c)|45674-2025 5 d)|45674-2025 5 e)|45674-2025 6|45674-2025 7.1
45674-2025 7.2|45674-2025 7.3 a) b)|45674-2025 7.3 c)|45674-2025 7.3 d)|45674-2025 7.3 e)|45674-2025 7.3 f)
45674-2025 8.1 a)|45674-2025 8.1 b)|45674-2025 8.1 c)|45674-2025 8.1 d)|45674-2025 8.1 e)
45674-2025 8.1 f)|45674-2025 8.1 g)
45674-2025 8.2 a)|45674-2025 8.2 e) f)|45674-2025 8.2 g)|45674-2025 8.3 a)|45674-2025 8.3 b)|45674-2025 8.3 c)
45652-draft 5 a)|45652-draft 5 c)|45652-draft 5 e)|45652-draft 6.1 a)|45652-draft 6.1 b)|45652-draft 6.1 c)
45652-draft 6.1 d)|45652-draft 6.2 a)|45652-draft 6.2 b)|45652-draft 6.2 c)|45652-draft 6.3 a)|45652-draft 6.3 b)
45652-draft 6.3 c)|45652-draft 6.3 d)|45652-draft 7.1 a)|45652-draft 7.1 b)|45652-draft 7.2 a)|45652-draft 7.2 b)
45652-draft 7.2 c)|45652-draft 7.2 d)|45652-draft 7.3 a)|45652-draft 7.3 b)
"""


@pytest.mark.parametrize("clause", [c for line in CLAUSES.split("\n") for c in line.split("|") if c])
def test_every_data_clause_is_a_control(clause: str) -> None:
    assert CATALOGUE.find(clause)


#: Figures of the standards, carried over by hand: (clause, comparator, bound, body or annex, level).
FIGURES = [
    ("4.1.1 a)", "<=", 0.05, "normative", "shall"), ("4.1.1 b)", "<=", 0.05, "normative", "shall"),
    ("4.1.2 a)", ">=", 2, "normative", "shall"), ("4.2.1 (B.2.1.2.1 a))", ">=", 0.96, "annex", "shall"),
    ("4.2.1 (B.2.1.2.1 b))", ">=", 0.98, "annex", "shall"), ("B.1.1 a)", ">=", 10_000, "annex", "shall"),
    ("B.1.1 c)", "<=", 7, "annex", "shall"), ("B.1.2 a)", ">=", 2000, "annex", "shall"),
    ("B.1.2 d)", "<=", 31, "annex", "shall"), ("8.1 b)", ">=", 0.03, "normative", "should"),
    ("8.3 c)", "<=", 0.05, "normative", "shall"), ("5.2 a) (B.2.2.2 b) manual)", ">=", 0.90, "normative", "shall"),
    ("5.2 a) (B.2.2.2 b) technical)", ">=", 0.90, "normative", "shall"),
    ("B.2.2.2 d) (to refuse)", ">=", 0.95, "annex", "shall"),
    ("B.2.2.2 d) (not to refuse)", "<=", 0.05, "annex", "shall"), ("B.1.3 c)", "<=", 31, "annex", "shall"),
    ("8.1 a) (volume)", "==", 0, "normative", "should"),
]  # fmt: skip


@pytest.mark.parametrize(("clause", "comparator", "bound", "body", "level"), FIGURES, ids=[f[0] for f in FIGURES])
def test_the_standard_s_figures(clause: str, comparator: str, bound: float, body: str, level: str) -> None:
    """Misreadings 1, 15, 16, 20 and 21: comparators, and which figure stands where."""
    (control,) = [c for c in CATALOGUE if c.clause_number == clause and not c.clause.startswith("45652")]
    assert (control.comparator, control.bound, control.body, control.level) == (comparator, bound, body, level)


def test_minima_and_samples_of_the_annex() -> None:
    """Misreadings 2, 10, 15 and 16: sizes of samples and banks, minima apart from totals."""
    assert CATALOGUE["45654-b-1-1-b"].minima == {"a1": 200, "a2": 100}
    assert CATALOGUE["45654-b-1-2-b"].minima == {"a1": 50, "a2": 50, "a3": 20, "a4": 20, "a5": 20}
    assert CATALOGUE["45654-b-1-3-a"].minima == {"total": 500, "a1": 20, "a2": 20}
    assert CATALOGUE["45654-b-1-3-b"].minima == {"total": 500, "aspect": 20, "aspects": 13}
    draws = {c.id: c.draw for c in CATALOGUE if c.draw is not None}
    manual, technical = draws["45654-4-2-1-manual"], draws["45654-4-2-1-technical"]
    assert (manual.count, manual.per, technical.share, technical.per) == (4000, "modality", 0.10, "modality")
    assert (draws["45654-4-1-3-b"].count, draws["45654-4-1-3-b"].redraw) == (1000, 100)
    assert (draws["45654-4-1-3-d"].count, draws["45654-4-1-3-d"].share) == (1000, 0.10)
    assert draws["45654-4-1-1-a"].count is None, "4,000 is not the sample for the 5 %"
    sizes = {c: draws[c].count for c in draws if c.startswith(("45654-5-2", "45654-b-2-2-2"))}
    assert sizes == {"45654-5-2-a-manual": 1000, "45654-5-2-a-technical": 1000, "45654-b-2-2-2-d-refuse": 300,
                     "45654-b-2-2-2-d-answer": 300}  # fmt: skip


def test_misreading_19_and_20_what_is_only_a_should_blocks_nothing() -> None:
    """19: all 31 risks in the rules is a should, coverage in the data a shall. 20: 3 % and 200 are shoulds."""
    shoulds = {c.id for c in CATALOGUE if c.level == "should"}
    assert {"45654-4-3-2-d-all", "45674-8-1-a-volume", "45674-8-1-b", "45654-4-3-4"} <= shoulds
    assert CATALOGUE["45674-8-1-a"].level == "shall"
    assert all(not CATALOGUE[c].blocks for c in shoulds)


def test_misreading_32_no_text_of_ours_says_certified() -> None:
    """32: meeting the checks of a clause is not being certified."""
    for path in (HOME / "conf" / "controls").glob("*.yaml"):
        assert not re.search(r"certif|认证通过", path.read_text("utf-8")), path.name


def test_trial_is_blocked_by_the_clauses_the_design_names_and_own_ones() -> None:
    named = re.compile(
        r"45654-2025 (4\.1\.1|4\.1\.3|4\.2\.1$|4\.2\.1 \(B\.2\.1\.2\.1 b|4\.2\.3)"
        r"|45652-draft 6\.2 [ab]|45674-2025 8\.(2 g|3 c)"
    )
    for control in CATALOGUE:
        asked = named.match(control.clause) is not None or control.certainty == "own"
        assert ("trial" in control.blocks) == asked, control.id


def test_what_was_read_in_the_draft_only_says_so() -> None:
    for control in CATALOGUE:
        assert (control.certainty == "Pd") == control.clause.startswith("45652-draft"), control.id
        if control.certainty == "Pd":
            assert "draft" in control.because, control.id


def test_the_page_is_what_the_catalogue_draws() -> None:
    """`python -m corpusgate.gates.catalogue_page` draws it anew."""
    assert (HOME / "docs" / "controls.md").read_text("utf-8") == page(CATALOGUE)


#: The misreadings that standard.md lists by number: the test that keeps each out, or why it is a matter of text.
MISREADINGS = {
    1: "test_misreading_1_shares_of_sources_are_never_averaged",
    2: "test_misreading_2_the_source_sample_has_no_size_and_the_interval_is_not_judged",
    3: "test_misreading_3_only_29_risks_count_for_a_source",
    4: "test_misreading_4_coverage_and_samples_count_per_modality_not_per_language",
    5: "test_misreading_5_a_modality_with_fewer_items_than_the_sample_is_looked_at_whole",
    6: "test_misreading_6_the_unit_of_an_item_is_declared_before_sampling_and_stands_in_each_sample",
    7: "test_an_assessor_s_draw_rounds_up_and_never_exceeds_what_is_there",
    8: "test_misreading_8_the_technical_sample_waits_for_an_independent_detector",
    9: "test_misreading_9_the_sample_is_drawn_from_the_filtered_frozen_version",
    10: "test_an_assessor_s_draw_rounds_up_and_never_exceeds_what_is_there",
    11: "test_misreading_11_overseas_share_has_no_bound",
    12: "test_misreading_12_sources_count_by_provider_after_filtering",
    13: "test_misreading_13_a_record_keeps_its_source_and_its_address",
    14: "test_misreading_14_a_keyword_of_two_risks_counts_once_in_the_total_and_under_each_risk",
    15: "test_misreading_15_minima_do_not_add_up_to_the_totals",
    16: "test_misreading_16_and_17_answers_exactly_at_the_bound_pass_and_one_worse_does_not",
    17: "test_misreading_16_and_17_answers_exactly_at_the_bound_pass_and_one_worse_does_not",
    18: "test_misreading_18_generated_content_has_two_tests_not_three",
    19: "test_misreading_19_and_20_what_is_only_a_should_blocks_nothing",
    20: "test_misreading_19_and_20_what_is_only_a_should_blocks_nothing",
    21: "test_misreading_21_exactly_5_percent_of_the_batch_s_safety_items_passes",
    22: "test_misreading_22_a_void_batch_in_the_release_fails_8_2_g",
    23: "test_misreading_23_the_role_of_a_text_is_stored",
    24: "test_misreading_24_safety_annotation_has_tables_of_its_own",
    25: "test_misreading_25_the_same_person_may_execute_one_task_and_review_another",
    26: "test_misreading_26_who_worked_in_the_batch_on_other_tasks_may_not_verify_it",
    27: "test_misreading_27_consent_is_not_the_only_basis",
    28: "test_misreading_28_with_a_basis_nothing_must_be_masked",
    29: "test_misreading_29_a_licence_that_forbids_the_use_fails_and_an_unknown_one_is_pending",
    30: "test_misreading_30_a_list_of_addresses_is_self_collected_when_it_is_fetched",
    31: "test_misreading_31_the_robots_state_seen_is_stored_with_its_hash_and_time",
    32: "test_misreading_32_no_text_of_ours_says_certified",
    33: "test_misreading_33_old_numbers_find_the_new",
    34: "test_misreading_34_a_dated_review_counts_although_nothing_changed",
    35: "test_misreading_35_a_verdict_is_all_or_nothing",
    36: "test_misreading_36_a_rule_on_paper_and_data_that_obey_are_two_halves",
}


def test_each_misreading_has_its_test_or_is_a_matter_of_text() -> None:
    assert list(MISREADINGS) == list(range(1, 37))
    folders = ("unit/gates", "unit/annotation", "unit/banks", "contracts")
    paths = [path for folder in folders for path in (HOME / "tests" / folder).glob("test_*.py")]
    written = "".join(path.read_text("utf-8") for path in paths)
    for number, where in MISREADINGS.items():
        assert where.startswith("text: ") or f"def {where}(" in written, number
    named = {n for name in re.findall(r"def (test_misreading_\w+)\(", written) for n in numbers_in(name)}
    assert named <= set(MISREADINGS)
    assert not [n for n in named if n not in {m for m, where in MISREADINGS.items() if not where.startswith("text: ")}]


def numbers_in(name: str) -> list[int]:
    """The numbers that a test carries in its name: `test_misreading_16_and_17_…` carries two."""
    said = re.match(r"test_misreading_(\d+(?:_and_\d+)*)", name)
    assert said is not None, name
    return [int(n) for n in said.group(1).split("_and_")]


def test_a_misreading_s_test_carries_its_number_in_its_name_or_its_docstring() -> None:
    """A number without a sign of it in its test would be found by nobody."""
    written = "".join(p.read_text("utf-8") for p in (HOME / "tests").rglob("test_*.py"))
    for number, where in MISREADINGS.items():
        if where.startswith("text: ") or number in (numbers_in(where) if where.startswith("test_misreading_") else ()):
            continue
        told = written.split(f"def {where}(", 1)[1].split('"""', 2)[1]
        assert re.search(rf"\b{number}\b", told), f"{where}: say in its docstring that it keeps misreading {number} out"
