"""How a sample stands: what is decided, what is open and why, how far people agree, whether it can still pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from corpusgate.lake import store
from corpusgate.review import rules
from corpusgate.review.desk import Desk, desk
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one sample. `decided` = good + `bad` items; `open` wait for people, `waiting_for_third` of them because two
    differ, `unassignable` because too few people may judge them; `void` items have another text than was drawn.

    `needed` decided items are asked for; `bad_at_most` of them may be bad. `enough`: nothing that is still said can
    change whether the sample suffices: all is decided, or it `can_still_pass` no more.
    """

    sample_id: str
    drawn: int
    needed: int
    decided: int
    bad: int
    open: int
    void: int
    double: int
    disagreements: int
    waiting_for_third: int
    unassignable: int
    agreement: float | None
    kappa: float | None
    kappa_not_computable: str
    bad_at_most: int | None
    can_still_pass: bool
    enough: bool
    by_reviewer: tuple[tuple[str, int, int], ...]

    @property
    def state(self) -> str:
        """In a word or two."""
        if not self.can_still_pass:
            return "can pass no more"
        return "enough" if self.enough else "open"

    @property
    def kappa_said(self) -> str:
        """Kappa in words."""
        return f"{self.kappa:.2f}" if self.kappa is not None else f"not computable ({self.kappa_not_computable})"


def standing(place: Place, sample_id: str) -> Standing:
    """How the sample stands now, with what the journal holds beyond the table.

    Raises:
        UserError: no such sample, or one for machines.
    """
    at = desk(place, sample_id)
    control = load_catalogue(place)[at.drawn.row["control_id"]]
    share = control.bound if control.figure == "manual_pass_rate" else None
    needed = (
        control.draw.size(at.drawn.row["frame_rows"]) if share is not None and control.draw else len(at.drawn.items)
    )
    return stands(at, needed, share)


def all_standing(place: Place) -> list[Standing]:
    """Of every sample that was given to somebody, by its id."""
    if not (place.table("review_assignment") / "_delta_log").is_dir():
        return []
    found = store.query(place, "SELECT DISTINCT sample_id FROM review_assignment", ["review_assignment"])
    return [standing(place, s) for s in sorted(found.column(0).to_pylist())]


def stands(at: Desk, needed: int, bound: float | None) -> Standing:
    """How the sample of this desk stands, where `needed` items are asked for and `bound` of them must pass (None: the
    control has no bound for reviews; then it can always pass)."""
    records = [i["record_id"] for i in at.drawn.items]
    outcomes = {r: at.decision(r) for r in records if r in at.drawn.current}
    counted = Counter(d.outcome for d in outcomes.values())
    bad, decided = counted["bad"], counted["bad"] + counted["good"]
    pairs = _pairs(at)
    raw, kappa, why = rules.agreement(pairs)
    missed = bound is not None and rules.lost(max(needed, decided), bad, bound)
    stuck = [r for r, d in outcomes.items() if d.outcome == "open" and not at.asked(r)]
    given = Counter(p for said in at.said.values() for p in said)
    waits = Counter(p for r, d in outcomes.items() if d.outcome == "open" for p in at.asked(r))
    return Standing(
        sample_id=at.drawn.row["sample_id"], drawn=len(records), needed=needed, decided=decided, bad=bad,
        open=counted["open"], void=len(records) - len(outcomes), double=len(at.double),
        disagreements=sum(a != b for a, b in pairs), waiting_for_third=sum(d.tied for d in outcomes.values()),
        unassignable=len(stuck), agreement=raw, kappa=kappa, kappa_not_computable=why,
        bad_at_most=None if bound is None else rules.bad_at_most(needed, bound), can_still_pass=not missed,
        enough=missed or (decided >= needed and not counted["open"]),
        by_reviewer=tuple((p, given[p], waits[p]) for p in sorted({*at.given.ever, *given})),
    )  # fmt: skip


def _pairs(at: Desk) -> list[tuple[str, str]]:
    """What the first two people said of each item that two judged, in the order of their turn."""
    pairs = []
    for _, said in sorted(at.said.items()):
        first = sorted(said.values(), key=lambda v: (v.reviewed_at, v.reviewer))[:2]
        if len(first) == 2:
            pairs.append((first[0].verdict, first[1].verdict))
    return pairs
