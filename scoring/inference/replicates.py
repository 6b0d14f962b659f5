"""Redraw every country's respondents and follow what happens to scores.

Redrawn people are held as the coordinates that distances are made of (see
`scoring.inputs.geometry`), without those that carry no weight, and with replicates on the last
axis, so that every step runs along contiguous memory. What needs no model (the redrawn people, the
deviations of the uniform answer and of the average human) is taken from a
`scoring.inference.workspace.Workspace` where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.inference.folded import folded_excess
from scoring.inference.sampling import coordinate_se, redraw_question
from scoring.inference.workspace import Workspace, digest
from scoring.inputs.average_human import AverageHuman, country_weights
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey

#: Names of the contenders; the average human is made from every redrawn survey again.
MODEL, UNIFORM, AVERAGE = "model", "uniform", "average"

#: Numbers that one step of the arithmetic holds at a time: as many as a core's cache does.
_BLOCK = 40_000

#: Masks of scored cells whose contenders are remembered: most files of a board share one.
_MASKS = 8


class RespondentNoise(NamedTuple):
    """Deviations of mean scores when only the respondents are redrawn.

    Attributes:
        country: by contender, shape (C, B): mean over the country's scored questions.
        question: the model, shape (Q, B): mean over the countries scored on it.
        part: the model, shape (P, B): country-equal mean over the questions of a part.
    """

    country: Mapping[str, Floats]
    question: Floats
    part: Floats


def respondent_noise(
    survey: Survey,
    answers: Floats,
    scored: NDArray[np.bool_],
    *,
    parts: NDArray[np.int64],
    average: AverageHuman,
    replicates: int,
    rng: np.random.Generator,
    workspace: Workspace | None = None,
) -> RespondentNoise:
    """Redraw the people of each country and question, and score all contenders against them.

    Args:
        survey: the people.
        answers: the model's, shape (C, Q, K).
        scored: which cells count, shape (C, Q).
        parts: number of the part (category) of each question, shape (Q,).
        average: how the average human is made.
        replicates: number of redraws B.
        rng: source of randomness.
        workspace: holds what does not depend on the model for the next score; the digits are the
            same without one. With one, the redrawn people of all questions stay in memory (four
            bytes a coordinate), else those of one question at a time.

    Questions are redrawn apart from each other: aggregates do not say who gave which answers.
    """
    model = _ModelNoise(survey, answers, scored, parts, replicates)
    rows = np.flatnonzero(scored.any(axis=0))
    if workspace is None:
        others = _OthersNoise(survey, scored, average, replicates)
        _follow(_redraws(survey, rows, replicates, rng), model, others)
        return RespondentNoise({MODEL: model.country, **others.country}, model.question, model.part)
    key = digest(
        survey.shares,
        survey.n_eff,
        survey.geometry.weights,
        survey.geometry.ordinal,
        rows,
        replicates,
        rng,
    )
    redraws = workspace.get(
        "redrawn people", key, lambda: _stored(survey, rows, replicates, rng), most=1
    )
    rng.bit_generator.state = redraws.after
    country = workspace.get(
        "contenders",
        digest(key, survey.pooled, average, scored),
        lambda: _others(redraws, _OthersNoise(survey, scored, average, replicates)),
        most=_MASKS,
    )
    _follow(redraws.questions, model)
    return RespondentNoise({MODEL: model.country, **country}, model.question, model.part)


class _Redraws(NamedTuple):
    """Redrawn people of every question, and the state of the generator after drawing them."""

    questions: list[tuple[int, NDArray[np.float32]]]
    after: Any


def _redraws(
    survey: Survey, rows: NDArray[np.int64], replicates: int, rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Each question's number and redrawn coordinates, shape (C, k, B)."""
    for row in rows.tolist():
        drawn = redraw_question(survey, row, replicates=replicates, rng=rng)
        used = int((survey.geometry.weights[row] > 0).sum())
        coordinates = survey.geometry.row_coordinates(row, drawn, axis=1)
        yield row, np.ascontiguousarray(coordinates[:, :used])


def _stored(
    survey: Survey, rows: NDArray[np.int64], replicates: int, rng: np.random.Generator
) -> _Redraws:
    questions = list(_redraws(survey, rows, replicates, rng))
    return _Redraws(questions, rng.bit_generator.state)


def _others(redraws: _Redraws, others: _OthersNoise) -> Mapping[str, Floats]:
    _follow(redraws.questions, others)
    return others.country


def _follow(
    redraws: Iterable[tuple[int, NDArray[np.float32]]], *noises: _ModelNoise | _OthersNoise
) -> None:
    for row, people in redraws:
        for noise in noises:
            noise.add(row, people)


class _ModelNoise:
    """Adds up what redrawn people do to the model's scores.

    From each redraw the sampling bias is taken off as it is from the centre, so that both vary
    alike.
    """

    def __init__(
        self,
        survey: Survey,
        answers: Floats,
        scored: NDArray[np.bool_],
        parts: NDArray[np.int64],
        replicates: int,
    ) -> None:
        geometry = survey.geometry
        self.scored, self.parts, self.weights = scored, parts, geometry.weights
        self.answers = geometry.coordinates(answers)
        self.se = coordinate_se(geometry.coordinates(survey.shares), survey.n_eff)
        self.part_weights = _part_weights(scored, parts)
        self.country = np.zeros((len(survey.countries), replicates))
        self.question = np.zeros((scored.shape[1], replicates))
        self.part = np.zeros((int(parts.max(initial=-1)) + 1, replicates))
        self.count = np.maximum(scored.sum(axis=1), 1)[:, None]

    def add(self, row: int, people: NDArray[np.float32]) -> None:
        """One question's redrawn people, shape (C, k, B)."""
        here = np.flatnonzero(self.scored[:, row])
        used = people.shape[1]
        weights = self.weights[row, :used]
        deviation = np.empty((len(here), people.shape[2]))
        for block in _blocks(len(here), people):
            countries = here[block]
            gap = np.subtract(people[countries], self.answers[countries, row, :used, None])
            np.abs(gap, out=gap)
            gap -= folded_excess(gap, self.se[countries, row, :used])
            deviation[block] = _deviation(gap, weights)
        self.country[here] += deviation / self.count[here]
        self.question[row] = deviation.mean(axis=0)
        self.part[self.parts[row]] += self.part_weights[here, row] @ deviation


class _OthersNoise:
    """Adds up what redrawn people do to the scores of the uniform answer and the average human."""

    def __init__(
        self, survey: Survey, scored: NDArray[np.bool_], average: AverageHuman, replicates: int
    ) -> None:
        geometry = survey.geometry
        self.scored, self.weights, self.average = scored, geometry.weights, average
        self.uniform = geometry.coordinates(geometry.uniform)
        self.country_weights = country_weights(survey, average)
        shape = (len(survey.countries), replicates)
        self.country = {name: np.zeros(shape) for name in (UNIFORM, AVERAGE)}
        self.count = np.maximum(scored.sum(axis=1), 1)[:, None]

    def add(self, row: int, people: NDArray[np.float32]) -> None:
        """One question's redrawn people, shape (C, k, B)."""
        here = np.flatnonzero(self.scored[:, row])
        used = people.shape[1]
        weights = self.weights[row, :used]
        own = self.country_weights[:, row]
        answered = np.flatnonzero(own > 0)
        total = np.zeros(people.shape[1:])
        for country in answered:
            total += own[country] * people[country]
        for block in _blocks(len(here), people):
            countries = here[block]
            held: Floats = people[countries].astype(np.float64)
            gap = np.abs(held - self.uniform[row, :used, None])
            self.country[UNIFORM][countries] += _deviation(gap, weights) / self.count[countries]
            gap = np.abs(held - self._averages(total, held, own.sum(), own[countries]))
            self.country[AVERAGE][countries] += _deviation(gap, weights) / self.count[countries]

    def _averages(self, total: Floats, held: Floats, mass: float, own: Floats) -> Floats:
        """Coordinates of the average human as each country meets it; NaN where there is none.

        Coordinates are linear in the shares, so that those of an average are averages.
        """
        if self.average != "leave-one-out":
            return np.asarray(total / mass)
        rest = mass - own
        divisor = np.where(rest > 0, rest, np.nan)[:, None, None]
        return np.asarray((total - own[:, None, None] * held) / divisor)


def _blocks(countries: int, people: NDArray[np.float32]) -> Iterator[slice]:
    """Runs of countries small enough for a core's cache."""
    step = max(1, _BLOCK // max(1, people.shape[1] * people.shape[2]))
    return (slice(first, first + step) for first in range(0, countries, step))


def _deviation(gap: Floats, weights: Floats) -> Floats:
    """Scores of redrawn people less their mean over the redraws, shape (c, B).

    Args:
        gap: absolute differences of coordinates, shape (c, k, B).
        weights: of the coordinates, shape (k,).
    """
    distance = weights[0] * gap[:, 0]
    for option in range(1, len(weights)):
        distance += weights[option] * gap[:, option]
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
