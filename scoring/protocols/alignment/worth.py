"""Worth N people: how many randomly drawn residents would come as close as the model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoring.estimates import Estimate, row_means
from scoring.inference.bootstrap import resampled_means, sampled_replicates
from scoring.inference.intervals import Bounds, percentile_bounds
from scoring.inference.workspace import Workspace, digest
from scoring.inference.worth import MOST_PEOPLE, WorthCurve, people_worth, worth_curve
from scoring.inputs.geometry import Floats
from scoring.protocols.alignment.compute import AlignmentScores

#: The most people, on the scale on which intervals of the median are made.
_TOP = MOST_PEOPLE**-0.5


class Worth(NamedTuple):
    """Numbers of people.

    Attributes:
        country: by country, shape (C,); questions are redrawn.
        overall: median over the countries with a score, shape (); likewise.
    """

    country: Estimate
    overall: Estimate


def worth_people(scores: AlignmentScores, workspace: Workspace | None = None) -> Worth:
    """What the model is worth in people, by country and as the median of countries.

    Other questions would bring other distances of the model, and of draws of people as well:
    questions whose answers are divided are hard for both. A worth of N solves
    mean(d_q - e_q(N)) = 0 with d the model's distances and e those that draws of N people expect,
    so that the replicates are of d_q - e_q(N) + mean e(N), N being the estimate.

    The curves are the people's alone, so that a workspace holds them for the next score.
    """
    survey = scores.survey
    key = digest(survey.shares, survey.geometry.weights, survey.geometry.ordinal, scores.scored)
    curve = (workspace or Workspace()).get(
        "worth", key, lambda: worth_curve(survey, scores.scored), most=8
    )

    def turned(alignment: Floats) -> Floats:
        rows = zip(alignment, curve.distance, strict=True)
        return np.array([people_worth(1 - one, own) for one, own in rows])

    value = turned(scores.country.value)
    known = np.flatnonzero(~np.isnan(value))
    replicates = _replicates(scores, curve, value)
    bounds = percentile_bounds(
        replicates,
        scores.country.value,
        units=scores.scored.sum(axis=1),
        mean=True,
        limits=(0.0, 1.0),
    )
    # A model that may be perfect may be worth any number of people.
    high = np.where(scores.country.bounds.high >= 1, 1.0, bounds.high)
    country = Estimate(value, Bounds(turned(bounds.low), turned(high)))
    if not known.size:
        nothing = np.asarray(np.nan)
        return Worth(country, Estimate(nothing, Bounds(nothing, nothing)))
    units = int(scores.scored.any(axis=0).sum())
    median = np.asarray(np.median(value[known]))
    drawn = np.median(turned(replicates)[known], axis=0)
    # Distances fall with the square root of people: on that scale replicates are those of a mean.
    whole = percentile_bounds(
        -(drawn**-0.5), -(median**-0.5), units=units, mean=True, limits=(-np.inf, -_TOP)
    )
    return Worth(country, Estimate(median, Bounds(whole.low**-2.0, whole.high**-2.0)))


def _replicates(scores: AlignmentScores, curve: WorthCurve, worth: Floats) -> Floats:
    """Replicates of country means with what draws of people expect kept level, shape (C, B)."""
    expected = curve.cells_at(np.where(np.isnan(worth), 1.0, worth))
    level = scores.corrected + expected - np.nan_to_num(row_means(expected))[:, None]
    centre = np.nan_to_num(row_means(scores.corrected))
    drawn = resampled_means(level, scores.counts)
    return np.clip(sampled_replicates(drawn, scores.noise, centre), 0.0, 1.0)
