"""Measures of how answers hang together, from a correlation matrix or from persons' answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Variance of the error of a correlation published to the nearest .02, as if uniform.
ROUNDING_VARIANCE = 0.02**2 / 12


def noise_variance(correlations: Floats, sizes: Floats) -> Floats:
    """Sampling variance of a correlation coefficient, (1 - r^2)^2 / (n - 1).

    Args:
        correlations: shape (..., Q, Q).
        sizes: effective number of persons, broadcast to the same shape.

    Source: the delta method for bivariate normal positions; for answer scales it is close.
    """
    return (1 - correlations**2) ** 2 / np.maximum(sizes - 1, 1)


def structure_score(
    model: Floats, people: Floats, model_noise: Floats, people_noise: Floats
) -> float:
    """How much of the dependence between questions a model shows.

        1 - sqrt(D(model, people) / D(I, people)),
        D(model, people) = mean_ab (r_ab - s_ab)^2 - noise of both sides,
        D(I, people)     = mean_ab s_ab^2          - noise of the people,

    over the pairs a < b that both sides hold. 1: as dependent as people, in the same places; 0: as
    far from people as answers that do not depend on each other at all; below 0: further. A
    numerator below zero counts as zero: the difference is no larger than sampling noise.

    Args:
        model: correlations r of the model, shape (Q, Q); NaN where unknown.
        people: correlations s of the people, shape (Q, Q); NaN where unknown.
        model_noise: sampling variance of r, shape (Q, Q).
        people_noise: sampling variance of s, rounding included, shape (Q, Q).

    Returns:
        The score; NaN where no pair is held by both sides, or people's own dependence is no
        larger than its noise.

    Example:
        >>> import numpy as np
        >>> people = np.array([[1.0, 0.4], [0.4, 1.0]])
        >>> none = np.zeros((2, 2))
        >>> structure_score(people, people, none, none)
        1.0
        >>> structure_score(np.eye(2), people, none, none)
        0.0
    """
    above = np.triu_indices(len(people), 1)
    return float(pair_scores(model[above], people[above], model_noise[above], people_noise[above]))


def pair_scores(model: Floats, people: Floats, model_noise: Floats, people_noise: Floats) -> Floats:
    """`structure_score` of many models at once, from correlations by pair.

    Args:
        model: correlations of the models, shape (..., P); NaN where unknown.
        people: correlations of the people, shape (P,); NaN where unknown.
        model_noise: sampling variance of the models' correlations, shape (P,).
        people_noise: that of people's, rounding included, shape (P,).

    Returns:
        Scores, shape (...).
    """
    pairs = ~np.isnan(model) & ~np.isnan(people)
    count = pairs.sum(axis=-1)
    noise = model_noise + people_noise
    distance = np.where(pairs, (model - people) ** 2 - noise, 0.0).sum(axis=-1)
    scale = np.where(pairs, people**2 - people_noise, 0.0).sum(axis=-1)
    ratio = np.full(count.shape, np.nan)
    np.divide(np.maximum(distance, 0.0), scale, out=ratio, where=(count > 0) & (scale > 0))
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
    pairs = turned[np.triu_indices(len(turned), 1)]
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
