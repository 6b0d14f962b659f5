"""Redraw the people (and ratings) behind a distance of two samples, question by question."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.inference.sampling import MEAN_ABSOLUTE_NORMAL, debiased_gap
from scoring.inputs.geometry import Floats, Geometry


class RatingNoise(NamedTuple):
    """What sampling does to the distance of ratings from answers.

    Attributes:
        deviations: distances of redrawn samples less their mean, shape (Q, B).
        bias: how much sampling adds to each distance, shape (Q,).
        floor: distance that two samples of these sizes of one population would show, (Q,).
    """

    deviations: Floats
    bias: Floats
    floor: Floats


def rating_noise(
    joint: NDArray[np.int64],
    people: NDArray[np.int64],
    model: NDArray[np.int64],
    geometry: Geometry,
    *,
    paired: bool,
    replicates: int,
    rng: np.random.Generator,
) -> RatingNoise:
    """Redraw pairs (the person keeps their rating), or both sides apart.

    Args:
        joint: pairs by answer and rating, shape (Q, K, K).
        people, model: counts of the two sides, shape (Q, K).
        geometry: the scales.
        paired: whether pairs are redrawn; else the sides are, each at its own size.
        replicates: number of redraws B.
        rng: source of randomness.
    """
    questions = len(geometry.question_ids)
    result = RatingNoise(
        np.zeros((questions, replicates)), np.zeros(questions), np.full(questions, np.nan)
    )
    for row in range(questions):
        sides = (
            [joint[row].sum(axis=1), joint[row].sum(axis=0)]
            if paired
            else [people[row], model[row]]
        )
        if min(side.sum() for side in sides) == 0:
            continue
        first, second = (geometry.row_coordinates(row, side / side.sum()) for side in sides)
        if paired:
            variance = _paired_variance(joint[row], geometry, row)
            drawn = _redrawn_pairs(joint[row], geometry, row, replicates, rng)
        else:
            variance = sum(
                (z * (1 - z) / side.sum() for z, side in zip((first, second), sides, strict=True)),
                np.zeros(len(first)),
            )
            drawn = _redrawn_sides(sides, geometry, row, replicates, rng)
        weights = geometry.weights[row]
        gap = np.abs(first - second)
        corrected = debiased_gap(first - second, np.sqrt(np.clip(variance, 0, None)))
        result.bias[row] = (gap - corrected) @ weights
        distances = np.abs(drawn) @ weights
        result.deviations[row] = distances - distances.mean()
        result.floor[row] = _floor(sides, geometry, row)
    return result


def _paired_variance(joint: NDArray[np.int64], geometry: Geometry, row: int) -> Floats:
    """Variance of the coordinates' difference over redrawn pairs, shape (K,)."""
    total = joint.sum()
    width = len(joint)
    unit = np.eye(width)
    answers = geometry.row_coordinates(row, unit)  # coordinates of an answer on each option
    gap = answers[:, None, :] - answers[None, :, :]
    share = (joint / total)[..., None]
    mean = (share * gap).sum(axis=(0, 1))
    return ((share * gap**2).sum(axis=(0, 1)) - mean**2) / total


def _redrawn_pairs(
    joint: NDArray[np.int64],
    geometry: Geometry,
    row: int,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    total = int(joint.sum())
    counts = rng.multinomial(total, joint.ravel() / total, size=replicates)
    drawn = counts.reshape(replicates, *joint.shape) / total
    return geometry.row_coordinates(row, drawn.sum(axis=2)) - geometry.row_coordinates(
        row, drawn.sum(axis=1)
    )


def _redrawn_sides(
    sides: list[NDArray[np.int64]],
    geometry: Geometry,
    row: int,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    parts = [
        geometry.row_coordinates(
            row, rng.multinomial(int(side.sum()), side / side.sum(), size=replicates) / side.sum()
        )
        for side in sides
    ]
    return parts[0] - parts[1]


def _floor(sides: list[NDArray[np.int64]], geometry: Geometry, row: int) -> float:
    pooled = geometry.row_coordinates(row, (sides[0] + sides[1]) / (sides[0] + sides[1]).sum())
    factor = 1 / sides[0].sum() + 1 / sides[1].sum()
    se = np.sqrt(np.clip(pooled * (1 - pooled), 0, None) * factor)
    return float(MEAN_ABSOLUTE_NORMAL * se @ geometry.weights[row])
