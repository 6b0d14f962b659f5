"""Agreement of mean scores and of most frequent answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from scoring.measures.checks import Floats, checked_pair, checked_shares, scale_sizes

#: Fewer pairs than this leave a correlation undefined.
MINIMUM_PAIRS = 3


def option_scores(sizes: ArrayLike, options: int) -> Floats:
    """Evenly spaced scores of the options, -1 for the first and 1 for the last.

    Args:
        sizes: options K of each scale, shape (...).
        options: padded length k.

    Returns:
        Scores, shape (..., k); 0 behind the last option.

    Raises:
        ShareError: a scale has fewer than two options, or more than `options`.

    Formula: s_j = -1 + 2 (j - 1) / (K - 1), j from 1.
    Source: equally spaced category scores; Agresti (2010), Analysis of Ordinal Categorical
    Data, 2nd ed., section 2.1.

    Example:
        >>> option_scores([3, 2], 3)
        array([[-1.,  0.,  1.],
               [-1.,  1.,  0.]])
    """
    size = scale_sizes(sizes, options)[..., None]
    index = np.arange(options)
    return np.where(index < size, -1 + 2 * index / (size - 1), 0.0)


def mean_score(shares: ArrayLike, *, sizes: ArrayLike | None = None) -> Floats:
    """Mean position of the answers on a scale from -1 to 1.

    Args:
        shares: shape (..., k), in scale order; rows sum to 1.
        sizes: options K of each scale, shape (...); k if None.

    Returns:
        Mean scores, shape (...), in [-1, 1].

    Raises:
        ShareError: a row is no distribution, or a scale has fewer than two options.

    Formula: m = sum_j p_j s_j with s_j = -1 + 2 (j - 1) / (K - 1).
    Source: the mean response of Agresti (2010), Analysis of Ordinal Categorical Data, 2nd ed.,
    section 2.1.

    Example:
        >>> float(mean_score([0.25, 0.25, 0.5]))
        0.25
    """
    array = checked_shares(shares)
    size = array.shape[-1] if sizes is None else sizes
    return (array * option_scores(size, array.shape[-1])).sum(axis=-1)


def mean_score_difference(
    shares: ArrayLike, reference: ArrayLike, *, sizes: ArrayLike | None = None
) -> Floats:
    """How much higher the model's mean score lies than the survey's, in [-2, 2].

    Args:
        shares, reference: shape (..., k), in scale order; rows sum to 1.
        sizes: options K of each scale, shape (...); k if None.

    Returns:
        Differences, shape (...), in units of half the scale.

    Raises:
        ShareError: a row is no distribution, or the numbers of options differ.

    Formula: m(p) - m(q), with m as in `mean_score`.
    Source: the difference of mean responses in Agresti (2010), Analysis of Ordinal Categorical
    Data, 2nd ed., section 2.1.

    Example:
        >>> float(mean_score_difference([0, 0, 1], [1, 0, 0]))
        2.0
    """
    first, second = checked_pair(shares, reference)
    return mean_score(first, sizes=sizes) - mean_score(second, sizes=sizes)


def pearson(first: ArrayLike, second: ArrayLike) -> Floats:
    """Pearson correlation along the last axis over pairs without NaN.

    Args:
        first, second: shape (..., n), broadcast against each other.

    Returns:
        Correlations, shape (...); NaN where a vector is constant or fewer than 3 pairs are left.

    Raises:
        ValueError: the shapes do not broadcast.

    Formula: sum (x - x̄)(y - ȳ) / sqrt(sum (x - x̄)^2 sum (y - ȳ)^2).
    Source: Pearson (1895), Proc. R. Soc. Lond. 58, 240-242.

    Example:
        >>> float(pearson([1, 2, 3, 4], [2, 4, 6, float("nan")]))
        1.0
        >>> float(pearson([1, 2, 3], [5, 5, 5]))
        nan
    """
    x, y = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(second, np.float64))
    paired = ~(np.isnan(x) | np.isnan(y))
    count = paired.sum(axis=-1)
    x, y = (_centred(side, paired, count) for side in (x, y))
    spread = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    defined = (count >= MINIMUM_PAIRS) & (spread > 1e-15 * np.maximum(count, 1))
    product = (x * y).sum(axis=-1)
    ratio = np.divide(product, spread, out=np.full(np.shape(spread), np.nan), where=defined)
    return np.clip(ratio, -1.0, 1.0)


def _centred(side: Floats, paired: np.ndarray, count: np.ndarray) -> Floats:
    filled = np.where(paired, side, 0.0)
    mean = filled.sum(axis=-1) / np.maximum(count, 1)
    return np.where(paired, filled - mean[..., None], 0.0)


def spearman(first: ArrayLike, second: ArrayLike) -> Floats:
    """Spearman rank correlation along the last axis, ties at their mean rank.

    Args:
        first, second: shape (..., n), broadcast against each other.

    Returns:
        Correlations, shape (...); NaN where a vector is constant or fewer than 3 pairs are left.

    Raises:
        ValueError: the shapes do not broadcast.

    Formula: Pearson's correlation of the ranks of x and y.
    Source: Spearman (1904), Am. J. Psychol. 15, 72-101.

    Example:
        >>> float(spearman([1, 10, 100, 1000], [1, 2, 3, 4]))
        1.0
    """
    x, y = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(second, np.float64))
    paired = ~(np.isnan(x) | np.isnan(y))
    return pearson(*(_mean_ranks(np.where(paired, side, np.nan)) for side in (x, y)))


def _mean_ranks(side: Floats) -> Floats:
    """Ranks from 1 along the last axis; NaN stays NaN."""
    below = (side[..., None, :] < side[..., :, None]).sum(axis=-1)
    equal = (side[..., None, :] == side[..., :, None]).sum(axis=-1)
    return np.where(np.isnan(side), np.nan, below + (equal + 1) / 2)


def mode_agreement(shares: ArrayLike, reference: ArrayLike) -> Floats:
    """Agreement of the most frequent options, in [0, 1]; NaN where a side is missing.

    1 where both sides have the same most frequent option, 0 where they differ. Options within
    1e-12 of the largest share tie; then it is the number of common ones over that of all named
    by either side, so that the uniform answer is no agreement by default.

    Args:
        shares, reference: shape (..., k), in the same order of options; rows sum to 1.

    Returns:
        Agreements, shape (...).

    Raises:
        ShareError: a row is no distribution, or the numbers of options differ.

    Formula: |T(p) & T(q)| / |T(p) | T(q)|, with T the options of the largest share.
    Source: the coefficient of Jaccard (1912), New Phytol. 11, 37-50, on the sets of modes.

    Example:
        >>> mode_agreement([[0.6, 0.4], [0.5, 0.5]], [[0.9, 0.1], [0.9, 0.1]])
        array([1. , 0.5])
    """
    first, second = checked_pair(shares, reference)
    tops = [side >= side.max(axis=-1, keepdims=True) - 1e-12 for side in (first, second)]
    absent = np.isnan(first).any(axis=-1) | np.isnan(second).any(axis=-1)
    either = np.maximum((tops[0] | tops[1]).sum(axis=-1), 1)
    return np.where(absent, np.nan, (tops[0] & tops[1]).sum(axis=-1) / either)
