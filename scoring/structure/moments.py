"""Weighted Pearson correlations of persons' answers with gaps, once and for many resamples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Values of resamples held at once, about 64 MB.
_BLOCK = 8_000_000


def correlation_matrix(answers: Floats, weights: Floats | None = None) -> Floats:
    """Pairwise complete, weighted Pearson correlations.

    With both means and variances taken over the persons who answered both questions,

        r_ab = sum_i w_i (x_ia - m_ab) (x_ib - m_ba) / sqrt(sum_i w_i (x_ia - m_ab)^2 ...).

    Args:
        answers: positions, shape (N, Q); NaN where a person has no answer.
        weights: one per person, shape (N,); 1 by default.

    Returns:
        Shape (Q, Q); 1 on the diagonal, NaN where fewer than two persons answered both or one
        of the questions has a single answer among them.
    """
    ones = np.ones((1, len(answers))) if weights is None else weights[None, :]
    return resampled_correlations(answers, ones)[0]


def resampled_correlations(answers: Floats, weights: Floats) -> Floats:
    """`correlation_matrix` for B sets of weights, shape (B, N) -> (B, Q, Q)."""
    questions = answers.shape[1]
    there = ~np.isnan(answers)
    values = np.where(there, answers, 0.0)
    mask = there.astype(float)
    # Centred on the mean, so that sums of squares lose no digits.
    counts = np.maximum(mask.sum(axis=0), 1.0)
    values = (values - values.sum(axis=0) / counts) * mask
    first, second = np.triu_indices(questions, 1)
    products = (
        mask[:, first] * mask[:, second],
        values[:, first] * mask[:, second],
        mask[:, first] * values[:, second],
        values[:, first] ** 2 * mask[:, second],
        mask[:, first] * values[:, second] ** 2,
        values[:, first] * values[:, second],
    )
    out = np.empty((len(weights), questions, questions))
    step = max(1, _BLOCK // max(len(first), 1))
    for begin in range(0, len(weights), step):
        part = weights[begin : begin + step]
        n, sx, sy, sxx, syy, sxy = (part @ product for product in products)
        size = np.where(n > 0, n, np.nan)
        covariance = sxy / size - sx / size * (sy / size)
        spread = (sxx / size - (sx / size) ** 2) * (syy / size - (sy / size) ** 2)
        r = np.full(n.shape, np.nan)
        np.divide(covariance, np.sqrt(np.maximum(spread, 0)), out=r, where=spread > 1e-12)
        block = out[begin : begin + step]
        block[:, first, second] = block[:, second, first] = np.clip(r, -1.0, 1.0)
        block[:, np.arange(questions), np.arange(questions)] = 1.0
    return out


def pair_sizes(answers: Floats, weights: Floats | None = None) -> Floats:
    """Effective number of persons who answered each pair, (sum w)^2 / sum w^2, shape (Q, Q)."""
    there = (~np.isnan(answers)).astype(float)
    ones = np.ones(len(answers)) if weights is None else weights
    first = there.T @ (there * ones[:, None])
    second = there.T @ (there * ones[:, None] ** 2)
    return np.divide(first**2, second, out=np.zeros_like(first), where=second > 0)
