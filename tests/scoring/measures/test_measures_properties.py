"""What holds of every measure: bounds, identity, symmetry, the triangle inequality."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring import measures

DISTANCES = (
    measures.wasserstein_ordinal,
    measures.total_variation,
    measures.jensen_shannon,
    measures.ranked_probability_score,
)


@st.composite
def distributions(draw: st.DrawFn, count: int = 2) -> np.ndarray:
    """`count` distributions on one scale of 2 to 11 options, zeros included."""
    size = draw(st.integers(2, 11))
    parts = st.one_of(st.just(0.0), st.floats(1e-6, 1.0))
    rows = []
    for _ in range(count):
        masses = np.array(draw(st.lists(parts, min_size=size, max_size=size)))
        if masses.sum() == 0:
            masses[draw(st.integers(0, size - 1))] = 1.0
        rows.append(masses / masses.sum())
    return np.array(rows)


@given(distributions())
def test_distances_lie_in_zero_to_one_and_are_symmetric(pair: np.ndarray) -> None:
    for measure in DISTANCES:
        value = float(measure(pair[0], pair[1]))
        assert -1e-12 <= value <= 1 + 1e-12
        assert np.isclose(value, float(measure(pair[1], pair[0])), atol=1e-12)


@given(distributions(1))
def test_identical_answers_are_at_distance_zero(one: np.ndarray) -> None:
    for measure in DISTANCES:
        assert abs(float(measure(one[0], one[0]))) < 1e-12
    assert float(measures.alignment(one[0], one[0])) == 1
    assert abs(float(measures.kl_divergence(one[0], one[0]))) < 1e-12
    assert float(measures.mode_agreement(one[0], one[0])) == 1
    assert float(measures.mean_score_difference(one[0], one[0])) == 0


@given(distributions(3))
def test_metrics_obey_the_triangle_inequality(three: np.ndarray) -> None:
    for measure in (measures.wasserstein_ordinal, measures.total_variation):
        direct = float(measure(three[0], three[2]))
        round_about = float(measure(three[0], three[1])) + float(measure(three[1], three[2]))
        assert direct <= round_about + 1e-12


@given(distributions())
def test_reversing_the_scale_changes_no_distance(pair: np.ndarray) -> None:
    for measure in DISTANCES:
        there = float(measure(pair[0], pair[1]))
        back = float(measure(pair[0, ::-1], pair[1, ::-1]))
        assert np.isclose(there, back, atol=1e-12)


@given(distributions(), st.permutations(range(11)))
def test_total_variation_knows_no_order(pair: np.ndarray, order: list[int]) -> None:
    shuffled = pair[:, [place for place in order if place < pair.shape[1]]]
    direct, other = (float(measures.total_variation(*two)) for two in (pair, shuffled))
    assert np.isclose(direct, other, atol=1e-12)


@given(distributions())
def test_total_variation_bounds_wasserstein(pair: np.ndarray) -> None:
    # Moving all differing mass across the whole scale costs at most its amount.
    distance = float(measures.wasserstein_ordinal(pair[0], pair[1]))
    assert distance <= float(measures.total_variation(pair[0], pair[1])) + 1e-12


@given(distributions())
def test_mean_scores_differ_by_at_most_twice_the_distance(pair: np.ndarray) -> None:
    # Kantorovich: the mean of a function with slope 2 / (K - 1) moves by at most that times W1.
    shift = abs(float(measures.mean_score_difference(pair[0], pair[1])))
    assert shift <= 2 * float(measures.wasserstein_ordinal(pair[0], pair[1])) + 1e-12


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=30), st.floats(0.1, 5), st.floats(-3, 3))
def test_correlation_ignores_shift_and_scale(
    points: list[float], slope: float, shift: float
) -> None:
    x = np.array(points)
    y = np.sin(7 * x) + 0.3 * np.arange(len(x))
    if x.std() < 1e-3:
        return
    plain = float(measures.pearson(x, y))
    assert -1 <= plain <= 1
    assert np.isclose(plain, float(measures.pearson(slope * x + shift, y)), atol=1e-6)
    assert np.isclose(plain, -float(measures.pearson(-x, y)), atol=1e-12)
