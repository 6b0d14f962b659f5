"""Worth N people: how many randomly drawn residents would come as close as the model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoring.estimates import Estimate
from scoring.inference.intervals import Bounds, percentile_bounds
from scoring.inference.workspace import Workspace, digest
from scoring.inference.worth import people_worth, worth_curve
from scoring.inputs.geometry import Floats
from scoring.protocols.alignment.compute import AlignmentScores


class Worth(NamedTuple):
    """Numbers of people.

    Attributes:
        country: by country, shape (C,); the interval is that of the country's alignment.
        overall: median over the countries with a score, shape (); questions are redrawn.
    """

    country: Estimate
    overall: Estimate


def worth_people(scores: AlignmentScores, workspace: Workspace | None = None) -> Worth:
    """What the model is worth in people, by country and as the median of countries.

    The curves are the people's alone, so that a workspace holds them for the next score.
    """
    survey = scores.survey
    key = digest(survey.shares, survey.geometry.weights, survey.geometry.ordinal, scores.scored)
    curve = (workspace or Workspace()).get(
        "worth", key, lambda: worth_curve(survey, scores.scored).distance, most=8
    )

    def turned(alignment: Floats) -> Floats:
        rows = [people_worth(1 - one, own) for one, own in zip(alignment, curve, strict=True)]
        return np.array(rows)

    country = scores.country
    low, high = turned(country.bounds.low), turned(country.bounds.high)
    value = turned(country.value)
    known = np.flatnonzero(~np.isnan(value))
    if not known.size:
        nothing = np.asarray(np.nan)
        return Worth(
            Estimate(value, Bounds(low, high)), Estimate(nothing, Bounds(nothing, nothing))
        )
    replicates = np.median(turned(scores.country_replicates)[known], axis=0)
    units = int(scores.scored.any(axis=0).sum())
    median = np.asarray(np.median(value[known]))
    bounds = percentile_bounds(np.log(replicates), np.log(median), units=units)
    return Worth(
        Estimate(value, Bounds(low, high)),
        Estimate(median, Bounds(np.exp(bounds.low), np.exp(bounds.high))),
    )
