"""What the page asks of the review room: samples that a person may open, their items, verdicts, how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.reviewed import in_force_samples
from corpusgate.lake import store
from corpusgate.review import assignments, journal, reading
from corpusgate.review.desk import Desk, desk
from corpusgate.review.draw import ITEMS_RECORDED_MAX, OF_CANDIDATE, TECHNICAL
from corpusgate.review.journal import Verdict
from corpusgate.review.standing import Standing, standing
from corpusgate.settings.place import Place
from corpusgate_airflow.review import access, waiting

#: An assessor's list shows the newest so many samples.
LISTED = 30


@dataclass(frozen=True)
class Opened:
    """A sample that a person has before the eyes: to judge, or to read only."""

    place: Place
    person: str
    at: Desk
    may_write: bool

    @property
    def row(self) -> dict[str, Any]:
        """The row of `sample`."""
        return dict(self.at.drawn.row)

    @property
    def id(self) -> str:
        """The sample's id."""
        return self.at.drawn.row["sample_id"]

    @cached_property
    def tasks(self) -> list[assignments.Task]:
        """The person's items in the order of the draw."""
        return sorted(assignments.tasks(self.at, self.person), key=lambda t: t.ordinal)

    def items(self) -> list[tuple[int, str | None]]:
        """Ordinal and verdict of each: the person's own, or for who only reads what was decided."""
        if self.may_write:
            return [(t.ordinal, t.mine.verdict if t.mine else None) for t in self.tasks]
        outcomes = [(i["ordinal"], self.at.decision(i["record_id"]).outcome) for i in self.at.drawn.items]
        return [(ordinal, None if outcome == "open" else outcome) for ordinal, outcome in outcomes]

    def item(self, ordinal: int) -> reading.Item:
        """One item with its text.

        Raises:
            UserError: it is another person's, or there is none.
        """
        if self.may_write:
            return reading.item(self.place, self.id, ordinal, self.person)
        return reading.any_item(self.place, self.id, ordinal)

    def judge(
        self, ordinal: int, verdict: str, risks: list[str], comment: str, released: str, seconds: float, at: datetime
    ) -> None:
        """Keeps the person's verdict on an item.

        Raises:
            UserError: he or she may not, the item is another's, or the text is not the one that was shown.
        """
        self._writes()
        said = Verdict(
            self.id, self._record(ordinal), released, self.person, verdict, tuple(dict.fromkeys(risks)),  # ty: ignore[invalid-argument-type]
            comment, at, seconds,
        )  # fmt: skip
        assignments.may_say(self.at, said.checked())
        journal.append(self.place, said)

    def undo(self, ordinal: int, at: datetime) -> None:
        """Takes the person's verdict back.

        Raises:
            UserError: there is none, or he or she only reads.
        """
        self._writes()
        assignments.take_back(self.place, self.id, self._record(ordinal), self.person, at)

    def is_done(self, ordinal: int) -> bool:
        """Whether the person has nothing open but this item, which was judged just now."""
        return all(t.mine or t.ordinal == ordinal for t in self.tasks)

    def standing(self) -> dict[str, str]:
        """Verdict and reason as of now."""
        return in_words(standing(self.place, self.id))

    def told(self) -> dict[str, Any]:
        """How the sample stands, and what came of telling the runs that wait for it."""
        self._writes()
        said = waiting.pass_on(self.place, self.row["release_id"], self.person)
        return {"standing": self.standing(), "closing": said.outcome, "closing_because": said.because}

    def _writes(self) -> None:
        if not self.may_write:
            raise UserError(f"{self.person} reads this sample and judges nothing in it.")

    def _record(self, ordinal: int) -> str:
        if not 1 <= ordinal <= len(self.at.drawn.items):
            raise UserError(f"{self.id} has no item {ordinal}.")
        return self.at.drawn.items[ordinal - 1]["record_id"]


def opened(place: Place, sample_id: str, person: str) -> Opened:
    """The sample, for a person to whom it is given, or for an assessor.

    Raises:
        UserError: neither; the message is the same whether there is such a sample or not.
    """
    if access.reads_all(place, person):
        return Opened(place, person, desk(place, sample_id), False)
    return Opened(place, person, assignments.may_see(place, sample_id, person), True)


def listed(place: Place, person: str, everything: bool) -> list[dict[str, Any]]:
    """A row for each sample that the person may open: ids, items done of those given, how it stands."""
    rows = _for_people(place) if everything else assignments.samples_of(place, person)
    told = []
    for row in rows:
        stands = standing(place, row["sample_id"])
        mine = {p: (done, open_) for p, done, open_ in stands.by_reviewer}.get(person, (0, 0))
        done, given = (stands.decided, stands.drawn) if everything else (mine[0], sum(mine))
        told.append({**row, "done": done, "given": given, **in_words(stands)})
    return told


def sample_of_run(place: Place, run_id: str, person: str) -> str | None:
    """The sample that a filing run waits for and the person may open: one with open items first; None for none."""
    release = waiting.chosen(place, run_id)
    if release is None:
        return None
    there = [s["sample_id"] for s in in_force_samples(place, release)]
    if access.reads_all(place, person):
        return next(iter(there), None)
    mine = [s for s in there if s in {r["sample_id"] for r in assignments.samples_of(place, person)}]
    waits = [s for s in mine if any(t.mine is None for t in assignments.items_for(place, s, person))]
    return next(iter([*waits, *mine]), None)


def in_words(stands: Standing) -> dict[str, str]:
    """`verdict` as the gate would say it now, and `because`."""
    verdict = "fail" if not stands.can_still_pass else "pass" if stands.enough else "pending"
    said = f"{stands.decided} of {stands.needed} decided, {stands.bad} bad"
    if stands.bad_at_most is not None:
        said += f" (at most {stands.bad_at_most} may be)"
    for count, what in (
        (stands.waiting_for_third, "wait for a third person"),
        (stands.unassignable, "have nobody who may judge them: give the sample to more people"),
        (stands.void, "void: their text changed"),
    ):
        said += f"; {count} {what}" if count else ""
    return {"verdict": verdict, "because": said}


def as_told(mine: Verdict | None) -> dict[str, Any] | None:
    """The person's own verdict for the page."""
    return None if mine is None else {"verdict": mine.verdict, "risks": list(mine.risks), "comment": mine.comment}


def _for_people(place: Place) -> list[dict[str, Any]]:
    if not (place.table("sample") / "_delta_log").is_dir():
        return []
    rows = store.read(place, "sample").to_pylist()
    found = [r for r in rows if r["frame"] in OF_CANDIDATE and r["control_id"] != TECHNICAL]
    found = [r for r in found if r["size"] <= ITEMS_RECORDED_MAX]
    return sorted(found, key=lambda r: (r["drawn_at"], r["sample_id"]), reverse=True)[:LISTED]
