"""Intervals from replicates, always around the estimate they belong to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from contracts.report import Interval
from scoring.inputs.geometry import Floats

LEVEL = 0.95


class Bounds(NamedTuple):
    """Arrays of interval ends; NaN where there is no interval."""

    low: Floats
    high: Floats


def small_sample_factor(units: ArrayLike | None, *, level: float = LEVEL) -> Floats:
    """How much wider than their replicates intervals over few resampled units must be.

    The bootstrap's spread is too small by sqrt((n - 1) / n) and has normal, not t, tails.
    1 without resampled units (None), NaN for fewer than two.

    Formula: sqrt(n / (n - 1)) t_{1 - a/2, n - 1} / z_{1 - a/2}.
    Source: Hesterberg (2015), The American Statistician 69, 371-386, section 5.3, there as an
    adjusted percentile; stretching the replicates instead needs no extreme ones.
    """
    if units is None:
        return np.asarray(1.0)
    upper = 1 - (1 - level) / 2
    count = np.asarray(units, np.float64)
    freedom = np.where(count >= 2, count - 1, np.nan)
    return np.asarray(np.sqrt(count / freedom) * stdtrit(freedom, upper) / ndtri(upper))


def skewness_reach(replicates: Floats, *, level: float = LEVEL) -> Floats:
    """How much further intervals of means must reach for the skewness of their units, shape (...).

    A percentile interval reaches further to the side on which replicates have their longer tail,
    but only about a third as far as the studentised mean demands. Scores have a long tail of poor
    ones, so that without it the truth lies below their intervals more often than above. Negative
    where the lower end is to be moved, positive where the upper one is.

    Args:
        replicates: shape (..., B).

    Formula: (z^2 + 2) / 6 times skewness times standard deviation of the replicates; the skewness
    counts up to 1 in size.
    Source: Johnson (1978), J. Am. Stat. Assoc. 73, 536-544; Hall (1992), The Bootstrap and
    Edgeworth Expansion, section 3.10. There the other end moves along; the skewness of few units
    is too unsure to shorten an interval by.
    """
    gap = replicates - replicates.mean(axis=-1, keepdims=True)
    variance = (gap**2).mean(axis=-1)
    third = (gap**3).mean(axis=-1)
    sd = np.sqrt(variance)
    relative = np.divide(third, variance, out=np.zeros(variance.shape), where=variance > 1e-24)
    return (ndtri(1 - (1 - level) / 2) ** 2 + 2) / 6 * np.clip(relative, -sd, sd)


def percentile_bounds(
    replicates: Floats,
    estimate: Floats,
    *,
    units: ArrayLike | None = None,
    mean: bool = False,
    level: float = LEVEL,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Bounds:
    """Ends of percentile intervals that hold the estimate.

    Where units are resampled, the replicates are stretched for their number
    (`small_sample_factor`); that of a mean over the units reaches further on the side of the long
    tail (`skewness_reach`).

    Replicates are centred on the score without sampling bias. Where they leave the estimate
    outside their central interval, the interval begins (or ends) at the estimate and takes on
    the other side what is left of the level: it always contains the estimate and, as far as
    possible, the level's share of replicates.

    Args:
        replicates: shape (..., B).
        estimate: shape (...).
        units: numbers of resampled units (questions), shape (...), see
            `small_sample_factor`.
        mean: whether the estimate is a mean over the units; that of ratios and correlations has
            other reasons to be skewed.
        limits: smallest and largest possible value.

    Returns:
        Bounds of shape (...); NaN where the estimate is NaN or there are fewer than two units.
    """
    estimate = np.asarray(estimate, np.float64)
    factor = np.broadcast_to(small_sample_factor(units, level=level), estimate.shape)
    defined = ~(np.isnan(estimate) | np.isnan(factor))
    held = np.where(defined[..., None], replicates, 0.0)
    middle = held.mean(axis=-1, keepdims=True)
    stretched = middle + np.where(defined, factor, 1.0)[..., None] * (held - middle)
    ordered = np.sort(stretched, axis=-1)
    tail = (1 - level) / 2
    below = (ordered < estimate[..., None]).mean(axis=-1)
    above = (ordered > estimate[..., None]).mean(axis=-1)
    left_out_low = np.where(below < tail, below, np.where(above < tail, 2 * tail - above, tail))
    low = np.minimum(_quantile(ordered, left_out_low), estimate)
    high = np.maximum(_quantile(ordered, 1 - (2 * tail - left_out_low)), estimate)
    if mean:
        reach = skewness_reach(stretched, level=level)
        low, high = low + np.minimum(reach, 0.0), high + np.maximum(reach, 0.0)
    ends = (np.where(defined, np.clip(end, *limits), np.nan) for end in (low, high))
    return Bounds(*ends)


def _quantile(ordered: Floats, level: Floats) -> Floats:
    """Quantiles along the last axis of sorted replicates, a level for each row, interpolated.

    The r-th of B replicates stands for the level r / (B + 1), so that a further one falls below
    it with that chance; other definitions make intervals of few replicates too narrow.

    Source: Hyndman & Fan (1996), The American Statistician 50, 361-365, definition 6.
    """
    count = ordered.shape[-1]
    place = np.clip(np.clip(level, 0.0, 1.0) * (count + 1) - 1, 0, count - 1)
    first = np.floor(place).astype(np.int64)
    second = np.minimum(first + 1, count - 1)
    low = np.take_along_axis(ordered, first[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, second[..., None], axis=-1)[..., 0]
    return low + (high - low) * (place - first)


def interval(estimate: float, low: float = np.nan, high: float = np.nan) -> Interval:
    """The report's interval; NaN becomes null."""
    if np.isnan(estimate):
        return Interval(estimate=None)
    if np.isnan(low) or np.isnan(high):
        return Interval(estimate=float(estimate))
    return Interval(
        estimate=float(estimate), low=float(min(low, estimate)), high=float(max(high, estimate))
    )


def intervals(estimates: Floats, bounds: Bounds) -> list[Interval]:
    """One report interval per row of one-dimensional arrays."""
    return [interval(*row) for row in zip(estimates, bounds.low, bounds.high, strict=True)]
