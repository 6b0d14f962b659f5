"""Intervals, bootstrap parts, ranks and tests."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, permutation_test, t, ttest_ind

from scoring.inference.bootstrap import question_counts, resampled_means, sampled_replicates
from scoring.inference.intervals import (
    interval,
    percentile_bounds,
    skewness_reach,
    small_sample_factor,
)
from scoring.inference.ranks import rank_intervals
from scoring.inference.tests import (
    benjamini_hochberg,
    holm,
    independent_t_test,
    sign_flip_test,
    sign_flip_tests,
)


def test_small_sample_factor_turns_a_bootstrap_into_a_t_interval() -> None:
    # A bootstrap sd is s sqrt((n - 1) / n) / sqrt(n); the interval should be s t / sqrt(n).
    n, z = 10, 1.959963984540054
    sd = np.sqrt((n - 1) / n) / np.sqrt(n)
    assert small_sample_factor(n) * z * sd == pytest.approx(t.ppf(0.975, n - 1) / np.sqrt(n))
    assert small_sample_factor(None) == 1
    assert np.isnan(small_sample_factor(1))


#: The r-th of B even replicates stands for the level r / (B + 1).
EVEN = np.arange(1, 1000) / 1000


def test_central_interval_of_replicates_around_the_estimate() -> None:
    bounds = percentile_bounds(EVEN, np.asarray(0.5))
    assert bounds.low == pytest.approx(0.025)
    assert bounds.high == pytest.approx(0.975)


def test_a_further_draw_falls_into_an_interval_of_few_replicates_as_often_as_it_states() -> None:
    """95 % of further draws, though each interval is of 79 replicates only."""
    rng = np.random.default_rng(21)
    draws, further = rng.normal(size=(20_000, 79)), rng.normal(size=20_000)
    bounds = percentile_bounds(draws, np.median(draws, axis=1))
    inside = (bounds.low <= further) & (further <= bounds.high)
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


def test_the_interval_of_a_mean_reaches_further_with_skewness_by_hand() -> None:
    """Replicates -1 (twice) and 2: mean 0, variance 2, third moment 2; (z^2 + 2) / 6 = 0.9736."""
    replicates = np.array([-1.0, -1.0, 2.0])
    assert skewness_reach(replicates) == pytest.approx(0.9735765, rel=1e-6)
    assert skewness_reach(-replicates) == pytest.approx(-0.9735765, rel=1e-6)
    assert skewness_reach(np.ones(5)) == 0


def test_only_the_long_tail_is_reached_for() -> None:
    draws = np.random.default_rng(23).exponential(size=999)
    for sign in (1, -1):
        plain = percentile_bounds(sign * draws, np.asarray(sign * 1.0))
        found = percentile_bounds(sign * draws, np.asarray(sign * 1.0), mean=True)
        gain = skewness_reach(sign * draws)
        low, high = (0, gain) if sign > 0 else (gain, 0)
        assert found.low == pytest.approx(plain.low + low)
        assert found.high == pytest.approx(plain.high + high)


def test_intervals_of_skewed_means_miss_less() -> None:
    """Means of ten skewed numbers (gamma of shape 2), of which the truth mostly lies above."""
    rng = np.random.default_rng(22)
    counts = question_counts(10, replicates=300, rng=rng)
    numbers = rng.gamma(2.0, size=(3000, 10))
    drawn, mean = resampled_means(numbers, counts), numbers.mean(axis=1)
    misses = []
    for skewed in (False, True):
        bounds = percentile_bounds(drawn, mean, units=np.full(3000, 10), mean=skewed)
        misses.append(((bounds.low > 2).mean(), (bounds.high < 2).mean()))
    (low, high), (low_after, high_after) = misses
    assert high > 3 * low
    assert low_after == pytest.approx(low, abs=0.001)
    assert high_after < high - 0.005


def test_an_estimate_below_the_replicates_becomes_the_lower_end() -> None:
    bounds = percentile_bounds(EVEN, np.asarray(-0.3))
    assert bounds.low == -0.3
    # Nothing is left out below, so five per cent may be left out above.
    assert bounds.high == pytest.approx(0.95)
    mirrored = percentile_bounds(EVEN, np.asarray(1.3))
    assert mirrored.low == pytest.approx(0.05)
    assert mirrored.high == 1.3


@given(
    st.lists(st.floats(-1, 1), min_size=5, max_size=60),
    st.floats(-2, 2),
    st.one_of(st.none(), st.integers(2, 40)),
    st.booleans(),
)
def test_an_interval_always_contains_its_estimate(
    draws: list[float], estimate: float, units: int | None, mean: bool
) -> None:
    bounds = percentile_bounds(np.array(draws), np.asarray(estimate), units=units, mean=mean)
    assert bounds.low <= estimate <= bounds.high
    found = interval(estimate, float(bounds.low), float(bounds.high))
    assert found.estimate == estimate


def test_limits_and_missing_estimates() -> None:
    rows = np.array([np.linspace(-1, 2, 500), np.linspace(0, 1, 500)])
    bounds = percentile_bounds(rows, np.array([0.5, np.nan]), limits=(0.0, 1.0))
    assert (bounds.low[0], bounds.high[0]) == (0.0, 1.0)
    assert np.isnan(bounds.low[1])
    assert interval(float("nan")).estimate is None
    assert interval(0.5).low is None


def test_one_question_has_no_interval() -> None:
    bounds = percentile_bounds(np.zeros(9), np.asarray(0.2), units=1)
    assert np.isnan(bounds.low)
    assert np.isnan(bounds.high)


def test_question_counts_draw_as_many_as_there_are() -> None:
    counts = question_counts(7, replicates=50, rng=np.random.default_rng(0))
    assert counts.shape == (7, 50)
    assert (counts.sum(axis=0) == 7).all()


def test_resampled_means_weigh_by_counts_and_skip_missing() -> None:
    scores = np.array([[0.2, 0.4, np.nan], [0.1, 0.2, 0.3]])
    counts = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    found = resampled_means(scores, counts)
    # (2 * 0.2 + 0.4) / 3; nothing drawn in the second replicate: the row's own mean 0.3.
    assert found[0] == pytest.approx([0.8 / 3, 0.3])
    assert found[1] == pytest.approx([0.4 / 3, 0.3])


def test_sampled_replicates_count_noise_once() -> None:
    rng = np.random.default_rng(1)
    questions = rng.normal(0, 2.0, (1, 20_000))  # holds the noise already
    noise = rng.normal(0, 1.0, (1, 20_000))
    found = sampled_replicates(questions, noise, np.array([5.0]))
    assert found.mean() == pytest.approx(5.0, abs=0.05)
    assert found.std() == pytest.approx(2.0, rel=0.02)
    drowned = sampled_replicates(0.1 * questions, noise, np.array([5.0]))
    assert drowned.std() == pytest.approx(1.0, rel=0.02)


def test_ranks_of_clear_and_of_tied_rows() -> None:
    rng = np.random.default_rng(2)
    estimates = np.array([0.5, 0.9, 0.895, np.nan, 0.5])
    replicates = estimates[:, None] + rng.normal(0, 0.01, (5, 2000))
    ranks = rank_intervals(estimates, replicates)
    assert ranks.rank.tolist() == [3, 1, 2, 0, 3]
    assert ranks.low.tolist() == [3, 1, 1, 0, 3]
    assert ranks.high.tolist() == [4, 2, 2, 0, 4]
    assert ranks.group.tolist() == [2, 1, 1, 0, 2]


def test_ranks_ignore_what_moves_all_rows_alike() -> None:
    common = np.random.default_rng(3).normal(0, 1, 500)
    replicates = np.array([0.3, 0.2, 0.1])[:, None] + common
    ranks = rank_intervals(np.array([0.3, 0.2, 0.1]), replicates)
    assert ranks.low.tolist() == ranks.high.tolist() == [1, 2, 3]


def test_sign_flips_of_three_pairs_by_hand() -> None:
    # Differences 1, 2, 3: sums of +-1 +-2 +-3; two of eight are as extreme as 6.
    found = sign_flip_test([2, 4, 6], [1, 2, 3], rng=np.random.default_rng(0))
    assert found == (pytest.approx(2.0), pytest.approx(0.25), 3)


def test_sign_flips_agree_with_scipy() -> None:
    rng = np.random.default_rng(4)
    first = rng.normal(0.25, 1, 40)
    oracle = permutation_test(
        (first, np.zeros(40)),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(5),
    )
    found = sign_flip_test(first, np.zeros(40), rng=rng, permutations=20_000)
    assert found.p_value == pytest.approx(oracle.pvalue, abs=0.015)


def test_sign_flips_leave_missing_pairs_out_and_need_two() -> None:
    rng = np.random.default_rng(6)
    assert sign_flip_test([1, np.nan, 3], [1, 2, np.nan], rng=rng).pairs == 1
    assert np.isnan(sign_flip_test([1.0], [0.0], rng=rng).p_value)
    assert np.isnan(sign_flip_test([np.nan], [0.0], rng=rng).difference)
    same = sign_flip_test([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], rng=rng)
    assert same.p_value == 1


def test_many_sign_flip_tests_are_those_of_one_at_a_time() -> None:
    rng = np.random.default_rng(12)
    gaps = rng.normal(0.1, 1, (150, 60)) * rng.random((150, 1))
    gaps[rng.random(gaps.shape) < 0.2] = np.nan
    gaps[0] = np.nan
    gaps[1, 1:] = np.nan
    gaps[2, 9:] = np.nan  # few enough for all patterns
    gaps[3] = 0.25
    found = sign_flip_tests(gaps, rng=np.random.default_rng(13))
    for number, row in enumerate(gaps):
        alone = sign_flip_test(row, np.zeros(60), rng=np.random.default_rng(14))
        test = found[number]
        assert test.pairs == alone.pairs
        assert test.difference == pytest.approx(alone.difference, abs=1e-15, nan_ok=True)
        # Two Monte Carlo estimates of one p-value: five standard errors of their difference.
        chance = np.nan_to_num(alone.p_value)
        error = 0 if number < 3 else 5 * np.sqrt(2 * chance * (1 - chance) / 9999)
        assert test.p_value == pytest.approx(alone.p_value, abs=error + 1e-12, nan_ok=True)
    assert found[3].p_value == pytest.approx(1e-4)
    none = sign_flip_tests(np.full((2, 3), np.nan), rng=rng)
    assert [test.pairs for test in none] == [0, 0]


def test_exact_p_values_are_uniform_under_the_null() -> None:
    gaps = np.array([0.3, 1.1, 2.7, 5.2])
    p_values = [
        sign_flip_test(gaps * signs, np.zeros(4), rng=np.random.default_rng(0)).p_value
        for signs in product((-1, 1), repeat=4)
    ]
    # Sixteen sign patterns in eight mirror pairs: p runs over 1/8, 2/8, ..., twice each.
    assert sorted(p_values) == pytest.approx(np.repeat(np.arange(1, 9) / 8, 2))


def test_paper_mode_t_test_is_scipys() -> None:
    rng = np.random.default_rng(7)
    first, second = rng.normal(0, 1, 30), rng.normal(0.4, 2, 25)
    oracle = ttest_ind(first, second)
    found = independent_t_test(first, second)
    assert found.p_value == pytest.approx(oracle.pvalue)


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .04 times 3, 2, 1, made rising: .03 .04 .04.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert np.isnan(holm([0.5, np.nan])[1])


def test_benjamini_hochberg_agrees_with_scipy() -> None:
    p_values = np.random.default_rng(8).uniform(0, 1, 50) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p_values), false_discovery_control(p_values))
    assert np.isnan(benjamini_hochberg([np.nan, 0.01])[0])
    assert benjamini_hochberg([np.nan, 0.01])[1] == pytest.approx(0.01)
