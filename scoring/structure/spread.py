"""Spread of synthetic respondents and demographic gaps between them, beside people's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED
from contracts.errors import ContractError
from contracts.release.read import Release
from scoring.estimates import row_means
from scoring.inputs.geometry import Geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.structure.measures import distinct_share, entropy, gap_agreement
from scoring.structure.moments import Floats
from scoring.structure.persons import Persons


@dataclass(frozen=True)
class Spread:
    """How varied synthetic respondents are, mean over countries.

    Attributes:
        variance_ratio: mean over questions of the variance of positions over people's; above 1
            too spread, below 1 too uniform.
        entropy_difference: mean difference of entropies in nats, model less people.
        distinct: share of distinct persons.
    """

    variance_ratio: float
    entropy_difference: float
    distinct: float


def spread_of(persons: Mapping[str, Persons], survey: Survey) -> Spread:
    """Spread over the ordinal questions of a survey; columns of persons as its questions.

    The variance of the ratio's model side is unbiased (N - 1); the entropy of N persons is
    corrected by (K - 1) / 2N (Miller and Madow).
    """
    ratios, differences, distinct = [], [], []
    positions = np.arange(survey.geometry.width)
    for country, group in persons.items():
        if country not in survey.countries:
            continue
        row = survey.countries.index(country)
        counts = answer_counts(group.answers, len(positions))
        size = counts.sum(axis=-1)
        people = survey.shares[row]
        variance = _variance(people, positions)
        good = survey.geometry.ordinal & (survey.n_eff[row] > 0) & (size > 1) & (variance > 1e-9)
        if not good.any():
            continue
        counts, size, people = counts[good], size[good], people[good]
        own = counts / size[:, None]
        ratios.append((_variance(own, positions) * size / (size - 1) / variance[good]).mean())
        correction = ((counts > 0).sum(axis=-1) - 1) / (2 * size)
        differences.append((entropy(own) + correction - entropy(people)).mean())
        distinct.append(distinct_share(group.answers))
    if not ratios:
        return Spread(float("nan"), float("nan"), float("nan"))
    return Spread(float(np.mean(ratios)), float(np.mean(differences)), float(np.mean(distinct)))


def answer_counts(answers: Floats, options: int) -> Floats:
    """How many persons chose each option, shape (N, Q) -> (Q, K); missing answers do not count."""
    questions = answers.shape[1]
    person, column = np.nonzero(~np.isnan(answers))
    cell = column * options + answers[person, column].astype(np.int64)
    counts = np.bincount(cell, minlength=questions * options)
    return counts.reshape(questions, options).astype(float)


def _variance(shares: Floats, positions: np.ndarray) -> Floats:
    """Variance of positions, shape (Q, K) -> (Q,)."""
    return (shares * positions**2).sum(axis=-1) - (shares * positions).sum(axis=-1) ** 2


@dataclass(frozen=True)
class Gap:
    """Agreement of demographic gaps of one variable.

    Attributes:
        variable: sex, age, education or settlement.
        contrast: the two groups compared, second less first.
        same_sign: share of people's clear gaps with the same sign in the model.
        size: slope of the model's gaps on people's; above 1 exaggerated.
        gaps: number of clear gaps.
    """

    variable: str
    contrast: tuple[str, str]
    same_sign: float
    size: float
    gaps: int


def demographic_gaps(
    persons: Mapping[str, Persons], release: Release, geometry: Geometry, *, wave: int, split: str
) -> list[Gap]:
    """Gaps between the first and the last category of each variable, over all countries.

    A gap is the difference of mean positions, as a share of the scale's length. Only persons who
    were told the category count; people's standard errors follow from the groups' n_eff.
    """
    described_groups = {part for group in persons.values() for one in set(group.groups)
            for part in one.split(";")}  # fmt: skip
    gaps = []
    for variable in GROUP_VARIABLES:
        categories = HARMONISED[variable].categories
        ends = (f"{variable}={categories[0]}", f"{variable}={categories[-1]}")
        if not described_groups.issuperset(ends):
            continue
        try:
            surveys = [
                read_survey(release, geometry, wave=wave, split=split, group=name) for name in ends
            ]
        except ContractError:  # the release has no such groups
            continue
        gap = _gap(variable, ends, persons, surveys, geometry)
        if gap.gaps:
            gaps.append(gap)
    return gaps


def _gap(
    variable: str,
    ends: tuple[str, str],
    persons: Mapping[str, Persons],
    surveys: list[Survey],
    geometry: Geometry,
) -> Gap:
    model: list[Floats] = []
    people: list[Floats] = []
    errors: list[Floats] = []
    ordinal = np.flatnonzero(geometry.ordinal)
    length = geometry.sizes[ordinal] - 1
    for country, group in persons.items():
        if not all(country in survey.countries for survey in surveys):
            continue
        masks = [np.array([name in one.split(";") for one in group.groups], bool) for name in ends]
        if min(mask.sum() for mask in masks) < 2:
            continue
        means = [row_means(group.answers[mask][:, ordinal].T) for mask in masks]
        model.append((means[1] - means[0]) / length)
        sides = [_people(survey, country, ordinal) for survey in surveys]
        people.append((sides[1][0] - sides[0][0]) / length)
        errors.append(np.sqrt(sides[0][1] + sides[1][1]) / length)
    if not model:
        return Gap(variable, ends, float("nan"), float("nan"), 0)
    people_gaps, error = np.concatenate(people), np.concatenate(errors)
    known = ~np.isnan(people_gaps) & ~np.isnan(error)
    same, size, count = gap_agreement(
        np.concatenate(model)[known], people_gaps[known], error[known]
    )
    return Gap(variable, ends, same, size, count)


def _people(survey: Survey, country: str, ordinal: np.ndarray) -> tuple[Floats, Floats]:
    """Mean positions and their sampling variances."""
    row = survey.countries.index(country)
    shares, n_eff = survey.shares[row, ordinal], survey.n_eff[row, ordinal]
    positions = np.arange(shares.shape[-1])
    mean = (shares * positions).sum(axis=-1)
    variance = (shares * positions**2).sum(axis=-1) - mean**2
    error = np.divide(variance, n_eff, out=np.full(len(ordinal), np.nan), where=n_eff > 0)
    return np.where(n_eff > 0, mean, np.nan), error
