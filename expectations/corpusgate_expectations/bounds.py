"""The building blocks of every suite: a bound taken from a control, and the row count that keeps empty from passing."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations import ExpectationSuite
from great_expectations.expectations.expectation import Expectation

from corpusgate.settings.control import Control

#: `meta["control"]` of the expectation that every suite begins with.
ROW_COUNT = "row-count"


def within_bound(control: Control) -> Expectation:
    """The expectation that every measured value of the control's figure meets its bound.

    The column is named after the figure; a row is one source, or one stratum of a release. Cells that are empty were
    not measured there: `corpusgate.gates.verdict` sees to it that none of them passes."""
    limits: dict[str, Any] = {
        "<=": {"max_value": control.bound},
        "<": {"max_value": control.bound, "strict_max": True},
        ">=": {"min_value": control.bound},
        ">": {"min_value": control.bound, "strict_min": True},
        "==": {"min_value": control.bound, "max_value": control.bound},
    }[control.comparator or "=="]
    meta = {
        "control": control.id,
        "clause": control.clause,
        "level": control.level,
        "body": control.body,
        "certainty": control.certainty,
        "comparator": control.comparator,
        "bound": control.bound,
        "unit": control.unit,
        "blocks": list(control.blocks),
    }
    severity = "critical" if control.level == "shall" else "warning"
    return gxe.ExpectColumnValuesToBeBetween(column=control.figure, meta=meta, severity=severity, **limits)


def suite_of(gate: str, *expectations: Expectation) -> ExpectationSuite:
    """A suite that begins with the row count: a table without rows proves nothing and must not pass."""
    meta = {"control": ROW_COUNT, "clause": "own", "certainty": "own", "comparator": ">=", "bound": 1}
    first = gxe.ExpectTableRowCountToBeBetween(min_value=1, meta=meta, severity="critical")
    return ExpectationSuite(gate, expectations=[first, *expectations])
