"""What must be true of a source once it is collected. One row a source, never an average over sources."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Illegal share of all records, every text screened, origin on every record, little that could not be read."""
    return suite_of(
        "source",
        within_bound(catalogue["45654-4-1-1-b"]),
        within_bound(catalogue["45654-4-2-1"]),
        within_bound(catalogue["45652-draft-6-1-c"]),
        within_bound(catalogue["45652-draft-6-2-a"]),
        within_bound(catalogue["45652-draft-7-1-b"]),
        within_bound(catalogue["45652-draft-7-2-b"]),
        within_bound(catalogue["corpusgate-quarantine-share"]),
    )
