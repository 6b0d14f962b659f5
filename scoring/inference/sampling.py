"""What sampling people does to a distance: its upward bias, its floor, and redrawn surveys.

A survey's shares p stand for a population's. Around each coordinate z_j(p) of a distance
(see `scoring.inputs.geometry`) lies a standard error s_j = sqrt(z_j (1 - z_j) / n_eff), since
z_j is itself the share of people at or below option j (ordinal) or on it (nominal). Because
distances sum absolute differences, the noise adds to them: two samples of one population are never
at distance 0.

The effective sample size is that of the release: by design (clusters, strata, weights) or Kish's,
see `scoring.inputs.survey`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey

#: Mean of |Z| of a standard normal Z.
MEAN_ABSOLUTE_NORMAL = float(np.sqrt(2 / np.pi))


def coordinate_se(coordinates: Floats, n_eff: Floats) -> Floats:
    """Standard errors of coordinates of shape (..., Q, K) for n_eff of shape (..., Q).

    Formula: sqrt(z (1 - z) / n_eff), NaN where nobody answered.
    """
    variance = np.clip(coordinates * (1 - coordinates), 0.0, None)
    size = np.where(n_eff > 0, n_eff, np.nan)
    return np.sqrt(variance / size[..., None])


def folded_mean(difference: Floats, se: Floats) -> Floats:
    """Mean of |difference + se Z| for a standard normal Z.

    Formula: d (2 Phi(d / s) - 1) + 2 s phi(d / s); |d| where s = 0.
    Source: Leone, Nelson & Nottingham (1961), Technometrics 3, 543-550.
    """
    # A tiny standard error gives |d|, and spares the cases.
    scale = np.maximum(se, 1e-12)
    ratio = difference / scale
    density = np.exp(-0.5 * ratio * ratio) * (1 / np.sqrt(2 * np.pi))
    return difference * erf(ratio * np.sqrt(0.5)) + 2 * scale * density


def debiased_gap(difference: Floats, se: Floats) -> Floats:
    """|difference| less the bias that sampling adds to it, by one step of the bootstrap.

    If x estimates d with standard error s, E|x| exceeds |d|. The excess is estimated by that
    of a redraw, E|x + s Z| - |x|, and taken off once: 2|x| - E|x + s Z|. Over differences
    that spread smoothly around 0 this is unbiased to the order of s; at d = 0 three fifths of
    the excess remain. Single values may be negative; they are meant for sums.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 10.6.
    """
    return 2 * np.abs(difference) - folded_mean(difference, se)


def sampling_floor(survey: Survey) -> Floats:
    """Distance at which a perfect model would still be found, shape (C, Q).

    It is the mean distance between a sample of n_eff people and their population, taken at the
    observed shares: sum_j w_j sqrt(2 / pi) s_j (normal approximation).
    """
    geometry = survey.geometry
    se = coordinate_se(geometry.coordinates(survey.shares), survey.n_eff)
    return MEAN_ABSOLUTE_NORMAL * np.einsum("cqk,qk->cq", se, geometry.weights)


def human_ceiling(survey: Survey) -> Floats:
    """Score that a second sample of the same people, of the same size, would get; shape (C, Q).

    Two samples differ by sqrt(2) times the noise of one, so it is 1 - sqrt(2) floor.
    """
    return 1 - np.sqrt(2) * sampling_floor(survey)


def debiased_distance(
    survey: Survey, answers: Floats, *, extra_variance: Floats | None = None
) -> Floats:
    """Distances of answers from people with the sampling bias taken off, shape (C, Q).

    Args:
        survey: the people.
        answers: shape (C or 1, Q, K).
        extra_variance: variance of the answers' own coordinates, shape (C, Q, K), where they
            are a sample too.
    """
    geometry = survey.geometry
    people = geometry.coordinates(survey.shares)
    se = coordinate_se(people, survey.n_eff)
    if extra_variance is not None:
        se = np.sqrt(se**2 + extra_variance)
    gap = debiased_gap(people - geometry.coordinates(answers), se)
    return np.einsum("cqk,qk->cq", gap, geometry.weights)


def redraw_question(
    survey: Survey, row: int, *, replicates: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Shares of redrawn surveys for one question, shape (C, K, replicates), single precision.

    The Bayesian bootstrap: every effective respondent gets a random weight instead of being drawn
    a whole number of times. Shares p of n_eff people are then Dirichlet with parameters
    (n_eff - 1) p, so that their variances and covariances are those of a multinomial of n_eff,
    p (1 - p) / n_eff, for any n_eff of 2 and more; NaN where nobody answered.

    Formula: p_k* = G_k / sum G with G_k standard gamma of shape (n_eff - 1) p_k.
    Source: Rubin (1981), The Bayesian Bootstrap, Annals of Statistics 9, 130-134.
    """
    shares = survey.shares[:, row, : int(survey.geometry.sizes[row])]
    answered = survey.answered[:, row]
    people = np.maximum(survey.n_eff[:, row] - 1, 1.0)
    shape = np.where(answered[:, None], shares * people[:, None], 1.0)
    # Single precision is far finer than the spread, and half the work and memory.
    drawn = rng.standard_gamma(
        shape[..., None].astype(np.float32), size=(*shape.shape, replicates), dtype=np.float32
    )
    drawn /= drawn.sum(axis=1, keepdims=True)
    drawn[~answered] = np.nan
    return drawn
