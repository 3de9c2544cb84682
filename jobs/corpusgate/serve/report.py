"""What came of a run, told where people look: the terminal, the run's note, the note of a gate that blocked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from corpusgate.lake.run import Run

Row = Mapping[str, Any]

#: Worst first.
ORDER = {"fail": 0, "pending": 1, "waived": 2, "pass": 3, "not_applicable": 4}
_COLOURS = {"fail": "bold red", "pending": "yellow", "waived": "cyan", "pass": "green", "not_applicable": "dim"}
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


def verdicts(run: Run) -> list[Row]:
    """The run's verdicts, worst first; empty while no gate has judged."""
    from corpusgate.gates.verdict import verdict_table

    return sorted(
        verdict_table(run), key=lambda r: (ORDER.get(str(r["verdict"]), 0), str(r["clause"]), str(r["scope_id"]))
    )


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
    for source_id, control_id in by_gate.items():
        if source_id not in held:
            lines.append(f"  {source_id}: {control_id} (source gate)")
    return lines


def note(run: Run, state: str, rows: Sequence[Row]) -> str:
    """The run's note in Markdown, at most 1,000 characters: outcome, counts, then the worst verdicts as they fit."""
    counts = Counter(str(r["verdict"]) for r in rows)
    held = sorted({*run.held(), *_held_by_gate(run)})
    head = [
        f"**{cell(outcome(run, state))}**",
        "",
        " · ".join(f"{counts[v]} {v.replace('_', ' ')}" for v in ORDER if counts[v]) or "No gate has judged yet.",
    ]
    if held:
        head += ["", f"Held: {', '.join(held)}."]
    head += ["", "All verdicts: tab **Evidence**.", "", "| verdict | clause | of | figure |", "|---|---|---|---|"]
    if len("\n".join(head)) > NOTE:
        head = head[:3]
    lines = []
    for row in rows:
        line = f"| {row['verdict']} | {cell(row['clause'])} | {cell(row['scope_id'])} | {cell(number(row))} |"
        if len("\n".join([*head, *lines, line])) > NOTE:
            break
        lines.append(line)
    return "\n".join([*head, *lines])[:NOTE]


def blocked_note(run: Run, rows: Sequence[Row]) -> str:
    """The note of the release gate: per blocking control clause, figure, bound, worst offenders, next act."""
    stopping = set(blocked(run))
    parts = []
    for row in rows:
        if row.get("control_id") in stopping and row["verdict"] in ("fail", "pending"):
            worst = ", ".join(map(str, (row.get("examples") or [])[:5]))
            parts.append(
                f"**{cell(row['clause'])}: {row['verdict']}**, {cell(number(row))}. {cell(row.get('because'))}"
                + (f" Worst: {cell(worst)}." if worst else "")
                + (f" Next: {cell(row.get('next_act'))}" if row.get("next_act") else "")
            )
    return ("\n\n".join(parts) or f"Blocked by {', '.join(sorted(stopping))}.")[:NOTE]


def number(row: Row) -> str:
    """Figure against bound: `0.06 (6 of 100), must be <= 0.05`; empty where nothing was counted."""
    figure = row.get("figure")
    if figure is None:
        return ""
    counted = f" ({row['k']} of {row['n']})" if row.get("k") is not None and row.get("n") is not None else ""
    bound = f", must be {row['comparator']} {row['bound']:g}" if row.get("bound") is not None else ""
    return f"{figure:.6g}{counted}{bound}"


def cell(value: Any) -> str:
    """Text for Markdown: on one line, and nothing in it that Markdown would read as its own."""
    text = " ".join(str(value if value is not None else "").split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#~" else c for c in text)


def print_verdicts(rows: Sequence[Row]) -> None:
    """The verdict table in the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        print("\nNo gate has judged: there are no verdicts.")
        return
    table = Table("verdict", "clause", "of", "figure", "because", title="Verdicts", title_justify="left")
    for row in rows:
        verdict = str(row["verdict"])
        table.add_row(
            Text(verdict.replace("_", " "), style=_COLOURS.get(verdict, "")),
            *(Text(str(row.get(name) or "")) for name in ("clause", "scope_id")),
            Text(number(row)),
            Text(str(row.get("because") or "")[:160]),
        )
    wide = Console()
    (wide if wide.is_terminal else Console(width=150, color_system=None)).print(table)


def _held_by_gate(run: Run) -> list[str]:
    gate = run.result("source_gate")
    return list(gate.facts.get("held", {})) if gate else []
