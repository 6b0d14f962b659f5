"""Score the structure of synthetic respondents, battery by battery and country by country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from codebook.batteries import Battery
from scoring.inference.intervals import percentile_bounds
from scoring.structure.measures import (
    effective_dependence,
    first_component,
    squared_distance,
    standardised_alpha,
    structure_score,
    whole_part,
)
from scoring.structure.moments import (
    Floats,
    correlation_matrix,
    pair_sizes,
    resampled_pairs,
    upper_pairs,
)
from scoring.structure.noise import persons_noise, sample_errors
from scoring.structure.people import PeopleStructure
from scoring.structure.persons import Persons

#: A battery counts in a country where both sides hold at least so many of its questions.
LEAST_QUESTIONS = 3

#: Fewer persons of a country say nothing of correlations.
LEAST_PERSONS = 30

#: Fewest persons who answered both questions of a pair.
LEAST_BOTH = 20

#: Draws of another sample of people behind the ceiling.
_CEILING_DRAWS = 50


@dataclass(frozen=True)
class BatteryResult:
    """One battery in one country.

    Attributes:
        battery: its key.
        country: ISO3 code.
        questions: how many of its questions both sides hold.
        distance: D(model, people) of the persons.
        scale: D(I, people), of answers that do not depend on each other.
        replicates: the distance over resampled persons and people, shape (B,).
        others: the distance of other samples of people, shape (draws,).
        model, people: first component, effective dependence and alpha of either side.
    """

    battery: str
    country: str
    questions: int
    distance: float
    scale: float
    replicates: Floats
    others: Floats
    model: Mapping[str, float]
    people: Mapping[str, float]

    @property
    def score(self) -> float:
        """The structure score of the battery in the country."""
        return float(structure_score(self.distance, self.scale))

    @property
    def ceiling(self) -> float:
        """Mean score of another sample of people of the survey's own size."""
        return float(structure_score(self.others, self.scale).mean())


@dataclass(frozen=True)
class StructureResult:
    """Everything about the structure of a file.

    Attributes:
        batteries: results of all batteries and countries.
        countries: over a country's batteries: score, low, high, ceiling.
        overall: over countries: score, low, high, ceiling.
    """

    batteries: tuple[BatteryResult, ...]
    countries: Mapping[str, tuple[float, float, float, float]]
    overall: tuple[float, float, float, float]


def score_structure(
    persons: Mapping[str, Persons],
    people: Mapping[str, PeopleStructure],
    questions: Sequence[str],
    batteries: Sequence[Battery],
    *,
    replicates: int,
    rng: np.random.Generator,
) -> StructureResult:
    """Structure scores with intervals over persons and people.

    Args:
        persons: synthetic respondents by country; columns as `questions`.
        people: people's correlations by country, over the same questions.
        questions: ids of the columns.
        batteries: the batteries to score.
        replicates: resamples of persons.
        rng: source of the resamples.

    A country's score is that of the mean squared distances over its batteries, the overall score
    that of the means over countries: each counts once, and the noise that a small sample leaves in
    one battery goes out in the mean. A resample redraws the persons, and people's correlations
    within their noise, around differences without noise.
    """
    place = {name: column for column, name in enumerate(questions)}
    results: list[BatteryResult] = []
    for country, group in persons.items():
        if country not in people or len(group.answers) < LEAST_PERSONS:
            continue
        size = len(group.answers)
        counts = rng.multinomial(size, np.full(size, 1 / size), size=replicates).astype(float)
        for battery in batteries:
            columns = np.array([place[name] for name in battery.questions if name in place], int)
            signs = np.array(
                [
                    sign
                    for name, sign in zip(battery.questions, battery.signs, strict=True)
                    if name in place
                ],
                float,
            )
            battery_result = _battery(
                battery.name, country, group.answers, people[country], columns, signs, counts, rng
            )
            if battery_result is not None:
                results.append(battery_result)
    return _summary(results)


def _battery(
    name: str,
    country: str,
    answers: Floats,
    people: PeopleStructure,
    columns: np.ndarray,
    signs: Floats,
    counts: Floats,
    rng: np.random.Generator,
) -> BatteryResult | None:
    part = answers[:, columns]
    ours = correlation_matrix(part)
    ours[pair_sizes(part) < LEAST_BOTH] = np.nan
    theirs = people.correlations[np.ix_(columns, columns)]
    noise = people.noise[np.ix_(columns, columns)]
    np.fill_diagonal(noise, 0.0)
    rows = whole_part(ours + theirs + noise)
    if len(rows) < LEAST_QUESTIONS:
        return None
    part, signs = part[:, rows], signs[rows]
    ours, theirs = ours[np.ix_(rows, rows)], theirs[np.ix_(rows, rows)]
    above = upper_pairs(len(rows))
    real, error = theirs[above], noise[np.ix_(rows, rows)][above]
    scale = squared_distance(np.zeros_like(real), real, error)
    if not scale > 0:
        return None
    own = persons_noise(part)
    distance = squared_distance(ours[above], real, own + error)
    draws = len(counts) + _CEILING_DRAWS
    drawn = sample_errors(theirs, people.sizes[columns[rows]], draws, rng) * np.sqrt(error)
    moved = _shrunk(ours[above] - real, distance) - drawn[: len(counts)]
    moved += resampled_pairs(part, counts) - ours[above]
    none = np.zeros_like(real)
    return BatteryResult(
        name,
        country,
        len(rows),
        float(distance),
        float(scale),
        squared_distance(moved, none, own + error),
        squared_distance(np.sqrt(2) * drawn[len(counts) :], none, 2 * error),
        _companions(ours, signs),
        _companions(theirs, signs),
    )


def _shrunk(difference: Floats, distance: Floats) -> Floats:
    """Differences of correlations without the noise in them: of the mean square `distance`.

    Resamples of the differences as found would hold their noise twice, and be too wide.
    """
    square = (difference**2).mean()
    return difference * np.sqrt(max(float(distance), 0.0) / square) if square > 0 else difference


def _companions(matrix: Floats, signs: Floats) -> dict[str, float]:
    return {
        "first_component": first_component(matrix),
        "dependence": effective_dependence(matrix),
        "alpha": standardised_alpha(matrix, signs),
    }


def _summary(results: Sequence[BatteryResult]) -> StructureResult:
    countries: dict[str, tuple[float, float, float, float]] = {}
    means: list[_Mean] = []
    for country in dict.fromkeys(result.country for result in results):
        own = [result for result in results if result.country == country]
        means.append(_mean(own))
        countries[country] = _score(means[-1])
    if not countries:
        missing = float("nan")
        return StructureResult((), {}, (missing, missing, missing, missing))
    return StructureResult(tuple(results), countries, _score(_mean(means)))


def over_countries(results: Sequence[BatteryResult]) -> tuple[float, float, float, float]:
    """Score, ends of its interval, and ceiling of one battery in several countries."""
    return _score(_mean(results))


class _Mean(NamedTuple):
    """Mean distance, mean scale, and the distance over resamples and other samples of people."""

    distance: float
    scale: float
    replicates: Floats
    others: Floats


def _mean(parts: Sequence[_Mean] | Sequence[BatteryResult]) -> _Mean:
    return _Mean(
        float(np.mean([part.distance for part in parts])),
        float(np.mean([part.scale for part in parts])),
        np.mean([part.replicates for part in parts], axis=0),
        np.mean([part.others for part in parts], axis=0),
    )


def _score(mean: _Mean) -> tuple[float, float, float, float]:
    """Score, ends of its interval, and ceiling."""
    score = structure_score(mean.distance, mean.scale)
    drawn = structure_score(mean.replicates, mean.scale)
    bounds = percentile_bounds(drawn, score, limits=(-np.inf, 1.0))
    ceiling = float(structure_score(mean.others, mean.scale).mean())
    return float(score), float(bounds.low), float(bounds.high), ceiling
