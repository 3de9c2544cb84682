"""To whom a sample is given for review, and which of its items are a person's: a function of seed and record id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.release.verify import manifest_of
from corpusgate.review import journal
from corpusgate.review.desk import Desk, desk, drawn_of, given_of
from corpusgate.review.journal import Verdict
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles

#: The role that gives samples out, and the one that judges their items.
GIVES, JUDGES = "lead", "reviewer"


@dataclass(frozen=True, slots=True)
class Task:
    """An item that is, or was, a person's to judge; `mine` is that person's verdict in force."""

    ordinal: int
    record_id: str
    mine: Verdict | None


def assign(place: Place, sample_id: str, reviewers: Sequence[str], by: str, at: datetime) -> list[str]:
    """Gives the sample to these people; returns those who did not have it yet. The share that is judged twice is the
    policy's when the first of them gets it, and stays.

    Raises:
        UserError: no such sample; `by` does not hold the role lead, a reviewer not the role reviewer. LakeBusy.
    """
    row = drawn_of(place, sample_id).row
    roles = load_roles(place)
    roles.check(by, GIVES)
    for person in reviewers:
        roles.check(person, JUDGES)
    corpus = load_corpus(place, manifest_of(place, row["release_id"])["corpus"])
    return _write(place, sample_id, reviewers, "assigned", by, "", at, corpus.policy.review_double_share)


def withdraw(place: Place, sample_id: str, reviewer: str, by: str, because: str, at: datetime) -> list[str]:
    """Takes the sample from a person: open items go to the others, what he or she said stays.

    Raises:
        UserError: the person has not got it, or `by` does not hold the role lead. LakeBusy.
    """
    load_roles(place).check(by, GIVES)
    if reviewer not in given_of(place, sample_id).people:
        raise UserError(f"{sample_id} is not given to {reviewer!r}.")
    return _write(place, sample_id, [reviewer], "withdrawn", by, because, at, 0.0)


def samples_of(place: Place, reviewer: str) -> list[dict[str, Any]]:
    """The rows of the samples that are given to this person, the newest first: what he or she may see."""
    if not (place.table("review_assignment") / "_delta_log").is_dir():
        return []
    rows = store.read(place, "review_assignment", where=f"reviewer = {quoted(reviewer)}").to_pylist()
    newest = {r["sample_id"]: r["state"] for r in sorted(rows, key=lambda r: r["attempt"])}
    mine = [s for s, state in newest.items() if state == "assigned"]
    found = [drawn_of(place, s).row for s in mine]
    return [dict(r) for r in sorted(found, key=lambda r: (r["drawn_at"], r["sample_id"]), reverse=True)]


def items_for(place: Place, sample_id: str, reviewer: str) -> list[Task]:
    """The person's items: the open ones first, in the order of the draw, then those judged, in the same order.

    Raises:
        UserError: the sample is not given to this person.
    """
    return tasks(may_see(place, sample_id, reviewer), reviewer)


def tasks(at: Desk, reviewer: str) -> list[Task]:
    """The person's items of a sample."""
    open_, done = [], []
    for item in at.drawn.items:
        record = item["record_id"]
        mine = at.said.get(record, {}).get(reviewer)
        if mine is not None:
            done.append(Task(item["ordinal"], record, mine))
        elif reviewer in at.asked(record):
            open_.append(Task(item["ordinal"], record, None))
    return [*open_, *done]


def may_see(place: Place, sample_id: str, reviewer: str) -> Desk:
    """The sample's desk, for somebody to whom it is given.

    Raises:
        UserError: it is not; the message is the same whether there is such a sample or not.
    """
    if reviewer not in given_of(place, sample_id).people:
        raise UserError(f"No sample {sample_id!r} is given to {reviewer!r}; `corpusgate review status` lists them.")
    return desk(place, sample_id)


def may_say(at: Desk, verdict: Verdict) -> None:
    """Raises UserError unless the person may say this of the item: given to him or her, drawn in the sample, not
    labelled by the same person, still the text that was drawn, and his or hers to judge (or judged already)."""
    item = at.drawn.by_record.get(verdict.record_id)
    if verdict.reviewer not in at.given.people:
        raise UserError(f"The sample is not given to {verdict.reviewer!r}.")
    if item is None:
        raise UserError(f"{verdict.record_id[:64]!r} is no item of {at.drawn.row['sample_id']}.")
    if verdict.record_id in at.barred.get(verdict.reviewer, ()):
        raise UserError(f"{verdict.reviewer} labelled item {item['ordinal']}: somebody else judges it.")
    if verdict.record_id not in at.drawn.current or verdict.released_sha256 != item["released_sha256"]:
        raise UserError(f"Item {item['ordinal']} is not the text that was drawn; it is void.")
    said = at.said.get(verdict.record_id, {})
    if verdict.reviewer not in said and verdict.reviewer not in at.asked(verdict.record_id):
        raise UserError(f"Item {item['ordinal']} goes to somebody else.")


def record(place: Place, verdict: Verdict) -> None:
    """Keeps a verdict, if the person may give it: what a page calls. It is on disk when this returns.

    Raises:
        UserError: he or she may not (see `may_say`), or it is no verdict.
    """
    may_say(may_see(place, verdict.sample_id, verdict.reviewer), verdict.checked())
    journal.append(place, verdict)


def take_back(place: Place, sample_id: str, record_id: str, reviewer: str, at: datetime) -> None:
    """Undoes the person's verdict on the item: it is open for him or her again.

    Raises:
        UserError: there is none in force.
    """
    mine = may_see(place, sample_id, reviewer).said.get(record_id, {}).get(reviewer)
    if mine is None:
        raise UserError(f"{reviewer} has no verdict on this item to take back.")
    journal.append(place, journal.undo(mine, at))


def _write(
    place: Place, sample_id: str, people: Sequence[str], state: str, by: str, because: str, at: datetime, share: float
) -> list[str]:
    with lease(place, f"review {state} {sample_id}"):
        store.ensure_tables(place, ["review_assignment"])
        there = store.read(place, "review_assignment", where=f"sample_id = {quoted(sample_id)}").to_pylist()
        now = given_of(place, sample_id)
        fresh = [p for p in dict.fromkeys(people) if (p in now.people) != (state == "assigned")]
        last = {p: max((r["attempt"] for r in there if r["reviewer"] == p), default=0) for p in fresh}
        rows = [
            {"sample_id": sample_id, "reviewer": p, "state": state, "double_share": now.share if there else share,
             "assigned_by": by, "because": because, "assigned_at": at, "attempt": last[p] + 1}
            for p in fresh
        ]  # fmt: skip
        store.append_new(place, "review_assignment", rows, f"review {state}")
    return fresh
