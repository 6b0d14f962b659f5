"""Sampling noise: standard errors, bias, floor and ceiling, against simulation and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.inference.sampling import (
    coordinate_se,
    debiased_distance,
    debiased_gap,
    folded_mean,
    human_ceiling,
    redraw_question,
    sampling_floor,
)
from scoring.inputs.geometry import Geometry, build_geometry
from scoring.inputs.survey import Survey

GEOMETRY = build_geometry(("Q1", "Q46", "Q111"))  # four, four, and three nominal options


def survey_of(shares: np.ndarray, people: float, geometry: Geometry = GEOMETRY) -> Survey:
    n = np.full(shares.shape[:2], people)
    return Survey(("AND",), geometry, shares, n, n.copy(), shares * people)


SHARES = np.array([[[0.4, 0.3, 0.2, 0.1], [0.7, 0.2, 0.1, 0.0], [0.5, 0.3, 0.2, 0.0]]])


def test_standard_error_of_a_coordinate() -> None:
    # Cumulative shares .4, .7, .9, 1 of 100 people; nominal shares are their own coordinates.
    se = coordinate_se(GEOMETRY.coordinates(SHARES), np.full((1, 3), 100.0))
    expected = np.sqrt(np.array([0.24, 0.21, 0.09, 0]) / 100)
    assert se[0, 0] == pytest.approx(expected, abs=1e-8)
    assert se[0, 2, :3] == pytest.approx(np.sqrt(np.array([0.25, 0.21, 0.16]) / 100))


def test_folded_mean_is_that_of_an_absolute_normal() -> None:
    draws = np.random.default_rng(1).normal(0.3, 0.5, 400_000)
    found = folded_mean(np.array(0.3), np.array(0.5))
    assert found == pytest.approx(np.abs(draws).mean(), abs=3e-3)
    assert folded_mean(np.array(-0.2), np.array(0.0)) == pytest.approx(0.2)
    assert folded_mean(np.array(0.0), np.array(1.0)) == pytest.approx(np.sqrt(2 / np.pi))


def test_debiased_gaps_are_unbiased_over_spread_differences() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 3, 400_000)
    seen = truth + rng.normal(0, 1, truth.size)
    plain = np.abs(seen).mean() - np.abs(truth).mean()
    debiased = debiased_gap(seen, np.ones(truth.size)).mean() - np.abs(truth).mean()
    assert plain > 0.1
    assert abs(debiased) < 0.01


def test_floor_is_the_mean_distance_of_a_sample_from_its_population() -> None:
    survey = survey_of(SHARES, 400)
    rng = np.random.default_rng(3)
    for row in range(3):
        drawn = redraw_question(survey, row, replicates=40_000, rng=rng)[0].T
        size = drawn.shape[-1]
        gap = GEOMETRY.row_coordinates(row, drawn) - GEOMETRY.row_coordinates(
            row, SHARES[0, row, :size]
        )
        simulated = (np.abs(gap) @ GEOMETRY.weights[row, :size]).mean()
        assert sampling_floor(survey)[0, row] == pytest.approx(simulated, rel=0.03)


def test_ceiling_is_what_a_second_sample_reaches() -> None:
    survey = survey_of(SHARES, 400)
    rng = np.random.default_rng(4)
    first, second = (redraw_question(survey, 0, replicates=40_000, rng=rng)[0].T for _ in range(2))
    distance = np.abs(np.cumsum(first, axis=-1) - np.cumsum(second, axis=-1)) @ GEOMETRY.weights[0]
    assert human_ceiling(survey)[0, 0] == pytest.approx(1 - distance.mean(), abs=5e-4)


def test_split_halves_differ_by_twice_the_floor() -> None:
    answers = np.array([160, 120, 80, 40])
    first = np.random.default_rng(5).multivariate_hypergeometric(answers, 200, size=4000)
    gap = np.cumsum(first / 200, axis=-1) - np.cumsum((answers - first) / 200, axis=-1)
    halves = (np.abs(gap) @ GEOMETRY.weights[0]).mean()
    # Two halves of 200 differ by twice the noise of all 400.
    assert halves == pytest.approx(2 * sampling_floor(survey_of(SHARES, 400))[0, 0], abs=1e-3)


def test_redraws_have_the_survey_as_their_mean_and_keep_missing_missing() -> None:
    shares = SHARES.copy()
    shares[0, 1] = np.nan
    survey = survey_of(shares, 300)
    survey.n_eff[0, 1] = 0
    rng = np.random.default_rng(6)
    drawn = redraw_question(survey, 0, replicates=20_000, rng=rng)
    assert drawn[0].mean(axis=1) == pytest.approx(SHARES[0, 0], abs=2e-3)
    assert drawn[0, 0].std() == pytest.approx(np.sqrt(0.24 / 300), rel=0.03)
    assert np.isnan(redraw_question(survey, 1, replicates=5, rng=rng)).all()


def test_debiasing_lowers_the_distance_and_knows_the_answers_own_noise() -> None:
    survey = survey_of(SHARES, 100)
    answers = np.roll(SHARES, 1, axis=-1)
    answers[0, 2] = [0.3, 0.5, 0.2, 0.0]
    plain = GEOMETRY.distance(SHARES, answers)
    debiased = debiased_distance(survey, answers)
    extra = debiased_distance(survey, answers, extra_variance=np.full(SHARES.shape, 0.01))
    assert (debiased <= plain).all()
    assert (extra < debiased).all()
