"""Bootstrap over questions and respondents, with questions sampled or fixed.

Two questions are asked of one score. With the questions *fixed*, only other people might have
answered: the replicates redraw respondents. With the questions *sampled*, other questions on
the same matters might have been asked as well. The observed spread between questions already
holds the respondents' noise once; so that it is not counted twice, deviations from resampled
questions are shrunk to the spread that noise leaves, before the noise is added.
"""

from __future__ import annotations

import numpy as np

from scoring.inputs.geometry import Floats


def question_counts(questions: int, *, replicates: int, rng: np.random.Generator) -> Floats:
    """How often each question is drawn in each replicate, shape (Q, B); columns sum to Q."""
    if questions == 0:
        return np.zeros((0, replicates))
    share = np.full(questions, 1 / questions)
    return rng.multinomial(questions, share, size=replicates).T.astype(np.float64)


def resampled_means(scores: Floats, counts: Floats) -> Floats:
    """Means over resampled questions, shape (..., B).

    Args:
        scores: shape (..., Q); NaN is left out of a row's mean.
        counts: shape (Q, B), see `question_counts`.

    A replicate that draws none of a row's questions takes the row's mean.
    """
    present = ~np.isnan(scores)
    filled = np.where(present, scores, 0.0)
    drawn = present.astype(np.float64) @ counts
    total = filled @ counts
    whole = filled.sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)
    mean = np.divide(total, drawn, out=np.zeros_like(total), where=drawn > 0)
    return np.where(drawn > 0, mean, whole[..., None])


def sampled_replicates(question_part: Floats, noise: Floats, centre: Floats) -> Floats:
    """Replicates with questions and respondents sampled, shape (..., B).

    Args:
        question_part: means over resampled questions, shape (..., B).
        noise: deviations from redrawn respondents, the questions fixed, shape (..., B).
        centre: score without sampling bias, shape (...).

    Formula: centre + sqrt(max(0, 1 - Var(noise) / Var(questions))) dev(questions) + noise.
    """
    deviation = question_part - question_part.mean(axis=-1, keepdims=True)
    spread = deviation.var(axis=-1)
    excess = noise.var(axis=-1)
    signal_share = np.divide(spread - excess, spread, out=np.zeros_like(spread), where=spread > 0)
    shrunk = np.sqrt(np.clip(signal_share, 0.0, 1.0))[..., None] * deviation
    return centre[..., None] + shrunk + noise


def fixed_replicates(noise: Floats, centre: Floats) -> Floats:
    """Replicates with the questions fixed, shape (..., B)."""
    return centre[..., None] + noise
