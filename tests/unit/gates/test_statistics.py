"""Intervals and sample sizes: shown, never judged."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.gates.statistics import clopper_pearson, said, sample_to_tell, size_said


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # published: exact 95 % limits for 0, 5 and all of n
        (0, 10, 0.0, 0.3084971), (10, 10, 0.6915029, 1.0), (5, 100, 0.0164319, 0.1128349),
        (1, 20, 0.0012651, 0.2487328),
    ],
)  # fmt: skip
def test_clopper_pearson_meets_published_values(k: int, n: int, low: float, high: float) -> None:
    interval = clopper_pearson(k, n)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


@settings(max_examples=50, deadline=None)  # the first call imports SciPy
@given(st.integers(1, 5000), st.data())
def test_the_interval_holds_the_point_and_mirrors(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    one, other = clopper_pearson(k, n), clopper_pearson(n - k, n)
    assert one.low <= k / n <= one.high
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no interval"):
        clopper_pearson(k, n)


def test_thousands_are_needed_to_tell_six_per_cent_from_five() -> None:
    from scipy.stats import binom

    n = sample_to_tell(0.05, 0.06)
    assert 3000 < n < 3500
    critical = binom.ppf(0.95, n, 0.05)
    assert binom.sf(critical, n, 0.05) <= 0.05
    assert binom.sf(critical, n, 0.06) >= 0.8


def test_a_coarser_difference_needs_fewer() -> None:
    assert sample_to_tell(0.05, 0.10) < sample_to_tell(0.05, 0.06)
    with pytest.raises(ValueError, match="cannot be told"):
        sample_to_tell(0.06, 0.05)


def test_words_say_that_the_interval_is_not_judged() -> None:
    assert said(5, 100) == "95 % interval 1.6 % to 11 % (shown, not judged)"
    assert said(10, 10) == "95 % interval 69 % to 100 % (shown, not judged)"


def test_words_say_what_a_sample_of_this_size_can_tell() -> None:
    needed = sample_to_tell(0.05, 0.06)
    assert size_said(0.05, needed) == f"a sample of {needed:,} tells 6 % from 5 %, this one of {needed:,} does"
    assert size_said(0.05, 200).endswith("tells 6 % from 5 %, this one of 200 does not")


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 200_000), st.data())
def test_the_interval_is_that_of_the_beta_distribution_to_the_last_digit(n: int, data: st.DataObject) -> None:
    from scipy.stats import beta

    k = data.draw(st.integers(1, n - 1))
    interval, tail = clopper_pearson(k, n), (1 - 0.95) / 2
    assert (interval.low, interval.high) == (beta.ppf(tail, k, n - k + 1), beta.ppf(1 - tail, k + 1, n - k))


def test_an_interval_does_not_import_distributions() -> None:
    """Each admission says one, and the import cost more than the rest of it that grows with a source."""
    code = (
        "import sys; from corpusgate.gates.statistics import said; said(3, 200); "
        "sys.exit(any(name.startswith('scipy.stats') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
