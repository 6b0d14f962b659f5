"""How people's answers hang together, from a release's table of correlations or from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from contracts.release.read import Release
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import read_survey
from scoring.structure.measures import ROUNDING_VARIANCE, Floats, noise_variance


@dataclass(frozen=True)
class PeopleStructure:
    """Correlations of one country's people.

    Attributes:
        correlations: shape (Q, Q); 1 on the diagonal, NaN where the table lacks a pair.
        noise: sampling variance of each, rounding included where figures are rounded.
    """

    correlations: Floats
    noise: Floats


def read_structure(
    release: Release, questions: Sequence[str], *, wave: int = 7
) -> Mapping[str, PeopleStructure]:
    """People's correlations by country, for the countries that the table holds.

    The sampling variance rests on the smaller effective sample size of the two questions, which
    a public release gives in place of the number of respondents of a pair.
    """
    if not release.has("correlations"):
        return {}
    table = release.table("correlations", where=pc.field("wave") == wave)
    place = {name: row for row, name in enumerate(questions)}
    first, second = (
        np.array([place.get(name, -1) for name in table[column].to_pylist()], int)
        for column in ("question_a", "question_b")
    )
    there = (first >= 0) & (second >= 0)
    if not there.any():
        return {}
    first, second = first[there], second[there]
    r = table["r"].to_numpy()[there]
    codes = table["country"].combine_chunks().dictionary_encode()
    number = codes.indices.to_numpy()[there]
    survey = read_survey(release, build_geometry(tuple(questions)), wave=wave)
    sizes = dict(zip(survey.countries, survey.n_eff, strict=True))
    # Of a public release the figures are to the nearest .02.
    rounding = ROUNDING_VARIANCE if release.manifest.public else 0.0
    found: dict[str, PeopleStructure] = {}
    for index, country in enumerate(codes.dictionary.to_pylist()):
        rows = number == index
        if country not in sizes or not rows.any():
            continue
        matrix = np.full((len(questions), len(questions)), np.nan)
        np.fill_diagonal(matrix, 1.0)
        matrix[first[rows], second[rows]] = matrix[second[rows], first[rows]] = r[rows]
        n_eff = np.minimum.outer(sizes[country], sizes[country])
        found[country] = PeopleStructure(matrix, noise_variance(matrix, n_eff) + rounding)
    return found
