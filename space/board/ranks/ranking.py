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


def means_of_rows(grids: Sequence[Floats], counts: Floats) -> Floats:
    """`country_equal_means` of many rows, shape (rows, draws).

    The mean of a country is linear in its scores as long as the questions that it has are the
    same. So scores of all countries with the same questions are added up first, and what is drawn
    is one product for all rows that have the same cells.
    """
    means = np.empty((len(grids), counts.shape[1]))
    alike: dict[bytes, list[int]] = {}
    for place, grid in enumerate(grids):
        alike.setdefault(np.packbits(np.isfinite(grid)).tobytes(), []).append(place)
    for places in alike.values():
        present = np.isfinite(grids[places[0]])
        scored = np.flatnonzero(present.any(axis=1))
        if not scored.size:
            means[places] = np.nan
            continue
        patterns, of = np.unique(present[scored], axis=0, return_inverse=True)
        total = np.zeros((len(places), counts.shape[1]))
        for number, pattern in enumerate(patterns):
            rows = scored[of == number]
            added = np.array([grids[at][np.ix_(rows, pattern)].sum(axis=0) for at in places])
            times = counts[pattern].sum(axis=0)
            whole = added.mean(axis=1)
            total += np.where(
                times > 0, (added @ counts[pattern]) / np.maximum(times, 1), whole[:, None]
            )
        means[places] = total / scored.size
    return means


def drawn_questions(questions: int) -> Floats:
    """How often each question is drawn, shape (questions, draws): the same in every build."""
    return question_counts(questions, replicates=REPLICATES, rng=np.random.default_rng(SEED))


def rank_rows(grids: Sequence[Floats], *, counts: Floats | None = None) -> list[Rank]:
    """Rank rows by their country-equal mean alignment, with intervals and ties.

    Args:
        grids: per row, shape (countries, questions) on one common grid, NaN where missing.
        counts: `drawn_questions` of the grids' questions, where they are there already.

    Returns:
        One rank per row, in the order given.
    """
    if not grids:
        return []
    questions = grids[0].shape[1]
    counts = drawn_questions(questions) if counts is None else counts
    # The first draw takes every question once: the estimate.
    drawn = means_of_rows(grids, np.column_stack([np.ones(questions), counts]))
    ranks = rank_intervals(drawn[:, 0], drawn[:, 1:])
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
