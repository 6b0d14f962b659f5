"""Redraw every country's respondents and follow what happens to scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.inference.sampling import coordinate_se, debiased_gap, redraw_question
from scoring.inputs.average_human import AverageHuman, average_shares, country_weights
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey

#: Name of the contender whose answers are made again from every redrawn survey.
AVERAGE = "average"


class RespondentNoise(NamedTuple):
    """Deviations of mean scores when only the respondents are redrawn.

    Attributes:
        country: by contender, shape (C, B): mean over the country's scored questions.
        question: first contender, shape (Q, B): mean over the countries scored on it.
        part: first contender, shape (P, B): country-equal mean over the questions of a part.
    """

    country: Mapping[str, Floats]
    question: Floats
    part: Floats


def respondent_noise(
    survey: Survey,
    contenders: Mapping[str, Floats],
    scored: NDArray[np.bool_],
    *,
    parts: NDArray[np.int64],
    average: AverageHuman,
    replicates: int,
    rng: np.random.Generator,
) -> RespondentNoise:
    """Redraw the people of each country and question, and score all contenders against them.

    Args:
        survey: the people.
        contenders: name -> answers of shape (C, Q, K); the one called "average" is made from
            each redrawn survey instead.
        scored: which cells count, shape (C, Q).
        parts: number of the part (category) of each question, shape (Q,).
        average: how the average human is made.
        replicates: number of redraws B.
        rng: source of randomness.

    Questions are redrawn apart from each other: aggregates do not say who gave which answers.
    Memory is that of one question's redraws, not of all.
    """
    names = list(contenders)
    country = {name: np.zeros((len(survey.countries), replicates)) for name in names}
    question = np.zeros((scored.shape[1], replicates))
    part = np.zeros((int(parts.max(initial=-1)) + 1, replicates))
    per_country = np.maximum(scored.sum(axis=1), 1)[:, None]
    weights = country_weights(survey, average)
    part_weight = _part_weights(scored, parts)
    se = coordinate_se(survey.geometry.coordinates(survey.shares), survey.n_eff)
    for row in np.flatnonzero(scored.any(axis=0)):
        here = scored[:, row]
        redrawn = redraw_question(survey, int(row), replicates=replicates, rng=rng)
        for name in names:
            answers = contenders[name][:, row, : redrawn.shape[-1]][:, None, :]
            if name == AVERAGE:
                answers = average_shares(redrawn, weights[:, row, None], average)
            noise = se[here, row, : redrawn.shape[-1]] if name == names[0] else None
            deviation = _deviation(survey, int(row), redrawn[here], answers[here], noise)
            country[name][here] += deviation / per_country[here]
            if name == names[0]:
                question[row] = deviation.mean(axis=0)
                part[parts[row]] += part_weight[here, row] @ deviation
    return RespondentNoise(country, question, part)


def _deviation(
    survey: Survey, row: int, people: Floats, answers: Floats, se: Floats | None
) -> Floats:
    """Scores of redrawn people less their mean over the redraws, shape (c, B).

    With standard errors, shape (c, K), each redraw's sampling bias is taken off as that of the
    centre is, so that both vary alike.
    """
    geometry = survey.geometry
    gap = geometry.row_coordinates(row, people) - geometry.row_coordinates(row, answers)
    size = np.abs(gap) if se is None else debiased_gap(gap, se[:, None, :])
    distance = size @ geometry.weights[row, : people.shape[-1]]
    # Where no other country answered there is no average human, and nothing deviates.
    return np.nan_to_num(distance.mean(axis=1, keepdims=True) - distance)


def _part_weights(scored: NDArray[np.bool_], parts: NDArray[np.int64]) -> Floats:
    """Weight of each cell in the country-equal mean of its part, shape (C, Q)."""
    weights = np.zeros(scored.shape)
    for number in np.unique(parts):
        cells = scored & (parts == number)
        count = cells.sum(axis=1, keepdims=True)
        rows = int((count > 0).sum())
        if rows:
            weights += np.divide(cells, count * rows, out=np.zeros(scored.shape), where=count > 0)
    return weights
