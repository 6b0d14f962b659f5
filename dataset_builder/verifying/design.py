"""Design-based precision counted again: clusters and strata of `respondents`, answers on disk."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dataset_builder.design_effects.cells import (
    Precision,
    Respondents,
    clustered_precision,
    independent_precision,
)
from dataset_builder.design_effects.clusters import CountryDesign
from dataset_builder.positions import WIDTH
from dataset_builder.tables.tabulate import DISTRIBUTION_SPLITS, ordinal_questions


class DesignRecount:
    """Precision of the cells of each place (wave x country), from rows on disk alone."""

    def __init__(
        self,
        table: pa.Table,
        part: NDArray[np.intp],
        place: NDArray[np.intp],
        questions: list[str],
    ) -> None:
        """Take the rows of `respondents`, with the part and place of each, and the questions."""
        self._cluster = _numbers(table, "cluster")
        self._stratum = _numbers(table, "stratum")
        self._weight = table.column("weight").to_numpy().astype(float)
        self._part = part
        self._place = place
        self._ordinal = ordinal_questions(questions)
        #: Position of each answer, respondents by questions; behind the longest scale: none.
        self.position = np.full((table.num_rows, len(questions)), WIDTH, np.int8)
        self._rho: dict[int, NDArray[np.float64]] = {}

    def visit(
        self, person: NDArray[np.intp], question: NDArray[np.intp], position: NDArray[np.intp]
    ) -> None:
        """Take in valid answers."""
        self.position[person, question] = position

    def precision(
        self,
        place: int,
        group: NDArray[np.intp],
        kish: NDArray[np.float64],
        n: NDArray[np.int64],
    ) -> Precision:
        """Precision of a place's cells; groups of everyone must be asked for first.

        Args:
            place: number of the place.
            group: group of each respondent, -1 for none.
            kish: Kish's effective sample sizes, shape (splits, groups, questions).
            n: valid answers likewise.
        """
        here = np.flatnonzero((self._place == place) & (self._part >= 0))
        if not len(here) or (self._cluster[here] < 0).any():
            return independent_precision(kish, width=WIDTH)
        _, first, cluster = np.unique(self._cluster[here], return_index=True, return_inverse=True)
        _, stratum = np.unique(self._stratum[here][first], return_inverse=True)
        cell_precision, rho = clustered_precision(
            CountryDesign(cluster.astype(np.int32), stratum.astype(np.int32)),
            Respondents(self._part[here], group[here], self._weight[here], self.position[here]),
            splits=DISTRIBUTION_SPLITS,
            ordinal=self._ordinal,
            kish=kish,
            n=n,
            width=WIDTH,
            rho=self._rho.get(place),
        )
        self._rho.setdefault(place, rho)
        return cell_precision


def design_faults(table: pa.Table) -> tuple[int, int]:
    """Faults of the columns `cluster` and `stratum` of `respondents`.

    Returns:
        Countries of a wave where some respondents have a cluster and others none, and clusters
        that lie in several strata.
    """
    cluster, stratum = _numbers(table, "cluster"), _numbers(table, "stratum")
    keys = zip(table.column("wave").to_pylist(), table.column("country").to_pylist(), strict=True)
    numbers: dict[tuple[int, str], int] = {}
    place = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)
    without = np.bincount(place, cluster < 0)
    partly = int(((without > 0) & (without < np.bincount(place))).sum())
    there = cluster >= 0
    distinct = np.unique(np.stack([place, cluster, stratum])[:, there], axis=1)
    _, strata = np.unique(distinct[:2], axis=1, return_counts=True)
    return partly, int((strata > 1).sum())


def _numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column of small integers, -1 for null; all -1 where an older release lacks it."""
    if name not in table.column_names:
        return np.full(table.num_rows, -1, np.int64)
    return pc.fill_null(table.column(name), -1).to_numpy().astype(np.int64)
