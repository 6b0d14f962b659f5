"""What a pooled wave 7 file looks like: columns, countries, and marginals of demographics."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from codebook import countries
from contracts.errors import fail
from contracts.release.disclosure import MISSING_CODE
from dataset_builder.synthesis.missing import DEMOGRAPHIC_PARTS


@dataclass(frozen=True)
class Column:
    """A column of the file.

    Attributes:
        name: its name.
        kind: `text`, `whole`, `whole_or_blank` or `decimal`.
        low: lowest code or figure; NaN where it would be that of a single respondent.
        high: highest code or figure; NaN likewise.
        blank_share: share of blank cells.
        distinct: number of distinct codes; 0 where the column is not coded.
    """

    name: str
    kind: str
    low: float
    high: float
    blank_share: float
    distinct: int


@dataclass(frozen=True)
class CountryTemplate:
    """A country of the file, in row order.

    Attributes:
        country: ISO3 code.
        wvs_code: the survey's numeric code.
        continent: its continent.
        people: number of people.
        year: year of fieldwork.
        cow_number: Correlates of War number.
        cow_letters: Correlates of War letters.
    """

    country: str
    wvs_code: int
    continent: str
    people: int
    year: int
    cow_number: int
    cow_letters: str


@dataclass(frozen=True)
class Marginal:
    """How many people of a country hold each code of a variable: arrays of shape (m,)."""

    codes: NDArray[np.int64]
    people: NDArray[np.float64]


def _data(name: str) -> Traversable:
    return resources.files("dataset_builder.synthesis").joinpath(f"data/{name}")


def data_rows(name: str) -> list[dict[str, str]]:
    """Rows of a table of this package's data."""
    return list(csv.DictReader(_data(name).read_text(encoding="utf-8").splitlines()))


@cache
def columns() -> tuple[Column, ...]:
    """The 606 columns of the file, in order."""
    return tuple(
        Column(
            name=row["column"],
            kind=row["kind"],
            low=float(row["low"] or "nan"),
            high=float(row["high"] or "nan"),
            blank_share=float(row["blank_share"]),
            distinct=int(row["distinct"] or 0),
        )
        for row in data_rows("columns.csv")
    )


@cache
def country_templates() -> tuple[CountryTemplate, ...]:
    """The 64 countries of the file, in row order."""
    return tuple(
        CountryTemplate(
            country=row["country"],
            wvs_code=countries()[row["country"]].wvs_code,
            continent=countries()[row["country"]].continent,
            people=int(row["people"]),
            year=int(row["year"]),
            cow_number=int(row["cow_number"]),
            cow_letters=row["cow_letters"],
        )
        for row in data_rows("countries.csv")
    )


@cache
def language_letters() -> Mapping[int, str]:
    """ISO letters by the survey's code of a language."""
    return MappingProxyType({int(r["code"]): r["letters"] for r in data_rows("languages.csv")})


@cache
def demographic_marginals() -> Mapping[str, Mapping[str, Marginal]]:
    """Marginal by variable and country; how missing answers fall to their kinds is assumed."""
    import pyarrow.parquet as pq

    with resources.as_file(_data("demographics.parquet")) as path:
        rows = pq.read_table(path).to_pylist()
    pairs_by_variable: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for row in rows:
        pairs = pairs_by_variable.setdefault(row["variable"], {}).setdefault(row["country"], [])
        if row["code"] == MISSING_CODE:
            pairs += [(code, row["people"] * part) for code, part in DEMOGRAPHIC_PARTS.items()]
        else:
            pairs.append((row["code"], row["people"]))
    return MappingProxyType(
        {
            variable: MappingProxyType(
                {
                    country: Marginal(
                        codes=np.array([c for c, _ in pairs], np.int64),
                        people=np.array([n for _, n in pairs], np.float64),
                    )
                    for country, pairs in by_country.items()
                }
            )
            for variable, by_country in pairs_by_variable.items()
        }
    )


def country_sizes(
    people: int | None, *, templates: Sequence[CountryTemplate] | None = None
) -> tuple[int, ...]:
    """People per country, in row order: version 5.0's, or scaled to a total.

    Shares are scaled by largest remainder; no country falls below two people.

    Args:
        people: total, None for 94,278.
        templates: other countries than version 5.0's.

    Raises:
        ContractError: there are too few people for two in each country.
    """
    sizes = np.array([c.people for c in templates or country_templates()])
    if people is None:
        return tuple(sizes.tolist())
    if people < 2 * len(sizes):
        raise fail(
            "too-few-people",
            f"a file of {len(sizes)} countries cannot have {people} people",
            column="--people",
            allowed=f"{2 * len(sizes)} or more",
        )
    exact = 2 + (people - 2 * len(sizes)) * sizes / sizes.sum()
    scaled = np.floor(exact).astype(int)
    order = np.argsort(scaled - exact, kind="stable")
    scaled[order[: people - scaled.sum()]] += 1
    return tuple(scaled.tolist())
