"""Clustered samples for `benchmarks/coverage.py`: made-up ones, and those of a private release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow.compute as pc
from scipy.special import stdtrit

from contracts.release.distributions import kish_effective_n
from contracts.release.read import open_release
from dataset_builder.design_effects.variance import design_effective_n, taylor_variance
from dataset_builder.positions import WIDTH
from scoring.inputs.survey import Survey

#: Interviews per cluster of the made-up samples.
CLUSTER = 20

#: Quantile of the standard normal that ends a 95 % interval.
NORMAL = 1.959964


def clustered_survey(
    survey: Survey, shares: np.ndarray, rho: np.ndarray, people: int, rng: np.random.Generator
) -> tuple[Survey, np.ndarray]:
    """A sample of interviews in clusters, with effective sizes by design.

    A cluster's shares are Dirichlet, so that two of its people agree by chance more often: the
    intra-cluster correlation of every option is rho.

    Args:
        survey: what is replaced: countries and geometry.
        shares: of the populations, shape (C, Q, K).
        rho: intra-cluster correlation of each question, shape (Q,).
        people: interviews per country.
        rng: source of randomness.

    Returns:
        The survey, and standard errors of its shares, shape (C, Q, K).
    """
    clusters = people // CLUSTER
    strength = ((1 - rho) / rho)[None, None, :, None]
    gamma = rng.standard_gamma(np.broadcast_to(shares * strength, (clusters, *shares.shape)))
    gamma[..., 0] += gamma.sum(axis=-1) == 0  # underflow of tiny shapes
    counts = rng.multinomial(CLUSTER, gamma / gamma.sum(axis=-1, keepdims=True)).astype(float)
    variance = taylor_variance(counts, np.zeros(clusters, np.int64))
    drawn = counts.sum(axis=0) / people
    n = np.full(drawn.shape[:2], float(people))
    n_eff = design_effective_n(drawn, variance, ordinal=survey.geometry.ordinal, kish=n)
    sampled_survey = replace(survey, shares=drawn, n=n, n_eff=n_eff, pooled=drawn * people)
    return sampled_survey, np.sqrt(variance.shares)


@dataclass(frozen=True)
class CountryRows:
    """Sums by cluster of one country of a release.

    Attributes:
        country: ISO3 code.
        totals: sums of weights, shape (clusters, 1, Q, K).
        squared: sums of squared weights of valid answers, shape (clusters, Q).
        stratum: stratum of each cluster.
    """

    country: str
    totals: np.ndarray
    squared: np.ndarray
    stratum: np.ndarray


def read_rows(source: str, *, wave: int = 7) -> Iterator[CountryRows]:
    """Countries of a private release whose respondents carry clusters.

    Raises:
        ContractError: the release holds no rows of respondents.
    """
    release = open_release(source)
    people = release.table(
        "respondents",
        columns=["respondent_id", "country", "weight", "cluster", "stratum"],
        where=(pc.field("wave") == wave) & pc.field("cluster").is_valid(),
    ).to_pandas()
    columns = ["respondent_id", "question_id", "answer_position"]
    for country, own in people.groupby("country", sort=True):
        answers = release.table(
            "responses",
            columns=columns,
            where=(pc.field("country") == country) & (pc.field("wave") == wave),
        ).to_pandas()
        answers = answers[answers["answer_position"].between(0, WIDTH - 1)]
        yield _sums(str(country), own, answers)


def _sums(country: str, people: Any, answers: Any) -> CountryRows:
    joined = answers.merge(people, on="respondent_id")
    questions, question = np.unique(joined["question_id"].astype(str), return_inverse=True)
    numbers, first = np.unique(people["cluster"], return_index=True)
    cluster = np.searchsorted(numbers, joined["cluster"])
    weight = joined["weight"].to_numpy(float)
    totals = np.zeros((len(numbers), 1, len(questions), WIDTH))
    np.add.at(totals, (cluster, 0, question, joined["answer_position"].to_numpy()), weight)
    squared = np.zeros((len(numbers), len(questions)))
    np.add.at(squared, (cluster, question), weight**2)
    stratum = np.unique(people["stratum"].to_numpy()[first], return_inverse=True)[1]
    return CountryRows(country, totals, squared, stratum)


def drawing_strata(stratum: np.ndarray) -> np.ndarray:
    """Strata that clusters are redrawn within: those of single clusters are merged.

    A stratum of one cluster would always be drawn again as it is. Single ones are drawn from each
    other, as if what sets them apart were chance, which is what centring them at the grand mean
    supposes; one alone is drawn with the smallest other stratum.

    Args:
        stratum: stratum of each cluster, numbered from 0.
    """
    sizes = np.bincount(stratum)
    single = sizes[stratum] == 1
    merged = np.where(single, len(sizes), stratum)
    if single.sum() == 1 and len(stratum) > 1:
        others = np.where(sizes > 1, sizes, len(stratum) + 1)
        merged[single] = int(others.argmin())
    return merged


def student_quantile(stratum: np.ndarray) -> float:
    """End of a 95 % interval in standard errors; strata of one cluster take no freedom."""
    several = int((np.bincount(stratum) > 1).sum())
    return float(stdtrit(max(len(stratum) - max(several, 1), 1), 0.975))


def redrawn_clusters(stratum: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Clusters drawn with replacement within `drawing_strata`, one for the place of each."""
    drawn = np.empty(len(stratum), np.int64)
    strata = drawing_strata(stratum)
    for number in np.unique(strata):
        members = np.flatnonzero(strata == number)
        drawn[members] = rng.choice(members, len(members))
    return drawn


def rows_coverage(rows: CountryRows, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """Coverage of 95 % intervals of shares when clusters are redrawn within their strata.

    The release's clusters stand for the population, so its own shares are the truth. A drawn
    cluster takes the stratum of its place. Shares between a tenth and nine tenths count. Intervals
    of the design are of Student's t with as many degrees of freedom as there are clusters less
    strata (Korn & Graubard, 1990, The American Statistician 44, 270-276).

    Returns:
        Percent by standard errors of the design, and by Kish's.
    """
    truth = _shares(rows.totals)
    asked = (truth > 0.1) & (truth < 0.9)
    coverage_sums = np.zeros(2)
    reach = student_quantile(rows.stratum)
    for _ in range(draws):
        drawn = redrawn_clusters(rows.stratum, rng)
        totals = rows.totals[drawn]
        shares = _shares(totals)
        design = np.sqrt(taylor_variance(totals, rows.stratum).shares[0])
        kish = kish_effective_n(totals.sum(axis=(0, 1, 3)), rows.squared[drawn].sum(axis=0))
        plain = np.sqrt(shares * (1 - shares) / np.maximum(kish, 1)[:, None])
        gap = np.abs(shares - truth)[asked]
        coverage_sums += [
            np.mean(gap <= reach * design[asked]),
            np.mean(gap <= NORMAL * plain[asked]),
        ]
    design_percent, kish_percent = (100 * coverage_sums / draws).tolist()
    return design_percent, kish_percent


def _shares(totals: np.ndarray) -> np.ndarray:
    """Shares of each question, shape (Q, K)."""
    sums = totals.sum(axis=(0, 1))
    return sums / np.maximum(sums.sum(axis=-1, keepdims=True), 1e-12)
