"""Figures of a run: what the gates said stands in them, whatever table it was read from."""

from __future__ import annotations

import json
from pathlib import Path

from corpusgate.evidence.figures import figures
from corpusgate.evidence.page import controls_of, render
from corpusgate.gates.job import release_gate, source_gate
from corpusgate.gates.verdict import verdict_table
from corpusgate.lake.store import TABLES
from corpusgate_testing.gates import SOURCES, clean_lake


def test_the_page_of_a_judged_run_holds_every_verdict_with_clause_and_next_act(tmp_path: Path) -> None:
    lake = clean_lake()
    for source in SOURCES:
        said = {"declared": "MIT", "concluded": "MIT", "concluded_by": "Li Hua", "provisional": True, "notes": []}
        lake.result("licence", source).facts["parts"][0] |= said
    run = lake.write(tmp_path, [*TABLES])
    run.write(source_gate(run))
    run.write(release_gate(run))

    told = json.loads(json.dumps(figures(run.place, run.id), default=str))
    page = render(told, controls_of(run.place))

    rows = verdict_table(run)
    assert rows and [v["clause"] for v in told["verdicts"]] == [r.clause for r in rows]
    assert len(told["judgements"]) > len(rows) > 10
    waiting = next(v for v in told["verdicts"] if v["control_id"] == "45654-4-2-1-manual")
    assert waiting["verdict"] == "pending" and waiting["next_act"]
    for words in ("45654-2025 4.1.1 a)", "45654-2025 4.2.3 a)", waiting["next_act"], "导出样本交人工审核"):
        assert words in page
