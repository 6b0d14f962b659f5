"""Distances of counted ratings from counted answers, and what they are compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.inputs.geometry import Floats
from scoring.protocols.worldvaluesbench.count import RatingCounts
from scoring.protocols.worldvaluesbench.noise import RatingNoise, rating_noise
from scoring.protocols.worldvaluesbench.scales import (
    RatingScales,
    majority_shares,
    slot_shares,
    wasserstein_points,
)
from scoring.settings import Task


@dataclass(frozen=True)
class RatingScores:
    """Distances per question, and what they are compared with; arrays of shape (Q,).

    `groups` holds the distance by cell and question, shape (G, Q), `group_floor` what sampling
    alone gives there, `group_pairs` how many pairs they rest on.
    """

    distance: Floats
    uniform: Floats
    majority: Floats
    noise: RatingNoise
    pairs: NDArray[np.int64]
    mean_absolute_error: Floats
    accuracy: Floats
    groups: Floats
    group_floor: Floats
    group_pairs: NDArray[np.int64]


def score_counts(
    counts: RatingCounts,
    answered: NDArray[np.int64],
    scales: RatingScales,
    task: Task,
    rng: np.random.Generator,
) -> RatingScores:
    paper = task.settings.mode != "corrected"
    geometry = scales.geometry
    by_cell = answered if counts.apart else counts.people if paper else counts.pairs.sum(axis=3)
    model_cells = counts.ratings if paper or counts.apart else counts.pairs.sum(axis=2)
    people, model = (slot_shares(side.sum(axis=0)) for side in (by_cell, model_cells))
    distance = geometry.distance(people, model)
    groups = geometry.distance(slot_shares(by_cell), slot_shares(model_cells))
    if paper:
        distance = _paper_distances(counts, by_cell, scales)
    if counts.apart:
        groups = np.full(groups.shape, np.nan)
    majority = slot_shares(_majority_counts(by_cell, pooled=paper or counts.apart))
    joint = counts.pairs.sum(axis=0)
    error, hits = _pair_scores(joint, scales)
    floor = _group_floor(by_cell, model_cells, geometry.coordinates, geometry.weights)
    return RatingScores(
        distance=distance,
        uniform=geometry.distance(people, geometry.uniform),
        majority=geometry.distance(people, majority),
        noise=rating_noise(
            joint,
            by_cell.sum(axis=0),
            model_cells.sum(axis=0),
            geometry,
            paired=not (paper or counts.apart),
            replicates=task.settings.replicates,
            rng=rng,
        ),
        pairs=model_cells.sum(axis=(0, 2)),
        mean_absolute_error=error,
        accuracy=hits,
        groups=groups[:-1],
        group_floor=floor[:-1],
        group_pairs=model_cells.sum(axis=2)[:-1],
    )


def _paper_distances(
    counts: RatingCounts, by_cell: NDArray[np.int64], scales: RatingScales
) -> Floats:
    """Distances of all readable ratings, those beyond [0, 1] included, from all answers."""
    people = by_cell.sum(axis=0)
    result = np.full(len(people), np.nan)
    for row, codes in enumerate(scales.geometry.codes):
        values: dict[float, int] = {}
        for (_, question), value_counts in counts.values.items():
            if question == row:
                for value, count in value_counts.items():
                    values[value] = values.get(value, 0) + count
        ratings = np.array(sorted(values))
        if not ratings.size:
            continue
        place = np.array(codes, float)
        result[row] = wasserstein_points(
            (place - scales.low[row]) / scales.extent[row],
            (ratings - scales.low[row]) / scales.extent[row],
            first_counts=people[row, : len(codes)],
            second_counts=[values[value] for value in ratings],
        )
    return result


def _majority_counts(people: NDArray[np.int64], *, pooled: bool) -> Floats:
    """Answers if everyone gave the most frequent one: of all (paper mode), or of their cell."""
    if pooled:
        whole = people.sum(axis=0)
        return majority_shares(slot_shares(whole)) * whole.sum(axis=-1, keepdims=True)
    sizes = people.sum(axis=-1, keepdims=True)
    return np.nan_to_num(majority_shares(slot_shares(people)) * sizes).sum(axis=0)


def _pair_scores(joint: NDArray[np.int64], scales: RatingScales) -> tuple[Floats, Floats]:
    """Mean absolute error over the scale's range, and accuracy, of each question's pairs."""
    total = joint.sum(axis=(1, 2))
    place = np.where(scales.geometry.source >= 0, np.arange(scales.geometry.width), 0)
    steps = (
        np.abs(place[:, :, None] - place[:, None, :]) / (scales.geometry.sizes - 1)[:, None, None]
    )
    error = _per_pair((joint * steps).sum(axis=(1, 2)), total)
    hits = _per_pair(np.einsum("qkk->q", joint).astype(float), total)
    return np.where(scales.geometry.ordinal, error, np.nan), hits


def _per_pair(sums: Floats, total: NDArray[np.int64]) -> Floats:
    return np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)


def _group_floor(
    people: NDArray[np.int64],
    model: NDArray[np.int64],
    coordinates: Callable[[Floats], Floats],
    weights: Floats,
) -> Floats:
    """Mean distance of two samples of these sizes from the cell's pooled answers, (G, Q)."""
    pooled = coordinates(slot_shares(people + model))
    sizes = [np.maximum(side.sum(axis=-1), 1) for side in (people, model)]
    factor = (1 / sizes[0] + 1 / sizes[1])[..., None]
    se = np.sqrt(np.clip(pooled * (1 - pooled), 0, None) * factor)
    floor = np.sqrt(2 / np.pi) * np.einsum("gqk,qk->gq", se, weights)
    used = (people.sum(axis=-1) > 0) & (model.sum(axis=-1) > 0)
    return np.where(used, floor, np.nan)
