"""Measures of how answers hang together, from a correlation matrix or from persons' answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.structure.moments import Floats, upper_pairs

#: Variance of the error of a correlation published to the nearest .02, as if uniform.
ROUNDING_VARIANCE = 0.02**2 / 12


def squared_distance(model: Floats, people: Floats, noise: Floats) -> Floats:
    """Mean squared difference of correlations, less sampling noise.

        D = mean_ab (r_ab - s_ab)^2 - noise_ab

    over the pairs a < b that both sides hold; below zero where the difference is smaller than
    noise makes it on average.

    Args:
        model: correlations r of models, shape (..., P) by pair; NaN where unknown.
        people: correlations s of the people, shape (..., P); NaN where unknown.
        noise: sampling variance of r - s, shape (P,).

    Returns:
        Shape (...); NaN where no pair is held by both.
    """
    squares = (model - people) ** 2 - noise
    pairs = ~np.isnan(squares)
    count = pairs.sum(axis=-1)
    out = np.full(count.shape, np.nan)
    np.divide(np.where(pairs, squares, 0.0).sum(axis=-1), count, out=out, where=count > 0)
    return out


def structure_score(distance: ArrayLike, scale: ArrayLike) -> Floats:
    """How much of the dependence between questions a model shows.

        1 - sqrt(D(model, people) / D(I, people))

    with D of `squared_distance`, or its mean over batteries and countries. 1: as dependent as
    people, in the same places; 0: as far from people as answers that do not depend on each other at
    all; below 0: further. A distance below zero counts as zero: it is no larger than noise.

    Args:
        distance: D(model, people), shape (...).
        scale: D(I, people), of the unrelated answers, of a shape that broadcasts.

    Returns:
        Scores, shape (...); NaN where people's own dependence is no larger than its noise.

    Example:
        >>> import numpy as np
        >>> people, none = np.array([0.4, 0.2]), np.zeros(2)
        >>> scale = squared_distance(none, people, none)
        >>> float(structure_score(squared_distance(people, people, none), scale))
        1.0
        >>> float(structure_score(squared_distance(none, people, none), scale))
        0.0
    """
    above, below = np.broadcast_arrays(np.asarray(distance, float), np.asarray(scale, float))
    ratio = np.full(above.shape, np.nan)
    np.divide(np.maximum(above, 0.0), below, out=ratio, where=below > 0)
    return 1 - np.sqrt(ratio)


def first_component(correlations: Floats) -> float:
    """Share of variance of the first principal component, largest eigenvalue / K.

    1 / K for independent questions, 1 where all move together. NaN where a pair is unknown.
    """
    if np.isnan(correlations).any():
        return float("nan")
    return float(np.linalg.eigvalsh(correlations)[-1] / len(correlations))


def effective_dependence(correlations: Floats) -> float:
    """1 - |R|^(1/K): 0 for independent questions, 1 where one follows from the others.

    Source: D. Peña and J. Rodríguez, Descriptive measures of multivariate scatter and linear
    dependence, Journal of Multivariate Analysis 85 (2003). Pairwise matrices may have small
    negative eigenvalues; these count as zero. NaN where a pair is unknown.
    """
    if np.isnan(correlations).any():
        return float("nan")
    values = np.maximum(np.linalg.eigvalsh(correlations), 0.0)
    if (values <= 0).any():
        return 1.0
    return float(1 - np.exp(np.log(values).mean()))


def standardised_alpha(correlations: Floats, signs: Floats) -> float:
    """Cronbach's alpha of standardised items, K m / (1 + (K - 1) m), m the mean correlation.

    Args:
        correlations: shape (K, K); unknown pairs (NaN) are left out of the mean.
        signs: 1, or -1 for items that run against the others, shape (K,).

    Example:
        >>> import numpy as np
        >>> round(standardised_alpha(np.array([[1.0, 0.5], [0.5, 1.0]]), np.ones(2)), 4)
        0.6667
    """
    turned = correlations * np.outer(signs, signs)
    pairs = turned[upper_pairs(len(turned))]
    if np.isnan(pairs).all():
        return float("nan")
    mean, size = np.nanmean(pairs), len(turned)
    return float(size * mean / (1 + (size - 1) * mean))


def whole_part(correlations: Floats) -> NDArray[np.int64]:
    """Questions of the largest part of a matrix without unknown pairs, found greedily.

    The question with most unknown pairs goes first, the later one where two are equal.
    """
    rows = np.arange(len(correlations))
    while len(rows) > 1:
        unknown = np.isnan(correlations[np.ix_(rows, rows)]).sum(axis=1)
        if unknown.max() == 0:
            break
        rows = np.delete(rows, len(rows) - 1 - int(unknown[::-1].argmax()))
    return rows


def variance_ratio(model: Floats, people: Floats, weights: Floats) -> Floats:
    """Variance of positions, the model's over people's, per question; NaN where people agree.

    Args:
        model: shares of the options in scale order, shape (..., K).
        people: the same of the people.
        weights: positions of the options, shape (K,), 0 for padding.
    """
    spread = [
        (shares * weights**2).sum(axis=-1) - (shares * weights).sum(axis=-1) ** 2
        for shares in (model, people)
    ]
    out = np.full(np.broadcast_shapes(spread[0].shape, spread[1].shape), np.nan)
    np.divide(spread[0], spread[1], out=out, where=spread[1] > 1e-12)
    return out


def entropy(shares: Floats) -> Floats:
    """Shannon entropy in nats over the last axis; an option that nobody chose adds nothing."""
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logs).sum(axis=-1)


def distinct_share(answers: Floats) -> float:
    """Share of distinct persons: different rows over all rows, missing answers compared too."""
    if len(answers) == 0:
        return float("nan")
    filled = np.where(np.isnan(answers), -1.0, answers)
    return len(np.unique(filled, axis=0)) / len(filled)


def gap_agreement(model: Floats, people: Floats, errors: Floats) -> tuple[float, float, int]:
    """Whether demographic gaps point the same way and are as large.

    Args:
        model: gaps of the model (difference of two groups' mean positions), shape (G,).
        people: the same of people.
        errors: standard errors of people's gaps, shape (G,).

    Returns:
        Share of gaps with the same sign, and the slope of the model's gaps on people's through
        the origin (1: as large; above: exaggerated, the sign of a stereotype; 0: absent), both
        over the gaps that exceed two standard errors; and their number. NaN, NaN, 0 without any.
    """
    clear = (np.abs(people) > 2 * errors) & ~np.isnan(model)
    if not clear.any():
        return float("nan"), float("nan"), 0
    same = np.sign(model[clear]) == np.sign(people[clear])
    slope = (model[clear] * people[clear]).sum() / (people[clear] ** 2).sum()
    return float(same.mean()), float(slope), int(clear.sum())
