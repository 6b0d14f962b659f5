"""Sampling variance of correlations between answers, which are neither normal nor continuous.

The textbook variance (1 - r^2)^2 / (n - 1) holds for normal variables. Correlations of questions
that most people answer alike vary up to twice as much, so that it would leave noise in distances
between correlation matrices. Here the variance follows from the answers themselves where there are
any, and from shares where there are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from scoring.structure.moments import Integers, upper_pairs

Floats = NDArray[np.float64]

#: Terms of the expansion in Hermite polynomials; the rest is below a thousandth for |rho| < 0.7.
_TERMS = 24

#: Steps of Newton's method, and the largest correlation of normal scores taken.
_STEPS, _LARGEST = 4, 0.97

#: Values held at once while persons are left out, about 16 MB an array.
_BLOCK = 2_000_000


def persons_noise(answers: Floats) -> Floats:
    """Sampling variance of the correlations of persons' answers, by pair.

    The mean of two estimates whose errors have opposite signs: the jackknife, which is too large
    on average, and the infinitesimal jackknife, which is too small,

        (n - 1) / n sum_i (r_(i) - r_(.))^2,   1 / (n (n - 1)) sum_i u_i^2,
        u_i = z_ia z_ib - r (z_ia^2 + z_ib^2) / 2,

    with r_(i) the correlation without person i, and z standardised positions.

    Args:
        answers: positions, shape (N, Q); NaN where a person has no answer.

    Returns:
        Shape (Q (Q - 1) / 2), in the order of `upper_pairs(Q)`; 0 where a question has a
        single answer among those who answered both, NaN where fewer than three did.

    Source: B. Efron and C. Stein, The jackknife estimate of variance, Annals of Statistics 9
    (1981), on the sign of its error; L. A. Jaeckel, The infinitesimal jackknife (1972).
    """
    first, second = upper_pairs(answers.shape[1])
    there = ~np.isnan(answers)
    if there.all() and len(answers) > 2:
        return _whole_noise(answers, first, second)
    mask = there.astype(float)
    values = np.where(there, answers, 0.0)
    values = (values - values.sum(axis=0) / np.maximum(mask.sum(axis=0), 1.0)) * mask
    squares = values**2
    sums = (
        (mask.T @ mask)[first, second],
        (values.T @ mask)[first, second],
        (mask.T @ values)[first, second],
        (squares.T @ mask)[first, second],
        (mask.T @ squares)[first, second],
        (values.T @ values)[first, second],
    )
    size = np.maximum(sums[0], 3.0)
    r = _correlation(sums)
    left_out = np.zeros((2, len(first)))
    influence = np.zeros(len(first))
    mean_a, mean_b = sums[1] / size, sums[2] / size
    spread_a = np.maximum(sums[3] / size - mean_a**2, 1e-12)
    spread_b = np.maximum(sums[4] / size - mean_b**2, 1e-12)
    step = max(1, _BLOCK // max(len(first), 1))
    for begin in range(0, len(answers), step):
        block = slice(begin, begin + step)
        both = mask[block][:, first] * mask[block][:, second]
        a, b = values[block][:, first] * both, values[block][:, second] * both
        parts = (both, a, b, a**2, b**2, a * b)
        change = (_correlation([s - p for s, p in zip(sums, parts, strict=True)]) - r) * both
        left_out += change.sum(axis=0), (change**2).sum(axis=0)
        za, zb = (a - mean_a) * both, (b - mean_b) * both
        u = za * zb / np.sqrt(spread_a * spread_b) - r / 2 * (za**2 / spread_a + zb**2 / spread_b)
        influence += (u**2).sum(axis=0)
    jackknife = (size - 1) / size * (left_out[1] - left_out[0] ** 2 / size)
    variances = (jackknife + influence / (size * (size - 1))) / 2
    constant = (spread_a <= 1e-12) | (spread_b <= 1e-12)
    return np.where(sums[0] < 3, np.nan, np.where(constant, 0.0, np.maximum(variances, 0.0)))


def _whole_noise(answers: Floats, first: Integers, second: Integers) -> Floats:
    """`persons_noise` of persons who answered every question."""
    size = len(answers)
    values = answers - answers.mean(axis=0)
    squares = values**2
    sums = squares.sum(axis=0)
    varies = sums > 1e-12 * size
    z = values * np.sqrt(size / np.where(varies, sums, np.inf))
    r = (z.T @ z / size)[first, second]
    # Without person i, sums of products about the mean fall by n / (n - 1) times its own.
    part = size / (size - 1)
    spread = sums - part * squares
    scaled = values / np.sqrt(np.where(spread > 1e-12 * size, spread, np.inf))
    roots = np.sqrt(sums) / np.sqrt(np.where(spread > 1e-12 * size, spread, np.inf))
    left_out, influence = np.zeros((2, len(first))), np.zeros(len(first))
    step = max(1, _BLOCK // max(len(first), 1))
    for begin in range(0, size, step):
        block = slice(begin, begin + step)
        change = roots[block][:, first] * roots[block][:, second]
        change *= r
        change -= part * scaled[block][:, first] * scaled[block][:, second]
        change -= r
        left_out += change.sum(axis=0), np.einsum("np,np->p", change, change)
        u = z[block][:, first] * z[block][:, second]
        half = z[block] ** 2 / 2
        u -= r * (half[:, first] + half[:, second])
        influence += np.einsum("np,np->p", u, u)
    jackknife = (size - 1) / size * (left_out[1] - left_out[0] ** 2 / size)
    variances = (jackknife + influence / (size * (size - 1))) / 2
    return np.where(varies[first] & varies[second], np.maximum(variances, 0.0), 0.0)


def _correlation(sums: list[Floats] | tuple[Floats, ...]) -> Floats:
    """Correlations from sums of 1, x, y, x^2, y^2 and xy; 0 where one side does not vary."""
    n, sx, sy, sxx, syy, sxy = sums
    size = np.maximum(n, 1.0)
    spread = (sxx / size - (sx / size) ** 2) * (syy / size - (sy / size) ** 2)
    covariance = sxy / size - sx / size * (sy / size)
    correlations = np.zeros(spread.shape)
    np.divide(covariance, np.sqrt(np.maximum(spread, 0.0)), out=correlations, where=spread > 1e-12)
    return correlations


def shares_noise(
    r: Floats, shares: Floats, pairs: tuple[Integers, Integers], sizes: Floats
) -> Floats:
    """Sampling variance of people's correlations, from their shares alone.

    Behind the positions x and y stand normal scores with the correlation that gives r, cut where
    the shares say. With m_jk the mean of z_x^j z_y^k, the variance of r times n is

        m_22 - r (m_31 + m_13) + r^2 / 4 (m_40 + 2 m_22 + m_04).

    The moments come from expansions in normalised Hermite polynomials h_k, E[f(X) g(Y)] =
    sum_k rho^k E[f h_k] E[g h_k].

    Args:
        r: correlations by pair, shape (C, P); NaN where unknown.
        shares: of the options in scale order, shape (C, Q, K), 0 for padding; NaN where unknown.
        pairs: numbers of the first and second question of each pair, shape (P,) each.
        sizes: effective number of people by pair, shape (C, P).

    Returns:
        Shape (C, P); NaN where the correlation or the shares are unknown.

    Source: the delta method, for instance A. W. van der Vaart, Asymptotic Statistics (1998),
    example 3.5; H. O. Lancaster, The structure of bivariate distributions, Annals of Mathematical
    Statistics 29 (1958).
    """
    first, second = pairs
    linear, square, cube, fourth = _expansions(shares)
    known = ~np.isnan(r) & ~np.isnan(fourth[:, first]) & ~np.isnan(fourth[:, second])
    country, pair = np.nonzero(known)
    a, b, some = (country, first[pair]), (country, second[pair]), r[known]
    rho = _normal_correlation(some, [one[a] * one[b] for one in linear])
    m22 = 1 + _series(rho, [one[a] * one[b] for one in square])
    mixed = _series(
        rho,
        [three[a] * one[b] + one[a] * three[b] for one, three in zip(linear, cube, strict=True)],
    )
    ends = fourth[a] + fourth[b]
    variance = m22 - some * mixed + some**2 / 4 * (ends + 2 * m22)
    out = np.full(r.shape, np.nan)
    out[known] = np.maximum(variance, 0.0) / np.maximum(sizes[known] - 1, 1)
    return out


def _series(rho: Floats, coefficients: Sequence[Floats]) -> Floats:
    """Sum of coefficient k times rho to the power k, from k = 1, by Horner's rule."""
    total = np.zeros_like(rho)
    for one in reversed(coefficients):
        total = (total + one) * rho
    return total


def _expansions(shares: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Hermite coefficients of z, z^2 and z^3, shape (terms, C, Q) each, and the means of z^4."""
    places = np.arange(shares.shape[-1])
    mean = (shares * places).sum(axis=-1, keepdims=True)
    spread = np.sqrt((shares * (places - mean) ** 2).sum(axis=-1, keepdims=True))
    z = (places - mean) / np.where(spread > 0, spread, np.nan)
    cuts = ndtri(np.clip(np.cumsum(shares, axis=-1)[..., :-1], 0.0, 1.0))
    inside = np.isfinite(cuts)
    cuts = np.where(inside, cuts, 0.0)
    density = np.where(inside, np.exp(-(cuts**2) / 2) / np.sqrt(2 * np.pi), 0.0)
    steps = [np.diff(z**power, axis=-1) * density for power in (1, 2, 3)]
    expansions = np.empty((3, _TERMS, *shares.shape[:-1]))
    before, now = np.zeros_like(cuts), np.ones_like(cuts)
    for k in range(1, _TERMS + 1):
        for power, step in enumerate(steps):
            expansions[power, k - 1] = (step * now).sum(axis=-1) / np.sqrt(k)
        before, now = now, (cuts * now - np.sqrt(k - 1) * before) / np.sqrt(k)
    return expansions[0], expansions[1], expansions[2], (shares * z**4).sum(axis=-1)


def _normal_correlation(r: Floats, products: Sequence[Floats]) -> Floats:
    """The correlation of normal scores behind each r, by Newton's method; products are those of
    the coefficients of z."""
    rho = np.clip(r, -_LARGEST, _LARGEST)
    for _ in range(_STEPS):
        total, slope = np.zeros_like(rho), np.zeros_like(rho)
        for k in reversed(range(_TERMS)):
            total = (total + products[k]) * rho
            slope = slope * rho + (k + 1) * products[k]
        rho = np.clip(rho - (total - r) / np.maximum(slope, 1e-3), -_LARGEST, _LARGEST)
    return rho


def sample_errors(people: Floats, sizes: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Errors of the correlations of samples of people, in standard errors, shape (draws, P).

    How the errors of pairs go together is that of normal samples, whose covariances follow a
    Wishart distribution.

    Args:
        people: correlations, shape (Q, Q).
        sizes: effective number of people by question.
        draws: how many samples.
        rng: source of the draws.

    Source: M. S. Bartlett, Proceedings of the Royal Society of Edinburgh 53 (1933), on drawing
    from the distribution; the roots of its chi-squares by Fisher's approximation.
    """
    first, second = upper_pairs(len(people))
    values, vectors = np.linalg.eigh(people)
    root = vectors * np.sqrt(np.maximum(values, 1e-3))
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    r = (root @ root.T)[first, second]
    size = max(float(np.median(sizes)), len(people) + 2.0)
    places = np.arange(len(people))
    lower = np.tril(rng.standard_normal((draws, *people.shape)))
    lower[:, places, places] /= np.sqrt(2)
    lower[:, places, places] += np.sqrt(size - 1.5 - places)
    factor = root @ lower
    scatter = factor @ np.swapaxes(factor, 1, 2)
    spread = np.sqrt(scatter[:, places, places])
    drawn = scatter[:, first, second] / (spread[:, first] * spread[:, second])
    return (drawn - r) / np.maximum((1 - r**2) / np.sqrt(size - 1), 1e-6)
