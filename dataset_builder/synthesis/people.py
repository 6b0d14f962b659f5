"""Made-up people: demographics drawn from a country's marginals, plausible together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from contracts.release.disclosure import POOLED_CODE
from dataset_builder.reading.labels import listed_codes
from dataset_builder.synthesis.template import (
    CountryTemplate,
    Marginal,
    country_templates,
    demographic_marginals,
)

#: Latents that people have, and how they hang together: (latent, made of, correlation).
_LATENTS = (
    ("education", "age", -0.35),
    ("wealth", "education", 0.45),
)

#: Variables that follow a latent: codes in rising order of it, and the correlation.
_FOLLOWS: Mapping[str, tuple[str, tuple[int, ...], float]] = MappingProxyType(
    {
        "Q262": ("age", tuple(range(0, 125, 5)), 1.0),
        "Q273": ("age", (6, 2, 1, 4, 3, 5), 0.6),
        "Q274": ("age", tuple(range(30)), 0.6),
        "Q279": ("age", (6, 7, 1, 2, 8, 3, 5, 4), 0.7),
        "Q271": ("age", (4, 3, 2, 1), 0.5),
        "Q275": ("education", tuple(range(9)), 1.0),
        "Q281": ("education", (0, 11, 9, 8, 10, 7, 6, 5, 4, 3, 2, 1), 0.5),
        "Q288": ("wealth", tuple(range(1, 11)), 0.9),
        "Q287": ("wealth", (5, 4, 3, 2, 1), 0.6),
        "H_URBRURAL": ("size", (2, 1), 1.0),
        "G_TOWNSIZE": ("size", tuple(range(1, 9)), 0.95),
        "G_TOWNSIZE2": ("size", tuple(range(1, 6)), 0.95),
        "H_SETTLEMENT": ("size", (5, 4, 3, 2, 1), 0.9),
    }
)

#: Lists that every country has of its own: codes are the country's code times 1000 and a number.
_NATIONAL_LISTS = ("Q223", "Q275A", "Q276A", "Q277A", "Q278A", "Q290")

#: Variables that hold a country of birth.
_BIRTH_COUNTRIES = ("Q266", "Q267", "Q268")

#: Variables whose marginals no continent can lend.
_LOCAL = (*_NATIONAL_LISTS, *_BIRTH_COUNTRIES, "Q272", "S_INTLANGUAGE")

_BAND_YEARS = 5
_YOUNGEST = 18


@dataclass(frozen=True)
class People:
    """Made-up people of one country.

    Attributes:
        codes: raw code by variable, arrays of shape (n,).
        borrowed: variables whose marginal is not the country's own.
    """

    codes: Mapping[str, NDArray[np.int64]]
    borrowed: tuple[str, ...]


def draw_people(
    template: CountryTemplate, n: int, *, languages: Sequence[int], rng: np.random.Generator
) -> People:
    """Draw `n` people of a country.

    Missing codes are drawn first and by themselves; valid codes through a Gaussian copula of
    four latents (age, education, wealth, size of place), so that every marginal is the country's.

    Args:
        template: the country.
        n: number of people.
        languages: codes of languages that a country without a marginal is interviewed in.
        rng: source of randomness.
    """
    latents = _draw_latents(n, rng)
    codes = {}
    borrowed = []
    for variable in demographic_marginals():
        marginal, own = _marginal(variable, template, languages)
        codes[variable] = _draw(variable, marginal, latents, rng)
        if not own:
            borrowed.append(variable)
    codes["Q262"] = _age(codes["Q262"], rng)
    return People(codes=MappingProxyType(codes), borrowed=tuple(borrowed))


def _draw_latents(n: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    latents = {"age": rng.standard_normal(n), "size": rng.standard_normal(n)}
    for name, of, correlation in _LATENTS:
        latents[name] = _mixed(latents[of], correlation, rng)
    return latents


def _mixed(
    latent: NDArray[np.float64], correlation: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    noise = rng.standard_normal(latent.shape)
    return correlation * latent + np.sqrt(1 - correlation**2) * noise


def _marginal(
    variable: str, template: CountryTemplate, languages: Sequence[int]
) -> tuple[Marginal, bool]:
    """The country's marginal of a variable, else a borrowed one; and whether it is its own."""
    known = demographic_marginals()[variable]
    if template.country in known:
        return _unpooled(variable, known[template.country], template), True
    if variable in _LOCAL:
        return _local_marginal(variable, template, languages), False
    neighbours = [
        known[c.country]
        for c in country_templates()
        if c.continent == template.continent and c.country in known
    ] or list(known.values())
    people: dict[int, float] = {}
    for marginal in neighbours:
        for code, share in zip(
            marginal.codes.tolist(), marginal.people / marginal.people.sum(), strict=True
        ):
            people[code] = people.get(code, 0.0) + share
    people.pop(POOLED_CODE, None)
    codes = sorted(people)
    return Marginal(np.array(codes), np.array([people[c] for c in codes])), False


def _local_marginal(variable: str, template: CountryTemplate, languages: Sequence[int]) -> Marginal:
    if variable in _BIRTH_COUNTRIES:
        return Marginal(np.array([template.wvs_code]), np.ones(1))
    if variable in _NATIONAL_LISTS:
        numbers = np.arange(1, 7)
        return Marginal(template.wvs_code * 1000 + numbers, 1.0 / numbers)
    codes = np.array(languages or [9000])
    return Marginal(codes, 1.0 / np.arange(1, len(codes) + 1))


def _unpooled(variable: str, marginal: Marginal, template: CountryTemplate) -> Marginal:
    """The marginal with its pooled codes spread over listed codes that nobody else holds."""
    pooled = marginal.codes == POOLED_CODE
    if not pooled.any():
        return marginal
    rest = marginal.codes[~pooled]
    if variable in _NATIONAL_LISTS:
        spare = [template.wvs_code * 1000 + number for number in (901, 902, 903)]
    elif variable == "Q262":
        spare = [int(rest.max()) + _BAND_YEARS]
    else:
        spare = sorted(listed_codes(variable) - set(rest.tolist()))[:5] or [int(rest.max())]
    share = float(marginal.people[pooled].sum()) / len(spare)
    return Marginal(
        np.concatenate([rest, np.array(spare)]),
        np.concatenate([marginal.people[~pooled], np.full(len(spare), share)]),
    )


def _draw(
    variable: str,
    marginal: Marginal,
    latents: Mapping[str, NDArray[np.float64]],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    n = len(latents["age"])
    latent, order, correlation = _FOLLOWS.get(variable, ("", (), 0.0))
    place = {code: i for i, code in enumerate(order)}
    ranks = [place.get(code, len(place)) for code in marginal.codes.tolist()]
    sequence = np.lexsort((marginal.codes, np.array(ranks)))
    codes = marginal.codes[sequence]
    shares = marginal.people[sequence] / marginal.people.sum()
    missing = codes < 0
    uniform = ndtr(_mixed(latents[latent], correlation, rng)) if latent else rng.random(n)
    drawn = np.empty(n, np.int64)
    chance = rng.random(n)
    lost = chance < shares[missing].sum()
    if missing.any():
        drawn[lost] = _pick(codes[missing], shares[missing], chance[lost] / shares[missing].sum())
    if not missing.all():
        drawn[~lost] = _pick(codes[~missing], shares[~missing], uniform[~lost])
    else:
        drawn[~lost] = codes[-1]
    return drawn


def _pick(
    codes: NDArray[np.int64], shares: NDArray[np.float64], uniform: NDArray[np.float64]
) -> NDArray[np.int64]:
    edges = np.cumsum(shares) / shares.sum()
    return codes[np.minimum(np.searchsorted(edges, uniform, side="right"), len(codes) - 1)]


def _age(bands: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Years of age within bands of five years; nobody is younger than 18."""
    years = bands + rng.integers(0, _BAND_YEARS, bands.shape)
    return np.where(bands >= 0, np.maximum(years, _YOUNGEST), bands)
