"""Tables of the judgments protocol."""

from __future__ import annotations

from typing import ClassVar

from contracts.models import Sparse
from contracts.report import Interval, ProtocolTables
from contracts.specs.protocols import JUDGMENTS


class CountryCorrelation(Sparse):
    """A country's correlation of mean scores over questions."""

    country: str
    pearson: Interval
    spearman: float | None = None


class ContinentCorrelation(Sparse):
    """Mean correlation over the countries of a continent."""

    continent: str
    pearson: Interval


class CategoryCorrelation(Sparse):
    """Mean correlation over countries within the questions of a category."""

    category: str
    pearson: float | None = None


class RandomFlips(Sparse):
    """The overall correlation with random questions' codings turned: mean and 95 % range."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None


class JudgmentsTables(ProtocolTables):
    """All tables of the protocol."""

    PROTOCOL: ClassVar[str] = JUDGMENTS

    countries: list[CountryCorrelation] | None = None
    continents: list[ContinentCorrelation] | None = None
    categories: list[CategoryCorrelation] | None = None
    random_flips: RandomFlips | None = None
    note: str = ""
