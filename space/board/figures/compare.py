"""Compare rows: paired tests over common questions, and the questions that make the difference."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codebook.questions import questions as known_questions
from contracts.errors import fail
from scoring.estimates import number, row_means
from scoring.inference.bootstrap import question_counts, resampled_means
from scoring.inference.intervals import percentile_bounds
from scoring.inference.tests import holm, sign_flip_test
from scoring.studies.sensitivity import cell_agreement, rank_trend
from space.board.index import common_grids
from space.board.ranks.ranking import REPLICATES, SEED, Floats
from space.board.store import Store, no_row

#: How many rows can be compared at once.
MOST_ROWS = 4
#: Fewest common questions for a test.
FEWEST_QUESTIONS = 5


class Pair(NamedTuple):
    """Two rows compared over the cells that both answered.

    Attributes:
        first: id of a row.
        second: id of the other.
        questions: number of common questions.
        countries: number of common countries.
        first_mean: mean over common questions of the mean over common cells, first row.
        second_mean: the same, second row.
        difference: first less second.
        low: lower end of the 95 % interval of the difference over resampled questions.
        high: upper end.
        p_value: two-sided paired sign-flip permutation test over questions; None with too few.
        adjusted: the same after Holm over all pairs of the page.
    """

    first: str
    second: str
    questions: int
    countries: int
    first_mean: float
    second_mean: float
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None


def opening_pair(store: Store) -> list[str]:
    """Two rows to begin with: the first two of the board's first ranking, else two baselines.

    Returns:
        Their ids; empty where the store has no such two.
    """
    with store.connect() as db:
        ranked = db.execute(
            "SELECT row_id FROM rows WHERE rank IS NOT NULL AND group_number = ("
            "SELECT MIN(group_number) FROM rows WHERE rank IS NOT NULL AND ranked > 1) "
            "ORDER BY rank, row_id LIMIT 2"
        ).fetchall()
        pair_rows = (
            ranked
            if len(ranked) == 2
            else db.execute(
                "SELECT row_id FROM rows JOIN grids USING (row_id) WHERE kind = 'baseline' "
                "ORDER BY release_digest, mode, row_id LIMIT 2"
            ).fetchall()
        )
    return [row_id for (row_id,) in pair_rows] if len(pair_rows) == 2 else []


class QuestionDifference(NamedTuple):
    """One question's mean alignment under each row compared, over common countries."""

    question_id: str
    means: tuple[float, ...]
    spread: float


class Agreement(NamedTuple):
    """How far the scores of two rows go together; for two prompts: prompt sensitivity.

    Attributes:
        first, second: ids of the rows.
        countries: Pearson's r of the countries' means.
        questions: Pearson's r of the questions' means.
        change: mean over questions of the absolute difference of a cell.
    """

    first: str
    second: str
    countries: float | None
    questions: float | None
    change: float | None


class SizeTrend(NamedTuple):
    """Alignment over the size of the models that are ranked with a row.

    Attributes:
        models: models whose size is known.
        spearman, p_value: rank correlation and permutation p-value; None below three models.
    """

    models: int
    spearman: float | None
    p_value: float | None


class Comparison(NamedTuple):
    """Rows compared.

    Attributes:
        rows: their ids.
        pairs: paired tests.
        questions: by how far the rows lie apart on them, widest first.
        agreement: how far the scores of each pair go together.
        countries: each country's mean under each row, None where it has none.
        size: the trend over size of the models ranked with the first row.
        topics: each topic's mean under each row, over cells that all rows have.
    """

    rows: tuple[str, ...]
    pairs: tuple[Pair, ...]
    questions: tuple[QuestionDifference, ...]
    agreement: tuple[Agreement, ...] = ()
    countries: tuple[tuple[str, tuple[float | None, ...]], ...] = ()
    size: SizeTrend = SizeTrend(0, None, None)
    topics: tuple[tuple[str, tuple[float, ...]], ...] = ()


def compare_rows(store: Store, row_ids: Sequence[str]) -> Comparison:
    """Compare two to four rows of one release over the cells that both of a pair answered.

    Raises:
        ContractError: too few or many rows, one is unknown or has no single answers, or the
            rows were scored on different releases, waves or rules.
    """
    chosen = tuple(dict.fromkeys(row_ids))
    if not 2 <= len(chosen) <= MOST_ROWS:
        raise fail(
            "rows-compared",
            "the number of rows to compare is wrong",
            found=str(len(chosen)),
            allowed=f"2 to {MOST_ROWS} different rows",
        )
    _check_equals(store, chosen)
    with store.connect() as db:
        countries, questions, grids = common_grids(db, chosen)
    pairs = [
        compare_grids(first, second, names=names)
        for (first, second), names in zip(
            combinations(grids, 2), combinations(chosen, 2), strict=True
        )
    ]
    raw = np.array([np.nan if pair.p_value is None else pair.p_value for pair in pairs])
    adjusted = holm(raw)
    pairs = [
        pair._replace(adjusted=None if np.isnan(p) else float(p))
        for pair, p in zip(pairs, adjusted, strict=True)
    ]
    means = np.stack([row_means(np.asarray(grid, np.float64)) for grid in grids], axis=1)
    by_country = (
        (country, tuple(map(number, row))) for country, row in zip(countries, means, strict=True)
    )
    return Comparison(
        chosen,
        tuple(pairs),
        question_differences(grids, questions),
        tuple(
            _agreement(*names, *sides)
            for names, sides in zip(combinations(chosen, 2), combinations(grids, 2), strict=True)
        ),
        tuple(by_country),
        size_trend(store, chosen[0]),
        topic_means(grids, questions),
    )


def topic_means(
    grids: Sequence[Floats], questions: Sequence[str]
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Each topic's mean under each row, widest apart first.

    Over the cells that all rows have: mean over countries of the mean over the topic's questions.
    """
    stack = np.stack([np.asarray(grid, np.float64) for grid in grids])
    common = np.where(np.isfinite(stack).all(axis=0), stack, np.nan)
    categories = [known_questions()[name].category for name in questions]
    means_by_topic = []
    for category in dict.fromkeys(categories):
        columns = [at for at, one in enumerate(categories) if one == category]
        picked = common[:, :, columns]
        if np.isfinite(picked).any():
            means = [float(row_means(row_means(one))) for one in picked]
            means_by_topic.append((category, tuple(means)))
    return tuple(sorted(means_by_topic, key=lambda one: (min(one[1]) - max(one[1]), one[0])))


def _agreement(first: str, second: str, one: Floats, other: Floats) -> Agreement:
    agreement = cell_agreement(np.asarray(one, np.float64), np.asarray(other, np.float64))
    questions = agreement.questions
    return Agreement(
        first,
        second,
        agreement.countries.pearson,
        questions.pearson,
        questions.mean_absolute_change,
    )


def size_trend(store: Store, row_id: str) -> SizeTrend:
    """The trend of alignment over size, over the models that are ranked with a row."""
    with store.connect() as db:
        size_rows = db.execute(
            "SELECT r.parameters, s.estimate FROM rows r JOIN scores s USING (row_id) "
            "WHERE s.name = 'alignment' AND s.estimate IS NOT NULL AND r.parameters IS NOT NULL "
            "AND r.comparison != '' AND r.derived = 0 AND r.comparison = ("
            "SELECT comparison FROM rows WHERE row_id = ?) ORDER BY r.row_id",
            (row_id,),
        ).fetchall()
    pairs = [(float(size), float(score)) for size, score in size_rows]
    return SizeTrend(len(pairs), *rank_trend(pairs, rng=np.random.default_rng(SEED)))


def _check_equals(store: Store, chosen: Sequence[str]) -> None:
    with store.connect() as db:
        for row_id in chosen:
            if not db.execute("SELECT 1 FROM rows WHERE row_id = ?", (row_id,)).fetchone():
                raise no_row(row_id)
            if not db.execute("SELECT 1 FROM grids WHERE row_id = ?", (row_id,)).fetchone():
                raise fail(
                    "no-cells",
                    "the report of a row has no single answers to compare",
                    found=row_id,
                )
        marks = ", ".join("?" for _ in chosen)
        kinds = db.execute(
            f"SELECT DISTINCT release, wave, mode, release_digest FROM rows "  # noqa: S608
            f"WHERE row_id IN ({marks})",
            list(chosen),
        ).fetchall()
    if len(kinds) > 1:
        raise fail(
            "not-equals",
            "rows scored on different releases, waves or rules cannot be compared",
            found="; ".join(f"{row[0]}, wave {row[1]}, {row[2]}" for row in kinds),
            hint="Choose rows of one release, wave and way of scoring.",
        )


def compare_grids(first: Floats, second: Floats, *, names: tuple[str, str]) -> Pair:
    """Compare two rows on one grid.

    Args:
        first, second: alignment, shape (countries, questions), NaN where there is no score.
        names: ids of the rows.

    A question counts by the mean over the countries in which both rows have a score.
    """
    both = np.isfinite(first) & np.isfinite(second)
    asked = both.any(axis=0)
    one, other = (_question_means(grid, both)[asked] for grid in (first, second))
    gap = one - other
    names_and_counts = (*names, int(asked.sum()), int(both.any(axis=1).sum()))
    if len(gap) == 0:
        raise fail("nothing-common", "the two rows share no scored question", found=str(names))
    means = (float(one.mean()), float(other.mean()), float(gap.mean()))
    if len(gap) < FEWEST_QUESTIONS:
        return Pair(*names_and_counts, *means, None, None, None, None)
    test = sign_flip_test(one, other, rng=np.random.default_rng(SEED))
    counts = question_counts(len(gap), replicates=REPLICATES, rng=np.random.default_rng(SEED))
    bounds = percentile_bounds(
        resampled_means(gap, counts), np.asarray(gap.mean()), units=len(gap), mean=True
    )
    low, high = float(bounds.low), float(bounds.high)
    return Pair(*names_and_counts, *means, low, high, test.p_value, None)


def _question_means(grid: Floats, scored: NDArray[np.bool_]) -> Floats:
    total = np.where(scored, grid, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(scored.sum(axis=0), 1), np.float64)


def question_differences(
    grids: Sequence[Floats], questions: Sequence[str]
) -> tuple[QuestionDifference, ...]:
    """Questions by how far the rows lie apart, over cells that all rows answered."""
    scored = np.asarray(np.isfinite(np.stack(grids)).all(axis=0))
    means = np.stack([_question_means(grid, scored) for grid in grids])
    differences = [
        QuestionDifference(
            questions[at],
            tuple(float(one) for one in means[:, at]),
            float(means[:, at].max() - means[:, at].min()),
        )
        for at in map(int, np.flatnonzero(scored.any(axis=0)))
    ]
    return tuple(sorted(differences, key=lambda one: (-one.spread, one.question_id)))
