"""From arrays of the judgments protocol to the entries of a report."""

from __future__ import annotations

from typing import Any

import numpy as np

from contracts.report import CountryEntry, Interval, ProtocolResult, Score
from scoring.estimates import row_means
from scoring.fill_alignment import coverage_share, many, number, single
from scoring.protocols.alignment_scores import AlignmentScores
from scoring.protocols.judgments import JudgmentScores, score_judgments
from scoring.settings import Task


def judgment_result(
    scores: AlignmentScores, task: Task, rng: np.random.Generator
) -> tuple[ProtocolResult, list[Interval] | None]:
    """The protocol's result, and each country's correlation; None where it does not apply."""
    found = score_judgments(
        scores.survey,
        scores.answers,
        scores.scored,
        replicates=task.settings.replicates,
        rng=rng,
    )
    if np.isnan(found.country.value).all():
        reason = "fewer than 3 ordinal questions were answered, or every mean score is the same"
        return ProtocolResult(protocol="judgments", applies=False, reason=reason), None
    countries = int((~np.isnan(found.country.value)).sum())
    overall = [
        Score(
            name="pearson",
            value=single(found.overall),
            questions=found.questions,
            countries=countries,
            coverage=coverage_share(scores),
        ),
        Score(
            name="spearman",
            value=Interval(estimate=number(row_means(found.spearman))),
            questions=found.questions,
            countries=countries,
            coverage=coverage_share(scores),
        ),
    ]
    result = ProtocolResult(
        protocol="judgments", applies=True, scores=overall, tables=_tables(scores, found)
    )
    return result, many(found.country)


def _tables(scores: AlignmentScores, found: JudgmentScores) -> dict[str, Any]:
    countries = many(found.country)
    return {
        "countries": [
            {"country": name, "pearson": value.model_dump(), "spearman": number(rank)}
            for name, value, rank in zip(
                scores.survey.countries, countries, found.spearman, strict=True
            )
        ],
        "continents": [
            {"continent": name, "pearson": single(value).model_dump()}
            for name, value in found.continents.items()
        ],
        "categories": [
            {"category": name, "pearson": number(value)} for name, value in found.categories.items()
        ],
        "random_flips": {name: number(value) for name, value in found.flips.items()},
        "note": "Scales keep their own number of options: the paper's recoding to 3, 5, 7 or 9 "
        "options is not given, so there is no paper mode. Nominal questions are left out.",
    }


def with_judgments(entries: list[CountryEntry], values: list[Interval]) -> list[CountryEntry]:
    """The entries with each country's correlation."""
    return [
        entry.model_copy(update={"judgments": value})
        for entry, value in zip(entries, values, strict=True)
    ]
