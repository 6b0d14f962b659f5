"""Ranks of board rows: one paired bootstrap over questions for all rows that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.inference.bootstrap import question_counts, resampled_means
from scoring.inference.ranks import rank_intervals

#: Seed of the resamples: every build of an index draws the same questions.
SEED = 20260101
REPLICATES = 1000

Floats = NDArray[np.float64]


class Rank(NamedTuple):
    """A row's rank among equals.

    Attributes:
        rank: 1 is the highest score.
        low: best rank of the interval.
        high: worst rank of the interval.
        tie: number of the tie group, from 1; rows of one group cannot be told apart from its
            first row.
        size: how many rows were ranked.
    """

    rank: int
    low: int
    high: int
    tie: int
    size: int


def country_equal_means(alignment: Floats, counts: Floats) -> Floats:
    """Country-equal mean alignment of one row under drawn questions.

    Args:
        alignment: shape (countries, questions), NaN where there is no score.
        counts: how often each question is drawn, shape (questions, draws).

    Returns:
        Shape (draws,): mean over countries of the mean over that country's questions; NaN where
        the row has no score at all. A country without any score is left out; one none of whose
        questions were drawn takes its mean over all of them.
    """
    scored = np.isfinite(alignment).any(axis=1)
    if not scored.any():
        return np.full(counts.shape[1], np.nan)
    return resampled_means(np.asarray(alignment[scored], np.float64), counts).mean(axis=0)


def rank_rows(
    grids: Sequence[Floats], *, rng: np.random.Generator, replicates: int = REPLICATES
) -> list[Rank]:
    """Rank rows by their country-equal mean alignment, with intervals and ties.

    Args:
        grids: per row, shape (countries, questions) on one common grid, NaN where missing.
        rng: source of randomness.
        replicates: number of resamples; the same questions are drawn for all rows.

    Returns:
        One rank per row, in the order given.
    """
    if not grids:
        return []
    questions = grids[0].shape[1]
    once = np.ones((questions, 1))
    estimates = np.array([country_equal_means(grid, once)[0] for grid in grids])
    counts = question_counts(questions, replicates=replicates, rng=rng)
    drawn = np.stack([country_equal_means(grid, counts) for grid in grids])
    ranks = rank_intervals(estimates, drawn)
    return [
        Rank(
            rank=int(ranks.rank[row]),
            low=int(ranks.low[row]),
            high=int(ranks.high[row]),
            tie=int(ranks.group[row]),
            size=len(grids),
        )
        for row in range(len(grids))
    ]
