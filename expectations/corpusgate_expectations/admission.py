"""What must be true of a source before anything of it is collected. One row a source."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Share of the admission sample that is illegal or unhealthy; a licence that allows the use;
    the proof of its kind."""
    return suite_of(
        "admission",
        within_bound(catalogue["45654-4-1-1-a"]),
        within_bound(catalogue["45654-4-1-3-a"]),
        within_bound(catalogue["45654-4-1-3-b"]),
        within_bound(catalogue["45654-4-1-3-c"]),
        within_bound(catalogue["45654-4-1-3-d"]),
    )
