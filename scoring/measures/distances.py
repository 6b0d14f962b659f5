"""Distances between answer distributions, over the last axis of arrays of any shape.

Scales of different length share an array when the shorter ones are padded with zeros behind
their last option; `sizes` then says how many options each scale has. A row of NaN (nobody
answered) gives NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from scoring.measures.checks import Floats, ShareError, checked_pair, scale_sizes


def wasserstein_ordinal(
    shares: ArrayLike,
    reference: ArrayLike,
    *,
    positions: ArrayLike | None = None,
    sizes: ArrayLike | None = None,
    normalise: bool = True,
) -> Floats:
    """Wasserstein-1 distance between distributions on an ordered scale.

    Args:
        shares: model shares, shape (..., k), in scale order; rows sum to 1.
        reference: survey shares, same last axis, else broadcast.
        positions: where the options lie, shape (..., k), not falling; 0..k-1 if None. Padding
            repeats the last position.
        sizes: options K of each scale, shape (...), when positions is None; k if None.
        normalise: divide by the range of the scale, giving [0, 1].

    Returns:
        Distances, shape (...); 0 is identical.

    Raises:
        ShareError: a row is no distribution, or a scale has no extent.

    Formula: sum_{j<k} |F_j - G_j| (x_{j+1} - x_j), over x_k - x_1 when normalised, with F and G
    the cumulative shares. Source: Vallender (1974), Theory Probab. Appl. 18, 784-786.

    Example:
        Everyone at one end of a scale of three, against everyone in the middle:

        >>> float(wasserstein_ordinal([1, 0, 0], [0, 1, 0]))
        0.5
        >>> float(wasserstein_ordinal([1, 0, 0], [0, 1, 0], normalise=False))
        1.0
    """
    first, second = checked_pair(shares, reference)
    gaps, extent = scale_gaps(first.shape[-1], positions=positions, sizes=sizes)
    gap = np.abs(np.cumsum(first, axis=-1) - np.cumsum(second, axis=-1))[..., :-1]
    distance = (gap * gaps).sum(axis=-1)
    return np.clip(distance / extent, 0.0, 1.0) if normalise else distance


def scale_gaps(
    options: int, *, positions: ArrayLike | None, sizes: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Steps between neighbouring options, shape (..., k-1), and their sum, shape (...).

    Raises:
        ShareError: positions fall or all coincide, or a scale has fewer than 2 options.
    """
    if positions is None:
        size = scale_sizes(sizes, options)
        steps = np.arange(1, options) < size[..., None]
        return steps.astype(np.float64), size - 1
    gaps = np.diff(np.asarray(positions, dtype=np.float64), axis=-1)
    extent = gaps.sum(axis=-1)
    if gaps.size == 0 or gaps.min() < 0 or np.min(extent) <= 0:
        raise ShareError("positions must rise along the scale and span more than one point")
    return gaps, extent


def alignment(
    shares: ArrayLike,
    reference: ArrayLike,
    *,
    positions: ArrayLike | None = None,
    sizes: ArrayLike | None = None,
) -> Floats:
    """One minus the normalised Wasserstein-1 distance; 1 is identical.

    Args:
        shares, reference: shape (..., k), in scale order; rows sum to 1.
        positions, sizes: as `wasserstein_ordinal` takes them.

    Returns:
        Alignments, shape (...), in [0, 1]; higher is better.

    Raises:
        ShareError: a row is no distribution, or a scale has no extent.

    Formula: 1 - W1 / (K - 1). Source: Santurkar et al. (2023), PMLR 202, 29971-30004, eq. 2.

    Example:
        Two questions at once, the second on a scale of two options, padded with a zero:

        >>> model = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
        >>> respondents = [[0.0, 1.0, 0.0], [0.25, 0.75, 0.0]]
        >>> alignment(model, respondents, sizes=[3, 2])
        array([0.5 , 0.75])
    """
    return 1 - wasserstein_ordinal(shares, reference, positions=positions, sizes=sizes)


def total_variation(shares: ArrayLike, reference: ArrayLike) -> Floats:
    """Largest difference between the two probabilities of any set of options, in [0, 1].

    The distance of nominal questions, whose options have no order.

    Args:
        shares, reference: shape (..., k), in the same order of options; rows sum to 1.

    Returns:
        Distances, shape (...); 0 is identical.

    Raises:
        ShareError: a row is no distribution, or the numbers of options differ.

    Formula: sum_j |p_j - q_j| / 2. Source: Levin & Peres (2017), Markov Chains and Mixing
    Times, proposition 4.2.

    Example:
        >>> float(total_variation([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]))
        0.5
    """
    first, second = checked_pair(shares, reference)
    return np.clip(np.abs(first - second).sum(axis=-1) / 2, 0.0, 1.0)


def jensen_shannon(shares: ArrayLike, reference: ArrayLike) -> Floats:
    """Jensen-Shannon divergence in bits, in [0, 1]; its square root is a metric.

    Args:
        shares, reference: shape (..., k), in the same order of options; rows sum to 1.

    Returns:
        Divergences in bits, shape (...); 0 is identical, 1 has no option in common.

    Raises:
        ShareError: a row is no distribution, or the numbers of options differ.

    Formula: (KL(p | m) + KL(q | m)) / 2 with m = (p + q) / 2 and 0 log 0 = 0.
    Source: Lin (1991), IEEE Trans. Inf. Theory 37, 145-151, eq. 4.1.

    Example:
        >>> jensen_shannon([[1, 0], [1, 0]], [[1, 0], [0, 1]])
        array([0., 1.])
    """
    first, second = checked_pair(shares, reference)
    middle = (first + second) / 2
    divergence = (_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2
    return np.clip(divergence, 0.0, 1.0)


def _relative_entropy(shares: Floats, base: Floats) -> Floats:
    """sum p log2(p / q) over the options with p > 0."""
    positive = shares > 0
    ratio = np.divide(shares, base, out=np.ones(np.broadcast(shares, base).shape), where=positive)
    terms = np.where(np.isnan(shares), np.nan, shares * np.log2(ratio))
    return terms.sum(axis=-1)


def kl_divergence(
    reference: ArrayLike,
    shares: ArrayLike,
    *,
    sizes: ArrayLike | None = None,
    smoothing: float = 1e-3,
) -> Floats:
    """Kullback-Leibler divergence of the model's shares from the survey's, in bits.

    A model that gives an option no share at all would have an infinite divergence; both sides
    are therefore mixed with the uniform distribution over the scale's options first.

    Args:
        reference: survey shares p, shape (..., k).
        shares: model shares q, shape (..., k).
        sizes: options K of each scale; k if None.
        smoothing: weight e of the uniform distribution, in [0, 1); 0 leaves the shares as they
            are, and the divergence may then be infinite.

    Returns:
        Divergences in bits, shape (...), at least 0; 0 is identical.

    Raises:
        ShareError: a row is no distribution, or smoothing lies outside [0, 1).

    Formula: sum_j p'_j log2(p'_j / q'_j), p' = (1 - e) p + e / K, q' likewise.
    Source: Kullback & Leibler (1951), Ann. Math. Stat. 22, 79-86.

    Example:
        Respondents are all of one opinion, the model gives it a quarter: two bits.

        >>> float(kl_divergence([1, 0], [0.25, 0.75], smoothing=0))
        2.0
    """
    if not 0 <= smoothing < 1:
        raise ShareError(f"smoothing is {smoothing}; it lies in [0, 1)")
    base, first = checked_pair(reference, shares)
    size = scale_sizes(sizes, base.shape[-1])[..., None]
    uniform = np.where(np.arange(base.shape[-1]) < size, 1 / size, 0.0)
    base = (1 - smoothing) * base + smoothing * uniform
    first = (1 - smoothing) * first + smoothing * uniform
    with np.errstate(divide="ignore"):
        return np.maximum(_relative_entropy(base, first), 0.0)


def ranked_probability_score(
    shares: ArrayLike,
    reference: ArrayLike,
    *,
    sizes: ArrayLike | None = None,
    normalise: bool = True,
) -> Floats:
    """Squared distance between cumulative answer shares.

    Args:
        shares: model shares, shape (..., k), in scale order; rows sum to 1.
        reference: survey shares, same last axis; a single answer is a row with one 1.
        sizes: options K of each scale, shape (...); k if None.
        normalise: divide by K - 1, giving [0, 1].

    Returns:
        Scores, shape (...); 0 is identical, lower is better.

    Raises:
        ShareError: a row is no distribution (tolerance 1e-6).

    Formula: sum_j (F_j - G_j)^2 / (K - 1).
    Source: Epstein (1969), J. Appl. Meteorol. 8, 985-987; normalised as in Murphy (1971).

    Example:
        >>> float(ranked_probability_score([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]))
        0.25
    """
    first, second = checked_pair(shares, reference)
    size = scale_sizes(sizes, first.shape[-1])
    squares = (np.cumsum(first, axis=-1) - np.cumsum(second, axis=-1)) ** 2
    score = squares[..., :-1].sum(axis=-1)
    return score / (size - 1) if normalise else score
