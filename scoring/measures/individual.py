"""Scores of predictions about single answers: a distribution, or one rating, per person."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.measures.checks import Floats, ShareError, checked_shares, scale_sizes

#: Rows whose cumulative shares are worked on at a time: they stay in a core's cache.
_BLOCK = 4096


def _positions(answers: ArrayLike, options: int) -> NDArray[np.integer]:
    """Answers as positions, shape (...), checked."""
    index = np.asarray(answers)
    if not np.issubdtype(index.dtype, np.integer):
        raise ShareError(f"answers are positions 0..k-1 as integers, not {index.dtype}")
    if index.size and (index.min() < 0 or index.max() >= options):
        raise ShareError(f"an answer lies outside the positions 0..{options - 1}")
    return index


def _one_hot(answers: ArrayLike, options: int) -> Floats:
    """Answers as rows with a single 1, shape (..., k)."""
    index = _positions(answers, options)
    return (np.arange(options) == index[..., None]).astype(np.float64)


def individual_rps(
    shares: ArrayLike, answers: ArrayLike, *, sizes: ArrayLike | None = None
) -> Floats:
    """Ranked probability score of a predicted distribution against one answer, in [0, 1].

    Args:
        shares: predicted shares, shape (..., k), in scale order.
        answers: positions of the answers, shape (...), integers from 0.
        sizes: options K of each scale; k if None.

    Returns:
        Scores, shape (...); 0 is a certain and right forecast, lower is better.

    Raises:
        ShareError: a row is no distribution, or an answer is no position of the scale.

    Formula: sum_j (F_j - 1[y <= j])^2 / (K - 1).
    Source: Epstein (1969), J. Appl. Meteorol. 8, 985-987.

    Example:
        >>> float(individual_rps([0.5, 0.5, 0.0], 2))
        0.625
    """
    first = checked_shares(shares)
    index = _positions(answers, first.shape[-1])
    size = scale_sizes(sizes, first.shape[-1])
    shape = np.broadcast_shapes(first.shape[:-1], index.shape)
    rows = np.broadcast_to(first, (*shape, first.shape[-1])).reshape(-1, first.shape[-1])
    places = np.broadcast_to(index, shape).reshape(-1)
    score = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        score[block] = _squared_gaps(rows[block], places[block])
    return np.asarray(score.reshape(shape) / (size - 1))


def _squared_gaps(rows: Floats, places: NDArray[np.integer]) -> Floats:
    """sum_j (F_j - 1[y <= j])^2 of a block of rows, options moved to the first axis."""
    gap = np.cumsum(np.ascontiguousarray(rows.T[:-1]), axis=0)
    gap -= places <= np.arange(len(gap))[:, None]
    gap *= gap
    return np.asarray(gap.sum(axis=0))


def log_score(
    shares: ArrayLike,
    answers: ArrayLike,
    *,
    sizes: ArrayLike | None = None,
    smoothing: float = 1e-3,
) -> Floats:
    """Negative log2 of the share given to the answer; lower is better.

    The shares are first mixed with the uniform distribution over the K options (weight
    `smoothing`), so that an answer that was ruled out costs much, but not infinitely.

    Args:
        shares: predicted shares, shape (..., k), in scale order.
        answers: positions of the answers, shape (...), integers from 0.
        sizes: options K of each scale; k if None.
        smoothing: weight e of the uniform distribution, in [0, 1).

    Returns:
        Scores in bits, shape (...), at least 0.

    Raises:
        ShareError: a row is no distribution, an answer is no position of the scale, or smoothing
            lies outside [0, 1).

    Formula: -log2((1 - e) p_y + e / K).
    Source: Good (1952), J. R. Stat. Soc. B 14, 107-114.

    Example:
        >>> float(log_score([0.25, 0.75], 0, smoothing=0))
        2.0
    """
    if not 0 <= smoothing < 1:
        raise ShareError(f"smoothing is {smoothing}; it lies in [0, 1)")
    first = checked_shares(shares)
    size = scale_sizes(sizes, first.shape[-1])
    given = (first * _one_hot(answers, first.shape[-1])).sum(axis=-1)
    with np.errstate(divide="ignore"):
        return -np.log2((1 - smoothing) * given + smoothing / size)


def brier_score(shares: ArrayLike, answers: ArrayLike) -> Floats:
    """Squared distance between the shares and the answer, in [0, 2]; lower is better.

    Args:
        shares: predicted shares, shape (..., k), in any order of the options.
        answers: positions of the answers, shape (...), integers from 0.

    Returns:
        Scores, shape (...).

    Raises:
        ShareError: a row is no distribution, or an answer is no position of the scale.

    Formula: sum_j (p_j - 1[y = j])^2.
    Source: Brier (1950), Mon. Weather Rev. 78, 1-3.

    Example:
        >>> brier_score([[0.5, 0.5], [0.0, 1.0]], [0, 0])
        array([0.5, 2. ])
    """
    first = checked_shares(shares)
    return ((first - _one_hot(answers, first.shape[-1])) ** 2).sum(axis=-1)


def absolute_error(
    ratings: ArrayLike, answers: ArrayLike, *, extent: ArrayLike | None = None
) -> Floats:
    """Distance between a rating and an answer; over the scale's range if `extent` is given.

    Args:
        ratings: positions predicted, shape (...).
        answers: positions answered, same shape.
        extent: range of the scale, K - 1 for unit steps.

    Returns:
        Errors, shape (...), in steps of the scale, or in [0, 1] if `extent` is given; NaN where
        either side is.

    Raises:
        ValueError: the shapes do not broadcast.

    Formula: |r - y| / extent.
    Source: Willmott & Matsuura (2005), Clim. Res. 30, 79-82, on its mean.

    Example:
        >>> absolute_error([1, 4], [2, 4], extent=4)
        array([0.25, 0.  ])
    """
    distance = np.abs(np.asarray(ratings, np.float64) - np.asarray(answers, np.float64))
    return distance if extent is None else distance / np.asarray(extent, np.float64)


def accuracy(ratings: ArrayLike, answers: ArrayLike) -> Floats:
    """1 where rating and answer are the same, 0 where not, NaN where either is missing.

    Args:
        ratings: positions predicted, shape (...).
        answers: positions answered, same shape.

    Returns:
        1, 0 or NaN, shape (...); the mean over pairs is the accuracy.

    Raises:
        ValueError: the shapes do not broadcast.

    Formula: 1[r = y].
    Source: the simple matching coefficient of Sokal & Michener (1958), Univ. Kansas Sci. Bull.
    38, 1409-1438.

    Example:
        >>> accuracy([1, 2, float("nan")], [1, 3, 1])
        array([ 1.,  0., nan])
    """
    first, second = np.asarray(ratings, np.float64), np.asarray(answers, np.float64)
    absent = np.isnan(first) | np.isnan(second)
    return np.where(absent, np.nan, (first == second).astype(np.float64))
