"""What must be true of the keyword libraries that the corpus names, and of its classifier. One row the whole, and one a
library (its age)."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Enough distinct keywords, enough for each of the 17 risks of A.1 and A.2, updated each week; a classifier
    for all 31."""
    return suite_of(
        "lexicon",
        within_bound(catalogue["45654-b-1-1-a"]),
        within_bound(catalogue["45654-b-1-1-b"]),
        within_bound(catalogue["45654-b-1-1-c"]),
        within_bound(catalogue["45654-b-1-4"]),
    )
