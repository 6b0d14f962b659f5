"""Ranks with intervals, and which neighbours cannot be told apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.inference.intervals import LEVEL
from scoring.inputs.geometry import Floats

#: Decimals within which scores are equal.
DECIMALS = 9


class Ranks(NamedTuple):
    """Ranks from 1 (highest score), 0 where there is no score; arrays of shape (R,).

    Attributes:
        rank: rank of the estimate; equal scores share the best rank.
        low, high: ends of the interval of the rank over the replicates.
        group: number of the tie group, from 1: a row begins a new group where it can be told
            from the first row of the group before it.
    """

    rank: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    group: NDArray[np.int64]


def rank_intervals(estimates: Floats, replicates: Floats, *, level: float = LEVEL) -> Ranks:
    """Ranks of R rows by their scores, and how sure they are.

    Args:
        estimates: shape (R,); NaN rows get no rank.
        replicates: joint replicates of the rows, shape (R, B): resampled in common, so that
            what moves all rows alike moves no rank.

    A rank's interval holds the rank of the estimate. Two rows are told apart where the central
    interval of their difference over the replicates leaves out 0.
    """
    # Equal scores may differ in their last digits, by the order in which they were summed.
    estimates, replicates = np.round(estimates, DECIMALS), np.round(replicates, DECIMALS)
    scored = np.flatnonzero(~np.isnan(estimates))
    result = Ranks(*(np.zeros(len(estimates), np.int64) for _ in range(4)))
    if scored.size == 0:
        return result
    values, draws = estimates[scored], replicates[scored]
    rank = 1 + (values[None, :] > values[:, None]).sum(axis=1)
    drawn = _ranks(draws)
    tail = (1 - level) / 2
    low = np.quantile(drawn, tail, axis=1, method="lower")
    high = np.quantile(drawn, 1 - tail, axis=1, method="higher")
    result.rank[scored] = rank
    result.low[scored] = np.minimum(low, rank)
    result.high[scored] = np.maximum(high, rank)
    result.group[scored] = _tie_groups(rank, draws, tail)
    return result


def _ranks(draws: Floats) -> NDArray[np.int64]:
    """Ranks down each column, highest first; equal values share the best. Shape (R, B).

    Written out, since importing scipy.stats takes longer than a whole further score.
    """
    order = np.argsort(-draws, axis=0, kind="stable")
    ordered = np.take_along_axis(draws, order, axis=0)
    place = np.arange(1, len(draws) + 1)[:, None]
    first = np.ones(draws.shape, bool)
    first[1:] = ordered[1:] != ordered[:-1]
    ranks = np.empty(draws.shape, np.int64)
    best = np.maximum.accumulate(np.where(first, place, 1), axis=0)
    np.put_along_axis(ranks, order, best, axis=0)
    return ranks


def _tie_groups(rank: NDArray[np.int64], draws: Floats, tail: float) -> NDArray[np.int64]:
    order = np.argsort(rank, kind="stable")
    group = np.zeros(len(rank), np.int64)
    first, number = order[0], 1
    for row in order:
        low = np.quantile(draws[first] - draws[row], tail)
        if row != first and low > 0:
            first, number = row, number + 1
        group[row] = number
    return group
