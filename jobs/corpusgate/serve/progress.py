"""What a person reads while a run goes on: one line whenever a step ends, with source, rows and reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from corpusgate.flow import STEPS
from corpusgate.lake.run import Run, StepResult
from corpusgate.serve.drive import ENDED_TASK

_PER_SOURCE = {s.name for s in STEPS if s.per_source} | {"source_verdict"}
_STEPS = {s.name for s in STEPS}
#: How Airflow's states are called here; a failed task is `held` where its step left a verdict.
_WORDS = {
    "success": "ok",
    "failed": "FAILED",
    "skipped": "skipped",
    "upstream_failed": "not run",
    "up_for_retry": "retry",
}
_WIDTH = 170


class Progress:
    """Follows the task instances of one run and says each change once."""

    def __init__(self, run: Run, say: Callable[[str], None], seconds: Callable[[], float]) -> None:
        self.run, self.say, self.seconds = run, say, seconds
        self._seen: dict[tuple[str, int], tuple[str, int]] = {}

    def update(self, tasks: Iterable[Mapping[str, Any]]) -> None:
        """Says what changed since the last call."""
        for task in sorted(tasks, key=lambda t: (t.get("end_date") or "9", t["task_id"], t["map_index"])):
            state, at = str(task["state"]), (task["task_id"], int(task["map_index"]))
            now = (state, int(task.get("try_number") or 0))
            if state == "None" or self._seen.get(at) == now:
                continue
            self._seen[at] = now
            line = self.line(task)
            if line:
                self.say(f"{self.seconds():6.0f} s  {line}"[:_WIDTH])

    def line(self, task: Mapping[str, Any]) -> str | None:
        """The line for a task in this state; None where it would tell nothing new."""
        name, state = task["task_id"], str(task["state"])
        by_source = name in _PER_SOURCE
        if state == "running":
            return None if by_source or name not in _STEPS else f"{name:<15} …"
        if state not in ENDED_TASK and state != "up_for_retry":
            return None
        if by_source and (int(task["map_index"]) < 0 or state in ("upstream_failed", "removed")):
            return None  # said already: by the step that holds the source, or by the one that failed before
        if name == "source_verdict" and state in ("success", "skipped"):
            return None
        source = self.source_of(task) if by_source else None
        result = self.run.result(name, source) if name in _STEPS and state in ("success", "failed", "skipped") else None
        return f"{name:<15} {source or '':<24} {told(state, result)}".rstrip()

    def source_of(self, task: Mapping[str, Any]) -> str:
        """The source that a mapped task works on."""
        named = task.get("rendered_map_index")
        if named:
            return str(named)
        index, sources = int(task["map_index"]), self.run.corpus.sources
        return sources[index] if index < len(sources) else f"#{index}"


def told(state: str, result: StepResult | None) -> str:
    """State and accounting in words: `ok  1,200 items: 1,180 kept, 20 removed`."""
    if result is None:
        return _WORDS.get(state, state)
    if state == "success":
        word = "unchanged" if result.state == "unchanged" else "ok"
    else:
        word = {"held": "HELD", "unavailable": "not here"}.get(result.state, _WORDS.get(state, state))
    rows = f"{result.rows_in:,} {result.unit}{'' if result.rows_in == 1 else 's'}: {result.kept:,} kept"
    for count, what in ((result.removed, "removed"), (result.errored, "errored")):
        rows += f", {count:,} {what}" if count else ""
    why = f"  {result.held_by or ''} {result.because}".rstrip() if word in ("HELD", "not here", "FAILED") else ""
    return f"{word:<9} {why.strip() or rows}" if why else f"{word:<9} {rows}"
