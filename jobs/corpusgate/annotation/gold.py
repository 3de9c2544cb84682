"""Questions whose answer is known: how often each person is right, and how fast. Plain functions on rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from corpusgate.annotation.model import Row, Task
from corpusgate.gates.statistics import clopper_pearson

Standing = Literal["good", "poor", "too_few"]

#: Customary bars (own choice, as tools have them): judged from 10 answers on, 70 % right; under 3 s nobody has read.
FEWEST, ASKED, SECONDS = 10, 0.70, 3.0


@dataclass(frozen=True, slots=True)
class Gold:
    """One person's answers to questions whose answer is known. `low`, `high`: exact 95 % interval of the share right.
    `seconds`: median of the answers' times, None where the tool keeps none."""

    person: str
    right: int
    answers: int
    low: float | None
    high: float | None
    seconds: float | None
    standing: Standing

    @property
    def share(self) -> float | None:
        """Share of right answers."""
        return self.right / self.answers if self.answers else None


def expected(items: Iterable[Row]) -> dict[Task, str]:
    """The known answers, by batch and record, of the batches' items."""
    return {(i["batch_id"], i["record_id"]): i["gold_label"] for i in items if i.get("gold_label") is not None}


def gold(annotations: Iterable[Row], answers: Mapping[Task, str]) -> list[Gold]:
    """Each person's score, by name; `annotations` are those that count. Who answered none is not among them.

    A person is `poor` when fewer than 70 % of at least 10 answers are right, and `too_few` says that nothing follows.
    """
    said: dict[str, list[tuple[bool, float | None]]] = defaultdict(list)
    for row in annotations:
        answer = answers.get((row["batch_id"], row["record_id"]))
        if answer is not None:
            said[row["annotator_id"]].append((row["label"] == answer, row["lead_time_s"]))
    return [_scored(person, rows) for person, rows in sorted(said.items())]


def _scored(person: str, rows: list[tuple[bool, float | None]]) -> Gold:
    right, n = sum(ok for ok, _ in rows), len(rows)
    interval = clopper_pearson(right, n)
    times = [t for _, t in rows if t is not None]
    standing: Standing = "too_few" if n < FEWEST else "good" if right / n >= ASKED else "poor"
    return Gold(person, right, n, interval.low, interval.high, median(times) if times else None, standing)
