"""The table `distributions` in itself: shares, sums, effective sizes, codes, order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codebook import value_questions
from codebook.respondents.harmonised import GroupError, group_name, parse_group
from contracts.errors import Problem
from contracts.release.distributions import sort_keys
from contracts.release.read import Release
from contracts.release.tables import DISTRIBUTION_TEXTS, MISSING_COUNT_COLUMNS, N_EFF_KINDS
from contracts.release.text_column import index_of
from dataset_builder.positions import position_table, scale_of
from dataset_builder.tables.tabulate import DISTRIBUTION_SPLITS
from dataset_builder.verifying.outcome import Check, counted, summed
from dataset_builder.verifying.scattered import Scattered

_WHERE = "distributions"

#: Shares and standard errors are stored in single precision.
SHARE_TOLERANCE = 1e-6

#: Relative tolerance of sums of weights that were added in another order.
SUM_TOLERANCE = 1e-9

#: Relative tolerance of sums of weights and effective sizes, stored to single precision.
STORED_TOLERANCE = 2e-7


def read_distributions(release: Release) -> pa.Table:
    """The table with its texts dictionary-encoded: a third of the memory.

    Read batch by batch: a scan reads several row groups ahead, which takes twice the table's room.
    """
    if release.schema_major == 1:
        return release.table("distributions", encoded=True).unify_dictionaries()
    batches = [
        batch
        for path in release.files("distributions")
        for batch in pq.ParquetFile(path, read_dictionary=DISTRIBUTION_TEXTS).iter_batches()
    ]
    if not batches:
        return release.table("distributions", encoded=True).unify_dictionaries()
    return pa.Table.from_batches(batches).unify_dictionaries()


def by_country(table: pa.Table) -> Iterator[pa.Table]:
    """The rows of one country after the other: every cell whole, little memory at a time.

    A country's rows stand in few runs, which are copied as they are.
    """
    index, countries = index_of(table.column("country"))
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    lengths = np.diff(starts, append=len(index))
    for number in range(len(countries)):
        runs = np.flatnonzero(index[starts] == number)
        if len(runs):
            slices = [table.slice(starts[run], lengths[run]) for run in runs.tolist()]
            yield pa.concat_tables(slices).combine_chunks()


def number_cells(table: pa.Table) -> NDArray[np.intp]:
    """The same number for rows of one cell (split, wave, country, group, question)."""
    joint = table.column("wave").to_numpy().astype(np.int64)
    for name in ("split", "country", "group", "question_id"):
        index, texts = index_of(table.column(name))
        joint = joint * len(texts) + index
    _, cell_numbers = np.unique(joint, return_inverse=True)
    return cell_numbers


def check_distributions(table: pa.Table, *, ordered: bool = True) -> Check:
    """Everything that must hold whatever the answers were.

    Args:
        table: the whole table.
        ordered: whether rows have to be in the order of the schema (since version 2).
    """
    if not table.num_rows:
        return Check("distributions", (), "no rows")
    texts = {name: index_of(table.column(name))[1] for name in ("split", "group", "question_id")}
    problems = _name_problems(texts)
    if ordered:
        problems += _order_problems(int((np.diff(sort_keys(table)) < 0).sum()))
    if not problems:
        problems = summed(_cell_problems(part) for part in by_country(table))
    return Check("distributions", tuple(problems), f"{table.num_rows:,} rows")


def check_scattered(table: Scattered, *, ordered: bool = True) -> Check:
    """The same of a table that is laid out country by country."""
    if not table.rows:
        return Check("distributions", (), "no rows")
    problems = _name_problems({name: list(texts) for name, texts in table.texts.items()})
    if ordered:
        problems += _order_problems(table.backwards)
    if not problems:
        problems = summed(_cell_problems(part) for part in table.by_country())
    return Check("distributions", tuple(problems), f"{table.rows:,} rows")


def _order_problems(backwards: int) -> list[Problem]:
    return counted(
        "order",
        "rows are not sorted by split, group, wave, country and question",
        backwards,
        where=_WHERE,
    )


def _cell_problems(table: pa.Table) -> list[Problem]:
    problems = _code_problems(table)
    if problems:
        return problems
    problems = _count_problems(table)
    if table.column("weight_sum").null_count < table.num_rows:
        problems += [*_sum_problems(table), *_share_problems(table)]
    return [*problems, *_se_problems(table)]


def _name_problems(texts: Mapping[str, list[str]]) -> list[Problem]:
    problems = []
    for group in texts["group"]:
        try:
            canonical = group_name(parse_group(group))
        except GroupError as error:
            problems.append(Problem("group", str(error), where=_WHERE))
            continue
        if canonical != group:
            problems.append(Problem("group", f"{group!r} should be {canonical!r}", where=_WHERE))
    unknown = sorted(set(texts["split"]) - set(DISTRIBUTION_SPLITS))
    if unknown:
        problems.append(Problem("split", "unknown split", where=_WHERE, found=", ".join(unknown)))
    unknown = sorted(set(texts["question_id"]) - set(value_questions()))
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
    """Every cell has each code of its scale once, with its position, or one row without a code."""
    question, names = index_of(table.column("question_id"))
    sizes = np.array([scale_of(name).size for name in names])
    tables = np.stack([position_table(name) for name in names])
    coded = table.column("code").is_valid().to_numpy()
    code = pc.fill_null(table.column("code"), 0).to_numpy()
    position = pc.fill_null(table.column("position"), -1).to_numpy()
    wrong = code != code.astype(np.int8)
    wrong |= tables[question, code.astype(np.int8).view(np.uint8)] != position
    wrong = np.where(coded, wrong, position >= 0)
    cell = number_cells(table)
    cells = int(cell.max()) + 1
    seen = np.zeros((cells, int(sizes.max())), np.int64)
    np.add.at(seen, (cell[position >= 0], position[position >= 0]), 1)
    size = np.zeros(cells, np.int64)
    size[cell] = sizes[question]
    whole = (seen == (np.arange(seen.shape[1]) < size[:, None])).all(axis=1)
    empty = np.bincount(cell, ~coded, minlength=cells)
    answered = np.zeros(cells, bool)
    answered[cell] = table.column("n_valid").to_numpy() > 0
    without_code = (np.bincount(cell, minlength=cells) == 1) & (empty == 1) & ~answered
    return [
        *counted("code", "the position is not that of the code", int(wrong.sum()), where=_WHERE),
        *counted(
            "cell",
            "cells hold neither each code of the scale exactly once nor, where no respondent "
            "answered, one row without a code",
            int((~(whole & (empty == 0)) & ~without_code).sum()),
            where=_WHERE,
        ),
    ]


def _count_problems(table: pa.Table) -> list[Problem]:
    """What must hold of exact and of published counts alike."""
    cell = number_cells(table)
    n = pc.fill_null(table.column("n"), -1).to_numpy().astype(float)
    n_valid = table.column("n_valid").to_numpy().astype(float)
    n_eff = table.column("n_eff").to_numpy()
    missing = [
        pc.fill_null(table.column(name), 0).to_numpy().astype(float)
        for name in (*MISSING_COUNT_COLUMNS, "missing_total")
    ]
    kind, kinds = index_of(table.column("n_eff_kind"))
    kish = np.array([name == "kish" for name in kinds])[kind]
    too_large = kish & (n_eff > n_valid * (1 + SUM_TOLERANCE))
    unequal = sum(int((_spread(cell, column) > 0).sum()) for column in (n_valid, n_eff, *missing))
    negative = (n < 0).sum() + sum((column < 0).sum() for column in missing)
    return [
        *counted("negative", "a count is negative or null", int(negative), where=_WHERE),
        *counted(
            "n-eff",
            "n_eff is negative, or above n_valid though weights alone reduce it",
            int((too_large | (n_eff < 0)).sum()),
            where=_WHERE,
        ),
        *counted(
            "n-eff-kind",
            f"n_eff_kind is none of {', '.join(N_EFF_KINDS)}",
            sum(int((kind == i).sum()) for i, name in enumerate(kinds) if name not in N_EFF_KINDS),
            where=_WHERE,
        ),
        *counted(
            "cell-columns", "columns of the cell differ between its rows", unequal, where=_WHERE
        ),
    ]


def _sum_problems(table: pa.Table) -> list[Problem]:
    """Sums of exact counts: options make up the valid answers, kinds the missing ones."""
    cell = number_cells(table)
    n = table.column("n").to_numpy().astype(float)
    n_valid = table.column("n_valid").to_numpy()
    kinds = sum(pc.fill_null(table.column(c), -1).to_numpy() for c in MISSING_COUNT_COLUMNS)
    total = pc.fill_null(table.column("missing_total"), -1).to_numpy()
    weight = pc.fill_null(table.column("weight_sum"), -1.0).to_numpy()
    return [
        *counted(
            "n-valid",
            "n_valid is not the sum of n",
            int((np.bincount(cell, n)[cell] != n_valid).sum()),
            where=_WHERE,
        ),
        *counted(
            "missing-total",
            "missing_total is not the sum of the kinds of missing answers",
            int((kinds != total).sum()),
            where=_WHERE,
        ),
        *counted(
            "negative",
            "a sum of weights is negative or null",
            int((weight < 0).sum()),
            where=_WHERE,
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
        share = _floats(table, share_name)
        off = np.abs(share - expected) > SHARE_TOLERANCE
        off |= np.isnan(share) != np.isnan(expected)
        problems += counted(
            "share",
            f"{share_name} is not {sum_name} over the cell's sum, or not null without one",
            int(off.sum()),
            where=_WHERE,
        )
    return problems


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column as float64, null as NaN."""
    return table.column(name).to_numpy(zero_copy_only=False).astype(float)


def _se_problems(table: pa.Table) -> list[Problem]:
    """Standard errors are those of the effective sample size; published and Kish's exactly."""
    share, se, n_eff = (_floats(table, name) for name in ("weighted_share", "se", "n_eff"))
    kind, kinds = index_of(table.column("n_eff_kind"))
    formula = np.array([name != "design" for name in kinds])[kind]
    formula |= table.column("weight_sum").is_null().to_numpy()
    expected = np.full(len(se), np.nan)
    there = (n_eff > 0) & ~np.isnan(share)
    np.divide(share * (1 - share), n_eff, out=expected, where=there)
    expected = np.sqrt(np.maximum(expected, 0))
    off = formula & (np.abs(se - expected) > SHARE_TOLERANCE)
    off |= np.isnan(se) != np.isnan(expected)
    return counted("se", "se is not sqrt(p (1 - p) / n_eff)", int(off.sum()), where=_WHERE)
