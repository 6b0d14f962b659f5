"""The steering table: alignment by country, condition and model, against no steering.

For a country and a model only questions count that were scored under all of its conditions; what
any prompt of any of them showed with answers is thereby left out for all. Corrected mode takes the
paired sign-flip permutation test over questions and adjusts for the number of tests (Holm,
Benjamini-Hochberg, over the whole table). Paper mode takes the two-sided independent t-test behind
the stars of the alignment paper's tables 1 and 9, unadjusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from codebook.questions import few_shot_ids
from contracts.errors import fail
from contracts.report import Report
from contracts.studies import SteeringRow, SteeringStudy, StudyRelease
from scoring.comparison.compare import cell_scores
from scoring.estimates import number, row_means
from scoring.inference.tests import (
    PairedTest,
    benjamini_hochberg,
    holm,
    independent_t_test,
    sign_flip_tests,
)
from scoring.inputs.geometry import Floats, Mode
from scoring.studies.conditions import Study, condition_order, make_study, study_notices

#: Condition that others are tested against.
BASE = "none"

#: Name of the rows over all models, and over all countries.
ALL_MODELS, ALL_COUNTRIES = "(all models)", "(all countries)"

#: p-values below which the paper prints one star more.
STAR_LEVELS = (0.05, 0.01, 0.001)


#: Scores of one report by country: one per question of the study, shape (Q,), NaN where none.
Cells = Mapping[str, Floats]


class Row(NamedTuple):
    """Scores of one condition over common questions, shape (U, Q), NaN elsewhere.

    U counts what is averaged over: 1, or models, or countries. `base` are the scores without
    steering, None for these themselves and where there are none.
    """

    country: str
    model: str
    condition: str
    scores: Floats
    base: Floats | None


def steering_study(
    reports: Sequence[Report],
    *,
    countries: Sequence[str] = (),
    seed: int = 0,
    permutations: int = 9999,
) -> SteeringStudy:
    """The steering table.

    Args:
        reports: one for each model and condition, scored by the alignment protocol on one
            release by the same rules.
        countries: ISO3 codes; by default those that steered answers were given for.
        seed: seed of the permutations.
        permutations: random sign patterns of each test.

    Returns:
        `rows`: country, model, condition, alignment, difference from no steering, p_value,
        p_holm, p_bh (corrected mode) or stars (paper mode), number of questions. With several
        models rows of `(all models)` hold the mean over them; rows of `(all countries)` the mean
        over countries.

    Raises:
        ContractError: see `make_study`; or a country was not scored.
    """
    study = make_study(reports)
    mode: Mode = reports[0].settings.mode
    scored = [_scored(part.report) for part in study.parts]
    axis = sorted({question for one in scored for row in one.values() for question in row})
    cells = {
        id(part.report): {c: _on(axis, row) for c, row in one.items() if row}
        for part, one in zip(study.parts, scored, strict=True)
    }
    chosen = _countries(study, cells, countries)
    rows = [row for country in chosen for row in _country_rows(study, cells, country)]
    rows += _over_models(rows, study.models)
    rows += _over_countries(rows)
    tests = _tests(rows, mode, np.random.default_rng(seed), permutations)
    table = [_entry(row, test) for row, test in zip(rows, tests, strict=True)]
    first = reports[0]
    return SteeringStudy(
        mode=mode,
        release=StudyRelease(name=first.release.name, digest=first.release.digest),
        wave=first.settings.wave,
        models=list(study.models),
        countries=list(chosen),
        conditions=sorted({row.condition for row in rows}, key=condition_order),
        rows=_adjusted(table, mode),
        shown_questions=_shown(study),
        test="independent t-test (paper)" if mode != "corrected" else "paired sign flips",
        seed=seed,
        permutations=permutations,
        notices=study_notices(study),
    )


def _scored(report: Report) -> dict[str, dict[str, float]]:
    """Scores by country and question.

    Paper-mode reports leave the examples of all countries out of the model's mean. The paper's
    tables leave out the country's own only, so they need the cells that `score --cells` lists.
    """
    scores_by_country: dict[str, dict[str, float]] = {}
    if report.settings.mode != "corrected" and report.cells:
        for cell in report.cells:
            own = few_shot_ids(cell.country)
            if cell.alignment is not None and not cell.group and cell.question_id not in own:
                scores_by_country.setdefault(cell.country, {})[cell.question_id] = cell.alignment
        return scores_by_country
    table = cell_scores(report)
    if table.countries == ("",):
        raise fail(
            "no-cell-scores",
            "the report has no scores by country and question",
            where=report.predictions.name,
            hint="Score a distribution file with the alignment protocol.",
        )
    for country, row in zip(table.countries, table.scores, strict=True):
        pairs = zip(table.questions, row, strict=True)
        scores_by_country[country] = {
            name: float(score) for name, score in pairs if not np.isnan(score)
        }
    return scores_by_country


def _on(axis: Sequence[str], scores: Mapping[str, float]) -> Floats:
    return np.array([scores.get(question, np.nan) for question in axis], np.float64)


def _countries(study: Study, cells: Mapping[int, Cells], wanted: Sequence[str]) -> tuple[str, ...]:
    targeted = [part for part in study.parts if part.is_targeted] or list(study.parts)
    targeted_countries = sorted(
        {country for part in targeted for country in cells[id(part.report)]}
    )
    lacking = [country for country in wanted if country not in targeted_countries]
    if lacking or not targeted_countries:
        raise fail(
            "no-country",
            "the reports hold no steered answers for a country",
            found=", ".join(lacking),
            allowed=", ".join(targeted_countries) or "none",
        )
    return tuple(wanted) or tuple(targeted_countries)


def _country_rows(study: Study, cells: Mapping[int, Cells], country: str) -> Iterator[Row]:
    """Rows of every model for a country, over the questions that all its conditions have."""
    for model in study.models:
        conditions = study.conditions(model, country)
        scores = {
            name: cells[id(part.report)][country]
            for name, part in conditions.items()
            if country in cells[id(part.report)]
        }
        yield from _common_rows(country, model, {name: one[None] for name, one in scores.items()})


def _common_rows(country: str, model: str, scores: Mapping[str, Floats]) -> Iterator[Row]:
    """A row for each condition, everything but the cells that all of them have made NaN."""
    if not scores:
        return
    common = np.isfinite(np.stack(list(scores.values()))).all(axis=0)
    common_scores = {name: np.where(common, one, np.nan) for name, one in scores.items()}
    for name, one in common_scores.items():
        yield Row(country, model, name, one, None if name == BASE else common_scores.get(BASE))


def _over_models(rows: Sequence[Row], models: Sequence[str]) -> list[Row]:
    """Rows over all models, for countries and conditions that every model has.

    Only questions count that all of them have, so that each model weighs the same on each.
    """
    if len(models) < 2:
        return []
    pooled_rows: list[Row] = []
    for country in dict.fromkeys(row.country for row in rows):
        by_condition: dict[str, dict[str, Floats]] = {}
        for row in rows:
            if row.country == country:
                by_condition.setdefault(row.condition, {})[row.model] = row.scores
        stacked = {
            name: np.concatenate([by_model[model] for model in models])
            for name, by_model in by_condition.items()
            if len(by_model) == len(models)
        }
        if stacked:
            whole = np.isfinite(np.stack(list(stacked.values()))).all(axis=(0, 1))
            masked = {name: np.where(whole, one, np.nan) for name, one in stacked.items()}
            pooled_rows += _common_rows(country, ALL_MODELS, masked)
    return pooled_rows


def _over_countries(rows: Sequence[Row]) -> list[Row]:
    """Rows over all countries of a model (or of all models' means) and condition."""
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        grouped.setdefault((row.model, row.condition), []).append(row)
    pooled_rows = []
    for (model, condition), group in grouped.items():
        if len(group) < 2:
            continue
        bases = [row.base for row in group if row.base is not None]
        base = np.concatenate(bases) if len(bases) == len(group) else None
        scores = np.concatenate([row.scores for row in group])
        pooled_rows.append(Row(ALL_COUNTRIES, model, condition, scores, base))
    return pooled_rows


def _entry(row: Row, test: PairedTest | None) -> SteeringRow:
    entry = SteeringRow(
        country=row.country,
        model=row.model,
        condition=row.condition,
        alignment=number(row_means(row_means(row.scores))),
        questions=int(np.isfinite(row.scores).any(axis=0).sum()),
        averaged=len(row.scores),
    )
    if row.base is None:
        return entry
    gap = row.scores - row.base
    p_value = None if test is None else number(test.p_value)
    return entry.model_copy(
        update={"difference": number(row_means(row_means(gap))), "p_value": p_value}
    )


def _tests(
    rows: Sequence[Row], mode: Mode, rng: np.random.Generator, permutations: int
) -> list[PairedTest | None]:
    """The test of each row against its base; None where there is none."""
    if mode != "corrected":
        return [_paper_test(row) for row in rows]
    gaps = [row_means((row.scores - row.base).T) for row in rows if row.base is not None]
    if not gaps:
        return [None] * len(rows)
    tests = iter(sign_flip_tests(np.stack(gaps), rng=rng, permutations=permutations))
    return [None if row.base is None else next(tests) for row in rows]


def _paper_test(row: Row) -> PairedTest | None:
    # The paper has no row over all countries, nor a test of one.
    if row.base is None or row.country == ALL_COUNTRIES:
        return None
    return independent_t_test(row.scores.ravel(), row.base.ravel())


def _adjusted(rows: Sequence[SteeringRow], mode: Mode) -> list[SteeringRow]:
    """The rows with p-values adjusted over all tests of the table; paper mode: with its stars."""
    tested = [row for row in rows if row.has_base]
    p_values = [np.nan if row.p_value is None else row.p_value for row in tested]
    if mode != "corrected":
        further = iter(
            [
                row.model_copy(update={"stars": stars(p)})
                for row, p in zip(tested, p_values, strict=True)
            ]
        )
    else:
        adjusted = zip(tested, holm(p_values), benjamini_hochberg(p_values), strict=True)
        further = iter(
            [
                row.model_copy(update={"p_holm": number(by_holm), "p_bh": number(by_bh)})
                for row, by_holm, by_bh in adjusted
            ]
        )
    return [next(further) if row.has_base else row for row in rows]


def stars(p_value: float) -> int:
    """Stars that the alignment paper prints: 1 below 0.05, 2 below 0.01, 3 below 0.001."""
    return sum(p_value < level for level in STAR_LEVELS)


def _shown(study: Study) -> list[str]:
    """Questions that any prompt of the study showed with answers."""
    shown_questions = {
        q for part in study.parts for q in part.report.predictions.meta.few_shot_questions
    }
    return sorted(
        shown_questions, key=lambda name: int("".join(c for c in name if c.isdigit()) or 0)
    )
