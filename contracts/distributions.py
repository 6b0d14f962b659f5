"""The table `distributions`: from counts per cell to rows, one way for every maker of a release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from codebook import value_questions
from contracts.tables import DISTRIBUTIONS, MISSING_COUNT_COLUMNS


class Cells(NamedTuple):
    """Counts of C cells (split x wave x country x group x question), options padded to K.

    Attributes:
        split, wave, country, group, question_id: what each cell is, shape (C,).
        counts: answers per option in scale order, shape (C, K); 0 behind a scale's end.
        weights: sums of design weights likewise, shape (C, K).
        n_eff: Kish effective sample size of the valid answers, shape (C,).
        n_eff_estimated: whether n_eff is n over a design effect, shape (C,).
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
    n_eff_estimated: np.ndarray
    missing: np.ndarray
    flag: Sequence[str] | np.ndarray


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

    Shares are null where a cell has no valid answer; the standard error of a weighted share p is
    sqrt(p (1 - p) / n_eff), null where n_eff is 0.
    """
    questions = value_questions()
    names, index = np.unique(np.asarray(cells.question_id, dtype=object), return_inverse=True)
    scales = [questions[name].scale for name in names]
    width = cells.counts.shape[1]
    codes = np.full((len(names), width), np.iinfo(np.int16).min, np.int16)
    for row, scale in enumerate(scales):
        assert scale is not None
        codes[row, : scale.size] = scale.codes
    sizes = np.array([scale.size if scale else 0 for scale in scales])[index]

    cell, position = np.nonzero(np.arange(width)[None, :] < sizes[:, None])
    weighted, unweighted = _shares(cells.weights), _shares(cells.counts.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(
            weighted * (1 - weighted) / np.where(cells.n_eff > 0, cells.n_eff, np.nan)[:, None]
        )
    n_valid = cells.counts.sum(axis=1)

    def optional(grid: np.ndarray) -> pa.Array:
        return pa.array(grid[cell, position].astype(np.float32), pa.float32(), from_pandas=True)

    def text(values: Sequence[str] | np.ndarray) -> pa.Array:
        array = pa.array(np.asarray(values, dtype=object), pa.string()).dictionary_encode()
        return array.take(pa.array(cell)).cast(pa.string())

    columns = {
        "split": text(cells.split),
        "wave": pa.array(np.asarray(cells.wave, np.int8)[cell]),
        "country": text(cells.country),
        "group": text(cells.group),
        "question_id": text(cells.question_id),
        "code": pa.array(codes[index[cell], position]),
        "position": pa.array(position.astype(np.int8)),
        "n": pa.array(cells.counts[cell, position].astype(np.int32)),
        "weight_sum": pa.array(cells.weights[cell, position].astype(float)),
        "weighted_share": optional(weighted),
        "unweighted_share": optional(unweighted),
        "n_valid": pa.array(n_valid[cell].astype(np.int32)),
        "n_eff": pa.array(np.asarray(cells.n_eff, float)[cell]),
        "n_eff_estimated": pa.array(np.asarray(cells.n_eff_estimated, bool)[cell]),
        "se": optional(se),
        "flag": text(cells.flag),
    }
    for number, name in enumerate(MISSING_COUNT_COLUMNS):
        columns[name] = pa.array(cells.missing[cell, number].astype(np.int32))
    return pa.table([columns[name] for name in DISTRIBUTIONS.names], schema=DISTRIBUTIONS)
