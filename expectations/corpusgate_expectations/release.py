"""What must be true of a release as a whole. One row a stratum: a language, a modality, a kind of source, or all."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Several providers for each language and modality, a passing licence and a known origin for every record."""
    return suite_of(
        "release",
        within_bound(catalogue["45654-4-1-2-a"]),
        within_bound(catalogue["45652-draft-5-a"]),
        within_bound(catalogue["45652-draft-5-e"]),
        within_bound(catalogue["45652-draft-6-1-a"]),
        within_bound(catalogue["45652-draft-6-1-b"]),
        within_bound(catalogue["45654-4-1-3-a"]),
        within_bound(catalogue["45654-5-1-a"]),
        within_bound(catalogue["45652-draft-6-2-a"]),
    )
