"""Further measures of the same cells: other distances, means, modes, country-specific signal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.specs import load, score_specs
from scoring.estimates import Estimate, row_means
from scoring.inference.bootstrap import resampled_means
from scoring.inference.intervals import Bounds, percentile_bounds
from scoring.inputs.geometry import Floats
from scoring.protocols.alignment.cells import CellInputs
from scoring.protocols.alignment.compute import AlignmentScores


def other_measures(scores: AlignmentScores) -> dict[str, Floats]:
    """Cells of every declared score of cells, shape (C, Q); NaN where a cell does not count."""
    geometry = scores.survey.geometry
    keep = scores.scored[..., None]
    inputs = CellInputs(
        people=np.where(keep, scores.survey.shares, np.nan),
        model=np.where(keep, scores.answers.shares, np.nan),
        sizes=geometry.sizes,
        ordinal=geometry.ordinal,
    )
    return {
        key: np.asarray(load(spec.cells)(inputs))
        for key, spec in score_specs().items()
        if spec.cells
    }


def country_equal(scores: AlignmentScores, cells: Floats, limits: tuple[float, float]) -> Estimate:
    """Country-equal mean of cells with an interval over sampled questions, shape ()."""
    value = np.asarray(row_means(row_means(cells)))
    rows = np.flatnonzero(~np.isnan(cells).all(axis=1))
    if not rows.size:
        return Estimate(value, Bounds(np.asarray(np.nan), np.asarray(np.nan)))
    replicates = resampled_means(cells, scores.counts)[rows].mean(axis=0)
    units = int((~np.isnan(cells)).any(axis=0).sum())
    bounds = percentile_bounds(replicates, value, units=units, mean=True, limits=limits)
    return Estimate(value, bounds)


class CentredScores(NamedTuple):
    """Scores after each question is centred over the countries.

    Attributes:
        centred: one minus the distance of deviations from the mean country, shape (C,).
        overall: its country-equal mean, shape ().
        signal: share of the countries' own deviations that the model gets right, shape (): 1 is
            all, 0 what one global profile gets, below 0 deviations that mislead.
    """

    centred: Estimate
    overall: Estimate
    signal: Estimate


def centred_scores(scores: AlignmentScores) -> CentredScores:
    """How well a model tells countries apart, its global profile taken out.

    A model that answers the world's average everywhere looks aligned everywhere. Here both sides
    are first centred: from each country's coordinates the mean over the scored countries is
    taken, question by question. `signal` is 1 - D / D0 with D the mean distance of the centred
    sides and D0 that of a model without any deviation.
    """
    geometry, keep = scores.survey.geometry, scores.scored
    people = _centred(geometry.coordinates(scores.survey.shares), keep)
    model = _centred(geometry.coordinates(scores.answers.shares), keep)
    cells = _distance(people - model, geometry.weights, keep)
    silent = _distance(people, geometry.weights, keep)
    value = 1 - row_means(cells)
    replicates = 1 - resampled_means(cells, scores.counts)
    bounds = percentile_bounds(
        replicates, value, units=keep.sum(axis=1), mean=True, limits=(0.0, 1.0)
    )
    return CentredScores(
        Estimate(value, bounds),
        country_equal(scores, 1 - cells, (0.0, 1.0)),
        _signal(scores, cells, silent),
    )


def _centred(coordinates: Floats, keep: NDArray[np.bool_]) -> Floats:
    held = np.where(keep[..., None], coordinates, 0.0)
    count = np.maximum(keep.sum(axis=0), 1)[:, None]
    return held - held.sum(axis=0) / count


def _distance(gap: Floats, weights: Floats, keep: NDArray[np.bool_]) -> Floats:
    return np.where(keep, np.einsum("cqk,qk->cq", np.abs(gap), weights), np.nan)


def _signal(scores: AlignmentScores, cells: Floats, silent: Floats) -> Estimate:
    top, bottom = (np.asarray(row_means(row_means(one))) for one in (cells, silent))
    nothing = Estimate(np.asarray(np.nan), Bounds(np.asarray(np.nan), np.asarray(np.nan)))
    rows = np.flatnonzero(scores.scored.any(axis=1))
    if rows.size < 2 or not bottom > 1e-12:
        return nothing
    tops, bottoms = (
        resampled_means(one, scores.counts)[rows].mean(axis=0) for one in (cells, silent)
    )
    units = int(scores.scored.any(axis=0).sum())
    # Twelve decimals: a model without any deviation has signal 0, not 1e-16.
    replicates = np.round(1 - tops / np.maximum(bottoms, 1e-12), 12)
    value = np.asarray(np.round(1 - top / bottom, 12))
    limits = (-np.inf, 1.0)
    return Estimate(value, percentile_bounds(replicates, value, units=units, limits=limits))
