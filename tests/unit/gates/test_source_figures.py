"""Figures of the source gate, straight from a small lake: no suite, no Great Expectations."""

from __future__ import annotations

from pathlib import Path

from corpusgate.gates.source_figures import ERRORED, source_figures
from corpusgate_testing.gates import AT, batch, clean_lake


def test_dismissed_rows_no_longer_count_as_unreadable_and_the_figure_says_so(tmp_path: Path) -> None:
    lake = clean_lake()
    lake.result("intake").facts["sources"]["alpha"] |= {"rows_in": 100, "kept": 97, "errored": 3}
    for n, state in enumerate(("open", "retried", "dismissed")):
        lake.rows["quarantine"].append(
            {"acquisition_id": "a", "source_id": "alpha", "batch_id": batch("alpha"), "locator": f"l{n}",
             "step": "intake", "reason": "not_json", "state": state, "recorded_at": AT}
        )  # fmt: skip
    figures = source_figures(lake.write(tmp_path))
    (alpha,) = [f for f in figures if f.control_id == ERRORED and f.scope_id == "alpha"]
    assert (alpha.k, alpha.n, alpha.value) == (2, 100, 0.02)
    assert "1 of them dismissed by people" in alpha.because
