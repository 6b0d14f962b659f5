"""Least squares within cells, with questions as the sampling units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from contracts.robustness import Effect
from scoring.inputs.geometry import Floats

#: Part of a regressor's variance that the other regressors must leave, for it to have an effect
#: of its own.
LEAST_OWN_PART = 1e-6


class Moments(NamedTuple):
    """Sums of one question: within-cell cross products of R regressors, and with the outcome."""

    squares: Floats
    products: Floats


def within_moments(outcomes: Floats, regressors: Floats) -> Moments:
    """Sums of products about the mean over forms of every cell (fixed effects).

    Args:
        outcomes: shape (F, T, K): forms, targets, options; NaN where there is none.
        regressors: shape (F, K, R).

    Returns:
        Sums over cells (targets and options) and forms, shapes (R, R) and (R,).
    """
    there = np.isfinite(outcomes)[..., None]
    count = np.maximum(there.sum(axis=0, keepdims=True), 1)
    x = np.where(there, regressors[:, None], 0.0)
    y = np.where(there[..., 0], outcomes, 0.0)
    x = np.where(there, x - x.sum(axis=0, keepdims=True) / count, 0.0)
    y = np.where(there[..., 0], y - y.sum(axis=0, keepdims=True) / count[..., 0], 0.0)
    return Moments(np.einsum("ftkr,ftks->rs", x, x), np.einsum("ftkr,ftk->r", x, y))


def identified(squares: Floats, columns: Sequence[int]) -> bool:
    """Whether every one of the regressors varies beside the others."""
    part = squares[np.ix_(columns, columns)]
    spread = np.sqrt(np.diag(part))
    if (spread <= 1e-12).any():
        return False
    correlation = part / np.outer(spread, spread)
    return bool(np.linalg.eigvalsh(correlation).min() > LEAST_OWN_PART)


def contrast(
    moments: Sequence[Moments], columns: Sequence[int], weights: Sequence[float]
) -> Effect:
    """A weighted sum of coefficients, with the interval of the jackknife over questions.

    Args:
        moments: of each question.
        columns: regressors in the model.
        weights: of their coefficients in the sum.

    Returns:
        The estimate; the variance is that of leaving out one question at a time (Efron & Stein,
        1981, Ann. Stat. 9, 586-596), on G - 1 degrees of freedom. With fewer than three questions
        that carry anything, or where the regressors are not identified, there is none.
    """
    grid = np.ix_(columns, columns)
    carrying = [m for m in moments if m.squares[grid].any()]
    squares = np.array([m.squares[grid] for m in carrying])
    products = np.array([m.products[list(columns)] for m in carrying])
    count = len(carrying)
    if not count or not identified(squares.sum(axis=0), range(len(columns))):
        return Effect(estimate=None, questions=count)
    total, sums = squares.sum(axis=0), products.sum(axis=0)
    side = np.asarray(weights, float)
    estimate = float(side @ np.linalg.solve(total, sums))
    if count < 3:
        return Effect(estimate=estimate, questions=count, reason="too few questions")
    left = np.array(
        [
            side @ np.linalg.lstsq(total - one, sums - other, rcond=None)[0]
            for one, other in zip(squares, products, strict=True)
        ]
    )
    variance = (count - 1) / count * ((left - left.mean()) ** 2).sum()
    return with_interval(estimate, float(np.sqrt(variance)), count)


def mean_effect(values: Floats) -> Effect:
    """Mean over questions with Student's interval and test; NaN are left out."""
    known = values[np.isfinite(values)]
    count = known.size
    if not count:
        return Effect(estimate=None)
    if count < 3:
        return Effect(
            estimate=float(known.mean()), questions=int(count), reason="too few questions"
        )
    error = float(known.std(ddof=1) / np.sqrt(count))
    return with_interval(float(known.mean()), error, int(count))


def with_interval(estimate: float, error: float, count: int) -> Effect:
    """An estimate with its 95 % interval and two-sided p-value by Student's t on count - 1."""
    if error <= 1e-12:  # the same for every question
        certain = 0.0 if abs(estimate) > 1e-12 else 1.0
        return Effect(
            estimate=estimate, low=estimate, high=estimate, p_value=certain, questions=count
        )
    half = float(stdtrit(count - 1, 0.975)) * error
    p_value = float(2 * stdtr(count - 1, -abs(estimate / error)))
    return Effect(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        p_value=p_value,
        questions=count,
    )
