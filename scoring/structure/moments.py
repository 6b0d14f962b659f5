"""Weighted Pearson correlations of persons' answers with gaps, once and for many resamples."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

#: Values of resamples held at once, about 64 MB.
_BLOCK = 8_000_000


@cache
def upper_pairs(questions: int) -> tuple[Integers, Integers]:
    """Rows and columns of the pairs above the diagonal, row by row; do not change them."""
    first, second = np.triu_indices(questions, 1)
    return first, second


def correlation_matrix(answers: Floats, weights: Floats | None = None) -> Floats:
    """Pairwise complete, weighted Pearson correlations.

    With both means and variances taken over the persons who answered both questions,

        r_ab = sum_i w_i (x_ia - m_ab) (x_ib - m_ba) / sqrt(sum_i w_i (x_ia - m_ab)^2 ...).

    Args:
        answers: positions, shape (N, Q); NaN where a person has no answer.
        weights: one per person, shape (N,); 1 by default.

    Returns:
        Shape (Q, Q); 1 on the diagonal, 0 where one of the questions has a single answer among
        those who answered both (it depends on nothing), NaN where fewer than two did.
    """
    ones = np.ones((1, len(answers))) if weights is None else weights[None, :]
    return resampled_correlations(answers, ones)[0]


def resampled_correlations(answers: Floats, weights: Floats) -> Floats:
    """`correlation_matrix` for B sets of weights, shape (B, N) -> (B, Q, Q)."""
    questions = answers.shape[1]
    first, second = upper_pairs(questions)
    out = np.ones((len(weights), questions, questions))
    out[:, first, second] = out[:, second, first] = resampled_pairs(answers, weights)
    return out


def resampled_pairs(answers: Floats, weights: Floats) -> Floats:
    """The correlations above the diagonal for B sets of weights, row by row.

    Args:
        answers: positions, shape (N, Q); NaN where a person has no answer.
        weights: shape (B, N).

    Returns:
        Shape (B, Q (Q - 1) / 2), in the order of `upper_pairs(Q)`.
    """
    first, second = upper_pairs(answers.shape[1])
    there = ~np.isnan(answers)
    mask = there.astype(float)
    # Centred on the mean, so that sums of squares lose no digits.
    values = np.where(there, answers, 0.0)
    values = (values - values.sum(axis=0) / np.maximum(mask.sum(axis=0), 1.0)) * mask
    out = np.empty((len(weights), len(first)))
    step = max(1, _BLOCK // max(len(first), 1))
    whole = bool(there.all())
    for begin in range(0, len(weights), step):
        part = weights[begin : begin + step]
        n, sx, sy, sxx, syy, sxy = (
            _sums_of_all(part, values, first, second)
            if whole
            else _sums_of_pairs(part, values, mask, first, second)
        )
        size = np.where(n > 0, n, np.nan)
        covariance = sxy / size - sx / size * (sy / size)
        spread = (sxx / size - (sx / size) ** 2) * (syy / size - (sy / size) ** 2)
        r = np.where(n * np.ones_like(spread) > 1, 0.0, np.nan)
        np.divide(covariance, np.sqrt(np.maximum(spread, 0)), out=r, where=spread > 1e-12)
        out[begin : begin + step] = np.clip(r, -1.0, 1.0)
    return out


_Sums = tuple[Floats, Floats, Floats, Floats, Floats, Floats]


def _sums_of_pairs(
    weights: Floats, values: Floats, mask: Floats, first: Integers, second: Integers
) -> _Sums:
    """Sums over the persons who answered both questions: 1, x, y, x^2, y^2, x y; (B, P) each."""
    return (
        weights @ (mask[:, first] * mask[:, second]),
        weights @ (values[:, first] * mask[:, second]),
        weights @ (mask[:, first] * values[:, second]),
        weights @ (values[:, first] ** 2 * mask[:, second]),
        weights @ (mask[:, first] * values[:, second] ** 2),
        weights @ (values[:, first] * values[:, second]),
    )


def _sums_of_all(weights: Floats, values: Floats, first: Integers, second: Integers) -> _Sums:
    """The same where every person answered every question: sums of one question do not depend
    on the other."""
    once, twice = weights @ values, weights @ values**2
    return (
        weights.sum(axis=1, keepdims=True),
        once[:, first],
        once[:, second],
        twice[:, first],
        twice[:, second],
        weights @ (values[:, first] * values[:, second]),
    )


def pair_sizes(answers: Floats, weights: Floats | None = None) -> Floats:
    """Effective number of persons who answered each pair, (sum w)^2 / sum w^2, shape (Q, Q)."""
    there = (~np.isnan(answers)).astype(float)
    ones = np.ones(len(answers)) if weights is None else weights
    first = there.T @ (there * ones[:, None])
    second = there.T @ (there * ones[:, None] ** 2)
    return np.divide(first**2, second, out=np.zeros_like(first), where=second > 0)
