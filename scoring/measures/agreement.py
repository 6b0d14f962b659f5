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

    Formula: s_j = -1 + 2 (j - 1) / (K - 1).
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
        Mean scores, shape (...).

    Formula: m = sum_j p_j s_j with s_j = -1 + 2 (j - 1) / (K - 1).
    """
    array = checked_shares(shares)
    size = array.shape[-1] if sizes is None else sizes
    return (array * option_scores(size, array.shape[-1])).sum(axis=-1)


def mean_score_difference(
    shares: ArrayLike, reference: ArrayLike, *, sizes: ArrayLike | None = None
) -> Floats:
    """How much higher the model's mean score lies, in [-2, 2]."""
    first, second = checked_pair(shares, reference)
    return mean_score(first, sizes=sizes) - mean_score(second, sizes=sizes)


def pearson(first: ArrayLike, second: ArrayLike) -> Floats:
    """Pearson correlation along the last axis over pairs without NaN.

    Returns:
        Correlations, shape (...); NaN where a vector is constant or fewer than 3 pairs are left.

    Formula: sum (x - x̄)(y - ȳ) / sqrt(sum (x - x̄)^2 sum (y - ȳ)^2).
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

    Returns: as `pearson`.  Source: Spearman (1904), Am. J. Psychol. 15, 72-101.
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
    """
    first, second = checked_pair(shares, reference)
    tops = [side >= side.max(axis=-1, keepdims=True) - 1e-12 for side in (first, second)]
    absent = np.isnan(first).any(axis=-1) | np.isnan(second).any(axis=-1)
    either = np.maximum((tops[0] | tops[1]).sum(axis=-1), 1)
    return np.where(absent, np.nan, (tops[0] & tops[1]).sum(axis=-1) / either)
