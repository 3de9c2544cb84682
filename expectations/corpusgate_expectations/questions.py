"""What must be true of the question banks that the corpus names, and of answers to them. One row the whole, one a bank
(its age), one a model (its answers)."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Enough distinct questions for each risk, aspect, modality and language, updated each month; answers that pass."""
    return suite_of(
        "questions",
        within_bound(catalogue["45654-b-1-2-a"]),
        within_bound(catalogue["45654-b-1-2-a-coverage"]),
        within_bound(catalogue["45654-b-1-2-b"]),
        within_bound(catalogue["45654-b-1-2-d"]),
        within_bound(catalogue["45654-b-1-3-a"]),
        within_bound(catalogue["45654-b-1-3-b"]),
        within_bound(catalogue["45654-b-1-3-c"]),
        within_bound(catalogue["45654-5-2-a-manual"]),
        within_bound(catalogue["45654-5-2-a-technical"]),
        within_bound(catalogue["45654-b-2-2-2-d-refuse"]),
        within_bound(catalogue["45654-b-2-2-2-d-answer"]),
    )
