"""What of a batch must be done again, and what else is open: rules to be given, reviews to be made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corpusgate.annotation.assign import shown_items
from corpusgate.annotation.case import Case, case
from corpusgate.annotation.facts import ensure, read_facts
from corpusgate.annotation.job import FAILED_SHARE, holds_days
from corpusgate.annotation.model import Row
from corpusgate.annotation.outbound import write_tasks
from corpusgate.errors import UserError
from corpusgate.evidence.cells import as_csv
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate.settings.catalogue import load_catalogue

#: Record id, act (annotate, rule, review, explain, drop, draw), reason.
Open = tuple[str, str, str]


def rework(run: Run, batch: str, tool: str, folder: Path) -> StepResult:
    """Writes `<batch>.rework.csv` with every open item, its act and reason, and a task file of those to be annotated
    again, in the next round. The unit is the item: kept are the open ones.

    Raises:
        UserError: no such batch.
    """
    ensure(run.place)
    facts = read_facts(run.place, run.corpus.id)
    about = next((b for b in facts.batches if batch in (b["batch_id"], b["name"])), None)
    if about is None:
        there = ", ".join(sorted(f"{b['name']} ({b['batch_id']})" for b in facts.batches)[:20]) or "none"
        raise UserError(f"No batch {batch!r} of the corpus {run.corpus.id}; there are {there}.")
    holds = load_catalogue(run.place)[FAILED_SHARE].holds
    whole = case(facts, run.at, holds_days(run.place), holds)
    items = [i["record_id"] for i in facts.items if i["batch_id"] == about["batch_id"]]
    opened = open_items(whole, about, items)
    sheet = folder / f"{about['name']}.rework.csv"
    write_atomically(sheet, as_csv([dict(zip(_COLUMNS, row, strict=True)) for row in opened], _COLUMNS))
    files, again = [sheet], [record for record, act, _ in opened if act == "annotate"]
    round_ = 1 + max((r["round"] for r in facts.annotations if r["batch_id"] == about["batch_id"]), default=0)
    if again:
        tasks = [replace(i, round=round_) for i in shown_items(run, about, again)]
        files += write_tasks(folder, f"{about['name']}.round{round_}", tool, tasks)
    acts = Counter(act for _, act, _ in opened)
    return StepResult(
        step="annotation_rework", unit="item", rows_in=len(items), kept=len(opened), removed=len(items) - len(opened),
        removed_by_rule={"stands": len(items) - len(opened)} if len(opened) < len(items) else {},
        because=whole.batches[about["batch_id"]].because,
        facts={"batch_id": about["batch_id"], "verdict": whole.batches[about["batch_id"]].verdict, "round": round_,
               "acts": dict(sorted(acts.items())), "files": [str(f) for f in files]},
    ).reconcile()  # fmt: skip


_COLUMNS = ("record_id", "act", "reason")


def open_items(whole: Case, about: Row, items: Sequence[str]) -> list[Open]:
    """The items of a batch that do not stand, in the order of their record ids.

    A void batch is never used again: its records are to be drawn into another one. A functional batch whose sample was
    inaccurate is annotated again as a whole (45654-2025 4.3.3 a).
    """
    batch = whole.batches[about["batch_id"]]
    if batch.verdict == "void":
        return [(record, "draw", f"the batch is void: {batch.because}") for record in sorted(items)]
    if batch.verdict == "redo":
        return [(record, "annotate", batch.because) for record in sorted(items)]
    opened: list[Open] = []
    for record in sorted(items):
        outcome = whole.outcomes.get((batch.id, record))
        if outcome is None:
            opened.append((record, "annotate", "nobody annotated it"))
        elif outcome.label is None:
            opened.append((record, outcome.act or "annotate", outcome.because))
    return opened
