"""Columns that nothing is known about but kind, range and share of blanks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataset_builder.synthesis.template import Column, CountryTemplate

#: Stands for a figure about a country that is not to be had, in the file of the survey.
_NO_FIGURE = -9999.0
#: Columns blank for more than this share are about parties of a few countries only.
_PARTY_BLANKS = 0.5
#: Questions that only some countries asked start with these.
_OPTIONAL = ("Q291", "Q292", "Q293", "Q294")
_ASKED_OPTIONAL = 0.6
_DECIMALS = 3
#: Indices of persons have at most this many blanks and lie in [0, 1].
_INDEX_HIGHEST = 1.1


def constant_text(text: str, n: int) -> NDArray[np.generic]:
    """A column of one text."""
    return np.full(n, text, object)


@dataclass(frozen=True)
class Filler:
    """Draws columns from their declared range.

    Attributes:
        macro: columns that hold a figure about the country, the same for all its people.
        party_countries: countries that have figures about parties.
        without_macro: countries without any figures.
        used: names of all columns drawn so far.
    """

    macro: frozenset[str]
    party_countries: frozenset[str]
    without_macro: frozenset[str]
    used: set[str] = field(default_factory=set)

    def fill(
        self, column: Column, template: CountryTemplate, n: int, *, rng: np.random.Generator
    ) -> NDArray[np.generic]:
        """A column of `n` entries within the column's declared range."""
        self.used.add(column.name)
        if column.blank_share > _PARTY_BLANKS:
            return self._party(column, template, n, rng)
        if column.kind == "text":
            return constant_text("", n)
        if column.name in self.macro:
            return self._figure(column, template, n, rng)
        if (column.kind in ("whole", "whole_or_blank") and column.high > 1) or column.low < 0:
            return self._codes(column, n, rng)
        return _index(column, n, rng)

    def _party(
        self, column: Column, template: CountryTemplate, n: int, rng: np.random.Generator
    ) -> NDArray[np.generic]:
        has_parties = template.country in self.party_countries
        if column.kind == "text":
            return constant_text(f"Partido Ñandú {template.country}" if has_parties else "", n)
        if not has_parties:
            return np.full(n, np.nan)
        low = max(column.low, 0.0)
        options = np.round(rng.uniform(low, max(column.high, low), 4), _DECIMALS)
        if column.kind == "whole_or_blank":
            options = np.floor(options)
        if column.low == -999:
            options[0] = -999.0
        return rng.choice(options, n)

    def _figure(
        self, column: Column, template: CountryTemplate, n: int, rng: np.random.Generator
    ) -> NDArray[np.generic]:
        if template.country in self.without_macro:
            return np.full(n, np.nan)
        unknown = column.low <= -999 and rng.random() < 1 / 50
        low = min(0.0, column.high) if column.low <= -999 else column.low
        figure = _NO_FIGURE if unknown else round(float(rng.uniform(low, column.high)), _DECIMALS)
        return np.full(n, np.floor(figure) if column.kind == "whole_or_blank" else figure)

    def _codes(self, column: Column, n: int, rng: np.random.Generator) -> NDArray[np.generic]:
        optional = column.name.startswith(_OPTIONAL)
        if column.high < 0 or (optional and rng.random() > _ASKED_OPTIONAL):
            return np.full(n, -4)
        codes = rng.integers(max(int(column.low), 1), int(column.high) + 1, n)
        codes[rng.random(n) < 0.03] = -1
        return codes


def _index(column: Column, n: int, rng: np.random.Generator) -> NDArray[np.generic]:
    """An index of a person in [0, 1]: a grid where few values occur, blank for some."""
    steps = column.distinct if 0 < column.distinct <= 11 else 200
    grid = rng.integers(0, max(steps, 2), n) / (max(steps, 2) - 1)
    low = max(column.low, 0.0)
    spread = min(column.high, _INDEX_HIGHEST) - low
    entries: NDArray[np.float64] = np.round(low + grid * spread, _DECIMALS)
    entries[rng.random(n) < column.blank_share] = np.nan
    return entries
