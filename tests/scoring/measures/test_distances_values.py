"""Distances of small examples worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scoring import measures
from scoring.measures import ShareError

# p = (1/2, 1/2, 0, 0), q = (0, 1/4, 1/4, 1/2) on four options.
# Cumulative: F = 1/2, 1, 1, 1 and G = 0, 1/4, 1/2, 1; |F - G| = 1/2, 3/4, 1/2, 0; sum 7/4.
P, Q = [0.5, 0.5, 0.0, 0.0], [0.0, 0.25, 0.25, 0.5]


def test_wasserstein_is_the_sum_of_cumulative_gaps() -> None:
    assert measures.wasserstein_ordinal(P, Q, normalise=False) == pytest.approx(7 / 4)
    assert measures.wasserstein_ordinal(P, Q) == pytest.approx(7 / 12)
    assert measures.alignment(P, Q) == pytest.approx(5 / 12)


def test_wasserstein_with_uneven_positions() -> None:
    # Steps 1, 3, 1: 1/2 * 1 + 3/4 * 3 + 1/2 * 1 = 3.25, over a range of 5.
    positions = [0, 1, 4, 5]
    raw = measures.wasserstein_ordinal(P, Q, positions=positions, normalise=False)
    assert raw == pytest.approx(3.25)
    assert measures.wasserstein_ordinal(P, Q, positions=positions) == pytest.approx(0.65)


def test_all_mass_at_opposite_ends_is_distance_one() -> None:
    for size in range(2, 12):
        first, last = np.eye(size)[0], np.eye(size)[-1]
        assert measures.wasserstein_ordinal(first, last) == pytest.approx(1.0)
        assert measures.total_variation(first, last) == pytest.approx(1.0)
        assert measures.jensen_shannon(first, last) == pytest.approx(1.0)
        assert measures.ranked_probability_score(first, last) == pytest.approx(1.0)


def test_total_variation_is_half_the_sum_of_gaps() -> None:
    # |1/2| + |1/4| + |1/4| + |1/2| = 3/2, halved.
    assert measures.total_variation(P, Q) == pytest.approx(0.75)


def test_jensen_shannon_of_half_overlapping_shares() -> None:
    # p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4):
    # KL(p|m) = log2(4/3); KL(q|m) = 1/2 log2(2/3) + 1/2 log2 2 = 1/2 log2(4/3).
    expected = (np.log2(4 / 3) + 0.5 * np.log2(4 / 3)) / 2
    assert measures.jensen_shannon([1, 0], [0.5, 0.5]) == pytest.approx(expected)


def test_kl_divergence_smooths_both_sides() -> None:
    # Weight 1/2 of the uniform: p' = (3/4, 1/4), q' = (1/4, 3/4); KL = 1/2 log2 3.
    found = measures.kl_divergence([1, 0], [0, 1], smoothing=0.5)
    assert found == pytest.approx(0.5 * np.log2(3))


def test_kl_divergence_without_smoothing_may_be_infinite() -> None:
    assert measures.kl_divergence([1, 0], [0, 1], smoothing=0) == np.inf
    # (1/2, 1/2) from (1/4, 3/4): 1/2 log2 2 + 1/2 log2(2/3).
    expected = 0.5 + 0.5 * np.log2(2 / 3)
    found = measures.kl_divergence([0.5, 0.5], [0.25, 0.75], smoothing=0)
    assert found == pytest.approx(expected)


def test_kl_divergence_refuses_a_smoothing_of_one() -> None:
    with pytest.raises(ShareError, match="smoothing is 1"):
        measures.kl_divergence([1, 0], [0, 1], smoothing=1)


def test_ranked_probability_score_squares_the_gaps() -> None:
    # 1/4 + 9/16 + 1/4 = 17/16, over 3.
    assert measures.ranked_probability_score(P, Q, normalise=False) == pytest.approx(17 / 16)
    assert measures.ranked_probability_score(P, Q) == pytest.approx(17 / 48)


def test_padded_scales_give_what_single_ones_give() -> None:
    shares = np.array([[0.2, 0.8, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4]])
    people = np.array([[0.6, 0.4, 0.0, 0.0], [0.4, 0.3, 0.2, 0.1]])
    sizes = [2, 4]
    for measure in (
        measures.wasserstein_ordinal,
        measures.alignment,
        measures.ranked_probability_score,
        measures.mean_score_difference,
    ):
        both = measure(shares, people, sizes=sizes)
        assert both[0] == pytest.approx(float(measure(shares[0, :2], people[0, :2])))
        assert both[1] == pytest.approx(float(measure(shares[1], people[1])))
    padded = measures.kl_divergence(people, shares, sizes=sizes)
    assert padded[0] == pytest.approx(float(measures.kl_divergence(people[0, :2], shares[0, :2])))


def test_a_missing_answer_stays_missing() -> None:
    shares = np.array([[np.nan, np.nan], [0.5, 0.5]])
    for measure in (measures.alignment, measures.total_variation, measures.jensen_shannon):
        found = measure(shares, [0.5, 0.5])
        assert np.isnan(found[0])
        assert not np.isnan(found[1])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.6], "sums to 1.1, not 1"),
        ([-0.1, 1.1], "negative share -0.1"),
        ([np.nan, 1.0], "partly NaN"),
        ([np.inf, 0.0], "infinite"),
        ([], "no axis of options"),
    ],
)
def test_what_is_no_distribution_is_refused(shares: list[float], message: str) -> None:
    with pytest.raises(ShareError, match=message):
        measures.total_variation(shares, [0.5, 0.5])


def test_scales_must_fit_together() -> None:
    with pytest.raises(ShareError, match="2 options, the reference 3"):
        measures.alignment([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(ShareError, match="fewer than 2 options"):
        measures.alignment([1.0], [1.0])
    with pytest.raises(ShareError, match="positions must rise"):
        measures.wasserstein_ordinal([0.5, 0.5], [1, 0], positions=[1, 1])
    with pytest.raises(ShareError, match="has 5 options, but only 2"):
        measures.alignment([0.5, 0.5], [1, 0], sizes=5)


def test_renormalise_reports_the_sum_found() -> None:
    shares, sums = measures.renormalise([[30, 60, 0], [0, 0, 0]])
    assert shares[0] == pytest.approx([1 / 3, 2 / 3, 0])
    assert sums == pytest.approx([90, 0])
    assert np.isnan(shares[1]).all()
    with pytest.raises(ShareError, match="negative share -1"):
        measures.renormalise([2, -1])
