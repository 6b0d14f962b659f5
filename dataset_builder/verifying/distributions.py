"""The table `distributions` in itself: shares, sums, effective sizes, codes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codebook import value_questions
from codebook.harmonised import GroupError, group_name, parse_group
from contracts.disclosure import disclosure_problems
from contracts.errors import Problem
from contracts.release import Release
from contracts.tables import MISSING_COUNT_COLUMNS
from dataset_builder.positions import position_table, scale_of
from dataset_builder.tabulate import DISTRIBUTION_SPLITS
from dataset_builder.verifying.outcome import Check, counted, summed

_WHERE = "distributions"

#: Shares and standard errors are stored in single precision.
SHARE_TOLERANCE = 1e-6

#: Relative tolerance of sums of weights that were added in another order.
SUM_TOLERANCE = 1e-9


#: Text columns of `distributions`: few values, many rows.
_TEXTS = ("split", "country", "group", "question_id", "flag")


def read_distributions(release: Release) -> pa.Table:
    """The table with its texts dictionary-encoded: a third of the memory."""
    files = [
        pq.read_table(path, read_dictionary=list(_TEXTS)) for path in release.files("distributions")
    ]
    return pa.concat_tables(files).unify_dictionaries()


def index_of(column: pa.ChunkedArray) -> tuple[NDArray[np.intp], list[str]]:
    """Number of each row's text, and the texts."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    return encoded.indices.to_numpy().astype(np.intp), encoded.dictionary.to_pylist()


def by_country(table: pa.Table) -> Iterator[pa.Table]:
    """The rows of one country after the other: every cell whole, little memory at a time."""
    index, countries = index_of(table.column("country"))
    for number in range(len(countries)):
        rows = np.flatnonzero(index == number)
        if len(rows):
            yield table.take(pa.array(rows))


def number_cells(table: pa.Table) -> NDArray[np.intp]:
    """The same number for rows of one cell (split, wave, country, group, question)."""
    joint = table.column("wave").to_numpy().astype(np.int64)
    for name in ("split", "country", "group", "question_id"):
        index, texts = index_of(table.column(name))
        joint = joint * len(texts) + index
    _, found = np.unique(joint, return_inverse=True)
    return found


def check_distributions(table: pa.Table) -> Check:
    """Everything that must hold whatever the answers were."""
    if not table.num_rows:
        return Check("distributions", (), "no rows")
    problems = _name_problems(table)
    if not problems:
        problems = summed(_cell_problems(part) for part in by_country(table))
    return Check("distributions", tuple(problems), f"{table.num_rows:,} rows")


def _cell_problems(table: pa.Table) -> list[Problem]:
    return _code_problems(table) or [*_sum_problems(table), *_share_problems(table)]


def _name_problems(table: pa.Table) -> list[Problem]:
    problems = []
    _, groups = index_of(table.column("group"))
    for group in groups:
        try:
            canonical = group_name(parse_group(group))
        except GroupError as error:
            problems.append(Problem("group", str(error), where=_WHERE))
            continue
        if canonical != group:
            problems.append(Problem("group", f"{group!r} should be {canonical!r}", where=_WHERE))
    _, splits = index_of(table.column("split"))
    unknown = sorted(set(splits) - set(DISTRIBUTION_SPLITS))
    if unknown:
        problems.append(Problem("split", "no such split", where=_WHERE, found=", ".join(unknown)))
    _, questions = index_of(table.column("question_id"))
    unknown = sorted(set(questions) - set(value_questions()))
    if unknown:
        problems.append(
            Problem(
                "question",
                "the codebook has no such value question",
                where=_WHERE,
                found=", ".join(unknown),
            )
        )
    return problems


def _code_problems(table: pa.Table) -> list[Problem]:
    """Every cell has each code of its scale once, with its position."""
    question, names = index_of(table.column("question_id"))
    sizes = np.array([scale_of(name).size for name in names])
    tables = np.stack([position_table(name) for name in names])
    code = table.column("code").to_numpy()
    position = table.column("position").to_numpy()
    wrong = code != code.astype(np.int8)
    wrong |= tables[question, code.astype(np.int8).view(np.uint8)] != position
    cell = number_cells(table)
    cells = int(cell.max()) + 1
    seen = np.zeros((cells, int(sizes.max())), np.int64)
    np.add.at(seen, (cell[position >= 0], position[position >= 0]), 1)
    size = np.zeros(cells, np.int64)
    size[cell] = sizes[question]
    complete = seen == (np.arange(seen.shape[1]) < size[:, None])
    return [
        *counted("code", "the position is not that of the code", int(wrong.sum()), where=_WHERE),
        *counted(
            "cell",
            "cells do not hold each code of the scale exactly once",
            int((~complete.all(axis=1)).sum()),
            where=_WHERE,
        ),
    ]


def _sum_problems(table: pa.Table) -> list[Problem]:
    cell = number_cells(table)
    n = table.column("n").to_numpy().astype(float)
    n_valid = table.column("n_valid").to_numpy().astype(float)
    n_eff = table.column("n_eff").to_numpy()
    counted_n = np.bincount(cell, n)
    missing = np.stack([table.column(name).to_numpy() for name in MISSING_COUNT_COLUMNS])
    estimated = table.column("n_eff_estimated").to_numpy(zero_copy_only=False)
    too_large = ~estimated & (n_eff > n_valid * (1 + SUM_TOLERANCE))
    repeated = [n_valid, n_eff, *missing.astype(float)]
    unequal = sum(int((_spread(cell, column) > 0).sum()) for column in repeated)
    return [
        *counted(
            "n-valid",
            "n_valid is not the sum of n",
            int((counted_n[cell] != n_valid).sum()),
            where=_WHERE,
        ),
        *counted(
            "negative",
            "a count or weight is negative",
            int(
                (n < 0).sum()
                + (missing < 0).sum()
                + (table.column("weight_sum").to_numpy() < 0).sum()
            ),
            where=_WHERE,
        ),
        *counted(
            "n-eff",
            "n_eff is negative, or above n_valid",
            int((too_large | (n_eff < 0)).sum()),
            where=_WHERE,
        ),
        *counted(
            "cell-columns", "columns of the cell differ between its rows", unequal, where=_WHERE
        ),
    ]


def _spread(cell: NDArray[np.intp], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest less smallest number of each cell."""
    cells = int(cell.max()) + 1
    high, low = np.full(cells, -np.inf), np.full(cells, np.inf)
    np.maximum.at(high, cell, column)
    np.minimum.at(low, cell, column)
    return high - low


def _share_problems(table: pa.Table) -> list[Problem]:
    cell = number_cells(table)
    problems: list[Problem] = []
    for share_name, sum_name in (("weighted_share", "weight_sum"), ("unweighted_share", "n")):
        sums = table.column(sum_name).to_numpy().astype(float)
        totals = np.bincount(cell, sums)[cell]
        expected = np.full(len(sums), np.nan)
        np.divide(sums, totals, out=expected, where=totals > 0)
        share = table.column(share_name).to_numpy().astype(float)
        off = np.abs(share - expected) > SHARE_TOLERANCE
        off |= np.isnan(share) != np.isnan(expected)
        problems += counted(
            "share",
            f"{share_name} is not {sum_name} over the cell's sum, or not null without one",
            int(off.sum()),
            where=_WHERE,
        )
        if share_name == "weighted_share":
            problems += _se_problems(table, expected)
    return problems


def _se_problems(table: pa.Table, share: NDArray[np.float64]) -> list[Problem]:
    n_eff = table.column("n_eff").to_numpy()
    se = table.column("se").to_numpy().astype(float)
    expected = np.full(len(se), np.nan)
    variance = np.where(np.isnan(share), 0.0, share * (1 - share))
    np.divide(variance, n_eff, out=expected, where=(n_eff > 0) & ~np.isnan(share))
    expected = np.sqrt(np.maximum(expected, 0))
    off = (np.abs(se - expected) > SHARE_TOLERANCE) | (np.isnan(se) != np.isnan(expected))
    return counted("se", "se is not sqrt(p (1 - p) / n_eff)", int(off.sum()), where=_WHERE)


def check_public(release: Release, table: pa.Table) -> Check:
    """A public release has no rows of single persons, and its cells pass the disclosure rule."""
    manifest = release.manifest
    problems = [
        Problem(
            "microdata",
            f"a public release holds the table {name!r}",
            where=name,
            hint="Make it anew with: opinion-atlas build ... --public",
        )
        for name in manifest.tables
        if name in ("responses", "respondents", "probe")
    ]
    if not manifest.disclosure.applied:
        problems.append(Problem("disclosure", "the manifest does not say that control was applied"))
    unknown_groups = manifest.disclosure.unknown_groups
    problems += disclosure_problems(table, unknown_groups=unknown_groups)
    return Check("disclosure control", tuple(problems))
