"""What must be true of the text that is released. One row a modality (the sampling figures count per modality)."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Every released text screened, people's sample good enough, no risky record left, no personal information without
    a basis."""
    return suite_of(
        "content",
        within_bound(catalogue["45654-4-2-1"]),
        within_bound(catalogue["45654-4-2-1-manual"]),
        within_bound(catalogue["45654-4-2-1-technical"]),
        within_bound(catalogue["45654-4-2-3-a"]),
        within_bound(catalogue["45654-4-2-3-b"]),
        within_bound(catalogue["45652-draft-6-2-b"]),
        within_bound(catalogue["45652-draft-6-3-a"]),
        within_bound(catalogue["45652-draft-6-3-b"]),
        within_bound(catalogue["45652-draft-6-3-d"]),
        within_bound(catalogue["45652-draft-7-2-d"]),
        within_bound(catalogue["45652-draft-7-3-b"]),
    )
