"""Mean scores, correlations, modes and individual-level scores, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from scoring import measures
from scoring.measures import ShareError


def test_option_scores_are_spread_over_minus_one_to_one() -> None:
    assert measures.option_scores(3, 3) == pytest.approx([-1, 0, 1])
    assert measures.option_scores(4, 4) == pytest.approx([-1, -1 / 3, 1 / 3, 1])
    assert measures.option_scores(2, 4) == pytest.approx([-1, 1, 0, 0])


def test_mean_score_is_the_expected_option_score() -> None:
    # 0.5 * -1 + 0.25 * 0 + 0.25 * 1.
    assert measures.mean_score([0.5, 0.25, 0.25]) == pytest.approx(-0.25)
    assert measures.mean_score_difference([0, 0, 1], [0.5, 0.25, 0.25]) == pytest.approx(1.25)


def test_correlations_agree_with_scipy() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 6, 40) / 5, rng.normal(size=40)
    y[:10] = x[:10]
    assert measures.pearson(x, y) == pytest.approx(pearsonr(x, y).statistic)
    assert measures.spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_correlation_leaves_missing_pairs_out() -> None:
    x, y = np.array([0.0, 1.0, 2.0, np.nan, 3.0]), np.array([0.0, 1.0, 3.0, 9.0, np.nan])
    # Pairs (0, 0), (1, 1), (2, 3): covariance 3, spreads 2 and 14/3; r = 3 / sqrt(28/3).
    assert measures.pearson(x, y) == pytest.approx(3 / np.sqrt(28 / 3))
    assert measures.spearman(x, y) == pytest.approx(1.0)


def test_correlation_of_a_constant_or_of_two_pairs_is_undefined() -> None:
    assert np.isnan(measures.pearson([1, 1, 1, 1], [1, 2, 3, 4]))
    assert np.isnan(measures.pearson([0.1] * 7, [1, 2, 3, 4, 5, 6, 7]))
    assert np.isnan(measures.pearson([1, 2], [1, 2]))
    assert measures.pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1.0)


def test_mode_agreement_shares_ties() -> None:
    assert measures.mode_agreement([0.6, 0.4], [0.9, 0.1]) == 1
    assert measures.mode_agreement([0.6, 0.4], [0.1, 0.9]) == 0
    # The uniform answer names four options, people one of them.
    assert measures.mode_agreement([0.25] * 4, [0.7, 0.1, 0.1, 0.1]) == pytest.approx(1 / 4)
    # Options 0, 1 and 1, 2: one in common of three.
    assert measures.mode_agreement([0.5, 0.5, 0], [0, 0.5, 0.5]) == pytest.approx(1 / 3)


def test_individual_scores_of_a_forecast() -> None:
    forecast = [0.5, 0.3, 0.2]
    # Answer 1: cumulative .5, .8 against 0, 1: (.25 + .04) / 2.
    assert measures.individual_rps(forecast, 1) == pytest.approx(0.145)
    # (.5)^2 + (.7)^2 + (.2)^2.
    assert measures.brier_score(forecast, 1) == pytest.approx(0.78)
    assert measures.log_score(forecast, 0, smoothing=0) == pytest.approx(1.0)
    # 0.9 * 0 + 0.1 / 2.
    assert measures.log_score([0, 1], 0, smoothing=0.1) == pytest.approx(-np.log2(0.05))


def test_individual_rps_is_the_ranked_probability_score_of_a_point() -> None:
    rng = np.random.default_rng(11)
    sizes = rng.integers(2, 8, 9_000)
    shares = rng.random((9_000, 7)) * (np.arange(7) < sizes[:, None])
    shares /= shares.sum(axis=-1, keepdims=True)
    answers = rng.integers(0, sizes)
    points = np.eye(7)[answers]
    found = measures.individual_rps(shares, answers, sizes=sizes)
    expected = measures.ranked_probability_score(shares, points, sizes=sizes)
    assert found == pytest.approx(expected, abs=1e-14)
    # One forecast for many answers, many forecasts for one answer, and a row without an answer.
    one = measures.individual_rps(shares[0], answers[:5].reshape(5, 1) % sizes[0])
    assert one.shape == (5, 1)
    missing = np.array([[0.5, 0.5], [np.nan, np.nan]])
    assert measures.individual_rps(missing, 1) == pytest.approx([0.25, np.nan], nan_ok=True)


def test_individual_scores_of_a_rating() -> None:
    assert measures.absolute_error([1, 4], [3, 4]) == pytest.approx([2, 0])
    assert measures.absolute_error([1, 4], [3, 4], extent=4) == pytest.approx([0.5, 0])
    found = measures.accuracy([1, 4, np.nan], [3, 4, 1])
    assert found[:2] == pytest.approx([0, 1])
    assert np.isnan(found[2])


def test_a_point_forecast_has_the_absolute_error_as_ranked_probability_score() -> None:
    for answer in range(5):
        score = measures.individual_rps(np.eye(5)[1], answer)
        assert score == pytest.approx(abs(answer - 1) / 4)


def test_answers_must_be_positions() -> None:
    with pytest.raises(ShareError, match=r"outside the positions 0\.\.1"):
        measures.brier_score([0.5, 0.5], 2)
    with pytest.raises(ShareError, match="as integers"):
        measures.brier_score([0.5, 0.5], 1.0)
