"""Attestations and waivers: bound to content, expiring, given by a role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from corpusgate.gates.attested import Bound, Bounds, vouched, waiver
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, RELEASE, ROOT, attestation

CATALOGUE = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
OF_RELEASE = CATALOGUE["45654-4-2-3-a"]
OF_CORPUS = CATALOGUE["45654-4-2-2-a"]
BOUNDS: Bounds = {
    "batch": Bound(RELEASE, frozenset({ROOT})),
    "release": Bound(RELEASE, frozenset({ROOT})),
    "corpus": Bound("test", frozenset({"test"})),
}


def test_an_attestation_that_holds_passes_and_is_the_evidence() -> None:
    row = attestation("45654-4-2-3-a")
    found = vouched(OF_RELEASE, BOUNDS, [row], AT)
    assert (found.verdict, found.evidence_ids) == ("pass", (row["attestation_id"],))
    assert "2026-02-01" in found.because and "2026-12-01" in found.because


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"expires_at": AT}, "expired", id="ends now"),
        pytest.param(
            {"expires_at": None, "at": AT - timedelta(days=366)}, "expired", id="older than the control allows"
        ),
        pytest.param({"binds_to": "e" * 64}, "other content", id="bound to another manifest"),
        pytest.param({"binds_to": None}, "other content", id="bound to nothing"),
        pytest.param({"role": "engineer"}, "not as counsel", id="another role"),
        pytest.param({"at": AT + timedelta(days=1)}, "after this run", id="from the future"),
        pytest.param({"scope": "another-release"}, "waits for", id="another scope"),
        pytest.param({"control_id": "45654-4-2-3-b"}, "waits for", id="another control"),
        pytest.param({"waiver": True}, "waits for", id="a waiver is no attestation"),
    ],
)
def test_an_attestation_that_does_not_hold_is_pending_and_says_why(change: dict[str, Any], why: str) -> None:
    found = vouched(OF_RELEASE, BOUNDS, [attestation("45654-4-2-3-a") | change], AT)
    assert found.verdict == "pending"
    assert why in found.because
    assert "waits for an attestation by the role counsel" in found.because


def test_nothing_attested_is_pending() -> None:
    assert vouched(OF_RELEASE, BOUNDS, [], AT).verdict == "pending"


def test_a_newer_broken_attestation_does_not_hide_an_older_one_that_holds() -> None:
    newer = attestation("45654-4-2-3-a", at=datetime(2026, 2, 20, tzinfo=UTC), binds_to="e" * 64)
    assert vouched(OF_RELEASE, BOUNDS, [newer, attestation("45654-4-2-3-a")], AT).verdict == "pass"


def test_an_attestation_about_a_document_names_the_document() -> None:
    row = attestation("45654-4-2-2-a", scope="test", binds_to="test")
    assert vouched(OF_CORPUS, BOUNDS, [row], AT).verdict == "pass"
    found = vouched(OF_CORPUS, BOUNDS, [row | {"document_sha256": None}], AT)
    assert (found.verdict, "no document" in found.because) == ("pending", True)


WAIVER = {"waiver": True, "role": "lead", "because": "recovering the addresses"}


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": None},
        {"because": ""},
        {"by": ""},
        {"role": "counsel"},
        {"binds_to": "e" * 64},
        {"expires_at": AT},
    ],
    ids=["no end", "no reason", "no name", "not the lead", "other content", "ended"],
)
def test_a_waiver_names_approver_reason_and_end(change: dict[str, Any]) -> None:
    control = CATALOGUE["45652-draft-6-2-a"]
    assert waiver(control, BOUNDS, [attestation(control.id, **WAIVER)], AT) is not None
    assert waiver(control, BOUNDS, [attestation(control.id, **(WAIVER | change))], AT) is None


@pytest.mark.parametrize("control_id", ["45654-4-1-1-b", "45654-4-1-3-a", "45654-4-2-1", "45654-4-2-3-a"])
def test_four_clauses_are_never_waived(control_id: str) -> None:
    assert waiver(CATALOGUE[control_id], BOUNDS, [attestation(control_id, **WAIVER)], AT) is None
