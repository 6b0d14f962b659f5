"""Which codes make clusters and strata, and why others do not."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_builder.design_effects.clusters import CountryDesign, country_design, survey_design
from dataset_builder.survey import Survey


def design(psu: np.ndarray, region: np.ndarray | None = None) -> CountryDesign | str:
    return country_design(psu, region, rng=np.random.default_rng(1))


def even(clusters: int, size: int) -> np.ndarray:
    return np.repeat(np.arange(clusters) * 37 + 900, size)


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


def test_clusters_are_those_of_the_codes_under_numbers_of_their_own() -> None:
    psu = even(20, 5)
    found = design(psu)
    assert isinstance(found, CountryDesign)
    assert partition(found.cluster) == partition(psu)
    assert sorted(set(found.cluster.tolist())) == list(range(20))
    assert found.cluster.tolist() != np.repeat(np.arange(20), 5).tolist()
    assert found.strata == 1


def test_regions_that_hold_whole_clusters_are_strata() -> None:
    psu = even(20, 5)
    found = design(psu, (psu - 900) // 37 % 4)
    assert isinstance(found, CountryDesign)
    assert partition(found.stratum[found.cluster]) == partition((psu - 900) // 37 % 4)


def test_one_cluster_in_two_regions_goes_where_most_of_it_is() -> None:
    psu = even(40, 5)
    region = (psu - 900) // 37 % 4
    moved = region.copy()
    moved[0] = 3  # its cluster's other four members live in region 0
    found = design(psu, moved)
    assert isinstance(found, CountryDesign)
    assert partition(found.stratum[found.cluster]) == partition(region)


@pytest.mark.parametrize("region", ["crossing", "missing", "alone", "one"])
def test_regions_that_cannot_be_strata(region: str) -> None:
    psu = even(20, 5)
    codes = {
        "crossing": np.arange(100) % 4,
        "missing": np.where(np.arange(100) == 3, -4, psu % 4),
        "alone": psu,
        "one": np.zeros(100, int),
    }[region]
    found = design(psu, codes)
    assert isinstance(found, CountryDesign)
    assert found.strata == 1


@pytest.mark.parametrize(
    ("psu", "reason"),
    [
        (np.full(200, -4), "the file names no clusters"),
        (np.where(np.arange(200) < 20, -5, even(20, 10)), "more than 5% of the respondents"),
        (even(9, 20), "fewer than 10 clusters"),
        (np.concatenate([even(20, 5), np.full(101, 7)]), "one cluster holds most respondents"),
        (np.arange(200), "about one respondent per cluster"),
    ],
)
def test_codes_that_are_no_clusters(psu: np.ndarray, reason: str) -> None:
    found = design(psu)
    assert isinstance(found, str)
    assert reason in found


def test_a_few_respondents_without_a_cluster_stand_for_themselves() -> None:
    psu = even(20, 10)
    psu[[3, 50]] = -5
    found = design(psu)
    assert isinstance(found, CountryDesign)
    assert found.clusters == 22
    assert (found.cluster == found.cluster[3]).sum() == 1


def test_numbers_follow_the_seed_and_tell_nothing_of_the_codes(survey_factory) -> None:
    survey: Survey = survey_factory(clusters=40)
    kept = np.ones(len(survey), bool)
    one, again, other = (survey_design(survey, kept, seed=s).of(0) for s in (1, 1, 2))
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.cluster.tolist() == again.cluster.tolist()
    assert one.cluster.tolist() != other.cluster.tolist()
    assert partition(one.cluster) == partition(other.cluster)


def test_notes_name_the_countries_of_each_reason(survey_factory) -> None:
    survey: Survey = survey_factory(clusters=40)
    assert survey.psu is not None
    survey.psu[survey.country == 2] = -4
    found = survey_design(survey, np.ones(len(survey), bool), seed=0)
    assert (found.usable, found.stratified) == (2, 2)
    assert found.notes(survey.countries, wave=7) == [
        "Wave 7: effective sample sizes of JPN follow Kish, clustering ignored: the file names no "
        "clusters."
    ]
