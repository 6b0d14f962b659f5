"""From distances of ratings to the entries of a report."""

from __future__ import annotations

import numpy as np

from contracts.report import Coverage, GroupEntry, Interval, ProtocolResult, QuestionEntry, Score
from contracts.report_tables.curves import ThresholdCurve
from contracts.report_tables.worldvaluesbench import BaselineMeans, WorldValuesBenchTables
from scoring.estimates import Estimate, number, row_means, single
from scoring.inference.bootstrap import (
    fixed_replicates,
    question_counts,
    resampled_means,
    sampled_replicates,
)
from scoring.inference.intervals import Bounds, percentile_bounds
from scoring.inputs.geometry import Floats
from scoring.inputs.respondents import cell_names
from scoring.protocols.alignment.report_entries import category_names
from scoring.protocols.alignment.report_tables import threshold_curve
from scoring.protocols.report_part import Part, all_protocols
from scoring.protocols.worldvaluesbench.compute import RatingScores
from scoring.protocols.worldvaluesbench.count import RatingCounts
from scoring.protocols.worldvaluesbench.scales import RatingScales
from scoring.settings import Task

#: What ratings are compared with, as the report's tables name it.
PROBE, PROTECTED_PROBE = "the probe", "the probe, counts to the nearest 5"
NAMED = "the answers of the people named"

#: Distances whose share of questions is a headline figure.
HEADLINES = (0.1, 0.2)


def fill_part(
    part: Part,
    scores: RatingScores,
    scales: RatingScales,
    counts: RatingCounts,
    task: Task,
    rng: np.random.Generator,
    compared_with: str,
) -> None:
    """Fill a part with scores, entries and tables.

    Args:
        part: filled in place; its coverage stands already.
        scores: distances per question.
        scales: the questions.
        counts: what the file amounts to.
        task: settings and protocols.
        rng: source of the redraws of questions.
        compared_with: `PROBE`, `PROTECTED_PROBE` or `NAMED`.
    """
    aligned = 1 - scores.distance
    columns = np.flatnonzero(~np.isnan(aligned))
    draws = np.zeros((len(aligned), task.settings.replicates))
    draws[columns] = question_counts(len(columns), replicates=task.settings.replicates, rng=rng)
    part.scores = _overall(scores, draws, part.coverage)
    part.questions = _question_entries(scores, scales, task.settings.wave)
    part.groups = [*_categories(scores, scales, task, rng), *_cell_entries(scores)]
    tables = _tables(scores, scales, counts, compared_with)
    results = []
    if "worldvaluesbench" in task.protocols:
        results.append(
            ProtocolResult(
                protocol="worldvaluesbench",
                applies=True,
                scores=part.scores,
                tables=tables.to_json(),
            )
        )
    part.protocols = all_protocols(results, task.protocols, "rating")


def _overall(scores: RatingScores, draws: Floats, coverage: Coverage) -> list[Score]:
    questions = int((~np.isnan(scores.distance)).sum())

    def mean(cells: Floats, limits: tuple[float, float]) -> Estimate:
        value = np.asarray(row_means(cells))
        drawn = resampled_means(cells, draws)
        units = int((~np.isnan(cells)).sum())
        bounds = percentile_bounds(drawn, value, units=units, mean=True, limits=limits)
        return Estimate(value, bounds)

    def score(name: str, value: Interval, *, better: bool, fixed: Interval | None = None) -> Score:
        return Score(
            name=name,
            value=value,
            fixed_questions=fixed,
            higher_is_better=better,
            questions=questions,
            coverage=coverage.share,
        )

    distance, fixed = _mean_distance(scores, draws)
    entries = [
        score("alignment", _flipped(distance), better=True, fixed=_flipped(fixed)),
        score("wasserstein", single(distance), better=False, fixed=single(fixed)),
    ]
    for limit in HEADLINES:
        within = np.where(np.isnan(scores.distance), np.nan, scores.distance <= limit + 1e-9)
        entries.append(score(f"share_within_{limit}", single(mean(within, (0, 1))), better=True))
    skill = _skill(scores, draws)
    entries.append(score("uniform_skill", single(skill), better=True))
    for name, cells in (
        ("mean_absolute_error", scores.mean_absolute_error),
        ("accuracy", scores.accuracy),
    ):
        entries.append(score(name, single(mean(cells, (0, 1))), better=name == "accuracy"))
    entries.append(
        score("group_wasserstein", single(mean(_group_means(scores), (0, 1))), better=False)
    )
    return entries


def _mean_distance(scores: RatingScores, draws: Floats) -> tuple[Estimate, Estimate]:
    """Mean distance with questions sampled, and fixed."""
    value = np.asarray(row_means(scores.distance))
    known = ~np.isnan(scores.distance)
    noise = scores.noise.deviations[known].mean(axis=0)
    corrected = np.where(known, scores.distance - scores.noise.bias, np.nan)
    centre = np.asarray(row_means(corrected))
    sampled = sampled_replicates(resampled_means(corrected, draws), noise, centre)
    limits = _limits(scores)
    return (
        Estimate(
            value,
            percentile_bounds(sampled, value, units=int(known.sum()), mean=True, limits=limits),
        ),
        Estimate(value, percentile_bounds(fixed_replicates(noise, centre), value, limits=limits)),
    )


def _limits(scores: RatingScores) -> tuple[float, float]:
    """Smallest and largest possible distance.

    It exceeds 1 only where the rules of the paper let ratings lie off the scale.
    """
    return 0.0, np.inf if (scores.distance > 1).any() else 1.0


def _flipped(estimate: Estimate) -> Interval:
    """The interval of one minus an estimate."""
    original = single(estimate)
    ends = [None if end is None else 1 - end for end in (original.high, original.low)]
    value = None if original.estimate is None else 1 - original.estimate
    return Interval(estimate=value, low=ends[0], high=ends[1])


def _skill(scores: RatingScores, draws: Floats) -> Estimate:
    known = ~np.isnan(scores.distance)
    top, bottom = scores.distance, np.where(known, scores.uniform, np.nan)
    mean = float(row_means(bottom))
    if not mean > 1e-12:
        return Estimate(np.asarray(np.nan), percentile_bounds(np.zeros(2), np.asarray(np.nan)))
    value = np.asarray(1 - row_means(top) / mean)
    drawn = 1 - resampled_means(top, draws) / np.maximum(resampled_means(bottom, draws), 1e-12)
    bounds = percentile_bounds(drawn, value, units=int(known.sum()), limits=(-np.inf, 1.0))
    return Estimate(value, bounds)


def _group_means(scores: RatingScores) -> Floats:
    """Mean over the cells of the distance within a cell, by question."""
    return row_means(scores.groups.T)


def _question_entries(scores: RatingScores, scales: RatingScales, wave: int) -> list[QuestionEntry]:
    geometry = scales.geometry
    centre = scores.distance - scores.noise.bias
    replicates = centre[:, None] + scores.noise.deviations
    bounds = percentile_bounds(replicates, scores.distance, limits=_limits(scores))
    floor, groups = row_means(scores.group_floor.T), _group_means(scores)
    entries = []
    for row, question_id in enumerate(geometry.question_ids):
        value = Estimate(scores.distance[row], Bounds(bounds.low[row], bounds.high[row]))
        entries.append(
            QuestionEntry(
                question_id=question_id,
                wave=wave,
                category=geometry.categories[row],
                level="ordinal" if geometry.ordinal[row] else "nominal",
                alignment=_flipped(value),
                floor=number(scores.noise.floor[row]),
                extra={
                    "wasserstein": number(scores.distance[row]),
                    "uniform": number(scores.uniform[row]),
                    "majority": number(scores.majority[row]),
                    "ratings": float(scores.pairs[row]),
                    "mean_absolute_error": number(scores.mean_absolute_error[row]),
                    "accuracy": number(scores.accuracy[row]),
                    "group_wasserstein": number(groups[row]),
                    "group_floor": number(floor[row]),
                },
            )
        )
    return entries


def _categories(
    scores: RatingScores, scales: RatingScales, task: Task, rng: np.random.Generator
) -> list[GroupEntry]:
    names, parts = category_names(scales.geometry.question_ids)
    entries = []
    for part, name in enumerate(names):
        columns = np.flatnonzero((parts == part) & ~np.isnan(scores.distance))
        if not columns.size:
            continue
        cells = scores.distance[columns]
        counts = question_counts(len(columns), replicates=task.settings.replicates, rng=rng)
        value = np.asarray(cells.mean())
        bounds = percentile_bounds(
            resampled_means(cells - scores.noise.bias[columns], counts),
            value,
            units=len(columns),
            mean=True,
            limits=_limits(scores),
        )
        entries.append(
            GroupEntry(
                kind="category",
                name=name,
                alignment=_flipped(Estimate(value, bounds)),
                questions=len(columns),
                extra={"wasserstein": number(scores.distance[columns].mean())},
            )
        )
    return entries


def _cell_entries(scores: RatingScores) -> list[GroupEntry]:
    """One entry per demographic cell: the mean over questions of the distance within it."""
    means, floors = row_means(scores.groups), row_means(scores.group_floor)
    entries = []
    for row, name in enumerate(cell_names()[:-1]):
        if np.isnan(means[row]):
            continue
        known = ~np.isnan(scores.groups[row])
        entries.append(
            GroupEntry(
                kind="cell",
                name=name,
                alignment=Interval(estimate=number(1 - means[row])),
                questions=int(known.sum()),
                extra={
                    "wasserstein": number(means[row]),
                    "floor": number(floors[row]),
                    "ratings": float(scores.group_pairs[row].sum()),
                },
            )
        )
    return entries


def _tables(
    scores: RatingScores, scales: RatingScales, counts: RatingCounts, compared_with: str
) -> WorldValuesBenchTables:
    curves = {
        "model": threshold_curve(scores.distance),
        "uniform": threshold_curve(scores.uniform),
        "majority": threshold_curve(scores.majority),
    }
    known = scores.distance[~np.isnan(scores.distance)]
    return WorldValuesBenchTables(
        compared_with=compared_with,
        unsteered_samples=counts.samples,
        threshold_curves=curves,
        sd=number(known.std(ddof=1)) if known.size > 1 else None,
        means=BaselineMeans(
            uniform=number(row_means(scores.uniform)),
            majority=number(row_means(scores.majority)),
        ),
        category_curves=_category_curves(scores, scales),
    )


def _category_curves(scores: RatingScores, scales: RatingScales) -> dict[str, ThresholdCurve]:
    names, parts = category_names(scales.geometry.question_ids)
    return {
        name: threshold_curve(scores.distance[parts == part]) for part, name in enumerate(names)
    }
