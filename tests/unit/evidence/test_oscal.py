"""OSCAL documents of our own writing: every control, every verdict in force, the same identifiers for the same content.

That they are OSCAL is for compliance-trestle to say: tests/contracts/test_oscal_trestle.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from corpusgate.errors import UserError
from corpusgate.evidence.oscal import catalog, results
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME
from corpusgate_testing.verdicts import RELEASE, judged_release

OURS = Place(HOME, HOME / "conf", HOME / "lake", HOME / "var")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return judged_release(tmp_path_factory.mktemp("lake"))


def prop(of: dict[str, Any], name: str) -> str | None:
    return next((p["value"] for p in of["props"] if p["name"] == name), None)


def walk(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from walk(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value, key)
    else:
        yield key, node


def test_every_control_is_in_the_catalog_once_with_clause_bound_and_texts() -> None:
    made = catalog(OURS, AT)["catalog"]
    controls = {c["id"]: c for g in made["groups"] for c in g["controls"]}
    catalogue = load_catalogue(OURS)
    assert len(controls) == sum(len(g["controls"]) for g in made["groups"]) == len(catalogue) > 100
    one = controls["gbt-45654-4-1-1-a"]
    assert prop(one, "label") == "45654-2025 4.1.1 a)" and prop(one, "alias") == "TC260-003 5.1"
    assert (one["params"][0]["values"], prop(one["params"][0], "comparator")) == (["0.05"], "<=")
    parts = {p["name"]: p["prose"] for p in one["parts"]}
    assert set(parts) == {"statement", "assessment-objective", "guidance"} and "<= 5 %" in parts["assessment-objective"]
    draft = controls["gbt-45652-draft-6-2-a"]
    assert prop(draft, "certainty") == "Pd", "read in the draft only, and said so"


def test_the_same_content_has_the_same_identifiers_and_other_content_others(tmp_path: Path) -> None:
    first, again = catalog(OURS, AT), catalog(OURS, AT + timedelta(days=1))
    assert first["catalog"]["uuid"] == again["catalog"]["uuid"]
    assert first["catalog"] | {"metadata": 0} == again["catalog"] | {"metadata": 0}
    import shutil

    shutil.copytree(HOME / "conf" / "controls", tmp_path / "conf" / "controls")
    path = tmp_path / "conf" / "controls" / "45654-4-1-1-a.yaml"
    path.write_text(path.read_text("utf-8").replace("bound: 0.05", "bound: 0.04"), "utf-8")
    path = tmp_path / "conf" / "controls" / "45654-4-1-1-b.yaml"
    path.write_text(path.read_text("utf-8").replace("bound: 0.05", "bound: 0.04"), "utf-8")
    other = Place(tmp_path, tmp_path / "conf", tmp_path / "lake", tmp_path / "var")
    assert catalog(other, AT)["catalog"]["uuid"] != first["catalog"]["uuid"]


@pytest.mark.parametrize(("control", "verdict", "state", "reason"), [
    ("45654-4-2-1", "pass", "satisfied", "pass"), ("45654-4-2-3-a", "fail", "not-satisfied", "fail"),
    ("45654-4-2-2-a", "pending", "not-satisfied", "other"), ("45652-draft-6-2-a", "waived", "not-satisfied", "other"),
    ("45652-draft-7-2-b", "not_applicable", "satisfied", "other"),
])  # fmt: skip
def test_a_finding_is_the_verdict_of_both_halves(
    place: Place, control: str, verdict: str, state: str, reason: str
) -> None:
    found = results(place, RELEASE)["assessment-results"]["results"][0]
    (finding,) = [f for f in found["findings"] if f["target"]["target-id"] == f"gbt-{control}_obj"]
    status = finding["target"]["status"]
    assert (prop(finding, "verdict"), status["state"], status["reason"]) == (verdict, state, reason)
    observed = {o["uuid"] for o in found["observations"]}
    related = {o["observation-uuid"] for o in finding["related-observations"]}
    assert related and related <= observed


def test_results_are_those_in_force_and_of_sources_that_gave_to_the_release(place: Place) -> None:
    found = results(place, RELEASE)["assessment-results"]["results"][0]
    observations = found["observations"]
    assert len(observations) == 7, "six of the release in their last attempt, one source"
    assert {prop(o, "scope-id") for o in observations} == {RELEASE, "alpha"}
    assert all(len(prop(o, "row-sha256") or "") == 64 for o in observations)
    assert {o["methods"][0] for o in observations} == {"TEST", "EXAMINE"}
    (attested,) = [o for o in observations if "relevant-evidence" in o]
    assert attested["relevant-evidence"] == [{"description": "attestation e1"}]


def test_documents_keep_the_forms_that_oscal_asks_for(place: Place) -> None:
    for document in (catalog(OURS, AT), results(place, RELEASE)):
        for key, value in walk(document):
            if key in ("uuid", "observation-uuid"):
                assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", value)
            if key in ("id", "control-id", "target-id", "name"):
                assert TOKEN.fullmatch(value), value
            if key in ("value", "title"):
                assert value == value.strip() and value and "\n" not in value
        assert "\x1b" not in json.dumps(document, ensure_ascii=False), "control characters are shown, not sent"


def test_every_control_that_is_reviewed_is_one_of_the_catalog(place: Place) -> None:
    ids = {c["id"] for g in catalog(OURS, AT)["catalog"]["groups"] for c in g["controls"]}
    found = results(place, RELEASE)["assessment-results"]["results"][0]
    selected = {i["control-id"] for s in found["reviewed-controls"]["control-selections"]
                for i in s["include-controls"]}  # fmt: skip
    assert selected <= ids and len(selected) == len(found["findings"]) == 6


def test_a_release_that_no_gate_judged_has_no_results(place: Place) -> None:
    with pytest.raises(UserError, match="No release or candidate"):
        results(place, "test-ffffffffffff")
