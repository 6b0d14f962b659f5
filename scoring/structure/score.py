"""Score the structure of synthetic respondents, battery by battery and country by country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codebook.batteries import Battery
from scoring.inference.intervals import percentile_bounds
from scoring.structure.measures import (
    Floats,
    effective_dependence,
    first_component,
    noise_variance,
    pair_scores,
    standardised_alpha,
    structure_score,
    whole_part,
)
from scoring.structure.moments import correlation_matrix, pair_sizes, resampled_pairs
from scoring.structure.people import PeopleStructure
from scoring.structure.persons import Persons

#: A battery counts in a country where both sides hold at least so many of its questions.
LEAST_QUESTIONS = 3

#: Fewer persons say nothing of correlations.
LEAST_PERSONS = 30

#: Draws of another sample of people behind the ceiling.
_CEILING_DRAWS = 200


@dataclass(frozen=True)
class BatteryResult:
    """One battery in one country.

    Attributes:
        battery: its key.
        country: ISO3 code.
        questions: how many of its questions both sides hold.
        score: the structure score.
        replicates: the score over resampled persons, shape (B,).
        ceiling: mean score of another sample of people of the survey's own size.
        model, people: first component, effective dependence and alpha of either side.
    """

    battery: str
    country: str
    questions: int
    score: float
    replicates: Floats
    ceiling: float
    model: Mapping[str, float]
    people: Mapping[str, float]


@dataclass(frozen=True)
class StructureResult:
    """Everything about the structure of a file.

    Attributes:
        batteries: results of all batteries and countries.
        countries: mean over a country's batteries: score, low, high, ceiling.
        overall: mean over countries: score, low, high, ceiling.
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
    """Structure scores with intervals over persons.

    Args:
        persons: synthetic respondents by country; columns as `questions`.
        people: people's correlations by country, over the same questions.
        questions: ids of the columns.
        batteries: the batteries to score.
        replicates: resamples of persons.
        rng: source of the resamples.

    Every country counts once in the mean, and every battery once in a country. In a resample the
    model's sampling noise stands twice, and is taken off twice.
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
            found = _battery(
                battery.name, country, group.answers, people[country], columns, signs, counts, rng
            )
            if found is not None:
                results.append(found)
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
    theirs = people.correlations[np.ix_(columns, columns)]
    rows = whole_part(np.where(np.isnan(ours), np.nan, theirs))
    if len(rows) < LEAST_QUESTIONS:
        return None
    part, signs = part[:, rows], signs[rows]
    ours, theirs = ours[np.ix_(rows, rows)], theirs[np.ix_(rows, rows)]
    noise = people.noise[np.ix_(columns[rows], columns[rows])]
    own = noise_variance(ours, pair_sizes(part))
    score = structure_score(ours, theirs, own, noise)
    if np.isnan(score):
        return None
    above = np.triu_indices(len(rows), 1)
    resampled = pair_scores(
        resampled_pairs(part, counts), theirs[above], 2 * own[above], noise[above]
    )
    return BatteryResult(
        name,
        country,
        len(rows),
        score,
        resampled,
        _ceiling(theirs[above], noise[above], rng),
        _companions(ours, signs),
        _companions(theirs, signs),
    )


def _companions(matrix: Floats, signs: Floats) -> dict[str, float]:
    return {
        "first_component": first_component(matrix),
        "dependence": effective_dependence(matrix),
        "alpha": standardised_alpha(matrix, signs),
    }


def _ceiling(people: Floats, noise: Floats, rng: np.random.Generator) -> float:
    """Mean score of another sample of people, whose correlations differ by noise alone.

    Args:
        people, noise: correlations and their sampling variance by pair, shape (P,).
    """
    draws = rng.normal(size=(_CEILING_DRAWS, len(people)))
    others = np.clip(people + draws * np.sqrt(2 * noise), -1, 1)
    return float(pair_scores(others, people, noise, noise).mean())


def _summary(results: Sequence[BatteryResult]) -> StructureResult:
    countries: dict[str, tuple[float, float, float, float]] = {}
    stacked: list[Floats] = []
    for country in dict.fromkeys(result.country for result in results):
        own = [result for result in results if result.country == country]
        score = float(np.mean([result.score for result in own]))
        drawn = np.nanmean([result.replicates for result in own], axis=0)
        bounds = percentile_bounds(drawn, np.array(score), limits=(-np.inf, 1.0))
        ceiling = float(np.mean([result.ceiling for result in own]))
        countries[country] = (score, float(bounds.low), float(bounds.high), ceiling)
        stacked.append(drawn)
    if not countries:
        missing = float("nan")
        return StructureResult((), {}, (missing, missing, missing, missing))
    scores = np.array([values[0] for values in countries.values()])
    drawn = np.mean(stacked, axis=0)
    mean = float(scores.mean())
    bounds = percentile_bounds(drawn, np.array(mean), limits=(-np.inf, 1.0))
    ceiling = float(np.mean([values[3] for values in countries.values()]))
    overall = (mean, float(bounds.low), float(bounds.high), ceiling)
    return StructureResult(tuple(results), countries, overall)
