"""A waiver shows wherever its control shows: who, why, until when; in SQL, table, page and OSCAL, never as a pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusgate.evidence.figures import figures
from corpusgate.evidence.oscal import results
from corpusgate.evidence.page import controls_of, render
from corpusgate.evidence.sql import ask
from corpusgate.gates.verdict import verdict_table
from corpusgate.lake import store
from corpusgate.lake.run import open_run
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, RUN_ID
from corpusgate_testing.verdicts import RELEASE, judged_release, verdict

CONTROL, SAID = "45652-draft-6-2-a", "waived by Li Hua until 2026-03-31: the address is being recovered"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = judged_release(tmp_path)
    waived = verdict(
        CONTROL, "waived", stratum="kind:self_collected", because=SAID, evidence_ids=["w1"], k=3, figure=3.0
    )
    store.replace(made, "control_result", [waived], f"run_id = '{RUN_ID}' AND gate = 'release_gate'", RUN_ID)
    return made


def test_in_sql(place: Place) -> None:
    statement = (
        f"SELECT verdict, because FROM control_result WHERE control_id = '{CONTROL}' ORDER BY attempt DESC LIMIT 1"
    )
    assert ask(place, statement)[1] == [{"verdict": "waived", "because": SAID}]


def test_in_the_table_of_verdicts(place: Place) -> None:
    (row,) = [r for r in verdict_table(open_run(place, "test", RUN_ID, AT)) if r.control_id == CONTROL]
    assert (row.verdict, row.because, row.figure) == ("waived", SAID, "3"), "what was waived stays readable"


def test_on_the_page(place: Place) -> None:
    told = json.loads(json.dumps(figures(place, RUN_ID), default=str))
    page = render(told | {"sources": []}, controls_of(place))
    assert SAID in page and "豁免" in page


def test_in_oscal_where_it_is_not_satisfied(place: Place) -> None:
    found = results(place, RELEASE)["assessment-results"]["results"][0]
    (finding,) = [f for f in found["findings"] if "6-2-a" in f["target"]["target-id"]]
    assert finding["target"]["status"]["state"] == "not-satisfied" and SAID in finding["description"]
    (seen,) = [o for o in found["observations"] if SAID in o["description"]]
    assert {"name": "verdict", "value": "waived"}.items() <= {
        k: v for p in seen["props"] if p["name"] == "verdict" for k, v in p.items()
    }.items()
    assert "w1" in json.dumps(seen["relevant-evidence"])
