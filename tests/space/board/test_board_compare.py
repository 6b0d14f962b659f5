"""Ranks and paired comparisons, against hand computation and the scorer's own comparison."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.errors import ContractError
from contracts.report import write_report
from scoring.comparison.compare import cell_scores, compare_reports
from scoring.studies.sensitivity import cell_agreement
from space.board.figures.compare import (
    SizeTrend,
    compare_grids,
    compare_rows,
    opening_pair,
    question_differences,
    size_trend,
)
from space.board.ranks.ranking import (
    country_equal_means,
    drawn_questions,
    means_of_rows,
    rank_rows,
)
from space.board.store import open_store


def test_country_equal_mean_by_hand() -> None:
    # Country one: (0.8 + 0.6) / 2 = 0.7; country two has one question: 0.9; mean 0.8.
    grid = np.array([[0.8, 0.6], [np.nan, 0.9], [np.nan, np.nan]])
    assert country_equal_means(grid, np.ones((2, 1)))[0] == pytest.approx(0.8)
    # Second question drawn twice: 0.6 and 0.9, mean 0.75.
    assert country_equal_means(grid, np.array([[0.0], [2.0]]))[0] == pytest.approx(0.75)
    assert np.isnan(country_equal_means(np.full((2, 2), np.nan), np.ones((2, 1)))[0])


def test_clear_order_has_narrow_ranks_and_equal_rows_tie() -> None:
    rng = np.random.default_rng(3)
    base = rng.uniform(0.4, 0.6, (6, 40))
    noise = rng.normal(0, 0.02, (6, 40))
    ranks = rank_rows([base, base + 0.2, base + noise])
    assert ranks[1].rank == 1
    assert (ranks[1].low, ranks[1].high) == (1, 1)
    assert {ranks[0].rank, ranks[2].rank} == {2, 3}
    assert ranks[0].tie == ranks[2].tie != ranks[1].tie
    for rank in ranks:
        assert rank.low <= rank.rank <= rank.high
        assert rank.size == 3


def test_ranks_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(5)
    grids = [rng.uniform(0.5, 0.9, (4, 30)) for _ in range(5)]
    ranks = rank_rows(grids)
    swapped = rank_rows(grids[::-1])
    assert swapped[::-1] == ranks
    assert rank_rows([]) == []


def test_rows_ranked_at_once_have_the_means_of_each_alone() -> None:
    rng = np.random.default_rng(7)
    grids = [rng.uniform(0.5, 0.9, (6, 12)) for _ in range(5)]
    grids[0][2, 3:7] = np.nan  # a country that lacks questions
    grids[1][4] = np.nan  # a country without answers
    grids[2][:, :10] = np.nan  # so few questions that some draws hold none of them
    grids[3][:] = np.nan
    counts = drawn_questions(12)
    alone = np.stack([country_equal_means(grid, counts) for grid in grids])
    np.testing.assert_allclose(means_of_rows(grids, counts), alone, rtol=1e-12)


def test_the_ranked_score_is_the_reports_headline(sample_store) -> None:
    from space.board.rows import grid_of

    report = sample_store.report("heron-8b")
    grid = grid_of(report).alignment
    mean = country_equal_means(grid.astype(float), np.ones((grid.shape[1], 1)))[0]
    assert mean == pytest.approx(report.score("alignment").value.estimate, abs=1e-6)


def test_difference_agrees_with_the_scorers_comparison(sample_store) -> None:
    for first, second in (("heron-8b", "ibis-large"), ("heron-70b", "ibis-small")):
        pair = compare_rows(sample_store, [first, second]).pairs[0]
        other = compare_reports(sample_store.report(first), sample_store.report(second))
        assert pair.difference == pytest.approx(other.difference.estimate, abs=1e-6)
        assert (pair.questions, pair.countries) == (other.questions, other.countries)
        assert pair.p_value == pytest.approx(other.p_value, abs=0.02)
        assert pair.low == pytest.approx(other.difference.low, abs=0.003)
        assert pair.high == pytest.approx(other.difference.high, abs=0.003)
        assert pair.low <= pair.difference <= pair.high


def test_difference_by_hand_over_common_cells_only() -> None:
    first = np.array([[0.9, 0.8, np.nan, 0.7, 0.6, 0.5], [0.5, np.nan, 0.4, 0.9, 0.8, 0.7]])
    second = np.array([[0.7, 0.9, 0.2, 0.6, 0.6, 0.4], [0.5, 0.1, np.nan, 0.8, 0.6, 0.6]])
    pair = compare_grids(first, second, names=("a", "b"))
    # By question: Q1 (0.2 + 0) / 2; Q2 -0.1; Q3 nothing common; Q4 0.1; Q5 (0 + 0.2) / 2; Q6 0.1.
    assert pair.questions == 5
    assert pair.difference == pytest.approx((0.1 - 0.1 + 0.1 + 0.1 + 0.1) / 5)
    # Five gaps of size 0.1, four positive: 12 of the 32 sign patterns are as extreme
    # (sums of +-0.3 and +-0.5: 2 * (5 + 1)).
    assert pair.p_value == pytest.approx(12 / 32)


def test_too_few_questions_give_no_test() -> None:
    pair = compare_grids(np.full((2, 3), 0.9), np.full((2, 3), 0.8), names=("a", "b"))
    assert pair.difference == pytest.approx(0.1)
    assert (pair.p_value, pair.low, pair.high) == (None, None, None)


def test_holm_over_the_pairs_of_a_page(sample_store) -> None:
    found = compare_rows(sample_store, ["heron-70b", "heron-8b", "ibis-large"])
    raw = sorted(pair.p_value for pair in found.pairs)
    adjusted = sorted(pair.adjusted for pair in found.pairs)
    # Holm: k-th smallest of three times 3 - k, made monotone, at most 1.
    expected = np.minimum(np.maximum.accumulate(np.array(raw) * np.array([3, 2, 1])), 1)
    assert adjusted == pytest.approx(list(expected))


def test_questions_that_make_the_difference_come_first() -> None:
    first = np.array([[0.9, 0.5, 0.7]])
    second = np.array([[0.8, 0.9, np.nan]])
    found = question_differences([first, second], ["Q1", "Q2", "Q3"])
    assert [one.question_id for one in found] == ["Q2", "Q1"]
    assert found[0].spread == pytest.approx(0.4)
    assert found[0].means == pytest.approx((0.5, 0.9))


def test_rows_that_are_no_equals_are_not_compared(sample_root, tmp_path) -> None:
    import shutil

    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    report = store.report("heron-8b")
    other = report.settings.model_copy(update={"wave": 6})
    write_report(
        report.model_copy(update={"settings": other}), store.reports_folder / "heron-8b.json"
    )
    store.ensure_index(force=True)
    with pytest.raises(ContractError, match="different releases, waves or rules"):
        compare_rows(store, ["heron-8b", "heron-70b"])
    with pytest.raises(ContractError, match="number of rows to compare is wrong; found 1"):
        compare_rows(store, ["heron-70b", "heron-70b"])
    with pytest.raises(ContractError, match="no row 'nobody'"):
        compare_rows(store, ["heron-70b", "nobody"])


def test_agreement_of_two_rows_is_that_of_their_reports(sample_store) -> None:
    names = ["heron-70b", "heron-8b"]
    found = compare_rows(sample_store, names)
    grids = [cell_scores(sample_store.report(name)).scores for name in names]
    expected = cell_agreement(*grids)
    (one,) = found.agreement
    assert (one.first, one.second) == tuple(names)
    assert one.countries == pytest.approx(expected.countries.pearson, abs=1e-5)
    assert one.questions == pytest.approx(expected.questions.pearson, abs=1e-5)
    assert one.change == pytest.approx(expected.questions.mean_absolute_change, abs=1e-5)
    by_country = dict(found.countries)
    for country, mean in zip(
        cell_scores(sample_store.report(names[0])).countries,
        np.nanmean(grids[0], axis=1),
        strict=True,
    ):
        assert by_country[country][0] == pytest.approx(mean, abs=1e-5)


def test_the_page_shows_agreement_countries_and_size(sample_store) -> None:
    from space.render.compare import comparison_html

    found = compare_rows(sample_store, ["heron-70b", "heron-8b"])
    page = comparison_html(found, titles={})
    assert "Agreement of the scores" in page
    assert "Alignment by country" in page
    trended = found._replace(size=SizeTrend(5, 0.9, 0.04))
    assert "Over the 5 models of known size" in comparison_html(trended, titles={})
    assert "Alignment and size" not in comparison_html(
        found._replace(size=SizeTrend(2, None, None)), titles={}
    )


def test_the_trend_over_size_is_over_rows_ranked_together(sample_store) -> None:
    with sample_store.connect() as db:
        rows = db.execute(
            "SELECT comparison, COUNT(parameters) AS n FROM rows WHERE derived = 0 "
            "GROUP BY comparison ORDER BY n DESC"
        ).fetchall()
        comparison = next(row[0] for row in rows if row[0])
        row_id, n = db.execute(
            "SELECT MIN(row_id), COUNT(parameters) FROM rows WHERE comparison = ?", (comparison,)
        ).fetchone()
    found = size_trend(sample_store, row_id)
    assert found.models == n
    assert (found.spearman is None) == (n < 3)
    assert size_trend(sample_store, "no-such-row").models == 0


@pytest.fixture
def store(sample_root, tmp_path):
    """A copy of the samples that a test may change."""
    import shutil

    shutil.copytree(sample_root, tmp_path / "store")
    return open_store(tmp_path / "store")


def test_the_page_opens_with_the_first_two_of_the_largest_ranking(store) -> None:
    assert opening_pair(store) == ["heron-70b", "ibis-large"]


def test_without_models_it_opens_with_two_baselines(store) -> None:
    for path in store.reports_folder.glob("*.json"):
        if path.stem not in ("uniform", "world-average"):
            path.unlink()
    store.ensure_index(force=True)
    assert opening_pair(store) == ["uniform", "world-average"]


def test_with_one_row_there_is_nothing_to_open_with(store) -> None:
    for path in store.reports_folder.glob("*.json"):
        if path.stem != "uniform":
            path.unlink()
    store.ensure_index(force=True)
    assert opening_pair(store) == []
