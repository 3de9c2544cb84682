"""A lake with records, texts and a release, and the registers of people in it. No Spark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusgate.annotation.facts import ensure
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate_testing import annotation as a
from corpusgate_testing.gates import Lake, clean_lake


@pytest.fixture
def lake() -> Lake:
    return clean_lake()


@pytest.fixture
def run(lake: Lake, tmp_path: Path) -> Run:
    made = lake.write(tmp_path)
    ensure(made.place)
    store.ensure_tables(made.place, ["evidence_file"])
    for name, rows in a.clean(0, 0).registers.items():
        if name in ("annotator", "annotator_role", "exam", "qualification", "rule_document"):
            store.append_new(made.place, name, rows, "test")
    return made


@pytest.fixture
def texts(lake: Lake) -> dict[str, str]:
    """Record id -> its text, of the first source."""
    return {r["record_id"]: lake.text_of(r)["text"] for r in lake.of("alpha")}


@pytest.fixture
def sidecar(tmp_path: Path):
    """Writes a sidecar; what is given is added to a signed one."""

    def write(name: str = "sidecar.yaml", **stated: object) -> Path:
        about = {"signed_by": "lead", "signed_role": "annotation_lead", "signed_at": "2026-02-10T00:00:00Z"}
        return a.file(tmp_path, name, json.dumps(about | stated))  # JSON is YAML

    return write
