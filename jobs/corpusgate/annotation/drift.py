"""How people's work changes from week to week: how much, how fast, and how far the others agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from corpusgate.annotation.agreement import Coefficient, Ratings, krippendorff_alpha, raw_agreement
from corpusgate.annotation.gold import SECONDS

#: A week is compared with the person's weeks before it from so many compared answers on, in each of both.
FEWEST = 30
#: Standard errors between both shares from which a change is more than chance: one false alarm in some 400 weeks.
UNLIKELY = 3.0
#: Share of answers under `SECONDS` that is worth a look.
HASTE = 0.10
_OFFSET = 8 * 3600  # the annotators' zone (model.ZONE) has no summer time
_WEEK = 7 * 24 * 3600
_FIRST_MONDAY = 4 * 24 * 3600  # 1970-01-05, in seconds


@dataclass(frozen=True, slots=True)
class Week:
    """One person's week, named by its Monday. `seconds`: median time, `fast`: share under 3 s (None: no times kept).
    `agreed`: share of the other people's labels of the same items that are the same, over `compared` of them.
    `drifted`: that share differs from the person's weeks before by more than chance; `down`: it fell."""

    person: str
    week: str
    annotations: int
    seconds: float | None
    fast: float | None
    compared: int
    agreed: float | None
    before: float | None
    drifted: bool

    @property
    def down(self) -> bool:
        """Whether the others agree less than before, by more than chance."""
        return bool(self.drifted and self.agreed is not None and self.before is not None and self.agreed < self.before)

    @property
    def hasty(self) -> bool:
        """Whether many answers came faster than anybody reads."""
        return self.fast is not None and self.fast >= HASTE


@dataclass(frozen=True, slots=True)
class AgreementOfWeek:
    """Agreement of everybody in one week: annotations, items with two labels or more (`compared`), raw, alpha."""

    week: str
    annotations: int
    compared: int
    raw: float | None
    alpha: Coefficient


def week_numbers(seconds: np.ndarray) -> np.ndarray:
    """Weeks from Monday to Sunday where the annotators are, counted from 1970-01-05; `seconds` since 1970, UTC."""
    return (seconds.astype(np.int64) + _OFFSET - _FIRST_MONDAY) // _WEEK


def monday(week: int) -> str:
    """The Monday of a week, as ISO date."""
    return (datetime(1970, 1, 5, tzinfo=UTC) + timedelta(weeks=int(week))).date().isoformat()


def by_week(r: Ratings, week: np.ndarray) -> list[AgreementOfWeek]:
    """Agreement of each week, over the labels given in it."""
    found = []
    for number in np.unique(week):
        counts = r.where(week == number).counts()
        total, compared = int(counts.sum()), int((counts.sum(axis=1) > 1).sum())
        found.append(
            AgreementOfWeek(monday(number), total, compared, raw_agreement(counts), krippendorff_alpha(counts))
        )
    return found


def weeks(r: Ratings, week: np.ndarray, lead_time_s: np.ndarray) -> list[Week]:
    """Every person's weeks, by name and time. `lead_time_s` has NaN where the tool keeps no time."""
    if not r.item.size:
        return []
    compared, agreed = _with_others(r)
    first = int(week.min())
    span = int(week.max()) - first + 1
    cell = r.person * span + (week - first)
    cells, at = np.unique(cell, return_inverse=True)
    annotations = np.bincount(at)
    of, same = np.bincount(at, weights=compared), np.bincount(at, weights=agreed)
    middle, fast = _times(at, lead_time_s, cells.size)
    out: list[Week] = []
    earlier_of = earlier_same = 0.0
    last = -1
    for no, (person, number) in enumerate(zip(*divmod(cells, span), strict=True)):
        if person != last:
            earlier_of, earlier_same, last = 0.0, 0.0, person
        share = same[no] / of[no] if of[no] else None
        before = earlier_same / earlier_of if earlier_of else None
        out.append(Week(
            r.people[person], monday(number + first), int(annotations[no]), middle[no], fast[no], round(of[no]),
            share, before, _differs(same[no], of[no], earlier_same, earlier_of),
        ))  # fmt: skip
        earlier_of += of[no]
        earlier_same += same[no]
    return out


def _with_others(r: Ratings) -> tuple[np.ndarray, np.ndarray]:
    """Of each annotation: how many labels others gave the item, and how many of them are the same."""
    labels = len(r.labels)
    of_item = np.bincount(r.item, minlength=len(r.items))
    of_cell = np.bincount(r.item * labels + r.label, minlength=len(r.items) * labels)
    own, own_at = np.unique(r.item * len(r.people) + r.person, return_inverse=True)
    _, same_at, same = np.unique(
        (r.item * len(r.people) + r.person) * labels + r.label, return_inverse=True, return_counts=True
    )
    mine = np.bincount(own_at, minlength=own.size)[own_at]
    return of_item[r.item] - mine, of_cell[r.item * labels + r.label] - same[same_at]


def _times(at: np.ndarray, lead: np.ndarray, cells: int) -> tuple[Sequence[float | None], Sequence[float | None]]:
    known = ~np.isnan(lead)
    where, times = at[known], lead[known]
    order = np.lexsort((times, where))
    where, times = where[order], times[order]
    counts = np.bincount(where, minlength=cells)
    fast = np.bincount(where, weights=times < SECONDS, minlength=cells)
    starts = np.cumsum(counts) - counts
    middle: list[float | None] = []
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        middle.append(float(np.median(times[start : start + count])) if count else None)
    return middle, [float(f / c) if c else None for f, c in zip(fast, counts, strict=True)]


def _differs(same: float, of: float, earlier_same: float, earlier_of: float) -> bool:
    """Whether two shares differ by more than `UNLIKELY` standard errors (two-proportion z test, pooled)."""
    if of < FEWEST or earlier_of < FEWEST:
        return False
    pooled = (same + earlier_same) / (of + earlier_of)
    error = (pooled * (1 - pooled) * (1 / of + 1 / earlier_of)) ** 0.5
    return bool(error and abs(same / of - earlier_same / earlier_of) > UNLIKELY * error)
