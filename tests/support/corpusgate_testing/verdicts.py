"""A release that was judged, without running a gate: its frozen manifest and rows of `control_result`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpusgate.lake import store
from corpusgate.release.digests import canonical
from corpusgate.release.manifest import candidate_folder, release_id
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, RUN_ID, VERSIONS, clean_lake

MANIFEST = {
    "corpus": "test", "detectors": VERSIONS, "leaves": {"root": "0" * 64},
    "sources": [{"source_id": s, "kind": "open_source", "taken": s != "delta", "parts": []}
                for s in ("alpha", "beta", "delta")],
}  # fmt: skip
RELEASE = release_id(MANIFEST)


def verdict(control_id: str, said: str, **changed: Any) -> dict[str, Any]:
    """A row of `control_result` of the release gate."""
    return {
        "run_id": RUN_ID, "corpus": "test", "release_id": RELEASE, "gate": "release_gate", "control_id": control_id,
        "clause": control_id, "half": "computed", "scope": "release", "scope_id": RELEASE, "stratum": "",
        "figure": 0.0, "comparator": "==", "bound": 0.0, "unit": "record", "k": 0, "n": 80, "verdict": said,
        "because": "0 of 80 records", "examples": [], "evidence_ids": [], "suite_sha256": "a" * 64, "judged_at": AT,
    } | changed  # fmt: skip


def judged_release(folder: Path) -> Place:
    """A lake in which the release passed, failed, waits, is waived and is not concerned, by a control each."""
    place = clean_lake(1).write(folder).place
    frozen = candidate_folder(place, RELEASE)
    frozen.mkdir(parents=True)
    (frozen / "manifest.json").write_bytes(canonical(MANIFEST))
    (frozen / "run.json").write_text(json.dumps({"run_id": RUN_ID, "at": AT.isoformat()}))
    store.ensure_tables(place)
    of_source = {"gate": "source_gate", "scope": "source", "release_id": None}
    sources = [
        verdict("45654-4-1-1-b", "pass", scope_id="alpha", **of_source),
        verdict("45654-4-1-1-b", "fail", scope_id="delta", **of_source),  # held: it gave nothing to the release
    ]
    release = [
        verdict("45654-4-2-1", "pass", stratum="modality:text"),
        verdict("45654-4-2-3-a", "fail", k=2, figure=2.0, because="2 of 80 records \x1b[31m hold <b>numbers</b>"),
        verdict(
            "45654-4-2-3-a",
            "pass",
            half="human",
            figure=None,
            comparator=None,
            bound=None,
            n=None,
            k=None,
            because="attested by officer",
            evidence_ids=["e1"],
        ),
        verdict("45654-4-2-2-a", "pending", half="human", figure=None, comparator=None, bound=None),
        verdict("45652-draft-6-2-a", "waived", stratum="kind:open_source", because="waived by lead until 2026-03-31"),
        verdict("45652-draft-7-2-b", "not_applicable", figure=None, n=None, k=None),
    ]
    store.replace(place, "control_result", sources, f"run_id = '{RUN_ID}' AND gate = 'source_gate'", RUN_ID)
    where = f"run_id = '{RUN_ID}' AND gate = 'release_gate'"
    store.replace(place, "control_result", release[1:], where, RUN_ID)
    store.replace(place, "control_result", release, where, RUN_ID)  # a further attempt, which is in force
    return place
