"""Every control that is computed has a planted violation, and every bound but zero a corpus exactly at it. Complete by
construction: a new computed control fails here until both are written."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from corpusgate.gates.annotation_figures import FAILED_SHARE, SAFETY_SHARE
from corpusgate.gates.response_figures import TESTS
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.control import Control
from corpusgate.settings.place import Place
from corpusgate_testing.annotation import SHORT
from corpusgate_testing.annotation_planted import PLANTED as OF_ANNOTATION

HOME = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
COMPUTED = [c for c in CATALOGUE if c.computed or c.all_of]
GATES = "tests/unit/gates"


@cache
def module(path: str) -> ModuleType:
    """A test module by its path: its tables of planted violations are read, not copied."""
    spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), HOME / path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def planted() -> set[str]:
    """Controls with a planted violation, out of the tables that the tests themselves run over."""
    tables = [
        [c for c, *_ in module(f"{GATES}/test_lakes.py").PLANTED],
        [c for c, *_ in module(f"{GATES}/test_kind_figures.py").KINDS],
        [
            c
            for c, *_ in (
                *module(f"{GATES}/test_bank_figures.py").PLANTED,
                *module(f"{GATES}/test_bank_figures.py").AGED,
            )
        ],
        [c for c, *_ in module(f"{GATES}/test_identified.py").PLANTED],
        module(f"{GATES}/test_model_and_log_figures.py").PLANTED,
        module(f"{GATES}/test_composites.py").SUMS,
        [c for _, expected in OF_ANNOTATION for c in expected],
        [FAILED_SHARE, SHORT, SAFETY_SHARE],  # test_more_than_5_percent_…, test_exactly_200_… and below
        [t.control_id for t in TESTS],  # test_misreading_16_and_17_…: one worse than the bound
        [module("tests/unit/classify/test_technical.py").TECHNICAL],  # test_exactly_98_percent_pass_and_one_item_less…
    ]
    return {c for table in tables for c in table}


@pytest.mark.parametrize("control", COMPUTED, ids=lambda c: c.id)
def test_a_computed_control_has_a_planted_violation(control: Control) -> None:
    # a control of another text that shares figure and bound has the verdict of the one it shares them with
    assert (control.same_as or control.id) in planted(), (
        f"{control.id} is computed and no test plants its violation: add one to the table of the module that tests its "
        "gate (tests/unit/gates, tests/unit/annotation), and see this control fail and no other."
    )


def test_nothing_is_planted_for_what_is_not_computed() -> None:
    assert planted() <= {c.id for c in COMPUTED}


#: Control with a bound that is not zero -> the module and test in which a corpus exactly at the bound passes.
EXACT = {
    "45654-4-1-1-a": (f"{GATES}/test_lakes.py", "test_exactly_at_the_bound_passes"),
    "45654-4-1-1-b": (f"{GATES}/test_lakes.py", "test_exactly_at_the_bound_passes"),
    "45654-4-1-2-a": (f"{GATES}/test_lakes.py", "test_exactly_at_the_bound_passes"),
    "corpusgate-quarantine-share": (f"{GATES}/test_lakes.py", "test_exactly_at_the_bound_passes"),
    "45654-4-2-1-manual": (f"{GATES}/test_lakes.py", "test_exactly_96_percent_of_the_reviewed_sample_passes"),
    "45654-4-2-1-technical": ("tests/unit/classify/test_technical.py",
                              "test_exactly_98_percent_pass_and_one_item_less_does_not"),
    "45654-b-1-1-a": (f"{GATES}/test_bank_figures.py", "test_banks_exactly_at_every_bound_pass"),
    "45654-b-1-1-c": (f"{GATES}/test_bank_figures.py", "test_banks_exactly_at_every_bound_pass"),
    "45654-b-1-2-a": (f"{GATES}/test_bank_figures.py", "test_banks_exactly_at_every_bound_pass"),
    "45654-b-1-2-d": (f"{GATES}/test_bank_figures.py", "test_banks_exactly_at_every_bound_pass"),
    "45654-b-1-3-c": (f"{GATES}/test_bank_figures.py", "test_banks_exactly_at_every_bound_pass"),
    **{t.control_id: (f"{GATES}/test_bank_figures.py", "test_misreading_16_and_17_answers_exactly_at_the_bound_pass_"
                      "and_one_worse_does_not") for t in TESTS},
    "45654-5-1-a": (f"{GATES}/test_identified.py", "test_everything_holds_where_all_was_looked_at"),
    "45674-8-1-b": ("tests/unit/annotation/test_controls.py", "test_exactly_3_percent_of_all_items_is_enough"),
    "45674-8-3-c": ("tests/unit/annotation/test_controls.py",
                    "test_misreading_21_exactly_5_percent_of_the_batch_s_safety_items_passes"),
}  # fmt: skip


@pytest.mark.parametrize("control", [c for c in COMPUTED if c.bound and c.same_as is None], ids=lambda c: c.id)
def test_a_bound_that_is_not_zero_has_a_corpus_exactly_at_it(control: Control) -> None:
    assert control.id in EXACT, f"{control.id}: write a test in which exactly {control.bound} passes, and name it here."
    path, name = EXACT[control.id]
    assert name and f"def {name}(" in (HOME / path).read_text("utf-8")


def test_where_the_bound_is_zero_the_clean_corpus_is_exactly_at_it() -> None:
    """Zero violations is the bound: the clean lakes of the modules above pass it, each in a test of its own."""
    assert {c.comparator for c in COMPUTED if c.bound == 0} == {"=="}
