"""What the personal-information patterns share: a hit, contexts to the left, digit clusters of a folded batch."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors.fold_table import SENTINEL

EDGE = chr(SENTINEL)
LONGEST_RUN = 40
"""A run of more digits without a joint is a number of none of these kinds."""
LOOK_BACK = 24
"""Folded characters before a match in which a context word counts."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A match in the folded batch: range, risk, rule, normalised value, score."""

    start: int
    end: int
    risk: str
    rule: str
    value: str
    score: float


def before(text: str, at: int, width: int = LOOK_BACK) -> str:
    """Up to `width` characters before `at`, of the same text and line."""
    return re.split(f"[{EDGE}\n]", text[max(0, at - width) : at])[-1]


_NUMBERED = re.compile(
    r"(?:订单|运单|单号|快递|物流|流水|编号|案号|序号|序列|货号|追踪|跟踪|票号|发票|条码|条形码|批号|版本|时间戳|商品|产品|合同|工单"
    r"|isbn|issn|ean|upc|order|tracking|invoice|serial|case|sku|parcel|waybill|ticket|build|version|timestamp|batch|s/n)"
    r"[ ]?(?:号码|号|码|编号|no\.?|number|id|code)?[ ]?[:#=是为]{0,2}[ ]?$"
)


def numbered(context: str, unless: re.Pattern) -> bool:
    """Does the context say that what follows is a number of a thing (order, parcel, case, serial, version, time)?

    Not where a word of `unless` stands right before that: 联系电话编号 names a telephone after all.
    """
    found = _NUMBERED.search(context)
    return found is not None and unless.search(context[max(0, found.start() - 4) :]) is None


def without_overlaps(found: Iterable[Iterable[Hit]]) -> list[Hit]:
    """All hits in order of place; one that overlaps a hit of an earlier iterable, or an earlier one of its own, is
    dropped."""
    taken: list[Hit] = []
    for hits in found:
        starts = [h.start for h in taken]
        fresh: list[Hit] = []
        for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
            at = bisect.bisect_right(starts, hit.start)
            clear = (at == 0 or taken[at - 1].end <= hit.start) and (at == len(taken) or taken[at].start >= hit.end)
            if clear and (not fresh or fresh[-1].end <= hit.start):
                fresh.append(hit)
        if fresh:
            taken = sorted(taken + fresh, key=lambda h: h.start)
    return taken


@lru_cache(maxsize=1)
def _joints() -> np.ndarray:
    out = np.zeros(128, dtype=bool)
    out[[ord(c) for c in " -.()+"]] = True
    return out


def digit_clusters(codes: np.ndarray, at: np.ndarray, least: int) -> list[tuple[int, int]]:
    """Ranges (start, end) of digits (they stand `at` these places) that hang together, at most three joints apart, with
    `least` digits or more."""
    if at.size < least:
        return []
    step = np.diff(at)
    near = step == 1
    for width in (2, 3, 4):
        wide = np.flatnonzero(step == width)
        ok = np.ones(wide.size, dtype=bool)
        for k in range(1, width):
            mid = codes[at[wide] + k]
            ok &= (mid < 128) & _joints()[np.minimum(mid, 127)]
        near[wide[ok]] = True
    cut = np.flatnonzero(~near)
    first = np.concatenate(([0], cut + 1))
    last = np.concatenate((cut, [at.size - 1]))
    count = last - first + 1
    enough = (count >= least) & ((count <= LONGEST_RUN) | (at[last] - at[first] >= count))
    return list(zip(at[first[enough]].tolist(), (at[last[enough]] + 1).tolist(), strict=True))
