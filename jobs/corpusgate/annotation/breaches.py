"""One question a control: which tasks, batches, items break it, of how many (45654-2025 4.3, 45674-2025 6 to 8).

Each function takes a `Case` and returns a `Count`; nothing here knows a bound. Batches that were declared void are out
of all of them: voiding is the remedy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from corpusgate.annotation.case import Case
from corpusgate.annotation.model import KINDS, Task, day_of, days_of
from corpusgate.annotation.rules import Batch
from corpusgate.settings.model import RISKS

#: Roles of records that are themselves made by annotation.
DIALOGUE: tuple[str, ...] = ("prompt", "chosen", "rejected")


@dataclass(frozen=True, slots=True)
class Count:
    """`offenders` (ids, sorted) of `n`; `said` is what they are, in words. `nothing` says why there is nothing to judge
    where that is in order (then n is 0)."""

    n: int
    offenders: tuple[str, ...]
    said: str
    nothing: str = ""


def _tasks(case: Case, breaks: Callable[[Task], bool], said: str, tasks: Iterable[Task] | None = None) -> Count:
    judged = sorted(case.work if tasks is None else tasks)
    return Count(len(judged), tuple(t[1] for t in judged if breaks(t)), said)


def unqualified(case: Case) -> Count:
    """4.3.1 b: tasks on which somebody worked without a qualification that day, or when nobody knows."""
    return _by_standing(case, ("none", "suspended"), "tasks were worked on by people without a qualification that day")


def lapsed(case: Case) -> Count:
    """7.1 c: tasks on which somebody worked whose qualification had lapsed."""
    return _by_standing(case, ("lapsed",), "tasks were worked on under a qualification that had lapsed")


def _by_standing(case: Case, bad: tuple[str, ...], said: str) -> Count:
    def breaks(task: Task) -> bool:
        kind, version = case.batches[task[0]].kind, case.rule_version(task)
        return any(
            case.people.standing(person, kind, day, version) in bad
            for person, _, days in case.acts(task) for day in days
        ) or ("none" in bad and any(not days for _, _, days in case.acts(task)))  # fmt: skip

    return _tasks(case, breaks, said)


def unexamined(case: Case) -> Count:
    """7.1 b: tasks on which somebody worked who had not passed an examination by then."""

    def breaks(task: Task) -> bool:
        kind = case.batches[task[0]].kind
        return any(not case.people.examined(person, kind, day) for person, _, days in case.acts(task) for day in days)

    return _tasks(case, breaks, "tasks were worked on by people who had not passed an examination by then")


def withdrawn(case: Case) -> Count:
    """7.3 f: tasks on which somebody worked, verified or corrected after access was withdrawn."""

    def breaks(task: Task) -> bool:
        acts = (*case.acts(task), *case.later_acts(task))
        return any(case.people.withdrawn(person, day) for person, _, days in acts if person for day in days)

    return _tasks(case, breaks, "tasks were worked on after the person's access had been withdrawn")


def reviewed_by_executor(case: Case) -> Count:
    """4.3.1 c, 7.3 e: tasks that one of their executors reviewed; the same person may do both on different tasks."""

    def breaks(task: Task) -> bool:
        return any(r["reviewer_id"] in case.executors(task) for r in case.reviews.get(task, ()))

    return _tasks(case, breaks, "tasks were reviewed by one of their executors")


def unassigned(case: Case) -> Count:
    """7.2 c: tasks that somebody executed without having been given them."""
    given = {(r["batch_id"], r["record_id"], r["annotator_id"]) for r in case.facts.of("assignment")
             if r["role"] == "executor"}  # fmt: skip
    return _tasks(
        case, lambda t: any((*t, who) not in given for who in case.executors(t)), "tasks have no record of assignment"
    )


def unreviewed(case: Case) -> Count:
    """7.3 a, b: tasks that nobody reviewed since they were last done."""

    def breaks(task: Task) -> bool:
        since = case.since(task)
        return not any(
            r["reviewed_at"] is not None and (since is None or r["reviewed_at"] >= since)
            for r in case.reviews.get(task, ())
        )

    return _tasks(case, breaks, "tasks were not reviewed")


def unruled(case: Case) -> Count:
    """7.3 c: tasks whose executors disagree and on which no arbitrator ruled. A majority is no ruling."""

    def breaks(task: Task) -> bool:
        if len({r["label"] for r in case.work[task]}) < 2:
            return False
        since = case.since(task)
        return not any(
            (since is None or r["ruled_at"] >= since)
            and case.people.has_role(r["arbitrator_id"], "arbitrator", day_of(r["ruled_at"]))
            for r in case.rulings.get(task, ())
        )

    return _tasks(case, breaks, "tasks have differing labels and no arbitrator's ruling")


def unsupervised(case: Case) -> Count:
    """7.3 d: roles that worked in a batch and whose work no supervisor looked at."""
    worked = {(t[0], role) for t in case.work for _, role, _ in case.acts(t)}
    seen = {
        (r["batch_id"], r["role"]) for r in case.facts.of("supervision")
        if case.people.has_role(r["supervisor_id"], "supervisor", r["supervised_on"])
    }  # fmt: skip
    missing = tuple(f"{batch}:{role}" for batch, role in sorted(worked - seen))
    return Count(len(worked), missing, "roles worked in a batch without a supervisor's look at their work")


def without_rules(case: Case) -> Count:
    """4.3.2, clause 6: kinds without rules in force, batches whose version of the rules is not registered, was not in
    force when they were drawn, or does not cover execution and review."""
    today = day_of(case.at)
    offenders: list[str] = [kind for kind in KINDS if not case.people.rules_in_force(kind, today)]
    about = {b["batch_id"]: b for b in case.facts.batches}
    for batch in case.live_of():
        rule = case.people.rule(batch.kind, about[batch.id]["rule_version"])
        drawn = day_of(about[batch.id]["drawn_at"])
        if rule is None or rule["valid_from"] > drawn or not (rule["covers_execution"] and rule["covers_review"]):
            offenders.append(batch.id)
    said = "kinds or batches have no rules registered and in force that cover execution and review"
    return Count(len(KINDS) + len(case.live), tuple(sorted(offenders)), said)


def risks_without_rule(case: Case) -> Count:
    """4.3.2 d: risks of Annex A that the safety rules in force have no rule for."""
    covered = {r for rule in case.people.rules_in_force("safety", day_of(case.at)) for r in rule["risks"] or ()}
    return Count(len(RISKS), tuple(r for r in RISKS if r not in covered), "risks have no rule of safety annotation")


def unsampled_or_not_voided(case: Case) -> Count:
    """4.3.3 a: functional batches that nobody sampled by hand as they were drawn, whose inaccurate sample did not lead
    to annotating again, or that hold illegal or unhealthy content and are not declared void."""
    said = "functional batches are not sampled, not redone after an inaccurate sample, or not declared void"
    return _batches(case.live_of("functional"), lambda b: b.verdict != "passed", "functional", said)


def void_in_use(case: Case) -> Count:
    """8.2 g. Of a release: batches with records in it that are void, or, where the records are prompts and responses,
    that did not pass. Without one: functional batches with a hit that are not declared void, or not sampled."""
    if case.facts.released is None:
        judged = case.live_of("functional")
        said = "functional batches hold illegal or unhealthy content, or were not sampled by hand as drawn"
        return _batches(judged, lambda b: bool(b.hits) or not b.whole or not b.sampled, "functional", said)
    there, roles = case.released(), case.facts.record_roles

    def breaks(batch: Batch) -> bool:
        made = any(roles.get(record) in DIALOGUE for record in there[batch.id])
        return batch.verdict == "void" or (made and batch.verdict != "passed")

    found = _batches([case.batches[b] for b in there], breaks, "", "batches are in the release and must not be")
    return found if there else replace(found, nothing="no record of the release is annotated")


def verified_by_insiders(case: Case) -> Count:
    """8.1 c: batches that nobody from outside them verified by hand, or that somebody from inside verified too."""
    inside: dict[str, set[str]] = defaultdict(set)
    for task in case.work:
        inside[task[0]] |= {person for person, _, _ in case.acts(task)}
    outside: set[str] = set()
    broken: set[str] = set()
    for task, checks in case.checks.items():
        for check in checks:
            if check["verifier_id"] in inside[task[0]]:
                broken.add(task[0])
            elif check["method"] == "manual" and check["verifier_id"]:
                outside.add(task[0])
    judged = case.live_of()
    return _batches(judged, lambda b: b.id in broken or b.id not in outside, "",
                    "batches were verified by people who worked in them, or by nobody from outside")  # fmt: skip


def _batches(judged: Iterable[Batch], breaks: Callable[[Batch], bool], kind: str, said: str) -> Count:
    judged = list(judged)
    nothing = f"there is no batch of {kind} annotation" if kind and not judged else ""
    return Count(len(judged), tuple(sorted(b.id for b in judged if breaks(b))), said, nothing)


def unapproved(case: Case) -> Count:
    """4.3.3 b, 8.3 b: safety items without the approval of a qualified reviewer who did not execute them."""

    def breaks(task: Task) -> bool:
        review = case.newest_review(task)
        if review is None or review["decision"] == "reject":
            return True
        person, days = review["reviewer_id"], days_of(review["reviewed_from"], review["reviewed_at"])
        return not all(
            case.people.has_role(person, "reviewer", day)
            and case.people.standing(person, "safety", day, case.rule_version(task)) == "qualified"
            for day in days
        )

    return _items(case, "safety", breaks, "safety items lack a qualified reviewer's approval who did not execute them")


def failed_shares(case: Case) -> Mapping[str, Count]:
    """8.3 c: by batch, the safety items that failed verification, out of all safety items of the batch. Of a release,
    the batches with records in it, void or not; without one, those not declared void."""
    said = "safety items of the batch failed verification"
    judged = case.live_of("safety")
    if case.facts.released is not None:
        judged = [b for b in (case.batches[name] for name in case.released()) if b.kind == "safety"]
    return {b.id: Count(b.items, b.failed, said) for b in judged}


def functional_with_risk(case: Case) -> Count:
    """8.2 a: functional items in which people see a risk of Annex A."""
    return _items(case, "functional", lambda t: bool(case.risks(t)), "functional items hold a risk of Annex A")


def _items(case: Case, kind: str, breaks: Callable[[Task], bool], said: str) -> Count:
    tasks = case.of_kind(kind)
    count = _tasks(case, breaks, said, tasks)
    return count if tasks else Count(0, (), said, f"there is no {kind} annotation")
