"""The table `distributions`: from counts per cell to rows, one way for every maker of a release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codebook import MissingKind, value_questions
from contracts.release.disclosure import NOT_ASKED
from contracts.release.tables import DISTRIBUTIONS, MISSING_COUNT_COLUMNS


class Cells(NamedTuple):
    """Counts of C cells (split x wave x country x group x question), options padded to K.

    Attributes:
        split, wave, country, group, question_id: what each cell is, shape (C,).
        counts: answers per option in scale order, shape (C, K); 0 behind a scale's end.
        weights: sums of design weights likewise, shape (C, K).
        n_eff: effective sample size of the valid answers, shape (C,).
        n_eff_kind: how it was found, one of `N_EFF_KINDS`, shape (C,).
        se: standard errors of the weighted shares, shape (C, K); NaN takes sqrt(p (1 - p) / n_eff).
        missing: counts of the missing kinds and off-scale answers in the order of
            `MISSING_COUNT_COLUMNS`, shape (C, 6).
        flag: doubts about the cell, shape (C,), "" for none.
    """

    split: Sequence[str] | np.ndarray
    wave: np.ndarray
    country: Sequence[str] | np.ndarray
    group: Sequence[str] | np.ndarray
    question_id: Sequence[str] | np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    n_eff: np.ndarray
    n_eff_kind: Sequence[str] | np.ndarray
    se: np.ndarray
    missing: np.ndarray
    flag: Sequence[str] | np.ndarray


#: Binary places of a stored standard error: steps of 2**-20, a tenth of what an error can tell.
SE_PLACES = 20


def stored_se(se: np.ndarray) -> np.ndarray:
    """Standard errors in steps of 2**-20 (rounding error below 5e-7): digits behind are noise."""
    return np.rint(np.asarray(se, float) * 2**SE_PLACES) / 2**SE_PLACES


def stored_single(numbers: np.ndarray) -> np.ndarray:
    """Numbers to single precision, of type float64 (relative rounding error below 6e-8).

    Weights have no more digits than that, and the bytes behind are zeros that compress to nothing.
    """
    return np.asarray(numbers, float).astype(np.float32).astype(float)


def kish_effective_n(weight_sum: np.ndarray, squared_weight_sum: np.ndarray) -> np.ndarray:
    """Effective sample size (sum w)^2 / sum w^2; 0 where there is no weight.

    Source: Kish (1965), Survey Sampling, section 11.7. Clustering of interviews is ignored, so
    true sampling errors are larger.
    """
    weight_sum = np.asarray(weight_sum, float)
    squared = np.asarray(squared_weight_sum, float)
    out = np.zeros(np.broadcast(weight_sum, squared).shape)
    np.divide(weight_sum**2, squared, out=out, where=squared > 0)
    return out


def _shares(sums: np.ndarray) -> np.ndarray:
    """Rows of sums as shares; NaN where a row sums to nothing."""
    totals = sums.sum(axis=1, keepdims=True)
    out = np.full(sums.shape, np.nan)
    np.divide(sums, totals, out=out, where=totals > 0)
    return out


def distribution_table(cells: Cells) -> pa.Table:
    """Rows of `distributions`: one per cell and option of its scale, in scale order.

    A cell without a valid answer has one row, whose code, position and shares are null; the flag
    `not-asked` tells where it holds nothing but respondents who were not asked. Where no standard
    error of a weighted share p is given, it is sqrt(p (1 - p) / n_eff). Shares are
    computed from exact sums; sums of weights and effective sample sizes are stored to single
    precision, standard errors in steps of 2**-20.
    """
    names, index = np.unique(np.asarray(cells.question_id, dtype=object), return_inverse=True)
    codes, sizes = _scales(names, cells.counts.shape[1])
    n_valid = cells.counts.sum(axis=1)
    rows = np.where(n_valid > 0, sizes[index], 1)
    cell, position = np.nonzero(np.arange(codes.shape[1])[None, :] < rows[:, None])
    answered = n_valid[cell] > 0
    weighted, unweighted = _shares(cells.weights), _shares(cells.counts.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        formula = np.sqrt(
            weighted * (1 - weighted) / np.where(cells.n_eff > 0, cells.n_eff, np.nan)[:, None]
        )
    se = np.where(np.isnan(cells.se), formula, cells.se)

    def optional(grid: np.ndarray) -> pa.Array:
        return pa.array(grid[cell, position].astype(np.float32), pa.float32(), from_pandas=True)

    def of_options(numbers: np.ndarray) -> pa.Array:
        return pa.array(numbers, mask=~answered)

    def text(values: Sequence[str] | np.ndarray) -> pa.Array:
        array = pa.array(np.asarray(values, dtype=object), pa.string()).dictionary_encode()
        return array.take(pa.array(cell)).cast(pa.string())

    columns = {
        "split": text(cells.split),
        "wave": pa.array(np.asarray(cells.wave, np.int8)[cell]),
        "country": text(cells.country),
        "group": text(cells.group),
        "question_id": text(cells.question_id),
        "code": of_options(codes[index[cell], position]),
        "position": of_options(position.astype(np.int8)),
        "n": pa.array(cells.counts[cell, position].astype(np.int32)),
        "weight_sum": pa.array(stored_single(cells.weights[cell, position])),
        "weighted_share": optional(weighted),
        "unweighted_share": optional(unweighted),
        "se": optional(stored_se(se)),
        "n_valid": pa.array(n_valid[cell].astype(np.int32)),
        "n_eff": pa.array(stored_single(cells.n_eff)[cell]),
        "n_eff_kind": text(cells.n_eff_kind),
        "missing_total": pa.array(cells.missing.sum(axis=1)[cell].astype(np.int32)),
        "flag": text(_flags(cells)),
    }
    for number, name in enumerate(MISSING_COUNT_COLUMNS):
        columns[name] = pa.array(cells.missing[cell, number].astype(np.int32))
    return pa.table([columns[name] for name in DISTRIBUTIONS.names], schema=DISTRIBUTIONS)


def _flags(cells: Cells) -> np.ndarray:
    """Flags of the cells; `not-asked` where there is no other and nobody was asked."""
    flags = np.array(cells.flag, dtype=object)
    kinds = MISSING_COUNT_COLUMNS.index(MissingKind.NOT_ASKED.column)
    not_asked = cells.missing[:, kinds] > 0
    alone = cells.missing.sum(axis=1) == cells.missing[:, kinds]
    flags[(cells.counts.sum(axis=1) == 0) & not_asked & alone & (flags == "")] = NOT_ASKED
    return flags


def _scales(names: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of each question's options, padded to `width`, and the number of options."""
    questions = value_questions()
    codes = np.zeros((len(names), width), np.int16)
    sizes = np.zeros(len(names), np.intp)
    for row, name in enumerate(names):
        scale = questions[name].scale
        assert scale is not None
        codes[row, : scale.size] = scale.codes
        sizes[row] = scale.size
    return codes, sizes


#: Columns by which rows of `distributions` are sorted, before the position.
SORT_COLUMNS = ("split", "group", "wave", "country", "question_id")


def sort_keys(table: pa.Table) -> np.ndarray:
    """Rank of each row's cell in the order of `SORT_COLUMNS`, questions as in the questionnaire."""
    rank = np.zeros(table.num_rows, np.int64)
    asked = {name: number for number, name in enumerate(value_questions())}
    for name in SORT_COLUMNS:
        column = table.column(name)
        if name == "wave":
            place, size = column.to_numpy().astype(np.int64), 128
        else:
            if not pa.types.is_dictionary(column.type):
                column = column.dictionary_encode()
            encoded = column.unify_dictionaries().combine_chunks()
            texts = encoded.dictionary.to_pylist()
            known = asked if name == "question_id" else {t: i for i, t in enumerate(sorted(texts))}
            ranks = np.array([known.get(text, len(asked)) for text in texts], np.int64)
            place, size = ranks[encoded.indices.to_numpy()], max(known.values(), default=0) + 2
        rank = rank * size + place
    return rank


def sort_distributions(table: pa.Table) -> pa.Table:
    """The rows in the order of the schema: split, group, wave, country, question, position."""
    position = pc.fill_null(table.column("position"), 0).to_numpy()
    return table.take(pa.array(np.lexsort((position, sort_keys(table)))))


def upgrade_distributions(table: pa.Table) -> pa.Table:
    """Rows of schema 1.x, whichever columns were read, as the present schema names them.

    `n_eff` was Kish's, or estimated from the design effect of other cells. Rows of cells without
    an answer stay as they are: one row per option.
    """
    columns = {name: table.column(name) for name in table.column_names}
    if "n_eff_estimated" in columns:
        kinds = pc.if_else(columns.pop("n_eff_estimated"), "assumed", "kish")
        columns["n_eff_kind"] = kinds
    if set(MISSING_COUNT_COLUMNS) <= set(columns):
        total = columns[MISSING_COUNT_COLUMNS[0]]
        for name in MISSING_COUNT_COLUMNS[1:]:
            total = pc.add(total, columns[name])
        columns["missing_total"] = total
    return pa.table(columns)
