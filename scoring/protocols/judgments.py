"""The judgments protocol: correlation of mean scores over questions, country by country.

Each question's options get scores spaced evenly over [-1, 1]; a side's mean score is the
expectation under its answer shares. Pearson's correlation over questions compares the model
with each country. Nominal questions have no mean score and are left out. Scales keep their own
number of options; how the paper recoded them to 3, 5, 7 or 9 is not given.

Source: the value-judgments study (209 questions, 55 countries), section 2.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.report import Interval, ProtocolResult, Score
from contracts.report_tables.judgments import (
    CategoryCorrelation,
    ContinentCorrelation,
    CountryCorrelation,
    JudgmentsTables,
    RandomFlips,
)
from scoring import measures
from scoring.estimates import Estimate, many, number, row_means, single
from scoring.inference.bootstrap import question_counts
from scoring.inference.intervals import percentile_bounds
from scoring.inputs.answers import Answers
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey, continent_of
from scoring.measures.agreement import MINIMUM_PAIRS
from scoring.protocols.alignment.compute import AlignmentScores
from scoring.protocols.alignment.report_entries import coverage_share
from scoring.protocols.distribution_inputs import DistributionInputs
from scoring.protocols.report_part import Outcome

#: Name of the protocol.
NAME = "judgments"

#: Random flips of question codings that the sensitivity is taken over.
FLIPS = 500


class JudgmentScores(NamedTuple):
    """Correlations of mean scores.

    Attributes:
        people, model: mean scores in [-1, 1], shape (C, Q); NaN where a cell does not count.
        country: Pearson's r by country, shape (C,).
        spearman: Spearman's by country, shape (C,).
        overall: country-equal mean of r, shape ().
        continents: country-equal means by continent.
        categories: by category, the mean over countries of r over its questions.
        flips: mean and 95 % range of the overall r when every question's coding is flipped, on
            both sides, with probability one half.
        questions: number of questions that count.
    """

    people: Floats
    model: Floats
    country: Estimate
    spearman: Floats
    overall: Estimate
    continents: dict[str, Estimate]
    categories: dict[str, float]
    flips: dict[str, float]
    questions: int


def score_judgments(
    survey: Survey,
    answers: Answers,
    scored: NDArray[np.bool_],
    *,
    replicates: int,
    rng: np.random.Generator,
) -> JudgmentScores:
    """Correlate mean scores over the cells that count.

    Args:
        survey: the people; answers: the model.
        scored: cells that count, shape (C, Q).
        replicates: bootstrap replicates over questions.
        rng: source of randomness.
    """
    keep = scored & survey.geometry.ordinal
    people, model = (_means(side, keep, survey) for side in (survey.shares, answers.shares))
    columns = np.flatnonzero(keep.any(axis=0))
    people, model = people[:, columns], model[:, columns]
    value = measures.pearson(people, model)
    counts = question_counts(len(columns), replicates=replicates, rng=rng)
    drawn = weighted_pearson(people, model, counts)
    drawn = np.where(np.isnan(drawn), np.nan_to_num(value)[:, None], drawn)
    categories = np.array(survey.geometry.categories)[columns]
    return JudgmentScores(
        people=people,
        model=model,
        country=_bounded(value, drawn, keep.sum(axis=1)),
        spearman=measures.spearman(people, model),
        overall=_mean_estimate(value, drawn, len(columns)),
        continents=_continents(survey, value, drawn, len(columns)),
        categories=_categories(people, model, categories),
        flips=flip_sensitivity(people, model, rng=rng),
        questions=len(columns),
    )


def _means(shares: Floats, keep: NDArray[np.bool_], survey: Survey) -> Floats:
    held = np.where(keep[..., None], shares, np.nan)
    return measures.mean_score(held, sizes=survey.geometry.sizes)


def weighted_pearson(first: Floats, second: Floats, counts: Floats) -> Floats:
    """Pearson's r with questions counted several times, shape (C, B).

    Args:
        first, second: shape (C, Q), NaN where a cell does not count.
        counts: how often each question counts, shape (Q, B).

    NaN where a side is constant or fewer than 3 questions are drawn.
    """
    keep = ~(np.isnan(first) | np.isnan(second))
    x, y = (np.where(keep, side, 0.0) for side in (first, second))
    mass = keep.astype(np.float64) @ counts
    kinds = (keep.astype(np.float64) @ (counts > 0)) >= MINIMUM_PAIRS
    scale = np.where(mass > 0, mass, 1.0)
    mean_x, mean_y = x @ counts / scale, y @ counts / scale
    covariance = (x * y) @ counts / scale - mean_x * mean_y
    spread_x = (x * x) @ counts / scale - mean_x**2
    spread_y = (y * y) @ counts / scale - mean_y**2
    bottom = np.sqrt(np.clip(spread_x, 0, None) * np.clip(spread_y, 0, None))
    out = np.full(bottom.shape, np.nan)
    np.divide(covariance, bottom, out=out, where=kinds & (bottom > 1e-12))
    return np.clip(out, -1.0, 1.0)


def _bounded(value: Floats, drawn: Floats, units: NDArray[np.int64] | int) -> Estimate:
    return Estimate(value, percentile_bounds(drawn, value, units=units, limits=(-1.0, 1.0)))


def _mean_estimate(value: Floats, drawn: Floats, questions: int) -> Estimate:
    rows = np.flatnonzero(~np.isnan(value))
    mean = np.asarray(row_means(value))
    if not rows.size:
        return Estimate(mean, percentile_bounds(np.zeros(1), mean))
    return _bounded(mean, drawn[rows].mean(axis=0), questions)


def _continents(
    survey: Survey, value: Floats, drawn: Floats, questions: int
) -> dict[str, Estimate]:
    names = np.array([continent_of(country) for country in survey.countries])
    return {
        str(name): _mean_estimate(value[names == name], drawn[names == name], questions)
        for name in np.unique(names)
    }


def _categories(people: Floats, model: Floats, categories: NDArray[np.str_]) -> dict[str, float]:
    return {
        str(name): float(
            row_means(measures.pearson(people[:, categories == name], model[:, categories == name]))
        )
        for name in np.unique(categories)
    }


def flip_sensitivity(
    people: Floats, model: Floats, *, rng: np.random.Generator
) -> dict[str, float]:
    """The overall r under random flips of the questions' codings.

    Flipping a question's coding turns its mean scores' sign on both sides. It says the same
    about the world, yet r changes, since the spread of mean scores over questions does. Where
    the range is wide, r rests on how questions happen to be coded.
    """
    signs = rng.integers(0, 2, size=(FLIPS, people.shape[1])) * 2.0 - 1.0
    values = np.array(
        [float(row_means(measures.pearson(people * sign, model * sign))) for sign in signs]
    )
    if np.isnan(values).all():
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan")}
    low, high = np.nanquantile(values, (0.025, 0.975))
    return {"mean": float(np.nanmean(values)), "low": float(low), "high": float(high)}


def judgments_outcome(inputs: DistributionInputs, rng: np.random.Generator) -> Outcome:
    """The protocol's result, and each country's correlation where it applies."""
    scores = inputs.overall
    judgment_scores = score_judgments(
        scores.survey,
        scores.answers,
        scores.scored,
        replicates=inputs.task.settings.replicates,
        rng=rng,
    )
    if np.isnan(judgment_scores.country.value).all():
        reason = "fewer than 3 ordinal questions were answered, or every mean score is the same"
        return Outcome(ProtocolResult(protocol=NAME, applies=False, reason=reason))
    countries = int((~np.isnan(judgment_scores.country.value)).sum())
    overall = [
        Score(
            name="pearson",
            value=single(judgment_scores.overall),
            questions=judgment_scores.questions,
            countries=countries,
            coverage=coverage_share(scores),
        ),
        Score(
            name="spearman",
            value=Interval(estimate=number(row_means(judgment_scores.spearman))),
            questions=judgment_scores.questions,
            countries=countries,
            coverage=coverage_share(scores),
        ),
    ]
    result = ProtocolResult(
        protocol=NAME,
        applies=True,
        scores=overall,
        tables=_tables(scores, judgment_scores).to_json(),
    )
    return Outcome(result, {"judgments": many(judgment_scores.country)})


def _tables(scores: AlignmentScores, judgment_scores: JudgmentScores) -> JudgmentsTables:
    countries = many(judgment_scores.country)
    return JudgmentsTables(
        countries=[
            CountryCorrelation(country=name, pearson=value, spearman=number(rank))
            for name, value, rank in zip(
                scores.survey.countries, countries, judgment_scores.spearman, strict=True
            )
        ],
        continents=[
            ContinentCorrelation(continent=name, pearson=single(value))
            for name, value in judgment_scores.continents.items()
        ],
        categories=[
            CategoryCorrelation(category=name, pearson=number(value))
            for name, value in judgment_scores.categories.items()
        ],
        random_flips=RandomFlips.model_validate(
            {name: number(value) for name, value in judgment_scores.flips.items()}
        ),
        note="Scales keep their own number of options: the paper's recoding to 3, 5, 7 or 9 "
        "options is not given, so there is no paper mode. Nominal questions are left out.",
    )
