"""Paired tests over common questions, and p-values for many tests at once."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from scoring.inputs.geometry import Floats

#: Up to this many pairs all sign patterns are counted, so that the test is exact.
EXACT_PAIRS = 12

#: Tests that share one matrix product: its result is some megabytes.
_TESTS_AT_ONCE = 64


class PairedTest(NamedTuple):
    """A paired comparison of scores over common questions.

    Attributes:
        difference: mean of first minus second.
        p_value: two-sided; NaN with fewer than two pairs.
        pairs: number of questions both sides have.
    """

    difference: float
    p_value: float
    pairs: int


def sign_flip_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    rng: np.random.Generator,
    permutations: int = 9999,
) -> PairedTest:
    """Two-sided permutation test of equal scores by flipping the signs of paired differences.

    Args:
        first, second: scores per question, shape (Q,); pairs with a NaN are left out.
        permutations: random sign patterns; with 12 pairs or fewer all patterns are counted.

    Formula: p = (1 + #{|mean of flipped| >= |mean observed|}) / (1 + permutations).
    Source: Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39; Fisher (1935).
    """
    gap = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    gap = gap[~np.isnan(gap)]
    exact = _exact_test(gap)
    if exact is not None:
        return exact
    flipped = np.abs(_signs(rng, permutations, gap.size) @ gap) / gap.size
    return _random_test(gap, flipped)


def sign_flip_tests(
    gaps: Floats, *, rng: np.random.Generator, permutations: int = 9999
) -> list[PairedTest]:
    """Sign-flip tests of many rows of differences, with the same random signs for all of them.

    Each p-value is that of `sign_flip_test` with signs of its own, up to its Monte Carlo error
    (at most 0.005 with 9,999 patterns); drawing the signs once is what makes a table of
    thousands of tests a matter of seconds. Adjustments for many tests (Holm,
    Benjamini-Hochberg) hold for p-values that depend on each other as these do.

    Args:
        gaps: paired differences, shape (T, Q); NaN where there is no pair.
        rng: source of the signs; not used where every test is exact.
        permutations: random sign patterns.

    Source: Westfall & Young (1993), Resampling-Based Multiple Testing, who resample all tests in
    common.
    """
    rows = [row[~np.isnan(row)] for row in np.asarray(gaps, np.float64)]
    tests = [_exact_test(row) for row in rows]
    left = [number for number, test in enumerate(tests) if test is None]
    if not left:
        return [test for test in tests if test is not None]
    signs = _signs(rng, permutations, gaps.shape[1])
    # One thread: those of the linear algebra cost more than they save at this size.
    with threadpool_limits(limits=1, user_api="blas"):
        for first in range(0, len(left), _TESTS_AT_ONCE):
            block = left[first : first + _TESTS_AT_ONCE]
            flipped = np.abs(np.nan_to_num(gaps[block]) @ signs.T)
            for number, sums in zip(block, flipped, strict=True):
                tests[number] = _random_test(rows[number], sums / rows[number].size)
    return [test for test in tests if test is not None]


def _signs(rng: np.random.Generator, permutations: int, pairs: int) -> Floats:
    """Random sign patterns, shape (permutations, pairs)."""
    signs = rng.integers(0, 2, size=(permutations, pairs), dtype=np.int8).astype(np.float64)
    signs *= 2
    signs -= 1
    return signs


def _bound(gap: Floats) -> float:
    """From where on a flipped mean is as extreme as the observed one: equal up to rounding."""
    return float(abs(gap.mean()) * (1 - 1e-12) - 1e-15)


def _exact_test(gap: Floats) -> PairedTest | None:
    """The test over all sign patterns; None where there are too many."""
    if gap.size == 0:
        return PairedTest(float("nan"), float("nan"), 0)
    if gap.size < 2:
        return PairedTest(float(gap.mean()), float("nan"), int(gap.size))
    if gap.size > EXACT_PAIRS:
        return None
    means = np.abs(_patterns(gap.size) @ gap) / gap.size
    return PairedTest(float(gap.mean()), float((means >= _bound(gap)).mean()), int(gap.size))


@lru_cache(maxsize=EXACT_PAIRS)
def _patterns(pairs: int) -> Floats:
    return np.array(list(product((1.0, -1.0), repeat=pairs)))


def _random_test(gap: Floats, flipped: Floats) -> PairedTest:
    """The test by the absolute means of randomly flipped differences."""
    p_value = float((1 + (flipped >= _bound(gap)).sum()) / (1 + flipped.size))
    return PairedTest(float(gap.mean()), p_value, int(gap.size))


def independent_t_test(first: ArrayLike, second: ArrayLike) -> PairedTest:
    """Two-sided Student t-test with equal variances: the alignment paper's stars (paper mode).

    It ignores that both sides answer the same questions, so it misses real differences.
    """
    one, two = (np.asarray(side, np.float64) for side in (first, second))
    one, two = one[~np.isnan(one)], two[~np.isnan(two)]
    if min(one.size, two.size) < 2:
        return PairedTest(float("nan"), float("nan"), int(min(one.size, two.size)))
    count, difference = int(min(one.size, two.size)), float(one.mean() - two.mean())
    if np.ptp(one) == np.ptp(two) == 0:
        # No spread within either side: scipy warns of lost precision and gives NaN or infinity.
        return PairedTest(difference, float(difference == 0), count)
    from scipy.stats import ttest_ind

    return PairedTest(difference, float(ttest_ind(one, two).pvalue), count)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values: they bound the chance of any false finding. NaN stays NaN.

    Source: Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    array = np.asarray(p_values, np.float64)
    result = np.full(array.shape, np.nan)
    rows = np.flatnonzero(~np.isnan(array))
    order = rows[np.argsort(array[rows], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    result[order] = np.minimum(np.maximum.accumulate(array[order] * steps), 1.0)
    return result


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Benjamini-Hochberg adjusted p-values: they bound the share of false findings.

    Source: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
    """
    from scipy.stats import false_discovery_control

    array = np.asarray(p_values, np.float64)
    result, known = np.full(array.shape, np.nan), ~np.isnan(array)
    if known.any():
        result[known] = false_discovery_control(array[known])
    return result
