"""How people's answers hang together, from a release's table of correlations or from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.release.read import Release
from scoring.inputs.correlations import read_correlations
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import read_survey
from scoring.structure.measures import ROUNDING_VARIANCE
from scoring.structure.moments import Floats, Integers, upper_pairs
from scoring.structure.noise import shares_noise


@dataclass(frozen=True)
class PeopleStructure:
    """Correlations of one country's people.

    Attributes:
        correlations: shape (Q, Q); 1 on the diagonal, NaN where the table lacks a pair.
        noise: sampling variance of each, rounding included where figures are rounded; NaN
            between questions of different batteries.
        sizes: effective number of people of each question, shape (Q,).
    """

    correlations: Floats
    noise: Floats
    sizes: Floats


def read_structure(
    release: Release,
    questions: Sequence[str],
    *,
    wave: int = 7,
    batteries: Sequence[Sequence[str]] = (),
) -> Mapping[str, PeopleStructure]:
    """People's correlations by country, for the countries that the table holds.

    The sampling variance rests on the smaller effective sample size of the two questions, which
    a public release gives in place of the number of respondents of a pair, and on people's shares
    (`shares_noise`). It is given within the batteries; by default all questions are one.
    """
    matrices = read_correlations(release, questions, wave=wave)
    if not matrices:
        return {}
    survey = read_survey(release, build_geometry(tuple(questions)), wave=wave)
    rows = {name: row for row, name in enumerate(survey.countries)}
    there = [
        country
        for country, matrix in matrices.items()
        if country in rows and (~np.isnan(matrix) & ~np.eye(len(questions), dtype=bool)).any()
    ]
    if not there:
        return {}
    at = [rows[country] for country in there]
    first, second = _pairs(questions, batteries or (questions,))
    r = np.array([matrices[country][first, second] for country in there])
    sizes = survey.n_eff[at]
    pair_sizes = np.minimum(sizes[:, first], sizes[:, second])
    # Of a public release the figures are to the nearest .02.
    rounding = ROUNDING_VARIANCE if release.manifest.public or release.is_protected else 0.0
    noise = np.full((len(there), len(questions), len(questions)), np.nan)
    structures = shares_noise(r, survey.shares[at], (first, second), pair_sizes) + rounding
    noise[:, first, second] = noise[:, second, first] = structures
    return {
        country: PeopleStructure(matrices[country], noise[place], sizes[place])
        for place, country in enumerate(there)
    }


def _pairs(
    questions: Sequence[str], batteries: Sequence[Sequence[str]]
) -> tuple[Integers, Integers]:
    """Columns of the pairs of questions within batteries."""
    place = {name: column for column, name in enumerate(questions)}
    first, second = [], []
    for battery in batteries:
        columns = np.array([place[name] for name in battery if name in place], dtype=np.intp)
        one, other = upper_pairs(len(columns))
        first.append(columns[one])
        second.append(columns[other])
    return np.concatenate(first), np.concatenate(second)
