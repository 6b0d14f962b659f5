"""Paired tests over common questions, and p-values for many tests at once."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from scoring.inputs.geometry import Floats

#: Up to this many pairs all sign patterns are counted, so that the test is exact.
EXACT_PAIRS = 12


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
    if gap.size == 0:
        return PairedTest(float("nan"), float("nan"), 0)
    observed = gap.mean()
    if gap.size < 2:
        return PairedTest(float(observed), float("nan"), int(gap.size))
    # A flipped mean that equals the observed one up to rounding is as extreme as it.
    bound = abs(observed) * (1 - 1e-12) - 1e-15
    if gap.size <= EXACT_PAIRS:
        signs = np.array(list(product((1.0, -1.0), repeat=gap.size)))
        p_value = float((np.abs(signs @ gap) / gap.size >= bound).mean())
    else:
        signs = rng.integers(0, 2, size=(permutations, gap.size), dtype=np.int8)
        flipped = np.abs((2.0 * signs - 1.0) @ gap) / gap.size
        p_value = float((1 + (flipped >= bound).sum()) / (1 + permutations))
    return PairedTest(float(observed), p_value, int(gap.size))


def independent_t_test(first: ArrayLike, second: ArrayLike) -> PairedTest:
    """Two-sided Student t-test with equal variances: the alignment paper's stars (paper mode).

    It ignores that both sides answer the same questions, so it misses real differences.
    """
    one, two = (np.asarray(side, np.float64) for side in (first, second))
    one, two = one[~np.isnan(one)], two[~np.isnan(two)]
    if min(one.size, two.size) < 2:
        return PairedTest(float("nan"), float("nan"), int(min(one.size, two.size)))
    freedom = one.size + two.size - 2
    pooled = ((one.size - 1) * one.var(ddof=1) + (two.size - 1) * two.var(ddof=1)) / freedom
    difference = one.mean() - two.mean()
    spread = np.sqrt(pooled * (1 / one.size + 1 / two.size))
    if spread == 0:
        return PairedTest(float(difference), float(difference == 0), int(min(one.size, two.size)))
    p_value = 2 * stdtr(freedom, -abs(difference / spread))
    return PairedTest(float(difference), float(p_value), int(min(one.size, two.size)))


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values: they bound the chance of any false finding. NaN stays NaN.

    Source: Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    return _adjusted(p_values, step_down=True)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Benjamini-Hochberg adjusted p-values: they bound the share of false findings.

    Source: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
    """
    return _adjusted(p_values, step_down=False)


def _adjusted(p_values: ArrayLike, *, step_down: bool) -> Floats:
    array = np.asarray(p_values, np.float64)
    result = np.full(array.shape, np.nan)
    rows = np.flatnonzero(~np.isnan(array))
    order = rows[np.argsort(array[rows], kind="stable")]
    count, rank = len(order), np.arange(1, len(order) + 1)
    if step_down:
        adjusted = np.maximum.accumulate(array[order] * (count - rank + 1))
    else:
        scaled = array[order] * count / rank
        adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    result[order] = np.minimum(adjusted, 1.0)
    return result
