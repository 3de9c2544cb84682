"""What must be true of annotation: people, batches, labels, records. One row the whole, and one a batch of safety
annotation (the failed share counts within the batch)."""

from __future__ import annotations

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue
from corpusgate_expectations.bounds import suite_of, within_bound


def suite(catalogue: Catalogue) -> ExpectationSuite:
    """Qualified people in separate roles, rules in force, every batch sampled, every safety item approved, no void
    batch in use, complete records; amounts as shoulds."""
    return suite_of(
        "annotation",
        within_bound(catalogue["45654-4-3-1-b"]),
        within_bound(catalogue["45654-4-3-1-c"]),
        within_bound(catalogue["45654-4-3-2-d-all"]),
        within_bound(catalogue["45654-4-3-3-a"]),
        within_bound(catalogue["45654-4-3-3-b"]),
        within_bound(catalogue["45654-4-3-4"]),
        within_bound(catalogue["45674-6-rules"]),
        within_bound(catalogue["45674-7-1-b"]),
        within_bound(catalogue["45674-7-1-c"]),
        within_bound(catalogue["45674-7-2-c"]),
        within_bound(catalogue["45674-7-3-ab"]),
        within_bound(catalogue["45674-7-3-c"]),
        within_bound(catalogue["45674-7-3-d"]),
        within_bound(catalogue["45674-7-3-e"]),
        within_bound(catalogue["45674-7-3-f"]),
        within_bound(catalogue["45674-8-1-a"]),
        within_bound(catalogue["45674-8-1-a-volume"]),
        within_bound(catalogue["45674-8-1-b"]),
        within_bound(catalogue["45674-8-1-c"]),
        within_bound(catalogue["45674-8-1-d"]),
        within_bound(catalogue["45674-8-1-e"]),
        within_bound(catalogue["45674-8-1-f"]),
        within_bound(catalogue["45674-8-1-g"]),
        within_bound(catalogue["45674-8-2-a"]),
        within_bound(catalogue["45674-8-2-ef"]),
        within_bound(catalogue["45674-8-2-g"]),
        within_bound(catalogue["45674-8-3-a"]),
        within_bound(catalogue["45674-8-3-b"]),
        within_bound(catalogue["45674-8-3-c"]),
    )
