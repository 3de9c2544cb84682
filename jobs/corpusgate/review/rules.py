"""Who judges which item, when an item is decided, when a sample can no longer pass: plain functions of seed and ids.

Nobody chooses his or her items: people are ordered for each item by SHA-256 over seed, person and record, and a
declared share of the items is judged by two. Where the two differ, a third one decides.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["good", "bad", "open"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What people's verdicts in force make of an item. `tied`: as many say good as bad, so one person more decides."""

    outcome: Outcome
    tied: bool = False


def doubled(seed: str, records: Iterable[str], share: float) -> frozenset[str]:
    """The items that two people judge: at least `share` of them, rounded up, the first by SHA-256 of
    `seed|double|record_id`."""
    there = sorted(set(records), key=lambda r: (_hash(f"{seed}|double|{r}"), r))
    return frozenset(there[: math.ceil(round(share * len(there), 9))])


def in_turn(seed: str, record_id: str, people: Iterable[str]) -> list[str]:
    """The people in the order in which the item goes to them: by SHA-256 of `seed|person|record_id`. Who comes or goes
    later moves no item between the others."""
    return sorted(set(people), key=lambda p: (_hash(f"{seed}|{p}|{record_id}"), p))


def decision(verdicts: Collection[str], double: bool) -> Decision:
    """The item's outcome from the verdicts in force, one a person: of one, or of two where it is judged twice; more of
    them decide by majority, so that where two differ a third one does."""
    good, bad = sum(v == "good" for v in verdicts), sum(v == "bad" for v in verdicts)
    if good + bad < (2 if double else 1):
        return Decision("open")
    return Decision("open", tied=True) if good == bad else Decision("good" if good > bad else "bad")


def asked(seed: str, record_id: str, people: Iterable[str], said: Mapping[str, str], double: bool) -> list[str]:
    """Who is to judge the item next: nobody once it is decided. `people` are those who may."""
    if decision(said.values(), double).outcome != "open":
        return []
    wanted = max(1, (2 if double else 1) - len(said))
    return [p for p in in_turn(seed, record_id, people) if p not in said][:wanted]


def bad_at_most(needed: int, bound: float) -> int:
    """How many of `needed` items may be bad: 160 of 4,000 at 96 %."""
    return needed - math.ceil(round(bound * needed, 9))


def lost(needed: int, bad: int, bound: float) -> bool:
    """Whether the sample fails whatever the rest will be: 161 bad of 4,000 at 96 %."""
    return needed > 0 and bad > bad_at_most(needed, bound)


def agreement(pairs: Sequence[tuple[str, str]]) -> tuple[float | None, float | None, str]:
    """Raw agreement and Fleiss' kappa of what two people said of the same items; and why kappa is not computable
    (`no_pairs`, `unanimous`): where all say the same there is no chance to correct for."""
    if not pairs:
        return None, None, "no_pairs"
    import numpy as np

    from corpusgate.annotation.agreement import fleiss_kappa, raw_agreement

    counts = np.array([[p.count("good"), p.count("bad")] for p in pairs])
    kappa = fleiss_kappa(counts)
    return raw_agreement(counts), kappa.value, kappa.why


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
