"""The advice protocol: does advice lean the way a country's Hofstede score says?

For every country and dimension the share of answers on the counted side is correlated with the
country's score, over countries. Counted are the individualist, high MAS, high uncertainty
avoidance and long-term sides; for power distance the paper counts the LOW side, so that a
negative correlation is the aligned one there. `aligned` correlations turn its sign.

Source: Kharchenko et al., How Well Do LLMs Represent Values Across Cultures? Scores and
resource levels: its table 4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

from scoring.inference.intervals import LEVEL
from scoring.inputs.geometry import Floats
from scoring.measures import pearson

#: Dimension whose counted side is the low one.
REVERSED = "power_distance"

#: A country belongs to the high side of a dimension above this score.
LABEL_THRESHOLD = 50

#: Number of thresholds that the paper tries in sample.
PAPER_THRESHOLDS = 100


class Correlation(NamedTuple):
    """A correlation over countries with Fisher's interval and a two-sided p-value.

    `value` is the plain Pearson r; for power distance the aligned one is its negative.
    """

    value: float
    low: float
    high: float
    p_value: float
    countries: int


class Separation(NamedTuple):
    """How well shares tell high-scoring from low-scoring countries.

    Attributes:
        auroc: chance that a high-scoring country has the larger share (fixed direction).
        accuracy: leave-one-out accuracy of a threshold in the fixed direction.
        floor: accuracy of always naming the more frequent label.
        paper: best of 100 thresholds in either direction, fitted in sample.
    """

    auroc: float
    accuracy: float
    floor: float
    paper: float


def counted_share(
    high: ArrayLike,
    low: ArrayLike,
    inconclusive: ArrayLike,
    dimension: str,
    *,
    conclusive_only: bool = False,
) -> Floats:
    """Share of answers on the counted side; inconclusive answers stay in the denominator.

    Args:
        high, low, inconclusive: numbers of answers, any shape.
        dimension: name of the dimension.
        conclusive_only: whether inconclusive answers are dropped instead, as the authors' code
            does for the best accuracy. NaN where no other is left.
    """
    sides = [np.asarray(side, np.float64) for side in (high, low, inconclusive)]
    total = sides[0] + sides[1] + (0 if conclusive_only else sides[2])
    counted = sides[1] if dimension == REVERSED else sides[0]
    return np.divide(counted, total, out=np.full(total.shape, np.nan), where=total > 0)


def correlation_over_countries(
    scores: ArrayLike, shares: ArrayLike, *, rows: int | None = None
) -> Correlation:
    """Pearson's r of scores and shares over countries.

    Args:
        scores, shares: shape (C,); pairs with NaN are left out.
        rows: number of rows that the p-value pretends are independent (paper mode); None
            counts countries.

    The interval is Fisher's, tanh(atanh r +- z / sqrt(C - 3)); NaN with fewer than 4 countries.
    Source: Fisher (1921), Metron 1, 3-32.
    """
    first, second = np.asarray(scores, np.float64), np.asarray(shares, np.float64)
    paired = ~(np.isnan(first) | np.isnan(second))
    count = int(paired.sum())
    value = float(pearson(first[paired], second[paired])) if count else float("nan")
    if np.isnan(value):
        return Correlation(value, np.nan, np.nan, np.nan, count)
    low = high = np.nan
    if count >= 4:
        width = float(ndtri(1 - (1 - LEVEL) / 2)) / np.sqrt(count - 3)
        centre = np.arctanh(np.clip(value, -1 + 1e-15, 1 - 1e-15))
        low, high = min(np.tanh(centre - width), value), max(np.tanh(centre + width), value)
    return Correlation(value, float(low), float(high), _p_value(value, rows or count), count)


def _p_value(value: float, rows: int) -> float:
    """Two-sided p-value of r = 0 by Student's t with rows - 2 degrees of freedom."""
    if rows < 3:
        return float("nan")
    if abs(value) >= 1:
        return 0.0
    statistic = abs(value) * np.sqrt((rows - 2) / (1 - value**2))
    return float(2 * stdtr(rows - 2, -statistic))


def separation(scores: ArrayLike, shares: ArrayLike, dimension: str) -> Separation:
    """Tell countries above 50 from the others by their shares.

    For power distance a high score goes with a small counted (low) share, so shares are turned.
    NaN where all countries bear one label.
    """
    labels, values = _labelled(scores, shares)
    if dimension == REVERSED:
        values = 1 - values
    if labels.size == 0 or labels.all() or not labels.any():
        return Separation(np.nan, np.nan, np.nan, np.nan)
    share_high = float(labels.mean())
    return Separation(
        auroc=_auroc(labels, values),
        accuracy=_leave_one_out(labels, values),
        floor=max(share_high, 1 - share_high),
        paper=best_in_sample(labels, values),
    )


def _labelled(scores: ArrayLike, shares: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    first, second = np.asarray(scores, np.float64), np.asarray(shares, np.float64)
    paired = ~(np.isnan(first) | np.isnan(second))
    return first[paired] > LABEL_THRESHOLD, second[paired]


def _auroc(labels: NDArray[np.bool_], values: Floats) -> float:
    """P(high above low) + P(tie) / 2.  Source: Hanley & McNeil (1982), Radiology 143, 29-36."""
    gap = values[labels][:, None] - values[~labels][None, :]
    return float((gap > 0).mean() + 0.5 * (gap == 0).mean())


def _leave_one_out(labels: NDArray[np.bool_], values: Floats) -> float:
    """Accuracy on each country of the threshold that is best on the others."""
    rows = np.arange(labels.size)
    hits = [
        (values[row] > _best_threshold(labels[rows != row], values[rows != row])) == labels[row]
        for row in rows
    ]
    return float(np.mean(hits))


def _best_threshold(labels: NDArray[np.bool_], values: Floats) -> float:
    """The threshold with the most hits; of equals the one nearest to the median value."""
    known = np.unique(values)
    cuts = np.concatenate([[known[0] - 1], (known[1:] + known[:-1]) / 2, [known[-1] + 1]])
    hits = ((values[None, :] > cuts[:, None]) == labels[None, :]).mean(axis=1)
    best = cuts[hits >= hits.max() - 1e-12]
    return float(best[np.abs(best - np.median(values)).argmin()])


def best_in_sample(labels: NDArray[np.bool_], values: Floats) -> float:
    """The paper's accuracy: the best of 100 thresholds over [0, 1] in either direction.

    It is fitted and judged on the same countries and may turn the direction: never below the
    floor, and high by chance alone.
    """
    cuts = np.linspace(0, 1, PAPER_THRESHOLDS)
    hits = ((values[None, :] > cuts[:, None]) == labels[None, :]).mean(axis=1)
    return float(max(hits.max(), (1 - hits).max()))
