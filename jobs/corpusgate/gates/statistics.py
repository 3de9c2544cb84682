"""How sure a share is: shown beside the point figure that the clause asks for, and never judged (standard.md 7, row 2).

SciPy is imported when a number is asked for; its distributions, which take four times as long to import as its
functions, only for the size of a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Interval:
    """An exact interval of a share; `confidence` is two-sided."""

    low: float
    high: float
    confidence: float


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval of k in n (Clopper and Pearson 1934), by quantiles of the beta distribution.

    Raises:
        ValueError: not 0 <= k <= n with n > 0, or the confidence is not inside (0, 1).
    """
    if not (n > 0 and 0 <= k <= n and 0 < confidence < 1):
        raise ValueError(f"no interval for {k} of {n} at {confidence}")
    tail = (1 - confidence) / 2
    if k in (0, n):  # in closed form: most samples are so, and each admission would import SciPy for it
        end = tail ** (1 / n)
        return Interval(0.0, 1 - end, confidence) if k == 0 else Interval(end, 1.0, confidence)
    from scipy.special import betaincinv

    low, high = float(betaincinv(k, n - k + 1, tail)), float(betaincinv(k + 1, n - k, 1 - tail))
    return Interval(low, high, confidence)


@cache
def sample_to_tell(bound: float, worse: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """The smallest random sample by which a share of `worse` is told from one of `bound`, by an exact one-sided test.

    A source exactly at the bound is wrongly refused with a chance of at most `alpha`; one at `worse` is found out with
    a chance of at least `power`. From this size on the test does so for `bound` 5 % and `worse` 6 % with some 3,000
    records: a sample of 100 cannot.

    Raises:
        ValueError: not 0 < bound < worse < 1.
    """
    if not 0 < bound < worse < 1:
        raise ValueError(f"a share of {worse} cannot be told from {bound}")
    import numpy as np
    from scipy.stats import binom

    start, width = 1, 4096
    while True:
        sizes = np.arange(start, start + width)
        # more than `critical` bad items refuse the source
        critical = binom.ppf(1 - alpha, sizes, bound)
        found = np.flatnonzero(binom.sf(critical, sizes, worse) >= power)
        if found.size:
            return int(sizes[found[0]])
        start += width


def said(k: int, n: int) -> str:
    """The interval in words, for a reason: `95 % interval 0.62 % to 8.9 % (shown, not judged)`."""
    interval = clopper_pearson(k, n)
    low, high = interval.low * 100, interval.high * 100
    return f"{interval.confidence * 100:.0f} % interval {_percent(low)} to {_percent(high)} (shown, not judged)"


def _percent(value: float) -> str:
    return f"{value:.2g} %" if value < 99 else f"{value:.4g} %"  # two digits of 100 would be written 1e+02


def size_said(bound: float, n: int) -> str:
    """What a sample of `n` can tell, in words: `a sample of 3,151 tells 6 % from 5 %, this one of 200 does not`."""
    worse = round(bound + 0.01, 9)
    needed = sample_to_tell(bound, worse)
    can = "does" if n >= needed else "does not"
    return f"a sample of {needed:,} tells {worse * 100:g} % from {bound * 100:g} %, this one of {n:,} {can}"
