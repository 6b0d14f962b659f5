"""Further measures of the same cells: other distances, means, modes, country-specific signal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring import measures
from scoring.estimates import Estimate, row_means
from scoring.inference.bootstrap import resampled_means
from scoring.inference.intervals import Bounds, percentile_bounds
from scoring.inputs.geometry import Floats
from scoring.protocols.alignment.compute import AlignmentScores


def other_measures(scores: AlignmentScores) -> dict[str, Floats]:
    """Cells of every further measure, shape (C, Q); NaN where a cell does not count.

    Measures that need an order leave nominal questions out.
    """
    geometry = scores.survey.geometry
    keep = scores.scored[..., None]
    people = np.where(keep, scores.survey.shares, np.nan)
    model = np.where(keep, scores.answers.shares, np.nan)
    sizes, ordinal = geometry.sizes, geometry.ordinal
    rps = measures.ranked_probability_score(model, people, sizes=sizes)
    single = expected_individual_scores(model, people, sizes)
    shift = np.abs(measures.mean_score_difference(model, people, sizes=sizes))
    return {
        "total_variation": measures.total_variation(model, people),
        "jensen_shannon": measures.jensen_shannon(model, people),
        "kl_divergence": measures.kl_divergence(people, model, sizes=sizes),
        "ranked_probability_score": np.where(ordinal, rps, np.nan),
        "mean_score_difference": np.where(ordinal, shift, np.nan),
        "mode_agreement": measures.mode_agreement(model, people),
        "individual_rps": np.where(ordinal, single.rps, np.nan),
        "individual_log_score": single.log_score,
        "individual_brier_score": single.brier,
    }


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


def country_equal(scores: AlignmentScores, cells: Floats, limits: tuple[float, float]) -> Estimate:
    """Country-equal mean of cells with an interval over sampled questions, shape ()."""
    value = np.asarray(row_means(row_means(cells)))
    rows = np.flatnonzero(~np.isnan(cells).all(axis=1))
    if not rows.size:
        return Estimate(value, Bounds(np.asarray(np.nan), np.asarray(np.nan)))
    replicates = resampled_means(cells, scores.counts)[rows].mean(axis=0)
    units = int((~np.isnan(cells)).any(axis=0).sum())
    return Estimate(value, percentile_bounds(replicates, value, units=units, limits=limits))


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
    bounds = percentile_bounds(replicates, value, units=keep.sum(axis=1), limits=(0.0, 1.0))
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
    return Estimate(value, percentile_bounds(replicates, value, units=units))
