"""The human ceiling from halves of respondents, for whoever holds their rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.release.read import Release
from contracts.report import CeilingKind, Settings
from contracts.report_tables.alignment import CeilingRow
from scoring.estimates import number, row_means
from scoring.inference.halves import Halves, ceiling_by_halves
from scoring.inference.sampling import human_ceiling
from scoring.inference.workspace import Workspace, digest
from scoring.inputs.geometry import Floats
from scoring.inputs.interviews import read_interviews
from scoring.inputs.survey import Survey

#: Beside the report's seed: halves are drawn apart from all else, so that they move no interval.
_STREAM = 1


class Ceiling(NamedTuple):
    """Ceilings of C countries and Q questions.

    Attributes:
        cells: scores of another sample of the same people, shape (C, Q).
        kinds: what each country's rest on.
        clusters, persons, aggregates: the three ways of finding them, shape (C, Q); NaN where
            the release lacks what one needs.
        units: number of clusters of each country, 0 without.
    """

    cells: Floats
    kinds: tuple[CeilingKind, ...]
    clusters: Floats
    persons: Floats
    aggregates: Floats
    units: tuple[int, ...]


def ceiling_of_rows(
    release: Release, survey: Survey, settings: Settings, workspace: Workspace | None = None
) -> Ceiling:
    """Ceilings from halves of clusters, of single respondents where a country names no clusters.

    Raises:
        ContractError: the release holds aggregates only.
    """
    key = digest(
        release.source,
        survey.shares,
        survey.n_eff,
        survey.geometry.weights,
        settings.seed,
        settings.wave,
        settings.split,
        settings.weights,
    )
    ceiling: Ceiling = (workspace or Workspace()).get(
        "ceiling", key, lambda: _ceiling(release, survey, settings), most=2
    )
    return ceiling


def _ceiling(release: Release, survey: Survey, settings: Settings) -> Ceiling:
    rng = np.random.default_rng([settings.seed, _STREAM])
    aggregates = human_ceiling(survey)
    clusters, persons = (np.full(aggregates.shape, np.nan) for _ in range(2))
    units = np.zeros(len(survey.countries), np.int64)
    rows = {name: row for row, name in enumerate(survey.countries)}
    for interviews in read_interviews(
        release,
        survey.geometry,
        wave=settings.wave,
        split=settings.split,
        weights=settings.weights,
    ):
        if interviews.country not in rows:
            continue
        row = rows[interviews.country]
        halves: Halves = ceiling_by_halves(interviews, survey.geometry, rng=rng)
        clusters[row], persons[row] = halves
        units[row] = len(interviews.stratum)
    cells = np.where(np.isnan(clusters), persons, clusters)
    cells = np.where(np.isnan(cells), aggregates, cells)
    return Ceiling(
        cells, _kinds(clusters, persons), clusters, persons, aggregates, tuple(units.tolist())
    )


def _kinds(clusters: Floats, persons: Floats) -> tuple[CeilingKind, ...]:
    kinds: list[CeilingKind] = []
    for one, other in zip(clusters, persons, strict=True):
        if not np.isnan(one).all():
            kinds.append("halves of clusters")
        elif not np.isnan(other).all():
            kinds.append("halves of respondents")
        else:
            kinds.append("effective sample sizes")
    return tuple(kinds)


def ceiling_table(ceiling: Ceiling, survey: Survey, scored: NDArray[np.bool_]) -> list[CeilingRow]:
    """A row per scored country: its ceiling found in three ways, over the scored questions."""

    def means(cells: Floats) -> Floats:
        return row_means(np.where(scored, cells, np.nan))

    ways = (ceiling.clusters, ceiling.persons, ceiling.aggregates)
    clusters, persons, aggregates = (means(cells) for cells in ways)
    return [
        CeilingRow(
            country=country,
            kind=ceiling.kinds[row],
            clusters=ceiling.units[row] or None,
            by_clusters=number(clusters[row]),
            by_respondents=number(persons[row]),
            by_effective_size=number(aggregates[row]),
        )
        for row, country in enumerate(survey.countries)
        if scored[row].any()
    ]
