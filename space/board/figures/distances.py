"""How far apart people's answers are: a country from the world, one country from another.

Distances are those of alignment: normalised Wasserstein-1 for ordered options, total variation for
others. The world is the mean of all other countries' shares, each country counted once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codebook.questions import value_questions
from scoring.inputs.geometry import Floats, Geometry, build_geometry
from space.board.survey_answers import People

#: A question counts as asked in the world where this share of a wave's countries was asked.
ASKED = 0.5


class Apart(NamedTuple):
    """One question on which two sides differ.

    Attributes:
        question_id: the question.
        distance: between the sides, 0 to 1.
        first, second: shares of either side in the order of positions.
    """

    question_id: str
    distance: float
    first: tuple[float, ...]
    second: tuple[float, ...]


class WaveShares(NamedTuple):
    """All shares of a wave: shape (countries, questions, options), NaN where not asked."""

    countries: tuple[str, ...]
    geometry: Geometry
    shares: Floats


def wave_shares(people: People, wave: int) -> WaveShares:
    """The shares of the value questions of a wave, made once."""
    key = ("wave_shares", wave)
    if key not in people.made:
        people.made[key] = _wave_shares(people, wave)
    survey_shares: WaveShares = people.made[key]
    return survey_shares


def _wave_shares(people: People, wave: int) -> WaveShares:
    asked = people.questions(wave)
    geometry = build_geometry([name for name in value_questions() if name in asked])
    countries = people.countries(wave)
    shares = np.full((len(countries), len(geometry.question_ids), geometry.width), np.nan)
    for row, country in enumerate(countries):
        for column, question in enumerate(geometry.question_ids):
            answers = people.answers.get((wave, country, question))
            if answers is None:
                continue
            known = dict(zip(answers.codes, answers.shares, strict=True))
            raw_shares = [known.get(code) for code in geometry.codes[column]]
            numbers = np.array([np.nan if share is None else share for share in raw_shares], float)
            total = numbers.sum()
            if np.isfinite(total) and total > 0:
                shares[row, column] = 0.0
                shares[row, column, : len(numbers)] = numbers / total
    return WaveShares(countries, geometry, shares)


def world_shares(people: People, wave: int, question_id: str) -> tuple[float, ...] | None:
    """Mean shares over all countries of a wave, each counted once; None where it was not asked."""
    survey_shares = wave_shares(people, wave)
    column = survey_shares.geometry.index.get(question_id)
    if column is None:
        return None
    asked = survey_shares.shares[:, column]
    asked = asked[np.isfinite(asked[:, 0])]
    return _cut(asked.mean(axis=0), survey_shares.geometry, column) if len(asked) else None


def from_world(people: People, wave: int, country: str) -> list[Apart]:
    """All questions of a country by how far it lies from the other countries, farthest first."""
    survey_shares = wave_shares(people, wave)
    row = survey_shares.countries.index(country)
    others = np.delete(survey_shares.shares, row, axis=0)
    there = np.isfinite(others[..., 0])
    world = (
        np.where(there[..., None], others, 0.0).sum(axis=0)
        / np.maximum(there.sum(axis=0), 1)[:, None]
    )
    world[there.mean(axis=0) < ASKED] = np.nan
    return _apart(survey_shares.geometry, survey_shares.shares[row], world)


def between(people: People, wave: int, first: str, second: str) -> list[Apart]:
    """All questions that two countries answered, by how far they lie apart, farthest first."""
    survey_shares = wave_shares(people, wave)
    rows = [survey_shares.countries.index(name) for name in (first, second)]
    return _apart(
        survey_shares.geometry, survey_shares.shares[rows[0]], survey_shares.shares[rows[1]]
    )


def mean_alignment(apart: list[Apart]) -> float | None:
    """One less the mean distance over questions; None without any."""
    return 1 - float(np.mean([one.distance for one in apart])) if apart else None


def _apart(geometry: Geometry, first: Floats, second: Floats) -> list[Apart]:
    distance = geometry.distance(first, second)
    known = map(int, np.flatnonzero(np.isfinite(distance)))
    order = sorted(known, key=lambda at: (-distance[at], at))
    return [
        Apart(
            geometry.question_ids[at],
            float(distance[at]),
            _cut(first[at], geometry, at),
            _cut(second[at], geometry, at),
        )
        for at in order
    ]


def _cut(shares: Floats, geometry: Geometry, column: int) -> tuple[float, ...]:
    return tuple(float(share) for share in shares[: geometry.sizes[column]])
