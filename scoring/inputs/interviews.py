"""Interviews of a country as rows: who gave which answer, in which cluster and stratum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.release.read import Release
from scoring.inputs.geometry import Floats, Geometry
from scoring.inputs.respondents import read_codes
from scoring.inputs.survey import Weights


@dataclass(frozen=True)
class Interviews:
    """The n interviews of one country.

    Attributes:
        country: ISO3 code.
        option: index of each answer among the options of the geometry, shape (n, Q); -1 where
            there is none.
        weight: design weight, shape (n,).
        cluster: number of each interview's cluster from 0, shape (n,); None where the release
            names none that can be used.
        stratum: stratum of each cluster, shape (clusters,); empty without clusters.
    """

    country: str
    option: NDArray[np.int8]
    weight: Floats
    cluster: NDArray[np.int64] | None
    stratum: NDArray[np.int64]


def read_interviews(
    release: Release, geometry: Geometry, *, wave: int, split: str, weights: Weights
) -> Iterator[Interviews]:
    """Interviews of every country of a wave, in alphabetical order.

    Args:
        release: a release with single respondents.
        geometry: questions and options.
        wave: the wave.
        split: `all`, or the only split whose respondents count.
        weights: `design`, or `none` for weights of 1.

    Raises:
        ContractError: the release holds aggregates only.
    """
    if not (release.has_individuals and release.has("responses")):
        raise fail(
            "needs-individuals",
            "halves of respondents are made from their rows, which this release does not hold",
            where=release.source,
            found=", ".join(release.manifest.tables),
            allowed="a release with the tables respondents and responses",
            hint="Leave --ceiling out: the ceiling then follows from effective sample sizes.",
        )
    where = pc.field("wave") == wave
    if split != "all":
        where &= pc.field("split") == split
    schema = release.dataset("respondents").schema.names
    named = [name for name in ("cluster", "stratum") if name in schema]
    table = release.table(
        "respondents", columns=["respondent_id", "country", "weight", *named], where=where
    )
    people = table["respondent_id"].to_numpy().astype(np.int64)
    country = table["country"].cast(pa.string())
    weight = table["weight"].to_numpy().astype(np.float64)
    cluster, stratum = (_numbers(table, name) for name in ("cluster", "stratum"))
    codes = read_codes(release, people, geometry.question_ids, wave, "responses")
    for name in sorted(pc.unique(country).to_pylist()):
        here = np.flatnonzero(pc.equal(country, name).to_numpy(zero_copy_only=False))
        number, strata = _design(cluster[here], stratum[here])
        yield Interviews(
            name,
            _options(codes[here], geometry),
            weight[here] if weights == "design" else np.ones(len(here)),
            number,
            strata,
        )


def _numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column of small integers, -1 where there is none."""
    if name not in table.column_names:
        return np.full(table.num_rows, -1, np.int64)
    return pc.fill_null(table[name], -1).to_numpy().astype(np.int64)


def _design(
    cluster: NDArray[np.int64], stratum: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Clusters numbered from 0, and the stratum of each; None where an interview has none."""
    if (cluster < 0).any():
        return None, np.zeros(0, np.int64)
    _, first, number = np.unique(cluster, return_index=True, return_inverse=True)
    return number.astype(np.int64), np.unique(stratum[first], return_inverse=True)[1]


def _options(codes: NDArray[np.int16], geometry: Geometry) -> NDArray[np.int8]:
    options = np.full(codes.shape, -1, np.int8)
    for row, known in enumerate(geometry.codes):
        for option, code in enumerate(known):
            options[codes[:, row] == code, row] = option
    return options
