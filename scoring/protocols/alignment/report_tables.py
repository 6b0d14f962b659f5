"""Tables of the alignment protocol beyond those that every report has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import codebook
from contracts.release.read import Release
from contracts.report_tables.alignment import (
    AlignmentTables,
    AverageHumanRow,
    AverageHumans,
    CellGrid,
    ConsistencyRow,
    CountryLevel,
    CountryMatrix,
    Noise,
)
from contracts.report_tables.curves import ThresholdCurve
from scoring.estimates import number, row_means
from scoring.inputs.average_human import AVERAGE_HUMANS
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Design, Survey
from scoring.protocols.alignment.compute import AlignmentScores
from scoring.protocols.alignment.waves import wave_table
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: Distances at which the share of questions is counted.
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(21))

#: What effective sample sizes count in, by the setting `design`.
_PRECISION: dict[Design, str] = {
    "design": "n_eff counts clusters, strata and weights in, as far as the release knows them.",
    "kish": "n_eff follows Kish and leaves out that interviews are clustered, so true intervals "
    "are wider.",
}

#: Decimals of large tables.
DECIMALS = 6


def alignment_tables(
    overall: AlignmentScores,
    by_country: AlignmentScores,
    predictions: Predictions,
    release: Release,
    task: Task,
    rng: np.random.Generator,
) -> AlignmentTables:
    """All tables of the protocol."""
    waves = wave_table(by_country, predictions, release, task, rng)
    return AlignmentTables(
        country_level=country_level(by_country),
        noise=noise_table(overall, task.settings.design),
        average_humans=average_table(by_country),
        waves=waves,
        consistency=consistency_table(predictions),
        threshold_curve=threshold_curve(1 - row_means(overall.cells.T)),
        country_matrix=country_matrix(by_country.survey, by_country.expected),
        question_scores=question_scores(overall),
    )


def country_level(scores: AlignmentScores) -> CountryLevel:
    """Mean, sd, and the six best and worst countries."""
    value = scores.country.value
    rows = np.flatnonzero(~np.isnan(value))
    order = rows[np.argsort(-value[rows], kind="stable")]
    names = [scores.survey.countries[row] for row in order]
    return CountryLevel(
        mean=number(row_means(value)),
        sd_over_countries=number(value[rows].std(ddof=1)) if rows.size > 1 else None,
        top=names[:6],
        bottom=names[-6:] if len(names) > 6 else [],
    )


def noise_table(scores: AlignmentScores, design: Design) -> Noise:
    """What sampling people alone does to country-equal means.

    `floor` is the mean distance at which a perfect model would still be found, `ceiling` the
    score that a second sample of the same people would get.
    """
    return Noise(
        floor=number(row_means(row_means(scores.floor))),
        ceiling=number(scores.overall_ceiling.value),
        median_n_eff=number(np.median(scores.survey.n_eff[scores.scored])),
        note=f"{_PRECISION[design]} Questions are redrawn apart from each other, since "
        "aggregates do not say who gave which answers.",
    )


def average_table(scores: AlignmentScores) -> AverageHumans:
    """The country's alignment with each average human, and the model's less that."""
    rows = []
    for row, country in enumerate(scores.survey.countries):
        entry: dict[str, str | float | None] = {"country": country}
        for kind in AVERAGE_HUMANS:
            average = scores.averages[kind][row]
            entry[kind] = number(average)
            entry[f"difference_{kind}"] = number(scores.country.value[row] - average)
        rows.append(AverageHumanRow.model_validate(entry))
    return AverageHumans(used=scores.average, rows=rows)


def threshold_curve(distances: Floats) -> ThresholdCurve:
    """Share of questions at or below each distance, 0 to 1 by 0.05; null without questions.

    A distance counts as at a threshold when it exceeds it by rounding only (1e-9).
    """
    known = distances[~np.isnan(distances)]
    share = [float((known <= t + 1e-9).mean()) if known.size else None for t in THRESHOLDS]
    return ThresholdCurve(threshold=list(THRESHOLDS), share=share, questions=int(known.size))


def question_scores(scores: AlignmentScores) -> CellGrid:
    """Every cell's score: what comparisons of two reports are made from."""
    columns = np.flatnonzero(scores.expected.any(axis=0))
    ids = scores.survey.geometry.question_ids
    return CellGrid(
        countries=list(scores.survey.countries),
        questions=[ids[column] for column in columns],
        scores=_rows(scores.cells[:, columns]),
    )


def _rows(matrix: Floats) -> list[list[float | None]]:
    return [[number(x) for x in row] for row in np.round(matrix, DECIMALS)]


def country_matrix(survey: Survey, expected: np.ndarray) -> CountryMatrix:
    """Alignment of every country's people with every other's, over the questions both answered."""
    count = len(survey.countries)
    matrix = np.full((count, count), np.nan)
    shares = np.where(expected[..., None], survey.shares, np.nan)
    for row in range(count):
        matrix[row] = row_means(1 - survey.geometry.distance(shares[row], shares))
    return CountryMatrix(countries=list(survey.countries), alignment=_rows(matrix))


# Internal consistency


def consistency_table(predictions: Predictions) -> list[ConsistencyRow]:
    """Whether the model takes one side of a topic throughout, by topic.

    A distribution becomes one answer by its largest share; the rate is the part of a topic's
    answers on the side that most of them are on. The mean mass on that side stands beside it.
    Sides are the codebook's; a middle category is a side of its own. For answers per country
    the values are means over countries.
    """
    assert predictions.cells is not None
    topics: dict[str, list[str]] = {}
    for question in codebook.questions().values():
        if question.consistency_topic:
            topics.setdefault(question.consistency_topic, []).append(question.question_id)
    answers: dict[str, dict[str, list[float]]] = {}
    for row in predictions.cells.select(["question_id", "country", "group", "shares"]).to_pylist():
        if row["shares"] is not None and not row["group"]:
            answers.setdefault(row["country"], {})[row["question_id"]] = row["shares"]
    table = []
    for topic, ids in topics.items():
        topic_rates = [_topic_rates(one, ids) for one in answers.values()]
        complete = np.array([pair for pair in topic_rates if pair is not None])
        rate, mass = complete.mean(axis=0) if complete.size else (np.nan, np.nan)
        table.append(
            ConsistencyRow(
                topic=topic,
                questions=ids,
                rate=number(rate),
                mass=number(mass),
                answers=len(complete),
            )
        )
    return table


def _topic_rates(answers: dict[str, list[float]], ids: list[str]) -> tuple[float, float] | None:
    """Rate and mass of one set of answers; None unless every question of the topic is answered."""
    if any(name not in answers for name in ids):
        return None
    masses = np.array([_side_masses(name, answers[name]) for name in ids])
    modes = [_side_of_mode(name, answers[name]) for name in ids]
    counts = [modes.count(side) for side in range(3)]
    best = int(np.argmax(counts))
    return counts[best] / len(ids), float(masses[:, best].mean())


def _sides(name: str) -> dict[int, int]:
    """Raw code -> 0 first side, 1 middle, 2 last side."""
    groups = codebook.questions()[name].consistency_sides
    last = len(groups) - 1
    side = {
        number: 0 if number == 0 else 2 if number == last else 1 for number in range(len(groups))
    }
    return {code: side[number] for number, codes in enumerate(groups) for code in codes}


def _side_masses(name: str, shares: list[float]) -> list[float]:
    scale = codebook.questions()[name].scale
    assert scale is not None
    sides, masses = _sides(name), [0.0, 0.0, 0.0]
    for code, share in zip(scale.codes, shares, strict=True):
        if code in sides:
            masses[sides[code]] += share
    return masses


def _side_of_mode(name: str, shares: list[float]) -> int:
    """Side of the largest share, the first of equals; -1 where it is on no side."""
    scale = codebook.questions()[name].scale
    assert scale is not None
    return _sides(name).get(scale.codes[int(np.argmax(shares))], -1)
