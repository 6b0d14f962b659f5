"""All maps of a release, with the models placed on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

import codebook
from contracts.errors import ContractError, unknown_values
from contracts.release.read import Release
from scoring.inputs.correlations import read_correlations
from scoring.inputs.geometry import Floats, Geometry, build_geometry
from scoring.inputs.survey import Survey, Weights, read_survey
from scoring.maps import cultural_map, opinion_plane
from scoring.maps.model import MapFile, MapName, MapPicture
from scoring.maps.rows import MapRow

#: The maps that there are.
MAPS: tuple[MapName, ...] = ("opinion_plane", "cultural_map")


def make_map(
    release: Release,
    rows: Sequence[MapRow] = (),
    *,
    maps: Sequence[MapName] = MAPS,
    questions: str | Sequence[str] = "alignment",
    waves: Sequence[int] = (),
    weights: Weights = "design",
    seed: int = 0,
) -> MapFile:
    """Maps of a release's countries and of models.

    Args:
        release: from `contracts.release.read.open_release`. Positions follow from its tables as
            they are: of a private release, pass `release.protected()` for maps that others see.
        rows: the models to place, from `scoring.maps.rows`.
        maps: which maps to make.
        questions: question set, or ids, of the opinion plane.
        waves: waves whose countries are placed; all of the release by default. The opinion plane
            is fitted on the last of them, and the countries of the others are placed on it.
        weights: `design` or `none`.
        seed: seed of the resampled questions behind models' ellipses.

    Raises:
        ContractError: a map does not exist, the release holds no answers of a wave, or too few
            countries answered.
    """
    unknown = [name for name in maps if name not in MAPS]
    if unknown:
        raise ContractError(unknown_values("--map", unknown, MAPS, code="unknown-map"))
    chosen = tuple(waves) or tuple(release.manifest.waves)
    pictures: dict[MapName, MapPicture] = {}
    if "opinion_plane" in maps:
        names = codebook.question_set(questions) if isinstance(questions, str) else questions
        surveys = _surveys(release, build_geometry(names), chosen, weights)
        plane = opinion_plane.fit_plane(surveys[max(chosen)])
        pictures["opinion_plane"] = opinion_plane.draw_plane(
            plane,
            surveys,
            rows,
            correlations=country_correlations(release, plane.geometry.question_ids, max(chosen)),
            random=np.random.default_rng(seed),
        )
    if "cultural_map" in maps:
        surveys = _surveys(release, cultural_map.items().geometry, chosen, weights)
        pictures["cultural_map"] = cultural_map.draw_cultural_map(surveys, rows)
    return MapFile(
        release=release.manifest.name,
        release_version=release.manifest.release_version,
        seed=seed,
        maps=[pictures[name] for name in MAPS if name in pictures],
    )


def _surveys(
    release: Release, geometry: Geometry, waves: Sequence[int], weights: Weights
) -> dict[int, Survey]:
    return {wave: read_survey(release, geometry, wave=wave, weights=weights) for wave in waves}


def country_correlations(
    release: Release, questions: Sequence[str], wave: int
) -> Mapping[str, Floats]:
    """Correlation matrices of `questions` by country, and their median over countries as "".

    A pair that the table does not hold counts as uncorrelated. Empty where the release has no
    table of correlations for the wave.
    """
    correlations = read_correlations(release, questions, wave=wave)
    matrices = {country: np.nan_to_num(matrix) for country, matrix in correlations.items()}
    if matrices:
        matrices[""] = np.median(list(matrices.values()), axis=0)
    return matrices
