"""Rows of an advice file counted: by approach, dimension and country, and by dilemma."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

import codebook
from scoring.inputs.dilemmas import dimensions_of

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


SIDES = ("high", "low", "inconclusive")

#: The approach that asks as nobody: it has a lean, and no countries.
NOBODY = "none"

#: approach -> dimension -> country -> numbers of high, low and inconclusive answers.
Tally = dict[str, dict[str, dict[str, NDArray[np.int64]]]]


class AdviceCounts(NamedTuple):
    """What an advice file holds.

    Attributes:
        countries: answers by approach, dimension and country.
        nobody: answers to nobody in particular, by dimension.
        lost: rows with an unknown dilemma, or a country without Hofstede scores.
    """

    countries: Tally
    nobody: dict[str, NDArray[np.int64]]
    lost: int

    @property
    def total(self) -> NDArray[np.int64]:
        """Numbers of high, low and inconclusive answers, of all that count."""
        parts = [
            counts for one in self.countries.values() for c in one.values() for counts in c.values()
        ]
        return np.sum([*parts, *self.nobody.values(), np.zeros(3, np.int64)], axis=0)


def count_advice(predictions: Predictions) -> AdviceCounts:
    """Count the rows of a file.

    A row without a country counts for the country whose language it is in (approach
    `language`); rows of approach `none` count for no country.
    """
    assert predictions.table is not None
    dimensions = dimensions_of(predictions)
    scored = {c.country: c.hofstede for c in codebook.countries().values() if c.hofstede}
    by_language = {one.language: country for country, one in scored.items()}
    tally: Tally = {}
    nobody: dict[str, NDArray[np.int64]] = {}
    lost = 0
    keys = ["prompt_id", "country", "approach", "language", "side"]
    grouped = predictions.table.select(keys).group_by(keys).aggregate([([], "count_all")])
    for row in grouped.to_pylist():
        count, side = row["count_all"], SIDES.index(row["side"])
        dimension, country = dimensions.get(row["prompt_id"]), row["country"]
        if not country and row["approach"] == "language":
            country = by_language.get(row["language"], "")
        if dimension is None or (row["approach"] != NOBODY and country not in scored):
            lost += count
            continue
        if row["approach"] == NOBODY:
            nobody.setdefault(dimension, np.zeros(3, np.int64))[side] += count
            continue
        cells = tally.setdefault(row["approach"], {}).setdefault(dimension, {})
        cells.setdefault(country, np.zeros(3, np.int64))[side] += count
    return AdviceCounts(tally, nobody, lost)
