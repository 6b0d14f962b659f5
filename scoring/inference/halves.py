"""How close two halves of one country's interviews come: what rows say of the human ceiling."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.inputs.geometry import Floats, Geometry
from scoring.inputs.interviews import Interviews

#: Random splits that distances are averaged over.
SPLITS = 100


class Halves(NamedTuple):
    """Scores that a second sample of the same design would get, by question, shape (Q,).

    Attributes:
        clusters: from halves that keep clusters whole; NaN where there are no clusters.
        persons: from halves of single respondents, as if these were drawn one by one.
    """

    clusters: Floats
    persons: Floats


def ceiling_by_halves(
    interviews: Interviews,
    geometry: Geometry,
    *,
    rng: np.random.Generator,
    splits: int = SPLITS,
) -> Halves:
    """The human ceiling of a country from random halves of its interviews.

    Two halves of n interviews each hold n / 2, so that the difference of their shares has twice
    the variance of the difference of two samples of n. With d the mean distance of the halves over
    the splits, the ceiling is 1 - d / sqrt(2). Where clusters are drawn and everyone in them is
    interviewed together, only halves that keep clusters whole are as far apart as two surveys.

    Args:
        interviews: of the country.
        geometry: questions and options.
        rng: draws the halves.
        splits: number of random splits.

    Source: McCarthy (1969), Review of the International Statistical Institute 37, 239-264
    (half-samples within strata); the scale is that of `scoring.inference.sampling.human_ceiling`.
    """
    people = len(interviews.weight)
    alone = np.arange(people), np.zeros(people, np.int64)
    persons = _half_scores(interviews, geometry, *alone, rng=rng, splits=splits)
    if interviews.cluster is None:
        return Halves(np.full(len(persons), np.nan), persons)
    units = interviews.cluster, interviews.stratum
    return Halves(_half_scores(interviews, geometry, *units, rng=rng, splits=splits), persons)


def random_halves(
    stratum: NDArray[np.integer], splits: int, *, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which units belong to the first half of each split, shape (splits, units).

    Every stratum is halved; what is left over of an odd number goes to either half by chance.
    """
    first = np.zeros((splits, len(stratum)), bool)
    for number in np.unique(stratum):
        members = np.flatnonzero(stratum == number)
        place = np.argsort(rng.random((splits, len(members))), axis=1)
        half, odd = divmod(len(members), 2)
        first[:, members] = place < half
        if odd:
            first[:, members] |= (place == half) & (rng.random((splits, 1)) < 0.5)
    return first


def _half_scores(
    interviews: Interviews,
    geometry: Geometry,
    unit: NDArray[np.integer],
    stratum: NDArray[np.integer],
    *,
    rng: np.random.Generator,
    splits: int,
) -> Floats:
    """1 - d / sqrt(2) of every question; NaN where no split has answers on both sides."""
    halves = random_halves(stratum, splits, rng=rng).astype(np.float64)
    scores = np.full(len(geometry.question_ids), np.nan)
    for row, size in enumerate(geometry.sizes.tolist()):
        option = interviews.option[:, row].astype(np.int64)
        there = option >= 0
        sums = np.bincount(
            unit[there] * size + option[there],
            interviews.weight[there],
            minlength=len(stratum) * size,
        ).reshape(len(stratum), size)
        first = halves @ sums
        sides = np.stack([first, sums.sum(axis=0) - first])
        total = sides.sum(axis=-1, keepdims=True)
        both = (total > 1e-9 * max(float(sums.sum()), 1e-300)).all(axis=(0, 2))
        if not both.any():
            continue
        shares = sides[:, both] / total[:, both]
        place = geometry.row_coordinates(row, shares)
        gap = np.abs(place[0] - place[1]) @ geometry.weights[row, :size]
        scores[row] = 1 - gap.mean() / np.sqrt(2)
    return scores
