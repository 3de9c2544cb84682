"""All facts of a corpus's annotation, ordered so that each control can ask its one question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from corpusgate.annotation.model import Facts, Row, Task, days_of
from corpusgate.annotation.people import People
from corpusgate.annotation.rules import Batch, Outcome, batches, by_task, newest, outcomes, work_of

#: Who did something, in which role, on which days; no day where the time is not known.
Act = tuple[str, str, tuple[date, ...]]


@dataclass(frozen=True)
class Case:
    """`live` are the batches that somebody has begun and nobody declared void: what was taken out is not judged again.
    `work` are the latest labels of their tasks, `reviews`, `rulings`, `corrections`, `checks` what was said of those,
    `outcomes` what stands of them."""

    facts: Facts
    people: People
    at: datetime
    batches: Mapping[str, Batch]
    live: frozenset[str]
    work: Mapping[Task, list[Row]]
    reviews: Mapping[Task, list[Row]]
    rulings: Mapping[Task, list[Row]]
    corrections: Mapping[Task, list[Row]]
    checks: Mapping[Task, list[Row]]
    outcomes: Mapping[Task, Outcome]

    def of_kind(self, kind: str) -> list[Task]:
        """The annotated tasks of live batches of a kind."""
        return [task for task in self.work if self.batches[task[0]].kind == kind]

    def live_of(self, kind: str | None = None) -> list[Batch]:
        """The live batches in which somebody has worked, all or of a kind."""
        return [b for b in self.batches.values() if b.id in self.live and kind in (None, b.kind)]

    def risks(self, task: Task) -> set[str]:
        """Risks that people see in an item: those of its label where it has one, else all that an executor saw; and
        those that its verification found."""
        outcome, since = self.outcomes[task], self.since(task)
        said = [outcome.risks] if outcome.label is not None else [row["risks"] or () for row in self.work[task]]
        for check in self.checks.get(task, ()):
            if check["verified_at"] is None or since is None or check["verified_at"] >= since:
                said.append(check["risks"] or ())
        return {risk for risks in said for risk in risks}

    def released(self) -> dict[str, set[str]]:
        """Batch -> its records in the release that is judged, if any; without those that a passed batch holds too."""
        there = self.facts.released or frozenset()
        redone = {i["record_id"] for i in self.facts.items if self.batches[i["batch_id"]].verdict == "passed"}
        found: dict[str, set[str]] = defaultdict(set)
        for item in self.facts.items:
            passed = self.batches[item["batch_id"]].verdict == "passed"
            if item["record_id"] in there and (passed or item["record_id"] not in redone):
                found[item["batch_id"]].add(item["record_id"])
        return found

    def rule_version(self, task: Task) -> str:
        """The version of the rules by which a task was done."""
        return self.work[task][0]["rule_version"]

    def since(self, task: Task) -> datetime | None:
        """When the task's latest round began."""
        times = [r["decided_from"] or r["decided_at"] for r in self.work[task] if r["decided_at"]]
        return min(times, default=None)

    def executors(self, task: Task) -> set[str]:
        """Who labelled the task in its latest round."""
        return {r["annotator_id"] for r in self.work[task]}

    def newest_review(self, task: Task) -> Row | None:
        """The last review of the task's latest round by somebody who did not execute it."""
        executors = self.executors(task)
        return newest([r for r in self.reviews.get(task, ()) if r["reviewer_id"] not in executors], "reviewed_at",
                      self.since(task))  # fmt: skip

    def acts(self, task: Task) -> Iterator[Act]:
        """Everything that annotators did on a task of a live batch: labelled, reviewed, ruled."""
        for row in self.work[task]:
            yield row["annotator_id"], "executor", days_of(row["decided_from"], row["decided_at"])
        for row in self.reviews.get(task, ()):
            yield row["reviewer_id"], "reviewer", days_of(row["reviewed_from"], row["reviewed_at"])
        for row in self.rulings.get(task, ()):
            yield row["arbitrator_id"], "arbitrator", days_of(None, row["ruled_at"])

    def later_acts(self, task: Task) -> Iterator[Act]:
        """What else people did on it: verified, corrected."""
        for row in self.checks.get(task, ()):
            yield row["verifier_id"], "verifier", days_of(None, row["verified_at"])
        for row in self.corrections.get(task, ()):
            yield row["corrector_id"], "corrector", days_of(None, row["new_at"])


def case(facts: Facts, at: datetime, holds_days: int, share_holds: Callable[[float], bool]) -> Case:
    """The case at the time of the run. `holds_days`: how long an exam counts; `share_holds`: bound of 45674 8.3 c."""
    verdicts = batches(facts, share_holds)
    work = work_of(facts.annotations)
    begun = {task[0] for task in work}
    live = frozenset(b.id for b in verdicts.values() if b.id in begun and not b.declared_void)

    def tasks(register: str) -> dict[Task, list[Row]]:
        return by_task(r for r in facts.of(register) if r["batch_id"] in live)

    work = {t: rows for t, rows in work.items() if t[0] in live}
    standing = {t: o for t, o in outcomes(facts).items() if t[0] in live}
    return Case(
        facts, People(facts, holds_days), at, verdicts, live, work, tasks("approval"), tasks("arbitration"),
        tasks("correction"), tasks("verification"), standing,
    )  # fmt: skip
