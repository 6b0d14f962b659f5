"""Recall: is a model closer to the answers of one wave than to those of an earlier one?

A model that holds what it read of the latest wave comes closer to that wave than to the one before;
one that knows of neither is about as close to both. What people's answers became, such as more
even, moves every model, so the same difference of uniform answers stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from codebook.crosswalk import crosswalk, exception_of
from contracts.errors import ContractError
from contracts.release.read import Release
from contracts.robustness import WaveRecall
from scoring.estimates import number, row_means
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey, Weights, read_survey
from scoring.studies.robustness.inputs import FormSet
from scoring.studies.robustness.regression import mean_effect

#: Grades of questions whose answers in both waves mean the same.
_ALIKE = ("identical", "recoded")


def wave_recall(
    forms: FormSet, release: Release, *, wave: int, weights: Weights = "design"
) -> Iterator[WaveRecall]:
    """How much closer each model is to a wave than to the one before, over all its forms.

    Only cells count that both waves hold and whose question asked the same in both. A question
    counts once, with the mean over countries and forms; the interval is over questions. Nothing
    comes where the release has no earlier wave.
    """
    try:
        earlier = read_survey(release, forms.survey.geometry, wave=wave - 1, weights=weights)
    except ContractError:
        return
    now, then = _common(forms.survey, earlier, wave)
    uniform = _scores(forms, _uniform(forms.survey), now, then)
    for model in forms.models:
        wave_scores = [_scores(forms, one.answers.shares, now, then) for one in forms.of(model)]
        late, early = (
            row_means(np.stack(side, axis=-1)) for side in zip(*wave_scores, strict=True)
        )
        answered = np.isfinite(late)
        sides = [row_means(side.T) for side in (late, early)]
        even = [row_means(np.where(answered, side, np.nan).T) for side in uniform]
        yield WaveRecall(
            model=model,
            wave=wave,
            earlier=wave - 1,
            later_score=number(row_means(sides[0])),
            earlier_score=number(row_means(sides[1])),
            difference=mean_effect(sides[0] - sides[1]),
            uniform=number(row_means(even[0] - even[1])),
            countries=int(answered.any(axis=1).sum()),
        )


def _common(later: Survey, earlier: Survey, wave: int) -> tuple[Floats, Floats]:
    """People's shares of both waves in the later one's countries, (C, Q, K); NaN where one lacks
    them or the question asked something else."""
    names = later.geometry.question_ids
    then = np.full(later.shares.shape, np.nan)
    for row, country in enumerate(later.countries):
        if country in earlier.countries:
            then[row] = earlier.shares[earlier.countries.index(country)]
        for column, name in enumerate(names):
            entry = crosswalk().get(name)
            grade = entry.comparability.get(wave - 1) if entry else None
            if (wave == 7 and (grade is None or grade.grade not in _ALIKE)) or (
                exception_of(name, wave - 1, country) is not None
            ):
                then[row, column] = np.nan
    both = np.isfinite(then[..., :1]) & np.isfinite(later.shares[..., :1])
    return np.where(both, later.shares, np.nan), np.where(both, then, np.nan)


def _scores(forms: FormSet, shares: Floats, *peoples: Floats) -> tuple[Floats, ...]:
    """Scores of answers against the people of each wave, (C, Q), questions shown left out."""
    geometry = forms.survey.geometry
    wave_scores = (1 - geometry.distance(people, shares) for people in peoples)
    return tuple(np.where(forms.shown, np.nan, scores) for scores in wave_scores)


def _uniform(survey: Survey) -> Floats:
    sizes = survey.geometry.sizes[:, None]
    even = np.where(np.arange(survey.geometry.width) < sizes, 1.0 / sizes, 0.0)
    return np.broadcast_to(even, survey.shares.shape)
