"""Scores that are country-equal means over cells: one function per score.

Each takes `CellInputs` and returns an array of shape (C, Q): countries by questions, NaN where a
cell does not count. A score of this kind is added with one function and one entry in
`contracts.specs.scores` that names it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring import measures
from scoring.inputs.geometry import Floats


class CellInputs(NamedTuple):
    """Both sides of the cells that count.

    Attributes:
        people, model: answer shares, shape (C, Q, K); NaN where a cell does not count.
        sizes: options of each question, shape (Q,).
        ordinal: whether a question's options have an order, shape (Q,).
    """

    people: Floats
    model: Floats
    sizes: NDArray[np.int64]
    ordinal: NDArray[np.bool_]


def total_variation(cells: CellInputs) -> Floats:
    """Total variation distance."""
    return measures.total_variation(cells.model, cells.people)


def jensen_shannon(cells: CellInputs) -> Floats:
    """Jensen-Shannon divergence."""
    return measures.jensen_shannon(cells.model, cells.people)


def kl_divergence(cells: CellInputs) -> Floats:
    """Kullback-Leibler divergence of people's shares from the model's."""
    return measures.kl_divergence(cells.people, cells.model, sizes=cells.sizes)


def ranked_probability_score(cells: CellInputs) -> Floats:
    """Ranked probability score of ordinal questions."""
    rps = measures.ranked_probability_score(cells.model, cells.people, sizes=cells.sizes)
    return np.where(cells.ordinal, rps, np.nan)


def mean_score_difference(cells: CellInputs) -> Floats:
    """Absolute difference of mean scores in [-1, 1], of ordinal questions."""
    shift = measures.mean_score_difference(cells.model, cells.people, sizes=cells.sizes)
    return np.where(cells.ordinal, np.abs(shift), np.nan)


def mode_agreement(cells: CellInputs) -> Floats:
    """Whether the most frequent answer is the same."""
    return measures.mode_agreement(cells.model, cells.people)


def individual_rps(cells: CellInputs) -> Floats:
    """Expected ranked probability score over persons, of ordinal questions."""
    rps = expected_individual_scores(cells.model, cells.people, cells.sizes).rps
    return np.where(cells.ordinal, rps, np.nan)


def individual_log_score(cells: CellInputs) -> Floats:
    """Expected log score over persons."""
    return expected_individual_scores(cells.model, cells.people, cells.sizes).log_score


def individual_brier_score(cells: CellInputs) -> Floats:
    """Expected Brier score over persons."""
    return expected_individual_scores(cells.model, cells.people, cells.sizes).brier


class IndividualScores(NamedTuple):
    """Mean scores of a forecast over the persons whose answers it is for, shape (C, Q)."""

    rps: Floats
    log_score: Floats
    brier: Floats


def expected_individual_scores(
    model: Floats, people: Floats, sizes: NDArray[np.int64]
) -> IndividualScores:
    """Individual-level scores when every person gets the model's shares as their forecast.

    Their mean over persons follows from the people's shares G alone:

        RPS    sum_j ((F_j - G_j)^2 + G_j (1 - G_j)) / (K - 1)
        log    -sum_j g_j log2((1 - e) f_j + e / K), e = 0.001
        Brier  sum_j f_j^2 - 2 sum_j f_j g_j + 1

    Args:
        model, people: shares f and g, shape (C, Q, K); NaN where a cell does not count.
        sizes: options K of each question, shape (Q,).
    """
    below = np.cumsum(people, axis=-1)
    spread = np.clip(below * (1 - below), 0, None).sum(axis=-1) / (sizes - 1)
    smooth = 0.999 * model + 0.001 / sizes[:, None]
    return IndividualScores(
        rps=measures.ranked_probability_score(model, people, sizes=sizes) + spread,
        log_score=-(people * np.log2(smooth)).sum(axis=-1),
        brier=(model**2).sum(axis=-1) - 2 * (model * people).sum(axis=-1) + 1,
    )
