"""What people answered, as arrays: countries x questions x options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

import codebook
from contracts.errors import fail
from contracts.release import Release
from scoring.geometry import Floats, Geometry

Weights = Literal["design", "none"]


@dataclass(frozen=True)
class Survey:
    """Answer shares of C countries to Q questions with at most K options.

    Attributes:
        countries: ISO3 codes, shape (C,).
        geometry: the questions and their scales.
        shares: shape (C, Q, K); NaN where nobody answered, 0 behind a scale's end.
        n: number of valid answers, shape (C, Q).
        n_eff: effective sample size, shape (C, Q); 0 where nobody answered. With weights
            "none" it is the number of answers.
        pooled: sums behind the shares (design weights or counts), shape (C, Q, K).
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


_COLUMNS = ("country", "question_id", "code", "n", "weight_sum", "n_valid", "n_eff")


def read_survey(
    release: Release,
    geometry: Geometry,
    *,
    wave: int = 7,
    split: str = "all",
    group: str = "",
    weights: Weights = "design",
) -> Survey:
    """The people's side of every comparison, from the table `distributions`.

    Shares are made from sums of design weights (or counts) over the options of `geometry`, so
    that an option a mode leaves out takes no share.

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
    return survey_from_table(table, geometry, weights=weights)


def survey_from_table(table: pa.Table, geometry: Geometry, *, weights: Weights) -> Survey:
    """Arrays from rows of `distributions` that all belong to one wave, split and group."""
    countries = tuple(sorted(pc.unique(table["country"]).to_pylist()))
    shape = (len(countries), len(geometry.question_ids), geometry.width)
    sums, n, n_eff = np.zeros(shape), np.zeros(shape[:2]), np.zeros(shape[:2])
    row, question, option = _places(table, countries, geometry)
    used = (question >= 0) & (option >= 0)
    row, question, option = row[used], question[used], option[used]
    counts = _numbers(table, "n")[used]
    np.add.at(n, (row, question), counts)
    amounts = counts if weights == "none" else _numbers(table, "weight_sum")[used]
    sums[row, question, option] = amounts
    if weights == "none":
        n_eff = n.copy()
    else:
        n_eff[row, question] = _numbers(table, "n_eff")[used]
        # n_eff counts every valid answer; an option that the mode leaves out takes its part.
        whole = np.ones(shape[:2])
        whole[row, question] = np.maximum(_numbers(table, "n_valid")[used], 1)
        n_eff *= np.minimum(n / whole, 1.0)
    totals = sums.sum(axis=-1, keepdims=True)
    shares = np.full(shape, np.nan)
    np.divide(sums, totals, out=shares, where=totals > 0)
    n_eff = np.where(totals[..., 0] > 0, np.maximum(n_eff, 1.0), 0.0)
    return Survey(countries, geometry, shares, n, n_eff, sums)


def _numbers(table: pa.Table, name: str) -> Floats:
    return pc.fill_null(table[name].cast(pa.float64()), 0.0).to_numpy()


def _places(
    table: pa.Table, countries: tuple[str, ...], geometry: Geometry
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Country, question and option index of each row; -1 where the geometry lacks it."""
    row = _index(table["country"], countries)
    question = _index(table["question_id"], geometry.question_ids)
    codes = table["code"].to_numpy().astype(np.int64)
    option = np.full(len(codes), -1, np.int64)
    for number, options in enumerate(geometry.codes):
        rows = np.flatnonzero(question == number)
        place = {code: index for index, code in enumerate(options)}
        option[rows] = [place.get(int(code), -1) for code in codes[rows]]
    return row, question, option


def _index(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    found = pc.index_in(column, value_set=pa.array(names, pa.string()))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)


def continent_of(country: str) -> str:
    """Continent of an ISO3 code, "" for a country that the codebook does not know."""
    known = codebook.countries().get(country)
    return known.continent if known else ""
