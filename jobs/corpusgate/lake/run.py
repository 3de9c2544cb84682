"""A run: its id, its time, and the JSON result that each step leaves under `_runs/<run_id>/`.

Steps meet in tables and in these results, never in memory. A result is written once, atomically, at the end of its
step: a step killed before has said nothing, and one started again says the same.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from corpusgate.errors import Unreconciled, UserError
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.load import load_corpus, load_sources
from corpusgate.settings.place import Place
from corpusgate.settings.source import Source

#: Files of a run's folder that are no result of a step.
NO_RESULTS = ("run.json", "figures.json")

State = Literal["ok", "held", "unavailable", "failed", "unchanged"]


class StepResult(BaseModel):
    """What a step did, in one unit: `rows_in = kept + removed + errored`.

    `held` with `held_by` (a control id) keeps the source, or the release, back. `facts` are the step's own (JSON).
    """

    model_config = ConfigDict(extra="forbid")

    step: str
    source_id: str | None = None
    state: State = "ok"
    unit: str
    rows_in: int
    kept: int
    removed: int = 0
    errored: int = 0
    removed_by_rule: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0
    held_by: str | None = None
    because: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)

    def reconcile(self) -> StepResult:
        """Returns itself.

        Raises:
            Unreconciled: the rows do not add up, or the removed ones are not all named by a rule.
        """
        if self.rows_in != self.kept + self.removed + self.errored:
            raise Unreconciled(
                f"{self.step}{f' of {self.source_id}' if self.source_id else ''}: {self.rows_in} {self.unit}s in, but "
                f"{self.kept} kept + {self.removed} removed + {self.errored} errored. Nothing was passed on; this is a "
                f"defect: please report it with the run's folder."
            )
        if sum(self.removed_by_rule.values()) != self.removed:
            raise Unreconciled(
                f"{self.step}: {self.removed} {self.unit}s removed, but the rules name {self.removed_by_rule}."
            )
        return self


@dataclass(frozen=True)
class Run:
    """One run of the flow over one corpus. `at` is the run's own time: no step reads a clock for what it records."""

    id: str
    corpus: Corpus
    at: datetime
    place: Place
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """Where this run's results lie."""
        return self.place.runs / safe_name(self.id)

    @cached_property
    def sources(self) -> list[Source]:
        """The corpus's sources, as declared."""
        return load_sources(self.place, self.corpus)

    def source(self, source_id: str) -> Source:
        """One of the corpus's sources.

        Raises:
            UserError: the corpus does not have it.
        """
        for source in self.sources:
            if source.id == source_id:
                return source
        there = ", ".join(self.corpus.sources)
        raise UserError(f"The corpus {self.corpus.id} has no source {source_id!r}; it has {there}.")

    def write(self, result: StepResult) -> StepResult:
        """Checks that the rows add up and leaves the result in the run's folder."""
        result.reconcile()
        name = result.step + (f"--{result.source_id}" if result.source_id else "")
        write_atomically(self.folder / f"{name}.json", result.model_dump_json(indent=1))
        return result

    def result(self, step: str, source_id: str | None = None) -> StepResult | None:
        """The step's result, or None while it has none."""
        path = self.folder / (step + (f"--{source_id}" if source_id else "") + ".json")
        return StepResult.model_validate_json(path.read_text("utf-8")) if path.is_file() else None

    def results(self, step: str | None = None) -> list[StepResult]:
        """All results, or those of one step, in the order of their file names."""
        paths = sorted(self.folder.glob(f"{step}*.json" if step else "*.json"))
        read = [StepResult.model_validate_json(p.read_text("utf-8")) for p in paths if p.name not in NO_RESULTS]
        return [r for r in read if step is None or r.step == step]

    def held(self) -> dict[str, StepResult]:
        """Sources that a step of this run holds back, with the first result that did."""
        held: dict[str, StepResult] = {}
        for step in ("fetch", "licence", "admission", "source_gate"):
            for result in self.results(step):
                if result.source_id and result.state in ("held", "unavailable", "failed"):
                    held.setdefault(result.source_id, result)
        return held


def open_run(place: Place, corpus_id: str, run_id: str, at: datetime) -> Run:
    """The run, with its folder and `run.json` in place; opening it again changes nothing."""
    run = Run(run_id, load_corpus(place, corpus_id), at.astimezone(UTC), place)
    run.folder.mkdir(parents=True, exist_ok=True)
    if not (run.folder / "run.json").exists():
        about = {"run_id": run_id, "corpus": corpus_id, "at": run.at.isoformat()}
        write_atomically(run.folder / "run.json", json.dumps(about, indent=1))
    return run


def safe_name(run_id: str) -> str:
    """The run's id as a folder name: everything but letters, digits, dot, plus, hyphen and underscore becomes `_`."""
    return re.sub(r"[^A-Za-z0-9.+_-]", "_", run_id).lstrip(".") or "_"


def write_atomically(path: Path, text: str) -> None:
    """Writes the file so that a reader sees the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
