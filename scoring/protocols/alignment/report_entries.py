"""From arrays of the alignment protocol to the entries of a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import codebook
from contracts.report import (
    CeilingKind,
    CellEntry,
    CountryEntry,
    GroupEntry,
    Interval,
    QuestionEntry,
    Score,
)
from contracts.specs import score_specs
from scoring.estimates import Estimate, many, number, row_means, single
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import continent_of
from scoring.protocols.alignment.compute import AlignmentScores
from scoring.protocols.alignment.further_measures import (
    CentredScores,
    country_equal,
    other_measures,
)
from scoring.protocols.alignment.worth import Worth


def overall_scores(scores: AlignmentScores, centred: CentredScores, worth: Worth) -> list[Score]:
    """Every score over the whole report."""
    coverage = coverage_share(scores)
    questions = int(scores.scored.any(axis=0).sum())
    countries = int(scores.scored.any(axis=1).sum())

    def score(name: str, value: Interval, *, better: bool = True, **fields: object) -> Score:
        return Score(
            name=name,
            value=value,
            higher_is_better=better,
            questions=questions,
            countries=countries,
            coverage=coverage,
            **fields,  # type: ignore[arg-type]
        )

    score_entries = [
        score(
            "alignment",
            single(scores.overall),
            fixed_questions=single(scores.overall_fixed),
            penalised=number(row_means(scores.penalised)),
        ),
        score("worth_people", single(worth.overall)),
        score("uniform_skill", single(scores.overall_uniform_skill)),
        score("ceiling_skill", single(scores.overall_ceiling_skill)),
        score("human_ceiling", single(scores.overall_ceiling)),
        score("difference", single(scores.overall_difference)),
        score("centred_alignment", single(centred.overall)),
        score("country_signal", single(centred.signal)),
    ]
    for name, cells in other_measures(scores).items():
        spec = score_specs()[name]
        value = single(country_equal(scores, cells, (spec.low, spec.high)))
        score_entries.append(score(name, value, better=spec.higher_is_better))
    return score_entries


def coverage_share(scores: AlignmentScores) -> float | None:
    """Scored cells over those expected."""
    expected = int((~np.isnan(scores.penalised)).sum())
    if not expected:
        return None
    total = scores.expected.sum()
    return float(scores.scored.sum() / total) if total else None


def country_entries(
    scores: AlignmentScores,
    centred: CentredScores,
    worth: Worth,
    *,
    kinds: Sequence[CeilingKind] | None = None,
) -> list[CountryEntry]:
    """One entry per country of the survey, in alphabetical order.

    `kinds` says what each country's ceiling rests on; None is effective sample sizes.
    """
    aligned, difference = many(scores.country), many(scores.difference)
    uniform, towards = many(scores.uniform_skill), many(scores.ceiling_skill)
    people = many(worth.country)
    own, fixed = many(centred.centred), many(scores.country_fixed)
    ceiling, floor = many(scores.country_ceiling), row_means(scores.floor)
    average, sd = scores.averages[scores.average], scores.sd
    entries = []
    for row, country in enumerate(scores.survey.countries):
        expected = int(scores.expected[row].sum())
        count = int(scores.scored[row].sum())
        ranks = [int(part[row]) or None for part in scores.ranks]
        entries.append(
            CountryEntry(
                country=country,
                alignment=aligned[row],
                questions=count,
                coverage=count / expected if expected else None,
                sd=number(sd[row]),
                rank=ranks[0],
                rank_low=ranks[1],
                rank_high=ranks[2],
                average_human=number(average[row]),
                difference=difference[row],
                verdict=scores.verdicts[row],
                centred=own[row],
                ceiling=ceiling[row].estimate,
                ceiling_kind=_ceiling_kind(ceiling[row], kinds, row),
                floor=number(floor[row]),
                worth_people=people[row],
                uniform_skill=uniform[row],
                ceiling_skill=towards[row],
                extra={
                    "fixed_low": fixed[row].low,
                    "fixed_high": fixed[row].high,
                    "penalised": number(scores.penalised[row]),
                    "ceiling_low": ceiling[row].low,
                    "ceiling_high": ceiling[row].high,
                    "tie_group": ranks[3],
                    "n_eff": number(_median_n_eff(scores, row)),
                },
            )
        )
    return entries


def _ceiling_kind(
    ceiling: Interval, kinds: Sequence[CeilingKind] | None, row: int
) -> CeilingKind | None:
    if ceiling.estimate is None:
        return None
    return kinds[row] if kinds else "effective sample sizes"


def _median_n_eff(scores: AlignmentScores, row: int) -> float:
    used = scores.survey.n_eff[row][scores.scored[row]]
    return float(np.median(used)) if used.size else np.nan


def question_entries(scores: AlignmentScores, wave: int) -> list[QuestionEntry]:
    """One entry per question that people answered somewhere; excluded ones are left out."""
    aligned = many(scores.question)
    floor, sd = row_means(scores.floor.T), _column_sd(scores.cells)
    geometry = scores.survey.geometry
    entries = []
    for row, question_id in enumerate(geometry.question_ids):
        expected = int(scores.expected[:, row].sum())
        if not expected:
            continue
        count = int(scores.scored[:, row].sum())
        entries.append(
            QuestionEntry(
                question_id=question_id,
                wave=wave,
                category=geometry.categories[row],
                level="ordinal" if geometry.ordinal[row] else "nominal",
                alignment=aligned[row],
                countries=count,
                coverage=count / expected,
                floor=number(floor[row]),
                extra={"sd_over_countries": number(sd[row])},
            )
        )
    return entries


def _column_sd(cells: Floats) -> Floats:
    count = (~np.isnan(cells)).sum(axis=0)
    gap = np.nan_to_num(cells - row_means(cells.T))
    return np.sqrt((gap**2).sum(axis=0) / np.where(count > 1, count - 1, np.nan))


def category_names(question_ids: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """Categories of the questions in the questionnaire's order, and each question's number."""
    known = codebook.questions()
    used = {known[name].category for name in question_ids}
    names = [name for name in codebook.CATEGORIES if name in used]
    index = {name: row for row, name in enumerate(names)}
    return names, np.array([index[known[name].category] for name in question_ids], np.int64)


def category_entries(scores: AlignmentScores, names: list[str]) -> list[GroupEntry]:
    """One entry per category of questions."""
    parts, fixed = many(scores.part), many(scores.part_fixed)
    categories = np.array(scores.survey.geometry.categories)
    entries = []
    for row, name in enumerate(names):
        columns = categories == name
        expected = int(scores.expected[:, columns].sum())
        if not expected:
            continue
        cells = scores.scored[:, columns]
        entries.append(
            GroupEntry(
                kind="category",
                name=name,
                alignment=parts[row],
                questions=int(cells.any(axis=0).sum()),
                countries=int(cells.any(axis=1).sum()),
                coverage=float(cells.sum() / expected),
                extra={"fixed_low": fixed[row].low, "fixed_high": fixed[row].high},
            )
        )
    return entries


def continent_entries(scores: AlignmentScores) -> list[GroupEntry]:
    """One entry per continent: the mean of its countries, each counting once."""
    from scoring.inference.intervals import percentile_bounds

    names = np.array([continent_of(country) for country in scores.survey.countries])
    entries = []
    for name in np.unique(names):
        rows = np.flatnonzero((names == name) & scores.scored.any(axis=1))
        expected = int(scores.expected[names == name].sum())
        if not rows.size:
            continue
        value = np.asarray(scores.country.value[rows].mean())
        replicates = scores.country_replicates[rows].mean(axis=0)
        questions = int(scores.scored[rows].any(axis=0).sum())
        bounds = percentile_bounds(replicates, value, units=questions, mean=True, limits=(0.0, 1.0))
        entries.append(
            GroupEntry(
                kind="continent",
                name=str(name),
                alignment=single(Estimate(value, bounds)),
                questions=questions,
                countries=int(rows.size),
                coverage=float(scores.scored[names == name].sum() / expected),
            )
        )
    return entries


def cell_entries(scores: AlignmentScores) -> list[CellEntry]:
    """One entry per expected cell: both sides' shares in scale order."""
    survey = scores.survey
    entries = []
    for row, question in np.argwhere(scores.expected):
        size = int(survey.geometry.sizes[question])
        entries.append(
            CellEntry(
                country=survey.countries[row],
                question_id=survey.geometry.question_ids[question],
                alignment=number(scores.cells[row, question]),
                people=[number(x) for x in survey.shares[row, question, :size]],
                model=[number(x) for x in scores.answers.shares[row, question, :size]],
                n=int(survey.n[row, question]),
                n_eff=number(survey.n_eff[row, question]),
                floor=number(scores.floor[row, question]),
            )
        )
    return entries
