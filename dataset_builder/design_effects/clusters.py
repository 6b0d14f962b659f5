"""Clusters and strata of every country: which the file names, and whether they can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset_builder.survey import Survey

#: Fewer clusters than this give no stable variance.
FEWEST_CLUSTERS = 10

#: Share of respondents without a cluster from which a country's clusters are not used.
MOST_BLANK = 0.05

#: Respondents per cluster below which interviews are taken for unclustered.
FEWEST_PER_CLUSTER = 1.5

#: Share of a country's respondents in one cluster from which its codes are implausible, and share
#: of a domain's weights in one cluster from which the spread of clusters says nothing.
LARGEST_CLUSTER = 0.5

#: Share of clusters that lie in one region each for regions to count as strata.
NESTED = 0.95


@dataclass(frozen=True)
class CountryDesign:
    """Design of one country's sample.

    Attributes:
        cluster: number of each respondent's cluster (primary sampling unit), shape (n,).
        stratum: stratum of each cluster, shape (clusters,); all zero without strata.
        strata: number of strata, 1 without.
    """

    cluster: NDArray[np.int32]
    stratum: NDArray[np.int32]

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.stratum)

    @property
    def strata(self) -> int:
        """Number of strata."""
        return int(self.stratum.max(initial=0)) + 1


def country_design(
    psu: NDArray[np.int64], region: NDArray[np.int64] | None, *, rng: np.random.Generator
) -> CountryDesign | str:
    """Design of a country from its codes, or why there is none.

    Clusters and strata are numbered in an order drawn by `rng`, so that the numbers tell nothing
    of places. Few respondents without a cluster are a cluster each. Regions count as strata where
    `NESTED` of the clusters lie in one region; the others go to the region of most of theirs.

    Args:
        psu: raw codes of the primary sampling unit, shape (n,); negative where missing.
        region: raw codes of the region likewise, None where the file has none.
        rng: draws the numbers.

    Returns:
        The design, or the reason in a few words.
    """
    given = psu >= 0
    if not given.any():
        return "the file names no clusters"
    if (~given).mean() > MOST_BLANK:
        return f"more than {MOST_BLANK:.0%} of the respondents have no cluster"
    own = np.arange(len(psu)) + int(psu.max()) + 1
    distinct, cluster = np.unique(np.where(given, psu, own), return_inverse=True)
    sizes = np.bincount(cluster)
    if len(sizes) < FEWEST_CLUSTERS:
        return f"fewer than {FEWEST_CLUSTERS} clusters"
    if sizes.max() > LARGEST_CLUSTER * len(psu):
        return "one cluster holds most respondents, so the codes are implausible"
    if len(psu) / len(sizes) < FEWEST_PER_CLUSTER:
        return "about one respondent per cluster, so the sample is unclustered"
    order = rng.permutation(len(distinct)).astype(np.int32)
    drawn = order[cluster]
    return CountryDesign(drawn, _strata(drawn, len(distinct), region, rng))


def _strata(
    cluster: NDArray[np.int32],
    clusters: int,
    region: NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Stratum of each cluster; zeros where regions cannot be strata."""
    none = np.zeros(clusters, np.int32)
    if region is None or (region < 0).any():
        return none
    codes, place = np.unique(region, return_inverse=True)
    if not 1 < len(codes) < clusters:
        return none
    members = np.zeros((clusters, len(codes)), np.int64)
    np.add.at(members, (cluster, place), 1)
    if ((members > 0).sum(axis=1) == 1).mean() < NESTED:
        return none
    _, stratum = np.unique(members.argmax(axis=1), return_inverse=True)
    return rng.permutation(int(stratum.max()) + 1).astype(np.int32)[stratum]


@dataclass(frozen=True)
class SurveyDesign:
    """Designs of the countries of a survey.

    Attributes:
        countries: design of each country, in the survey's order; a text says why there is none.
    """

    countries: tuple[CountryDesign | str, ...]

    def of(self, country: int) -> CountryDesign | None:
        """Design of a country, None where interviews count as independent."""
        design_or_reason = self.countries[country]
        return design_or_reason if isinstance(design_or_reason, CountryDesign) else None

    @property
    def usable(self) -> int:
        """Number of countries with a design."""
        return sum(isinstance(one, CountryDesign) for one in self.countries)

    @property
    def stratified(self) -> int:
        """Number of countries whose regions are strata."""
        return sum(isinstance(one, CountryDesign) and one.strata > 1 for one in self.countries)

    def notes(self, names: Sequence[str], *, wave: int) -> list[str]:
        """What a user should know, a sentence per reason; nothing where no country has clusters."""
        if not self.usable:
            return []
        reasons: dict[str, list[str]] = {}
        for name, design_or_reason in zip(names, self.countries, strict=True):
            if isinstance(design_or_reason, str):
                reasons.setdefault(design_or_reason, []).append(name)
        return [
            f"Wave {wave}: effective sample sizes of {', '.join(countries)} follow Kish, "
            f"clustering ignored: {reason}."
            for reason, countries in reasons.items()
        ]


def survey_design(survey: Survey, in_release: NDArray[np.bool_], *, seed: int) -> SurveyDesign:
    """Designs of all countries of a survey.

    Args:
        survey: the survey.
        kept: which of its respondents the release holds, shape (n,).
        seed: seed of the order in which clusters are numbered.
    """
    designs: list[CountryDesign | str] = []
    streams = np.random.default_rng([seed, survey.wave]).spawn(len(survey.countries))
    for country, rng in enumerate(streams):
        if survey.psu is None:
            designs.append("the file names no clusters")
            continue
        here = (survey.country == country) & in_release
        region = None if survey.region is None else survey.region[here]
        designs.append(country_design(survey.psu[here], region, rng=rng))
    return SurveyDesign(tuple(designs))
