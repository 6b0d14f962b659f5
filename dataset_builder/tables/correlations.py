"""Correlations of scale positions, of every pair of ordinal questions, country by country."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.release.tables import CORRELATIONS
from dataset_builder.people import People
from dataset_builder.positions import scale_of
from dataset_builder.tables.tabulate import ordinal_questions

#: Variances below it are those of a single answer.
_NO_VARIANCE = 1e-12


class Pairs(NamedTuple):
    """Correlations of all pairs of some questions.

    Attributes:
        n: respondents with both answers, shape (Q, Q).
        r: weighted Pearson correlations over them, shape (Q, Q); NaN where one of the questions
            has a single answer among them.
    """

    n: NDArray[np.int64]
    r: NDArray[np.float64]


def pair_correlations(positions: NDArray[np.int8], weight: NDArray[np.float64]) -> Pairs:
    """Weighted Pearson correlations over the respondents who answered both questions.

    Args:
        positions: positions on the scales, -1 where there is none, shape (n, Q).
        weight: design weights, shape (n,).

    Formula: with means, variances and covariance over the respondents i of the pair,

        r_ab = sum_i w_i (x_ia - m_a) (x_ib - m_b)
               / sqrt(sum_i w_i (x_ia - m_a)^2 sum_i w_i (x_ib - m_b)^2).
    """
    mask = (positions >= 0).astype(np.float64)
    n = np.rint(mask.T @ mask).astype(np.int64)
    # Weights of mean 1 and positions about their mean, so that sums lose no digits.
    share = weight / (weight.mean() or 1.0) if len(weight) else weight
    counts = np.maximum(mask.sum(axis=0), 1)
    values = (positions - (positions * mask).sum(axis=0) / counts) * mask
    weighted = share[:, None] * values
    total = (share[:, None] * mask).T @ mask
    first = weighted.T @ mask
    second = (weighted * values).T @ mask
    products = weighted.T @ values
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = first / total
        variance = second / total - mean**2
        covariance = products / total - mean * mean.T
        spread = variance * variance.T
        r = np.where(
            (variance > _NO_VARIANCE) & (variance.T > _NO_VARIANCE),
            covariance / np.sqrt(spread),
            np.nan,
        )
    return Pairs(n, np.clip(r, -1, 1))


def pair_rows(pairs: Pairs, questions: Sequence[str], *, wave: int, country: str) -> pa.Table:
    """Rows of `correlations` of one country: pairs that have a correlation, row by row.

    Args:
        pairs: of the questions.
        questions: their ids, in questionnaire order.
        wave, country: whose answers they are.
    """
    first, second = np.triu_indices(len(questions), 1)
    there = np.isfinite(pairs.r[first, second])
    first, second = first[there], second[there]
    names = pa.array(list(questions), pa.string())
    columns = {
        "wave": pa.array(np.full(len(first), wave, np.int8)),
        "country": pa.array([country] * len(first), pa.string()),
        "question_a": names.take(pa.array(first)),
        "question_b": names.take(pa.array(second)),
        "n": pa.array(pairs.n[first, second].astype(np.int32)),
        "r": pa.array(pairs.r[first, second].astype(np.float32)),
    }
    return pa.table(columns, schema=CORRELATIONS)


def option_counts(
    positions: NDArray[np.int8], questions: Sequence[str], *, wave: int, country: str
) -> pa.Table:
    """Respondents by question and position: wave, country, question_id, position, n.

    Args:
        positions: positions on the scales, -1 where there is none, shape (n, Q).
        questions: ids of the columns.
        wave, country: whose answers they are.
    """
    sizes = [scale_of(name).size for name in questions]
    counts = [
        np.bincount(column[column >= 0], minlength=size)
        for column, size in zip(positions.T, sizes, strict=True)
    ]
    rows = sum(sizes)
    return pa.table(
        {
            "wave": pa.array(np.full(rows, wave, np.int8)),
            "country": pa.array([country] * rows, pa.string()),
            "question_id": pa.array(np.repeat(np.array(questions, dtype=object), sizes)),
            "position": pa.array(np.concatenate([np.arange(size) for size in sizes])),
            "n": pa.array(np.concatenate(counts)),
        }
    )


def correlation_batches(people: People) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Exact rows of `correlations` of one survey, country by country, with `option_counts`."""
    survey = people.survey
    ordinal = np.flatnonzero(ordinal_questions(survey.questions))
    questions = [survey.questions[column] for column in ordinal]
    if not questions:
        return
    positions = people.positions
    for number, country in enumerate(survey.countries):
        chosen = np.flatnonzero((survey.country == number) & (people.split >= 0))
        if len(chosen):
            own = positions[chosen][:, ordinal]
            pairs = pair_correlations(own, survey.weight[chosen])
            yield (
                pair_rows(pairs, questions, wave=survey.wave, country=country),
                option_counts(own, questions, wave=survey.wave, country=country),
            )
