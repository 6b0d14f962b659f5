"""Studies over several reports: prompt sensitivity, training and chat tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from contracts.errors import fail
from contracts.report import Report
from contracts.report_tables.alignment import AlignmentTables
from contracts.studies import (
    CellAgreement,
    ChatPair,
    CountryModelMatrix,
    MeanAgreement,
    ModelTrend,
    QuestionAgreement,
)
from scoring import measures
from scoring.estimates import number, row_means
from scoring.inputs.geometry import Floats
from scoring.measures.agreement import MINIMUM_PAIRS

#: Facts of a model that a trend is taken over.
QUANTITIES: tuple[Literal["parameters", "training_tokens"], ...] = (
    "parameters",
    "training_tokens",
)


class CellTable(NamedTuple):
    """Cell scores of several reports on common axes, shape (R, C, Q); NaN where one is missing."""

    countries: tuple[str, ...]
    questions: tuple[str, ...]
    scores: Floats


def cell_table(reports: Sequence[Report]) -> CellTable:
    """The reports' scores by country and question.

    Raises:
        ContractError: a report has no such scores, or the releases differ.
    """
    tables = []
    for report in reports:
        table = report.tables_of(AlignmentTables).question_scores
        if table is None:
            raise fail(
                "no-cell-scores",
                "the report has no scores by country and question",
                where=report.predictions.name,
                hint="Score a distribution file with the alignment protocol.",
            )
        tables.append(table)
    if len({report.release.digest for report in reports}) > 1:
        raise fail("other-release", "the reports were scored on different releases")
    countries = tuple(sorted({name for table in tables for name in table.countries}))
    questions = tuple(sorted({name for table in tables for name in table.questions}))
    scores = np.full((len(reports), len(countries), len(questions)), np.nan)
    for index, table in enumerate(tables):
        rows = [countries.index(name) for name in table.countries]
        columns = [questions.index(name) for name in table.questions]
        scores[index][np.ix_(rows, columns)] = np.array(table.scores, np.float64)
    return CellTable(countries, questions, scores)


# Models side by side


def country_model_matrix(reports: Sequence[Report]) -> CountryModelMatrix:
    """Alignment of every country with every model, over each pair's own scored questions."""
    table = cell_table(reports)
    means = row_means(table.scores)
    return CountryModelMatrix(
        models=[report.predictions.name for report in reports],
        countries=list(table.countries),
        alignment=[[number(value) for value in row] for row in means.T],
    )


# Sensitivity


def sensitivity(default: Report, other: Report) -> CellAgreement:
    """How far scores under another prompt go with those under the default one.

    Pearson's r over countries is what the alignment paper reports; it is high for any prompt,
    because countries differ far more than prompts do. Over questions, and as the mean absolute
    change of a cell, sensitivity shows.
    """
    return cell_agreement(*cell_table([default, other]).scores)


def cell_agreement(one: Floats, other: Floats) -> CellAgreement:
    """How far two grids of scores go together over the cells that both have.

    Args:
        one, other: scores, shape (C, Q), NaN where there is none.

    Returns:
        `countries`: Pearson's r of the countries' means, and their number; `questions`: the same
        of the questions' means, and the mean over questions of a cell's absolute change.
    """
    common = np.isfinite(one) & np.isfinite(other)
    first, second = (np.where(common, side, np.nan) for side in (one, other))
    change = np.abs(first - second)
    return CellAgreement(
        countries=MeanAgreement(
            pearson=number(measures.pearson(row_means(first), row_means(second))),
            count=int(common.any(axis=1).sum()),
        ),
        questions=QuestionAgreement(
            pearson=number(measures.pearson(row_means(first.T), row_means(second.T))),
            mean_absolute_change=number(row_means(row_means(change.T))),
            count=int(common.any(axis=0).sum()),
        ),
    )


# Training


def training_trends(
    reports: Sequence[Report], *, score: str = "pearson", rng: np.random.Generator
) -> list[ModelTrend]:
    """How a score goes with a model's size and training tokens, over models.

    Spearman's correlation with log10 of the quantity and a permutation p-value; models whose
    metadata do not say it are left out. Below three models there is no trend.
    """
    rows = []
    for quantity in QUANTITIES:
        pairs = [
            (getattr(report.predictions.meta, quantity), report_score(report, score))
            for report in reports
        ]
        known = [(float(x), float(y)) for x, y in pairs if x is not None and y is not None]
        value, p_value = rank_trend(known, rng=rng)
        rows.append(
            ModelTrend(
                quantity=quantity,
                score=score,
                models=len(known),
                spearman=value,
                p_value=p_value,
            )
        )
    return rows


def rank_trend(
    pairs: Sequence[tuple[float, float]], *, rng: np.random.Generator
) -> tuple[float | None, float | None]:
    """Spearman's correlation of pairs and its permutation p-value; null below three pairs."""
    if len(pairs) < MINIMUM_PAIRS:
        return None, None
    known = np.array(pairs, float)
    value = float(measures.spearman(known[:, 0], known[:, 1]))
    if np.isnan(value):
        return None, None
    drawn = np.array(
        [float(measures.spearman(known[:, 0], rng.permutation(known[:, 1]))) for _ in range(2000)]
    )
    p_value = float((1 + (np.abs(drawn) >= abs(value) - 1e-12).sum()) / (1 + len(drawn)))
    return number(value), number(p_value)


def chat_pairs(reports: Sequence[Report], *, score: str = "pearson") -> list[ChatPair]:
    """Chat models beside their base models: both scores and the difference.

    A pair is a report whose metadata name, as `base_model`, the model of another report.
    """
    by_model = {report.predictions.meta.model: report for report in reports}
    rows = []
    for report in reports:
        meta = report.predictions.meta
        base = by_model.get(meta.base_model) if meta.chat and meta.base_model else None
        if base is None:
            continue
        first, second = report_score(report, score), report_score(base, score)
        rows.append(
            ChatPair(
                chat=meta.model,
                base=base.predictions.meta.model,
                chat_score=first,
                base_score=second,
                difference=None if first is None or second is None else first - second,
            )
        )
    return rows


def report_score(report: Report, name: str) -> float | None:
    """Estimate of a report's score; None where it has none."""
    score_entry = report.score(name)
    return score_entry.value.estimate if score_entry else None
