"""The average human that a model is compared with, three ways."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey

AverageHuman = Literal["leave-one-out", "country-equal", "pooled"]
AVERAGE_HUMANS: tuple[AverageHuman, ...] = ("leave-one-out", "country-equal", "pooled")


def country_weights(survey: Survey, kind: AverageHuman) -> Floats:
    """How much each country counts in the average, shape (C, Q); 0 where nobody answered."""
    if kind == "pooled":
        return survey.pooled.sum(axis=-1)
    return survey.answered.astype(np.float64)


def average_shares(shares: Floats, weights: Floats, kind: AverageHuman) -> Floats:
    """The average human's shares as each country meets it, in the shape of `shares`.

    Args:
        shares: countries first, options last, shape (C, ..., K); NaN where nobody answered.
        weights: shape that broadcasts to (C, ...), see `country_weights`.
        kind: `pooled` counts every respondent of every country, the country itself included
            (the alignment paper's); `country-equal` counts every country once;
            `leave-one-out` likewise without the country itself, so that nobody is compared
            with an average they are part of.

    Returns:
        NaN where no (other) country answered.
    """
    weight = np.broadcast_to(weights[..., None], shares.shape)
    parts = np.where(weight > 0, weight * np.nan_to_num(shares), 0.0)
    total, mass = parts.sum(axis=0), weight.sum(axis=0)
    if kind == "leave-one-out":
        total, mass = total - parts, mass - weight
    total, mass = np.broadcast_to(total, shares.shape), np.broadcast_to(mass, shares.shape)
    average = np.full(shares.shape, np.nan)
    np.divide(total, mass, out=average, where=mass > 0)
    return np.clip(average, 0.0, 1.0)


def average_variance(survey: Survey, kind: AverageHuman) -> Floats:
    """Variance of the difference of people and average that the average adds, (C, Q, K).

    For `leave-one-out` this is the variance of the mean of the others' coordinates; the two
    averages that hold the country itself move with it, which takes most of it back, and are
    treated as fixed.
    """
    geometry = survey.geometry
    coordinates = geometry.coordinates(survey.shares)
    size = np.where(survey.n_eff > 0, survey.n_eff, np.inf)[..., None]
    variance = np.nan_to_num(np.clip(coordinates * (1 - coordinates), 0.0, None)) / size
    if kind != "leave-one-out":
        return np.zeros_like(variance)
    count = survey.answered.sum(axis=0)[None, :, None] - survey.answered[..., None]
    return (variance.sum(axis=0) - variance) / np.maximum(count, 1) ** 2
