"""Tables of an advice report beyond the correlations: lean, partial correlation, pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.report_tables.advice import AdviceCountry, ApproachPair, GivenLean, Lean
from scoring.estimates import number
from scoring.inference.intervals import interval
from scoring.inference.tests import benjamini_hochberg
from scoring.inputs.geometry import Floats
from scoring.protocols.advice.correlation import REVERSED
from scoring.protocols.advice.lean import Paired, lean, paired_approaches, partial_correlation

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions
    from scoring.settings import Task


#: Field of a country's row that a grid holds.
Field = Literal["counted_share", "inconclusive_share"]

#: approach -> dilemma -> numbers of high and low answers.
Sides = dict[str, dict[str, NDArray[np.int64]]]


class FurtherTables(NamedTuple):
    """The tables of this file."""

    lean: list[Lean]
    given_lean: list[GivenLean]
    paired: list[ApproachPair]


def further_tables(
    predictions: Predictions,
    countries: Sequence[AdviceCountry],
    task: Task,
    *,
    dimensions: Mapping[str, str],
) -> FurtherTables:
    """Lean by approach and dimension, correlation given the lean, and pairs of approaches.

    Args:
        predictions: an advice file.
        countries: rows of the report's table `countries`.
        task: seed and replicates.
        dimensions: dimension by id of a dilemma.
    """
    rng = np.random.default_rng(task.settings.seed)
    replicates = task.settings.replicates
    leans = _lean_rows(read_sides(predictions, dimensions), dimensions, rng, replicates)
    return FurtherTables(
        lean=leans,
        given_lean=_given_lean(countries, leans, rng, replicates),
        paired=paired_rows(countries, rng=rng, replicates=replicates),
    )


def read_sides(predictions: Predictions, dimensions: Mapping[str, str]) -> Sides:
    """Numbers of high and low answers by approach and dilemma, whoever asked."""
    assert predictions.table is not None
    keys = ["approach", "prompt_id", "side"]
    grouped = predictions.table.group_by(keys).aggregate([([], "count_all")])
    sides: Sides = {}
    for row in grouped.to_pylist():
        if row["prompt_id"] in dimensions and row["side"] != "inconclusive":
            by_dilemma = sides.setdefault(row["approach"], {})
            counts = by_dilemma.setdefault(row["prompt_id"], np.zeros(2, np.int64))
            counts[0 if row["side"] == "high" else 1] += row["count_all"]
    return sides


def _lean_rows(
    sides: Sides, dimensions: Mapping[str, str], rng: np.random.Generator, replicates: int
) -> list[Lean]:
    rows = []
    for approach, by_dilemma in sorted(sides.items()):
        for dimension in HOFSTEDE_DIMENSIONS:
            counts = np.array(
                [n for d, n in sorted(by_dilemma.items()) if dimensions[d] == dimension]
            ).reshape(-1, 2)
            if len(counts):
                lean_estimate = lean(counts[:, 0], counts[:, 1], rng=rng, replicates=replicates)
                rows.append(
                    Lean(
                        approach=approach,
                        dimension=dimension,
                        high=interval(lean_estimate.value, lean_estimate.low, lean_estimate.high),
                        dilemmas=lean_estimate.units,
                    )
                )
    return rows


def _given_lean(
    countries: Sequence[AdviceCountry],
    leans: Sequence[Lean],
    rng: np.random.Generator,
    replicates: int,
) -> list[GivenLean]:
    """The lean is that of advice to nobody where it was asked, else the approach's own."""
    own = {(row.approach, row.dimension): row.high.estimate for row in leans}
    rows = []
    for approach in sorted({row.approach for row in countries}):
        names, scores, counted = score_grid(countries, [approach])
        shares = np.where(_turned(), 1 - _idle(countries, approach, names) - counted[0], counted[0])
        asked = [d for d, row in zip(HOFSTEDE_DIMENSIONS, shares, strict=True) if _holds_any(row)]
        bare = all(("none", dimension) in own for dimension in asked)
        source = "none" if bare else approach
        given = [own.get((source, d)) for d in HOFSTEDE_DIMENSIONS]
        z = np.array([np.nan if g is None else g for g in given])
        partial_estimate = partial_correlation(scores, shares, z, rng=rng, replicates=replicates)
        rows.append(
            GivenLean(
                approach=approach,
                partial=interval(
                    partial_estimate.value, partial_estimate.low, partial_estimate.high
                ),
                lean_from=source,
                countries=partial_estimate.units,
            )
        )
    return rows


def _holds_any(row: Floats) -> bool:
    """Whether a row of a grid holds a number."""
    return bool((~np.isnan(row)).any())


def _turned() -> NDArray[np.bool_]:
    return np.array([[dimension == REVERSED] for dimension in HOFSTEDE_DIMENSIONS])


def score_grid(
    rows: Iterable[AdviceCountry], approaches: Sequence[str], *, field: Field = "counted_share"
) -> tuple[list[str], Floats, list[Floats]]:
    """Countries, their scores, and a field of each approach: grids of dimensions by countries."""
    selected_rows = [row for row in rows if row.approach in approaches]
    names = sorted({row.country for row in selected_rows})
    shape = (len(HOFSTEDE_DIMENSIONS), len(names))
    scores, grids = np.full(shape, np.nan), [np.full(shape, np.nan) for _ in approaches]
    for row in selected_rows:
        place = HOFSTEDE_DIMENSIONS.index(row.dimension), names.index(row.country)
        scores[place] = row.score
        field_value: float | None = getattr(row, field)
        grids[approaches.index(row.approach)][place] = (
            np.nan if field_value is None else field_value
        )
    return names, scores, grids


def _idle(rows: Sequence[AdviceCountry], approach: str, names: list[str]) -> Floats:
    """Share of inconclusive answers."""
    same, _, grids = score_grid(rows, [approach], field="inconclusive_share")
    assert same == names
    return grids[0]


def paired_rows(
    countries: Sequence[AdviceCountry],
    *,
    rng: np.random.Generator,
    replicates: int = 1000,
    across: bool = False,
) -> list[ApproachPair]:
    """Every two approaches of a report compared over what both have.

    Args:
        countries: rows of the table `countries`.
        across: approaches are written `report:approach`; pair only those of different reports.
    """
    approaches = sorted({row.approach for row in countries})
    pairs = [
        (one, two)
        for one, two in combinations(approaches, 2)
        if not across or one.partition(":")[0] != two.partition(":")[0]
    ]
    comparisons = [_pair(countries, pair, rng, replicates) for pair in pairs]
    adjusted = benjamini_hochberg([one.p_value for one in comparisons])
    return [
        ApproachPair(
            first=first,
            second=second,
            difference=interval(one.difference, one.low, one.high),
            p_value=number(one.p_value),
            p_adjusted=number(p_adjusted),
            countries=one.countries,
            dimensions=one.dimensions,
        )
        for (first, second), one, p_adjusted in zip(pairs, comparisons, adjusted, strict=True)
    ]


def _pair(
    rows: Sequence[AdviceCountry],
    pair: tuple[str, str],
    rng: np.random.Generator,
    replicates: int,
) -> Paired:
    _, scores, (first, second) = score_grid(rows, pair)
    signed = np.where(_turned(), -scores, scores)
    return paired_approaches(signed, first, second, rng=rng, replicates=replicates)
