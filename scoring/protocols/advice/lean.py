"""A model's own lean in advice, what is left of a correlation given it, and paired approaches.

A model that always advises saving leans to the long-term side whoever asks. The lean says nothing
of whether advice follows the asker, but pooled over dimensions it can look like it: where the
countries of the study score high on the dimension in which the model leans high, scores and
shares go together by that alone. The partial correlation takes this part away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scoring.inference.bootstrap import question_counts
from scoring.inference.intervals import percentile_bounds
from scoring.inputs.geometry import Floats
from scoring.protocols.judgments import weighted_pearson


class Bounded(NamedTuple):
    """An estimate with the ends of its interval and the number of units resampled."""

    value: float
    low: float
    high: float
    units: int


class Paired(NamedTuple):
    """First approach less second: mean aligned correlation, interval, two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float
    countries: int
    dimensions: int


def lean(
    high: ArrayLike, low: ArrayLike, *, rng: np.random.Generator, replicates: int = 1000
) -> Bounded:
    """Share of the high side among the answers that took a side.

    Args:
        high, low: numbers of answers on each side, by dilemma, shape (D,).

    The interval resamples dilemmas, which hold together the answers of all countries.
    Formula: sum_d high_d / sum_d (high_d + low_d). NaN where no answer took a side.
    """
    first, second = np.asarray(high, np.float64), np.asarray(low, np.float64)
    used = (first + second) > 0
    first, second = first[used], second[used]
    if not first.size:
        return Bounded(np.nan, np.nan, np.nan, 0)
    value = np.asarray(first.sum() / (first.sum() + second.sum()))
    counts = question_counts(first.size, replicates=replicates, rng=rng)
    drawn = (first @ counts) / ((first + second) @ counts)
    bounds = percentile_bounds(drawn, value, units=first.size, limits=(0.0, 1.0))
    return Bounded(float(value), float(bounds.low), float(bounds.high), int(first.size))


def partial_correlation(
    scores: ArrayLike,
    shares: ArrayLike,
    leans: ArrayLike,
    *,
    rng: np.random.Generator,
    replicates: int = 1000,
) -> Bounded:
    """Correlation of scores and shares of the high side over (country, dimension) given the lean.

    Args:
        scores, shares: shape (K, C): dimensions by countries; pairs with a NaN are left out.
        leans: the model's lean in each dimension, shape (K,).

    Formula: (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)), x the scores, y the shares, z
    the leans; where z is constant, r_xy. The interval resamples countries, all their dimensions
    together.  Source: Yule (1907), Proc. R. Soc. A 79, 182-193.
    """
    x, y = np.asarray(scores, np.float64), np.asarray(shares, np.float64)
    z = np.broadcast_to(np.asarray(leans, np.float64)[:, None], x.shape)
    known = ~(np.isnan(x) | np.isnan(y) | np.isnan(z))
    x, y, z = (np.where(known, side, np.nan) for side in (x, y, z))
    countries = int(known.any(axis=0).sum())
    value = _partial(x, y, z, np.ones((x.shape[1], 1)))[0]
    if np.isnan(value):
        return Bounded(np.nan, np.nan, np.nan, countries)
    drawn = _partial(x, y, z, question_counts(x.shape[1], replicates=replicates, rng=rng))
    drawn = np.where(np.isnan(drawn), value, drawn)
    bounds = percentile_bounds(drawn, np.asarray(value), units=countries, limits=(-1.0, 1.0))
    return Bounded(float(value), float(bounds.low), float(bounds.high), countries)


def _partial(x: Floats, y: Floats, z: Floats, counts: Floats) -> Floats:
    """Partial correlations, shape (B,); `counts` says how often each country counts."""
    weights = np.tile(counts, (x.shape[0], 1))
    r_xy, r_xz, r_yz = (
        weighted_pearson(one.reshape(1, -1), two.reshape(1, -1), weights)[0]
        for one, two in ((x, y), (x, z), (y, z))
    )
    r_xz, r_yz = np.nan_to_num(r_xz), np.nan_to_num(r_yz)
    bottom = np.sqrt((1 - r_xz**2) * (1 - r_yz**2))
    partials = np.full(r_xy.shape, np.nan)
    np.divide(r_xy - r_xz * r_yz, bottom, out=partials, where=bottom > 1e-9)
    return np.clip(partials, -1.0, 1.0)


def paired_approaches(
    scores: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    rng: np.random.Generator,
    replicates: int = 1000,
    permutations: int = 1999,
) -> Paired:
    """Compare two approaches over the countries and dimensions that both have.

    Args:
        scores: Hofstede scores, turned where the counted side is the low one, shape (K, C).
        first, second: shares on the counted side under either approach, shape (K, C).

    The difference is that of the mean correlations over dimensions; its interval resamples
    countries in common for both. For the p-value the two approaches are exchanged in whole
    countries at random, after each dimension's shares were standardised: a correlation knows
    neither level nor spread, so under the null hypothesis only these may differ.
    Formula: p = (1 + #{|exchanged| >= |observed|}) / (1 + permutations).
    Source: Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39.
    """
    x, a, b = (np.asarray(side, np.float64) for side in (scores, first, second))
    known = ~(np.isnan(x) | np.isnan(a) | np.isnan(b))
    x, a, b = (np.where(known, side, np.nan) for side in (x, a, b))
    once = np.ones((x.shape[1], 1))
    gaps = (weighted_pearson(x, a, once) - weighted_pearson(x, b, once))[:, 0]
    used = ~np.isnan(gaps)
    countries = int(known[used].any(axis=0).sum()) if used.any() else 0
    if not used.any():
        return Paired(np.nan, np.nan, np.nan, np.nan, countries, 0)
    x, a, b = x[used], a[used], b[used]
    value = float(gaps[used].mean())
    counts = question_counts(x.shape[1], replicates=replicates, rng=rng)
    drawn = weighted_pearson(x, a, counts) - weighted_pearson(x, b, counts)
    drawn = np.where(np.isnan(drawn), gaps[used][:, None], drawn).mean(axis=0)
    bounds = percentile_bounds(drawn, np.asarray(value), units=countries, limits=(-2.0, 2.0))
    p_value = _exchange_test(x, a, b, abs(value), rng=rng, permutations=permutations)
    return Paired(value, float(bounds.low), float(bounds.high), p_value, countries, int(used.sum()))


def _exchange_test(
    x: Floats, a: Floats, b: Floats, observed: float, *, rng: np.random.Generator, permutations: int
) -> float:
    """Two-sided p-value; see `paired_approaches`."""
    x, a, b = _standard(x), _standard(a), _standard(b)
    swap = rng.integers(0, 2, size=(permutations, 1, x.shape[1])).astype(bool)
    one, two = np.where(swap, b, a), np.where(swap, a, b)
    gap = np.nanmean(_rows_pearson(x, one) - _rows_pearson(x, two), axis=1)
    extreme = int((np.abs(gap) >= observed * (1 - 1e-12) - 1e-12).sum())
    return (1 + extreme) / (1 + permutations)


def _standard(side: Floats) -> Floats:
    centred = side - np.nanmean(side, axis=-1, keepdims=True)
    scaled: Floats = centred / np.sqrt(np.nanmean(centred**2, axis=-1, keepdims=True))
    return scaled


def _rows_pearson(x: Floats, y: Floats) -> Floats:
    """Pearson's r along the last axis; x is standardised, y not any more after exchanges."""
    centred = y - np.nanmean(y, axis=-1, keepdims=True)
    spread = np.sqrt(np.nanmean(centred**2, axis=-1))
    product = np.nanmean(x * centred, axis=-1)
    return np.divide(product, spread, out=np.zeros_like(product), where=spread > 1e-9)
