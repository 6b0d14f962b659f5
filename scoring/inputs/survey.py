"""What people answered, as arrays: countries x questions x options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

import codebook
from contracts.errors import fail
from contracts.release.disclosure import ROUNDING, SHARE_DECIMALS
from contracts.release.read import Release
from scoring.inputs.geometry import Floats, Geometry

Weights = Literal["design", "none"]

#: What effective sample sizes count in: clusters and strata (`design`), or weights alone.
Design = Literal["design", "kish"]


@dataclass(frozen=True)
class Survey:
    """Answer shares of C countries to Q questions with at most K options.

    Attributes:
        countries: ISO3 codes, shape (C,).
        geometry: the questions and their scales.
        shares: shape (C, Q, K); NaN where nobody answered, 0 behind a scale's end.
        n: number of valid answers, shape (C, Q).
        n_eff: effective sample size, shape (C, Q); 0 where nobody answered. With weights
            "none" it is the number of answers over the effect of clustering.
        pooled: sums behind the shares, shape (C, Q, K): design weights or counts; of a public
            release, weighted shares times valid answers.
    """

    countries: tuple[str, ...]
    geometry: Geometry
    shares: Floats
    n: Floats
    n_eff: Floats
    pooled: Floats

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Whether anybody answered, shape (C, Q)."""
        return self.n_eff > 0

    def keep(self, countries: Sequence[str]) -> Survey:
        """The survey of those of `countries` that it holds, in its own order."""
        rows = [row for row, name in enumerate(self.countries) if name in set(countries)]
        return replace(
            self,
            countries=tuple(self.countries[row] for row in rows),
            shares=self.shares[rows],
            n=self.n[rows],
            n_eff=self.n_eff[rows],
            pooled=self.pooled[rows],
        )


_COLUMNS = (
    "country",
    "question_id",
    "code",
    "n",
    "weight_sum",
    "weighted_share",
    "n_valid",
    "n_eff",
)

#: Stands for the code of a row that only says why there is none.
_NO_CODE = -(1 << 20)

#: Variance of the error of a count that is rounded to the nearest five, as if uniform.
_ROUNDING_VARIANCE = ROUNDING**2 / 12


def read_survey(
    release: Release,
    geometry: Geometry,
    *,
    wave: int = 7,
    split: str = "all",
    group: str = "",
    weights: Weights = "design",
    design: Design = "design",
) -> Survey:
    """The people's side of every comparison, from the table `distributions`.

    Shares are made from sums of design weights (or counts) over the options of `geometry`, so
    that an option a mode leaves out takes no share. In a public release, whose counts are rounded,
    the effective size of a group's cell is lowered by the variance of rounding.

    Raises:
        ContractError: the release holds no answers of that wave, split and group.
    """
    where = (pc.field("wave") == wave) & (pc.field("split") == split) & (pc.field("group") == group)
    table = release.table("distributions", columns=_COLUMNS, where=where)
    if table.num_rows == 0:
        raise fail(
            "no-answers",
            f"the release holds no answers of wave {wave}, split {split!r}, group {group!r}",
            where=release.source,
            found=f"waves {release.manifest.waves}",
            hint="Score against a wave and split that the release has.",
        )
    return survey_from_table(
        table,
        geometry,
        weights=weights,
        grouped=bool(group),
        design=design,
        clustering=_clustering(release, wave),
    )


def _clustering(release: Release, wave: int) -> dict[str, tuple[float, float]]:
    """Effect of clustering on everyone of each country, and the respondents that it is of."""
    effects = release.manifest.kish_over_n_eff.get(str(wave), {})
    if not effects:
        return {}
    rows = release.table("countries", columns=["country", "waves", "respondents"]).to_pylist()
    return {
        row["country"]: (effects[row["country"]], float(people))
        for row in rows
        for number, people in zip(row["waves"], row["respondents"], strict=True)
        if number == wave and row["country"] in effects
    }


def survey_from_table(
    table: pa.Table,
    geometry: Geometry,
    *,
    weights: Weights,
    grouped: bool = False,
    design: Design = "design",
    clustering: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> Survey:
    """Arrays from rows of `distributions` that all belong to one wave, split and group.

    Args:
        table: the rows, with exact or with published figures.
        geometry: questions and options.
        weights: `design` or `none`.
        grouped: whether the rows are those of a group, where rounding matters.
        design: whether effective sizes count clusters and strata in. What clustering does to a
            country is known as a median over questions only; it is taken off, or put on where
            people count equally, by that.
        clustering: by country, the effect of clustering on everyone, and how many they are.
    """
    countries = tuple(sorted(pc.unique(table["country"]).to_pylist()))
    shape = (len(countries), len(geometry.question_ids), geometry.width)
    row, question, option = _places(table, countries, geometry)
    asked = question >= 0
    used = asked & (option >= 0)
    counts = _numbers(table, "n")
    all_counts, n, valid = (np.zeros(shape[:2]) for _ in range(3))
    np.add.at(all_counts, (row[asked], question[asked]), counts[asked])
    np.add.at(n, (row[used], question[used]), counts[used])
    valid[row[asked], question[asked]] = _numbers(table, "n_valid")[asked]
    # Rounded counts need not add up to the valid answers.
    np.divide(valid * n, all_counts, out=n, where=all_counts != valid)
    sums = np.zeros(shape)
    published = table["weight_sum"].null_count > 0
    amounts = _amounts(table, counts, weights=weights, published=published)
    sums[row[used], question[used], option[used]] = amounts[used]
    n_eff = n.copy()
    if weights == "design":
        n_eff[row[used], question[used]] = _numbers(table, "n_eff")[used]
        # n_eff counts every valid answer; an option that the mode leaves out takes its part.
        n_eff *= np.minimum(n / np.maximum(valid, 1), 1.0)
    if weights == "design" and design == "kish":
        n_eff = np.minimum(n_eff * _clustering_effect(n, countries, clustering, grouped), n)
    elif weights == "none" and design == "design":
        n_eff = n_eff / _clustering_effect(n, countries, clustering, grouped)
    totals = sums.sum(axis=-1, keepdims=True)
    shares = np.full(shape, np.nan)
    np.divide(sums, totals, out=shares, where=totals > 0)
    if grouped and published:
        options = np.array([len(codes) for codes in geometry.codes])
        n_eff = _with_rounding(n_eff, n, shares, options)
    n_eff = np.where(totals[..., 0] > 0, np.maximum(n_eff, 1.0), 0.0)
    return Survey(countries, geometry, shares, n, n_eff, sums)


def _clustering_effect(
    n: Floats,
    countries: tuple[str, ...],
    clustering: Mapping[str, tuple[float, float]],
    grouped: bool,
) -> Floats:
    """Variance under the design over that of weights alone, shape (C, Q); 1 where not known.

    The effect of a group is 1 + (D - 1) n_group / n, with D that of everyone: it has so much
    fewer respondents per cluster (Kish, 1965, Survey Sampling, section 5.4).
    """
    effect = np.ones(n.shape)
    for row, country in enumerate(countries):
        whole, people = clustering.get(country, (1.0, 0.0))
        part = np.minimum(n[row] / people, 1.0) if grouped and people else 1.0
        effect[row] = 1 + (whole - 1) * part
    return effect


def _amounts(table: pa.Table, counts: Floats, *, weights: Weights, published: bool) -> Floats:
    """Sums behind the share of each row."""
    if weights == "none":
        return counts
    if published:
        # Single precision blurs the published decimals.
        shares = np.round(_numbers(table, "weighted_share"), SHARE_DECIMALS)
        return shares * _numbers(table, "n_valid")
    return _numbers(table, "weight_sum")


def _with_rounding(n_eff: Floats, n: Floats, shares: Floats, options: NDArray[np.int64]) -> Floats:
    """Effective size with the variance of rounded counts added, shape (C, Q).

    The variance of K rounded options, K d / n^2 with d that of one count, is added to that of
    sampling, sum_k p_k (1 - p_k) / n_eff.
    """
    spread = np.nansum(shares * (1 - shares), axis=-1)
    sampling = np.zeros(n_eff.shape)
    there = (n_eff > 0) & (n > 0) & (spread > 0)
    np.divide(spread, n_eff, out=sampling, where=there)
    rounding = np.zeros(n_eff.shape)
    np.divide(options[None, :] * _ROUNDING_VARIANCE, n**2, out=rounding, where=there)
    out = n_eff.copy()
    np.divide(spread, sampling + rounding, out=out, where=there)
    return out


def _numbers(table: pa.Table, name: str) -> Floats:
    return pc.fill_null(table[name].cast(pa.float64()), 0.0).to_numpy()


def _places(
    table: pa.Table, countries: tuple[str, ...], geometry: Geometry
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Country, question and option index of each row; -1 where the geometry lacks it."""
    row = _index(table["country"], countries)
    question = _index(table["question_id"], geometry.question_ids)
    # A row without a code belongs to no option.
    codes = pc.fill_null(table["code"].cast(pa.int64()), _NO_CODE).to_numpy()
    known = [code for options in geometry.codes for code in options]
    if not known:
        return row, question, np.full(len(codes), -1, np.int64)
    lowest, highest = min(known), max(known)
    places = np.full((len(geometry.codes), highest - lowest + 1), -1, np.int64)
    for number, options in enumerate(geometry.codes):
        places[number, np.array(options, np.int64) - lowest] = np.arange(len(options))
    inside = (question >= 0) & (codes >= lowest) & (codes <= highest)
    option = np.full(len(codes), -1, np.int64)
    option[inside] = places[question[inside], codes[inside] - lowest]
    return row, question, option


def _index(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    indices = pc.index_in(column, value_set=pa.array(names, pa.string()))
    return pc.fill_null(indices, -1).to_numpy().astype(np.int64)


def continent_of(country: str) -> str:
    """Continent of an ISO3 code, "" for a country that the codebook does not know."""
    known = codebook.countries().get(country)
    return known.continent if known else ""
