"""How a country's answers moved from wave to wave, on the questions that the waves asked alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from codebook.crosswalk import crosswalk, exceptions
from codebook.questions import questions
from space.board.survey_answers import Answers, People

#: Grades of comparability with wave 7 that show a trend.
ALIKE = ("identical", "recoded")

#: Years of fieldwork of the survey's waves.
YEARS: Mapping[int, str] = {5: "2005-2009", 6: "2010-2014", 7: "2017-2022"}

#: Questions that are shown.
SHOWN = 6

_NORMAL = 1.96


class Point(NamedTuple):
    """Mean position of a country's answers in a wave, 0 the first option and 1 the last.

    Attributes:
        wave: of the survey.
        mean: of positions, weighted.
        low, high: 95 % interval by the effective sample size; None where that is unknown.
        doubts: what its source says against it, else "".
    """

    wave: int
    mean: float
    low: float | None
    high: float | None
    doubts: str


class Line(NamedTuple):
    """One question over waves.

    Attributes:
        question_id: the question.
        first: points of the country, oldest first.
        second: points of the country beside it; fewer or none where it was not asked.
    """

    question_id: str
    first: tuple[Point, ...]
    second: tuple[Point, ...]


class Timeline(NamedTuple):
    """A country over waves.

    Attributes:
        waves: waves that it took part in, oldest first.
        compared: number of ordinal questions that all of them asked alike.
        lines: the questions on which the first and the last wave lie farthest apart.
    """

    waves: tuple[int, ...]
    compared: int
    lines: tuple[Line, ...]


def read_timeline(people: People, country: str, other: str | None = None) -> Timeline | None:
    """The questions that moved most; None for a country of a single wave.

    Args:
        people: the people's answers.
        country: its code.
        other: code of a country beside it.
    """
    waves = tuple(wave for wave in sorted(people.waves) if country in people.countries(wave))
    if len(waves) < 2:
        return None
    moves = []
    for name in _asked_alike(people, country, waves):
        points = _points(people, country, name, waves)
        if len(points) == len(waves):
            moved = abs(points[-1].mean - points[0].mean)
            moves.append((-moved, name, points))
    moves.sort(key=lambda one: one[:2])
    lines = tuple(
        Line(name, points, _points(people, other, name, waves) if other else ())
        for _, name, points in moves[:SHOWN]
    )
    return Timeline(waves, len(moves), lines)


def _asked_alike(people: People, country: str, waves: tuple[int, ...]) -> list[str]:
    """Ordinal questions that a country was asked alike in all of these waves."""
    return [
        name
        for name, entry in crosswalk().items()
        if name in questions()
        and (scale := questions()[name].scale) is not None
        and scale.is_ordinal
        and all((wave, country, name) in people.answers for wave in waves)
        and all(
            wave == 7 or (wave in entry.comparability and entry.comparability[wave].grade in ALIKE)
            for wave in waves
        )
    ]


def _points(people: People, country: str, name: str, waves: tuple[int, ...]) -> tuple[Point, ...]:
    points = []
    for wave in waves:
        answers = people.answers.get((wave, country, name))
        if answers is None or _is_out(country, wave, name):
            continue
        point = _point(wave, answers)
        if point is not None:
            points.append(point)
    return tuple(points)


def _is_out(country: str, wave: int, name: str) -> bool:
    return any(
        one.country == country
        and one.wave == wave
        and one.kind == "not comparable"
        and name in one.question_ids
        for one in exceptions()
    )


def _point(wave: int, answers: Answers) -> Point | None:
    shares = np.array([np.nan if share is None else share for share in answers.shares], float)
    if len(shares) < 2 or not np.isfinite(shares).all() or shares.sum() <= 0:
        return None
    shares = shares / shares.sum()
    places = np.linspace(0, 1, len(shares))
    mean = float(places @ shares)
    if not answers.n_eff:
        return Point(wave, mean, None, None, answers.flag)
    error = _NORMAL * float(np.sqrt(max(places**2 @ shares - mean**2, 0) / answers.n_eff))
    return Point(wave, mean, max(mean - error, 0.0), min(mean + error, 1.0), answers.flag)
