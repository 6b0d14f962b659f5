"""How people's answers hang together, from a release's table of correlations or from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.release.read import Release
from scoring.inputs.correlations import read_correlations
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
    matrices = read_correlations(release, questions, wave=wave)
    if not matrices:
        return {}
    survey = read_survey(release, build_geometry(tuple(questions)), wave=wave)
    sizes = dict(zip(survey.countries, survey.n_eff, strict=True))
    # Of a public release the figures are to the nearest .02.
    rounding = ROUNDING_VARIANCE if release.manifest.public or release.is_protected else 0.0
    found: dict[str, PeopleStructure] = {}
    for country, matrix in matrices.items():
        pairs = ~np.isnan(matrix) & ~np.eye(len(questions), dtype=bool)
        if country not in sizes or not pairs.any():
            continue
        n_eff = np.minimum.outer(sizes[country], sizes[country])
        found[country] = PeopleStructure(matrix, noise_variance(matrix, n_eff) + rounding)
    return found
