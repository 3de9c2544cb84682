"""What came of a run, told where people look: the terminal, the run's note, the note of a gate that blocked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpusgate.lake.run import Run

if TYPE_CHECKING:
    from corpusgate.gates.verdict import VerdictRow

#: Worst first.
ORDER = ("fail", "pending", "waived", "pass", "not_applicable")
_COLOURS = {"fail": "bold red", "pending": "yellow", "waived": "cyan", "pass": "green"}
#: A record's id, of which a note shows the beginning; the whole stands in the log and in `control_result`.
_LONG_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
#: Airflow's limit for a note.
NOTE = 1000
#: Three questions that a fresh lake can answer: what was judged, what went and why, what is kept.
QUERIES: tuple[str, ...] = (
    "SELECT clause, scope_id, verdict, figure, bound, because FROM control_result WHERE verdict <> 'pass' "
    "ORDER BY judged_at DESC, verdict LIMIT 20",
    "SELECT source_id, rule, count(*) AS records FROM decision GROUP BY source_id, rule ORDER BY records DESC",
    "SELECT source_id, language, count(*) AS records, sum(characters) AS characters FROM release_record "
    "GROUP BY source_id, language ORDER BY characters DESC",
)


def verdicts(run: Run) -> list[VerdictRow]:
    """The run's verdicts: what blocks the release, then the others, worst first. Empty while no gate has judged."""
    from corpusgate.gates.verdict import verdict_table

    if run.result("source_gate") is None and run.result("release_gate") is None:
        return []
    stopping = set(blocked(run))
    return sorted(verdict_table(run), key=lambda row: row.verdict != "fail" or row.control_id not in stopping)


def release_id(run: Run) -> str | None:
    """The id of the candidate, published or not; None where the run did not come so far."""
    decided = run.result("decide")
    return decided.facts.get("release_id") if decided else None


def blocked(run: Run) -> list[str]:
    """Controls that keep the candidate out of `trial`."""
    gate = run.result("release_gate")
    return list(gate.facts.get("blocked", {}).get("trial", [])) if gate else []


def exit_code(run: Run, state: str) -> int:
    """0: published, or unchanged since the last release. 1: a control or a fault stopped it."""
    published = run.result("publish")
    return 0 if state == "success" and published and published.state in ("ok", "unchanged") else 1


def outcome(run: Run, state: str) -> str:
    """One sentence: what happened to the release."""
    published, candidate = run.result("publish"), release_id(run)
    if published and published.state == "unchanged":
        return f"Nothing changed: trial already shows {candidate}."
    if published and published.state == "ok" and state == "success":
        return f"Published to trial: {candidate}."
    if blocked(run):
        return f"Not published: the candidate {candidate} is blocked by {', '.join(blocked(run))}."
    return f"Not published: the run ended as {state}; the red tasks say why."


def closing(run: Run, state: str) -> list[str]:
    """What a person reads under the table: the outcome, then each held source with its reason."""
    lines = ["", outcome(run, state)]
    held = run.held()
    gate = run.result("source_gate")
    by_gate = dict(gate.facts.get("held", {})) if gate else {}
    if held or by_gate:
        lines.append("Held back, and why:")
    for source_id, result in held.items():
        lines.append(f"  {source_id}: {result.held_by or result.state}: {result.because}")
    lines += [f"  {s}: {control_id} (source gate)" for s, control_id in by_gate.items() if s not in held]
    return lines


def note(run: Run, state: str, rows: Sequence[VerdictRow]) -> str:
    """The run's note in Markdown, at most 1,000 characters: outcome, counts, then the worst verdicts as they fit."""
    counts = Counter(r.verdict for r in rows)
    held = sorted({*run.held(), *_held_by_gate(run)})
    counted = " · ".join(f"{counts[v]} {v.replace('_', ' ')}" for v in ORDER if counts[v])
    head = [f"**{cell(outcome(run, state))}**", "", counted or "No gate has judged yet."]
    if held:
        head += ["", f"Held: {shortened(', '.join(held), 250)}"]
    head += [
        "",
        "All verdicts: tab **Evidence**.",
        "",
        "| verdict | clause | of | figure | bound |",
        "|---|---|---|---|---|",
    ]
    lines: list[str] = []
    for row in rows:
        words = (row.verdict, shortened(row.clause, 60), shortened(row.scope, 60), row.figure, row.bound)
        line = f"| {' | '.join(map(cell, words))} |"
        if len("\n".join([*head, *lines, line])) > NOTE:
            break
        lines.append(line)
    return "\n".join([*head, *lines])[:NOTE]


def blocked_note(run: Run) -> str:
    """The note of the release gate: for each control that blocks clause, figure, bound, worst records, next act."""
    from corpusgate.gates.verdict import from_fact
    from corpusgate.gates.words import sentence
    from corpusgate.settings.control import Control
    from corpusgate.settings.load import load_file

    gate, stopping = run.result("release_gate"), set(blocked(run))
    said = []
    for judged in map(from_fact, gate.facts["verdicts"] if gate else []):
        if judged.control_id in stopping and judged.verdict == "fail":
            control = load_file(run.place.conf / "controls" / f"{judged.control_id}.yaml", Control)
            said.append(cell(_LONG_ID.sub(r"\1…", sentence(control, judged))))
    return ("\n\n".join(said) or f"Blocked by {', '.join(sorted(stopping))}.")[:NOTE]


def shortened(text: str, width: int) -> str:
    """The text, cut to `width` characters with a sign that it was."""
    return text if len(text) <= width else text[: width - 1] + "…"


def cell(value: Any) -> str:
    """Text for Markdown: on one line, and nothing in it that Markdown would read as its own."""
    text = " ".join(str(value if value is not None else "").split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#~" else c for c in text)


def print_verdicts(rows: Sequence[VerdictRow]) -> None:
    """The verdict table in the terminal: what fails or waits with its reason, what passes without, the rest named."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        print("\nNo gate has judged: there are no verdicts.")
        return
    table = Table("verdict", "clause", "of", "figure", "bound", "n", "because", title="Verdicts", title_justify="left")
    for row in rows:
        if row.verdict == "not_applicable":
            continue
        n = "" if row.n is None else f"{row.n:,}"
        words = (shortened(row.clause, 48), shortened(row.scope, 48), row.figure, row.bound, n)
        because = "" if row.verdict == "pass" else shortened(row.because, 130 if row.verdict == "fail" else 70)
        table.add_row(Text(row.verdict, style=_COLOURS[row.verdict]), *map(Text, words), Text(because))
    wide = Console()
    screen = wide if wide.is_terminal else Console(width=180, color_system=None)
    screen.print(table)
    clauses = list(dict.fromkeys(r.clause for r in rows if r.verdict == "not_applicable"))
    if clauses:
        screen.print(Text(f"Not applicable, at least in part: {', '.join(clauses)}."))


def _held_by_gate(run: Run) -> list[str]:
    gate = run.result("source_gate")
    return list(gate.facts.get("held", {})) if gate else []
