"""Clusters of made-up interviews, and how much alike the answers within one are."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from codebook import value_questions

#: Regions of a made-up country.
REGIONS = 12

#: A cluster's latent never decides more than this share of an answer.
_MOST_ALIKE = 0.95


@dataclass(frozen=True)
class CountryDesign:
    """Design of one country's sample in one wave.

    Attributes:
        weight_effect: n over Kish's effective sample size.
        clusters: primary sampling units, 0 where the file names none that can be used.
        strata: whether every cluster lies in one region.
    """

    weight_effect: float = 1.0
    clusters: int = 0
    strata: bool = False


@cache
def country_designs() -> Mapping[tuple[int, str], CountryDesign]:
    """Designs by wave and country."""
    path = resources.files("dataset_builder.synthesis") / "data" / "design.csv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return MappingProxyType(
        {
            (int(row["wave"]), row["country"]): CountryDesign(
                float(row["weight_effect"]), int(row["clusters"]), row["strata"] == "True"
            )
            for row in rows
        }
    )


def weight_effects(countries: tuple[str, ...], *, wave: int) -> NDArray[np.float64]:
    """Effect of weights on each country; 1 where it is not known."""
    nothing = CountryDesign()
    return np.array([country_designs().get((wave, c), nothing).weight_effect for c in countries])


@cache
def _correlations() -> Mapping[str, Mapping[str, float]]:
    import pyarrow.parquet as pq

    path = resources.files("dataset_builder.synthesis") / "data" / "correlation.parquet"
    with resources.as_file(path) as file:
        rows = pq.read_table(file).to_pylist()
    correlations: dict[str, dict[str, float]] = {}
    for row in rows:
        correlations.setdefault(row["country"], {})[row["question_id"]] = row["rho"]
    return MappingProxyType(correlations)


@dataclass(frozen=True)
class Clusters:
    """Where the interviews of a country took place.

    Attributes:
        cluster: number of each respondent's cluster, shape (n,); None where there are none.
        region: region from 1, shape (n,).
        rho: intra-cluster correlation of each value question's positions, shape (Q,).
    """

    cluster: NDArray[np.int64] | None
    region: NDArray[np.int64]
    rho: NDArray[np.float64]


def draw_clusters(country: str, people: int, n: int, *, rng: np.random.Generator) -> Clusters:
    """Clusters of `n` made-up respondents, as large as those of the file's `people`.

    Args:
        country: ISO3 code.
        people: respondents of the country in the real file.
        n: respondents to be made up.
        rng: source of randomness.
    """
    design = country_designs().get((7, country), CountryDesign())
    questions = value_questions()
    if not design.clusters:
        region = rng.integers(1, REGIONS + 1, n)
        return Clusters(None, region, np.zeros(len(questions)))
    number = max(1, round(design.clusters * n / people))
    cluster = rng.permutation(n) % number
    of_cluster = rng.permutation(number) % REGIONS + 1
    region = of_cluster[cluster] if design.strata else rng.integers(1, REGIONS + 1, n)
    own = _correlations().get(country, {})
    middle = float(np.median(list(own.values()))) if own else 0.0
    rho = np.array([own.get(name, middle) for name in questions])
    return Clusters(cluster.astype(np.int64), region.astype(np.int64), rho)


def latent_correlation(
    shares: NDArray[np.floating], rho: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Intra-cluster correlation of a normal latent that gives positions the correlation `rho`.

    For thresholds t_k of a standard normal the correlation of positions is to first order the
    latent's times (sum_k phi(t_k))^2 / variance of positions.

    Args:
        shares: shares of the options of each question, shape (Q, K); rows may sum to less than 1.
        rho: correlation of positions, shape (Q,).

    Source: Olsson, Drasgow & Dorans (1982), Psychometrika 47, 337-347.
    """
    total = np.maximum(shares.sum(axis=-1, keepdims=True), 1e-12)
    chance = shares / total
    position = np.arange(shares.shape[-1])
    mean = chance @ position
    variance = chance @ position**2 - mean**2
    edges = np.clip(np.cumsum(chance, axis=-1)[..., :-1], 1e-9, 1 - 1e-9)
    density = np.exp(-0.5 * ndtri(edges) ** 2) / np.sqrt(2 * np.pi)
    attenuation = np.divide(
        density.sum(axis=-1) ** 2, variance, out=np.ones(len(chance)), where=variance > 1e-9
    )
    return np.clip(rho / np.maximum(attenuation, 0.2), 0.0, _MOST_ALIKE)
