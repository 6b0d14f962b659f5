"""Rows of an advice file counted: by approach, dimension and country, and by dilemma."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import codebook
from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.dilemmas import dilemmas
from contracts.digests import canonical_json, sha256_text
from contracts.errors import fail

if TYPE_CHECKING:
    from contracts.predictions import Predictions

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


class DilemmaSet(NamedTuple):
    """The set that a file answers: a name for people, and a digest for comparisons."""

    name: str
    digest: str


def dimensions_of(predictions: Predictions) -> dict[str, str]:
    """Dimension by id: of the project's dilemmas, and of those that the file says are its own.

    Raises:
        ContractError: the file names a dimension that there is none of, or takes an id of the
            project's for its own.
    """
    known = {name: one.dimension for name, one in dilemmas().items()}
    own = _told(predictions).get("own", {})
    strange = [name for name in own if name not in HOFSTEDE_DIMENSIONS]
    taken = [name for ids in own.values() for name in ids if name in known]
    if strange or taken:
        raise fail(
            "own-dilemmas",
            "the file's own dilemmas need ids of their own and a dimension that is known",
            where=predictions.name,
            column="extra.dilemmas.own",
            found=", ".join([*strange, *taken][:10]),
            allowed=", ".join(HOFSTEDE_DIMENSIONS),
        )
    return known | {name: dimension for dimension, ids in own.items() for name in ids}


def _told(predictions: Predictions) -> Mapping[str, Any]:
    found = predictions.meta.extra.get("dilemmas", {})
    return found if isinstance(found, Mapping) else {}


def dilemma_set(predictions: Predictions) -> DilemmaSet:
    """Which dilemmas a file answers.

    The name says how many of the project's they are; the digest is that of their English texts
    (of ids and dimensions, and the digest in the file, for dilemmas of a user's own).
    """
    assert predictions.table is not None
    dimensions = dimensions_of(predictions)
    answered = sorted(set(predictions.table.column("prompt_id").to_pylist()) & set(dimensions))
    known = dilemmas()
    ours = [name for name in answered if name in known]
    own = [name for name in answered if name not in known]
    content: list[Any] = [[name, known[name].digest] for name in ours]
    content += [[name, dimensions[name]] for name in own]
    if own:
        content.append(str(_told(predictions).get("digest", "")))
    parts = []
    if ours or not own:
        parts.append(
            "dilemmas" if len(ours) == len(known) else f"dilemmas ({len(ours)} of {len(known)})"
        )
    if own:
        parts.append(f"own dilemmas ({len(own)})")
    return DilemmaSet(" and ".join(parts), sha256_text(canonical_json(content)))


def count_advice(predictions: Predictions) -> AdviceCounts:
    """Count the rows of a file.

    A row without a country counts for the country whose language it is in (approach
    `language`); rows of approach `none` count for no country.
    """
    assert predictions.table is not None
    dimensions = dimensions_of(predictions)
    scored = {c.country: c.hofstede for c in codebook.countries().values() if c.hofstede}
    by_language = {one.language: country for country, one in scored.items()}
    found: Tally = {}
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
        cells = found.setdefault(row["approach"], {}).setdefault(dimension, {})
        cells.setdefault(country, np.zeros(3, np.int64))[side] += count
    return AdviceCounts(found, nobody, lost)
