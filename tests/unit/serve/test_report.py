from __future__ import annotations

import pytest

from corpusgate.gates.verdict import VerdictRow
from corpusgate.lake.run import Run, StepResult
from corpusgate.serve import report


def row(verdict: str = "fail", scope: str = "release", because: str = "so") -> VerdictRow:
    return VerdictRow(verdict, "45654-4-1-1-a", "45654-2025 4.1.1 a)", "t", scope, "6 %", "<= 5 %", 100, because, "act")  # ty: ignore[invalid-argument-type]


def decided(run: Run) -> None:
    run.write(StepResult(step="decide", unit="record", rows_in=1, kept=1, facts={"release_id": "demo-abc"}))


def published(run: Run, state: str = "ok") -> None:
    decided(run)
    facts = {"release_id": "demo-abc", "channel": "trial"}
    run.write(StepResult(step="publish", state=state, unit="record", rows_in=1, kept=1, facts=facts))  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    ("state", "publish", "code"),
    [
        pytest.param("success", "ok", 0, id="published"),
        pytest.param("success", "unchanged", 0, id="nothing changed"),
        pytest.param("failed", "ok", 1, id="published, but the run broke after"),
        pytest.param("success", "failed", 1, id="publish says it failed"),
    ],
)
def test_exit_code_after_publish(run: Run, state: str, publish: str, code: int) -> None:
    published(run, publish)
    assert report.exit_code(run, state) == code


def test_exit_code_of_a_run_that_published_nothing_is_1_even_if_airflow_calls_it_success(run: Run) -> None:
    assert report.exit_code(run, "success") == 1


def test_outcome_of_a_blocked_run_names_candidate_and_controls(run: Run) -> None:
    decided(run)
    run.write(StepResult(step="release_gate", state="held", unit="control", rows_in=1, kept=0, removed=1,
                         removed_by_rule={"45654-4-1-2-a": 1},
                         facts={"verdicts": [], "blocked": {"trial": ["45654-4-1-2-a"], "filing": []}}))  # fmt: skip
    assert report.outcome(run, "failed") == "Not published: the candidate demo-abc is blocked by 45654-4-1-2-a."


def test_outcome_of_an_unchanged_corpus_says_so(run: Run) -> None:
    published(run, "unchanged")
    assert report.outcome(run, "success") == "Nothing changed: trial already shows demo-abc."


def test_note_tells_outcome_counts_held_sources_and_where_to_look(run: Run) -> None:
    published(run)
    run.write(StepResult(step="licence", source_id="beta", state="held", held_by="c", because="b", unit="part",
                         rows_in=1, kept=1))  # fmt: skip
    note = report.note(run, "success", [row(), row("pending"), row("pass"), row("pass")])
    assert note.startswith("**Published to trial: demo-abc.**")
    assert "1 fail · 1 pending · 2 pass" in note
    assert "Held: beta" in note
    assert "Evidence" in note


def test_note_of_many_verdicts_stays_within_airflows_limit_and_keeps_whole_lines(run: Run) -> None:
    published(run)
    note = report.note(run, "success", [row(scope=f"source-{n:03}") for n in range(200)])
    assert len(note) <= report.NOTE
    assert note.splitlines()[-1].endswith("|")
    assert "200 fail" in note


def test_hostile_words_cannot_draw_in_the_note(run: Run) -> None:
    published(run)
    note = report.note(run, "success", [row(scope="a|b <img src=x> [x](javascript:1)\n# h")])
    line = note.splitlines()[-1]
    assert line == r"| fail | 45654-2025 4.1.1 a) | a\|b \<img src=x\> \[x\](javascript:1) \# h | 6 % | \<= 5 % |"


def test_what_blocks_the_release_comes_first(run: Run) -> None:
    with pytest.MonkeyPatch.context() as patch:
        other = VerdictRow("fail", "other", "c", "t", "s", "1", "== 0", 1, "b", "")
        patch.setattr("corpusgate.gates.verdict.verdict_table", lambda run: [other, row("pass"), row("fail")])
        facts = {"verdicts": [], "blocked": {"trial": ["45654-4-1-1-a"], "filing": []}}
        run.write(StepResult(step="release_gate", state="held", unit="control", rows_in=0, kept=0, facts=facts))
        assert [(r.control_id, r.verdict) for r in report.verdicts(run)] == [
            ("45654-4-1-1-a", "fail"), ("other", "fail"), ("45654-4-1-1-a", "pass"),
        ]  # fmt: skip


def test_closing_lines_name_each_held_source_with_its_reason(run: Run) -> None:
    published(run)
    run.write(StepResult(step="licence", source_id="beta", state="held", held_by="45654-4-1-3-a", because="no licence",
                         unit="part", rows_in=1, kept=1))  # fmt: skip
    assert "  beta: 45654-4-1-3-a: no licence" in report.closing(run, "success")


def test_verdict_table_is_printed_without_markup_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    report.print_verdicts([row(scope="[red]x[/red]", because="[bold]")])
    printed = capsys.readouterr().out
    assert "[red]x[/red]" in printed
    assert "[bold]" in printed


def test_no_verdicts_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    report.print_verdicts([])
    assert "no verdicts" in capsys.readouterr().out
