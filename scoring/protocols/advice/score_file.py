"""Score an advice file: the advice protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import codebook
from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.errors import fail
from contracts.models import Notice
from contracts.release.read import Release
from contracts.report import Coverage, Interval, ProtocolResult, Score
from contracts.report_tables.advice import (
    AdviceCorrelation,
    AdviceCountry,
    AdviceTables,
    ResourceLevel,
)
from scoring.estimates import number
from scoring.inference.bootstrap import question_counts
from scoring.inference.intervals import interval, percentile_bounds
from scoring.inference.tests import benjamini_hochberg
from scoring.inputs.dilemmas import dimensions_of
from scoring.inputs.geometry import Floats
from scoring.protocols.advice.correlation import (
    REVERSED,
    Correlation,
    correlation_over_countries,
    counted_share,
    separation,
)
from scoring.protocols.advice.report_tables import further_tables
from scoring.protocols.advice.tally import NOBODY, AdviceCounts, Tally, count_advice
from scoring.protocols.judgments import weighted_pearson
from scoring.protocols.report_part import Part, all_protocols
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: Why advice to nobody has no correlation.
NOBODY_REASON = "asked as nobody: there are no countries to correlate over"

_NO_INTERVAL = Interval(estimate=None)


def score_advice_file(
    predictions: Predictions,
    release: Release,  # noqa: ARG001 - scorers of all kinds take the same arguments
    task: Task,
    *,
    cells: bool = False,  # noqa: ARG001
) -> Part:
    """Everything a report says of an advice file.

    Raises:
        ContractError: no row answers a known dilemma for a country with Hofstede scores, or for
            nobody.
    """
    counts = count_advice(predictions)
    if not counts.countries and not counts.nobody:
        raise fail(
            "nothing-scored",
            "no row answers a known dilemma for a country with Hofstede scores",
            where=predictions.name,
            found=f"{predictions.rows} rows",
            allowed="prompt_id such as ind-01 (see codebook/dilemmas), ISO3 country (or approach "
            "none)",
        )
    part = Part(coverage=_coverage(counts, predictions), notices=_notices(counts))
    results = []
    if "advice" in task.protocols:
        tables = _tables(counts, predictions, task)
        part.scores = [*_overall_scores(counts, task), *_table_scores(tables)]
        if counts.nobody:
            part.scores.append(Score(name=f"advice_correlation_{NOBODY}", value=_NO_INTERVAL))
        results.append(
            ProtocolResult(
                protocol="advice", applies=True, scores=part.scores, tables=tables.to_json()
            )
        )
    part.protocols = all_protocols(results, task.protocols, predictions.kind)
    return part


def _notices(counts: AdviceCounts) -> list[Notice]:
    notices = []
    if counts.lost:
        notices.append(
            Notice(
                code="advice-left-out",
                message="Rows with an unknown dilemma or a country without Hofstede scores.",
                count=counts.lost,
            )
        )
    if not counts.countries:
        notices.append(
            Notice(
                code="advice-nobody",
                message="Advice to nobody in particular has a lean, but no correlation with "
                "countries' scores.",
            )
        )
    return notices


def _coverage(counts: AdviceCounts, predictions: Predictions) -> Coverage:
    """Answers with a side, of all that were asked for as far as the file says."""
    sums = counts.total
    total, decided = int(sums.sum()), int(sums[:2].sum())
    answers = predictions.meta.extra.get("answers", {})
    planned = answers.get("expected") if isinstance(answers, Mapping) else None
    expected = max(total, planned - counts.lost) if isinstance(planned, int) else total
    return Coverage(
        expected=expected,
        scored=decided,
        missing=expected - total,
        invalid=total - decided,
        share=decided / expected if expected else None,
    )


def _overall_scores(counts: AdviceCounts, task: Task) -> list[Score]:
    rng = np.random.default_rng(task.settings.seed)
    tally = counts.countries
    return [_overall(approach, cells, task, rng) for approach, cells in sorted(tally.items())]


def _tables(counts: AdviceCounts, predictions: Predictions, task: Task) -> AdviceTables:
    countries = _country_rows(counts.countries)
    dimensions = dimensions_of(predictions)
    further = further_tables(predictions, countries, task, dimensions=dimensions)
    return AdviceTables(
        correlations=_correlations(counts, paper=task.settings.mode != "corrected"),
        resource_levels=_level_rows(counts.countries),
        countries=countries,
        note="pearson is the plain correlation of score and counted share; aligned turns its "
        "sign for power distance, whose counted side is the low one.",
        lean=further.lean,
        given_lean=further.given_lean,
        paired=further.paired,
    )


def _correlations(counts: AdviceCounts, *, paper: bool) -> list[AdviceCorrelation]:
    """Rows of the countries with adjusted p-values, then those of advice to nobody."""
    rows = [
        _row(approach, dimension, cells, paper=paper)
        for approach, dimensions in sorted(counts.countries.items())
        for dimension in HOFSTEDE_DIMENSIONS
        if (cells := dimensions.get(dimension))
    ]
    adjusted = benjamini_hochberg([_nan(row.p_value) for row in rows])
    tested = [
        row.model_copy(update={"p_adjusted": number(p_value)})
        for row, p_value in zip(rows, adjusted, strict=True)
    ]
    nobody = [
        _nobody_row(dimension, counts.nobody[dimension])
        for dimension in HOFSTEDE_DIMENSIONS
        if dimension in counts.nobody
    ]
    return [*tested, *nobody]


def _level_rows(tally: Tally) -> list[ResourceLevel]:
    return [
        row
        for approach, dimensions in sorted(tally.items())
        for dimension in HOFSTEDE_DIMENSIONS
        for row in _levels(approach, dimension, dimensions.get(dimension, {}))
    ]


def _table_scores(tables: AdviceTables) -> list[Score]:
    """What the tables say in single numbers, for boards: by dimension, given the lean, the lean."""
    scores = [
        Score(
            name=f"advice_{row.dimension}_{row.approach}",
            value=row.aligned,
            countries=row.countries,
        )
        for row in tables.correlations or ()
        if row.approach != NOBODY
    ]
    scores += [
        Score(
            name=f"advice_given_lean_{row.approach}",
            value=row.partial,
            countries=row.countries,
        )
        for row in tables.given_lean or ()
    ]
    scores += [
        Score(
            name=f"advice_lean_{row.dimension}",
            value=row.high,
            questions=row.dilemmas,
        )
        for row in tables.lean or ()
        if row.approach == NOBODY
    ]
    return scores


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _arrays(
    cells: dict[str, NDArray[np.int64]], dimension: str, *, conclusive_only: bool = False
) -> tuple[Floats, Floats]:
    """Hofstede scores and counted shares of the countries in alphabetical order."""
    known = codebook.countries()
    names = sorted(cells)
    scores = [known[name].hofstede.scores[dimension] for name in names]  # type: ignore[union-attr]
    counts = np.array([cells[name] for name in names]).reshape(-1, 3)
    shares = counted_share(
        counts[:, 0], counts[:, 1], counts[:, 2], dimension, conclusive_only=conclusive_only
    )
    return np.array(scores, float), shares


def _row(
    approach: str, dimension: str, cells: dict[str, NDArray[np.int64]], *, paper: bool
) -> AdviceCorrelation:
    scores, shares = _arrays(cells, dimension)
    sums = np.sum(list(cells.values()), axis=0)
    correlation = correlation_over_countries(
        scores, shares, rows=int(sums.sum()) if paper else None
    )
    # The authors' code drops inconclusive answers here, though not for the correlation.
    separate = separation(*_arrays(cells, dimension, conclusive_only=paper), dimension)
    return AdviceCorrelation(
        approach=approach,
        dimension=dimension,
        pearson=number(correlation.value),
        aligned=_aligned(correlation, dimension),
        p_value=number(correlation.p_value),
        countries=correlation.countries,
        auroc=number(separate.auroc),
        accuracy=number(separate.paper if paper else separate.accuracy),
        majority_floor=number(separate.floor),
        inconclusive=float(sums[2] / sums.sum()),
        high=float(sums[0] / sums.sum()),
        reason=_no_correlation(correlation, shares),
    )


def _no_correlation(correlation: Correlation, shares: Floats) -> str:
    """Why there is no correlation; empty where there is one."""
    if not np.isnan(correlation.value):
        return ""
    if correlation.countries < 2:
        return "fewer than two countries"
    if np.ptp(shares[~np.isnan(shares)]) == 0:
        return "the same share for every country: advice does not depend on who asks"
    return "no spread in the countries' scores"


def _nobody_row(dimension: str, sums: NDArray[np.int64]) -> AdviceCorrelation:
    return AdviceCorrelation(
        approach=NOBODY,
        dimension=dimension,
        pearson=None,
        aligned=_NO_INTERVAL,
        p_value=None,
        countries=0,
        auroc=None,
        accuracy=None,
        majority_floor=None,
        inconclusive=float(sums[2] / sums.sum()),
        high=float(sums[0] / sums.sum()),
        reason=NOBODY_REASON,
        p_adjusted=None,
    )


def _aligned(correlation: Correlation, dimension: str) -> Interval:
    """The correlation's interval, its sign turned where the counted side is the low one."""
    sign = -1 if dimension == REVERSED else 1
    ends = sorted((sign * correlation.low, sign * correlation.high))
    return interval(sign * correlation.value, *ends)


def _levels(
    approach: str, dimension: str, cells: dict[str, NDArray[np.int64]]
) -> list[ResourceLevel]:
    known = codebook.countries()
    rows = []
    for level in ("high", "mid", "low"):
        part = {
            name: counts
            for name, counts in cells.items()
            if known[name].hofstede.resource_level == level  # type: ignore[union-attr]
        }
        if part:
            correlation = correlation_over_countries(*_arrays(part, dimension))
            rows.append(
                ResourceLevel(
                    approach=approach,
                    dimension=dimension,
                    level=level,
                    pearson=number(correlation.value),
                    aligned=_aligned(correlation, dimension),
                    p_value=number(correlation.p_value),
                    countries=correlation.countries,
                )
            )
    return rows


def _country_rows(tally: Tally) -> list[AdviceCountry]:
    return [
        AdviceCountry(
            approach=approach,
            dimension=dimension,
            country=country,
            score=codebook.countries()[country].hofstede.scores[dimension],  # type: ignore[union-attr]
            counted_share=number(counted_share(counts[0], counts[1], counts[2], dimension)),
            inconclusive_share=float(counts[2] / counts.sum()),
            answers=int(counts.sum()),
        )
        for approach, dimensions in sorted(tally.items())
        for dimension in HOFSTEDE_DIMENSIONS
        for country, counts in sorted(dimensions.get(dimension, {}).items())
    ]


def _overall(
    approach: str,
    dimensions: dict[str, dict[str, NDArray[np.int64]]],
    task: Task,
    rng: np.random.Generator,
) -> Score:
    """Mean aligned correlation over the dimensions, with an interval over sampled countries."""
    names = sorted({name for cells in dimensions.values() for name in cells})
    scores, shares = (np.full((len(HOFSTEDE_DIMENSIONS), len(names)), np.nan) for _ in range(2))
    for row, dimension in enumerate(HOFSTEDE_DIMENSIONS):
        cells = dimensions.get(dimension, {})
        columns = [names.index(name) for name in sorted(cells)]
        if columns:
            score_arrays = _arrays(cells, dimension)
            sign = -1 if dimension == REVERSED else 1
            scores[row, columns], shares[row, columns] = sign * score_arrays[0], score_arrays[1]
    values = np.array(
        [correlation_over_countries(x, y).value for x, y in zip(scores, shares, strict=True)]
    )
    used = ~np.isnan(values)
    if not used.any():
        return Score(name=f"advice_correlation_{approach}", value=_NO_INTERVAL)
    counts = question_counts(len(names), replicates=task.settings.replicates, rng=rng)
    drawn = weighted_pearson(scores[used], shares[used], counts)
    drawn = np.where(np.isnan(drawn), values[used][:, None], drawn).mean(axis=0)
    value = np.asarray(values[used].mean())
    bounds = percentile_bounds(drawn, value, units=len(names), limits=(-1.0, 1.0))
    return Score(
        name=f"advice_correlation_{approach}",
        value=interval(float(value), float(bounds.low), float(bounds.high)),
        countries=len(names),
    )
