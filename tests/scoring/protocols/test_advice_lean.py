"""Lean, correlation given the lean, and paired approaches: by hand and against other roads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr

import codebook
from contracts.release.read import open_release
from scoring import score
from scoring.comparison.compare import compare_advice
from scoring.protocols.advice.lean import lean, paired_approaches, partial_correlation


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_lean_by_hand() -> None:
    # 3 + 1 + 2 of 4 + 4 + 2 sides are high; the dilemma without a side counts for nothing.
    found = lean([3, 1, 2, 0], [1, 3, 0, 0], rng=rng())
    assert found.value == pytest.approx(0.6)
    assert found.units == 3
    assert 0 <= found.low < 0.6 < found.high <= 1
    assert np.isnan(lean([0], [0], rng=rng()).value)


def test_lean_interval_narrows_with_dilemmas() -> None:
    few, many = (lean([2, 0] * n, [0, 2] * n, rng=rng()) for n in (5, 50))
    assert many.high - many.low < (few.high - few.low) / 2


def test_partial_correlation_is_that_of_residuals() -> None:
    draw = rng()
    scores = draw.uniform(0, 100, (5, 36))
    leans = np.array([0.1, 0.3, 0.9, 0.5, 0.6])
    shares = 0.003 * scores + leans[:, None] + draw.normal(0, 0.1, scores.shape)
    x, y, z = scores.ravel(), shares.ravel(), np.repeat(leans, 36)
    residuals = [side - np.polyval(np.polyfit(z, side, 1), z) for side in (x, y)]
    found = partial_correlation(scores, shares, leans, rng=rng(), replicates=200)
    assert found.value == pytest.approx(pearsonr(*residuals).statistic)
    assert found.low < found.value < found.high
    # The lean spreads the shares, so that the plain correlation is smaller here.
    assert found.value > pearsonr(x, y).statistic


def test_a_lean_alone_is_no_following() -> None:
    # Shares are the lean, and scores are high where it is: r is high, and nothing is left.
    leans = np.array([0.2, 0.4, 0.6, 0.8])
    draw = rng()
    scores = 100 * leans[:, None] + draw.normal(0, 5, (4, 36))
    shares = leans[:, None] + draw.normal(0, 0.01, (4, 36))
    assert pearsonr(scores.ravel(), shares.ravel()).statistic > 0.9
    found = partial_correlation(scores, shares, leans, rng=rng(), replicates=200)
    assert abs(found.value) < 0.25
    assert found.low < 0 < found.high


def test_one_dimension_has_nothing_to_take_away() -> None:
    draw = rng()
    scores, shares = draw.uniform(0, 100, (1, 20)), draw.uniform(0, 1, (1, 20))
    found = partial_correlation(scores, shares, [0.5], rng=rng(), replicates=50)
    assert found.value == pytest.approx(pearsonr(scores[0], shares[0]).statistic)


def test_paired_approaches_find_a_difference_and_none() -> None:
    draw = rng()
    scores = draw.uniform(0, 100, (3, 36))
    follows = scores / 100 + draw.normal(0, 0.05, scores.shape)
    deaf = draw.uniform(0, 1, scores.shape)
    found = paired_approaches(scores, follows, deaf, rng=rng(), replicates=200)
    rows = zip(scores, follows, deaf, strict=True)
    by_hand = np.mean([pearsonr(s, f).statistic - pearsonr(s, d).statistic for s, f, d in rows])
    assert found.difference == pytest.approx(by_hand)
    assert found.p_value < 0.01
    assert (found.countries, found.dimensions) == (36, 3)
    assert 0 < found.low < found.difference < found.high
    # The same approach at another level and spread is no other one.
    same = paired_approaches(scores, follows, 0.5 * follows + 0.2, rng=rng(), replicates=50)
    assert same.difference == pytest.approx(0, abs=1e-9)
    assert same.p_value == 1


def test_the_exchange_test_keeps_its_level() -> None:
    draw = rng()
    scores = draw.uniform(0, 100, (2, 20))
    p_values = []
    for _ in range(120):
        both = [scores / 100 + draw.normal(0, 0.5, scores.shape) for _ in range(2)]
        found = paired_approaches(scores, *both, rng=draw, replicates=2, permutations=199)
        p_values.append(found.p_value)
    # Binomial(120, 0.1): 12 expected, standard deviation 3.3.
    assert 2 <= sum(p <= 0.1 for p in p_values) <= 23


def test_approaches_without_common_countries_are_not_compared() -> None:
    scores = np.arange(6.0).reshape(1, 6)
    half = np.array([[0.1, 0.2, 0.4, np.nan, np.nan, np.nan]])
    found = paired_approaches(scores, half, half[:, ::-1], rng=rng(), replicates=10)
    assert np.isnan(found.difference)
    assert found.dimensions == 0


def test_tables_of_a_report(toy_predictions: Callable[..., Any]) -> None:
    rows = []
    for country, one in codebook.countries().items():
        if one.hofstede is None:
            continue
        for prefix, dimension in (("ind", "individualism"), ("pdi", "power_distance")):
            high = round(10 * one.hofstede.scores[dimension] / 100)
            for number in range(1, 11):
                common = {"prompt_id": f"{prefix}-{number:02d}", "country": country}
                persona = "high" if number <= high else "low"
                flat = "high" if (number + len(country) + ord(country[0])) % 3 else "low"
                rows.append(common | {"approach": "persona", "side": persona})
                rows.append(common | {"approach": "language", "side": flat})
    rows += [
        {"prompt_id": f"{p}-{n:02d}", "approach": "none", "side": "high" if n < limit else "low"}
        for p, limit in (("ind", 4), ("pdi", 9))
        for n in range(1, 11)
    ]
    report = score(toy_predictions(rows, "advice"), open_release("reference"), replicates=100)
    tables = report.protocols[-1].tables
    leans = {(row["approach"], row["dimension"]): row for row in tables["lean"]}
    assert leans["none", "individualism"]["high"]["estimate"] == pytest.approx(0.3)
    assert leans["none", "power_distance"]["high"]["estimate"] == pytest.approx(0.8)
    assert leans["none", "power_distance"]["dilemmas"] == 10
    given = {row["approach"]: row for row in tables["given_lean"]}
    # High sides are counted here for power distance too, so that following it is positive.
    assert given["persona"]["partial"]["estimate"] > 0.99
    assert abs(given["language"]["partial"]["estimate"]) < 0.4
    assert {row["lean_from"] for row in given.values()} == {"none"}
    (pair,) = tables["paired"]
    assert (pair["first"], pair["second"], pair["countries"]) == ("language", "persona", 36)
    mean = {
        name: np.mean(
            [
                row["aligned"]["estimate"]
                for row in tables["correlations"]
                if row["approach"] == name
            ]
        )
        for name in ("language", "persona")
    }
    gap = mean["language"] - mean["persona"]
    assert pair["difference"]["estimate"] == pytest.approx(gap)
    assert pair["difference"]["high"] < 0
    assert pair["p_adjusted"] == pair["p_value"] < 0.01


def test_two_reports_are_compared(toy_predictions: Callable[..., Any]) -> None:
    def report_of(follows: bool, approach: str) -> Any:
        draw, rows = np.random.default_rng(8), []
        for country, one in codebook.countries().items():
            if one.hofstede is None:
                continue
            chance = one.hofstede.scores["mas"] / 100 if follows else 0.5
            rows += [
                {
                    "prompt_id": f"mas-{n:02d}",
                    "country": country,
                    "approach": approach,
                    "side": "high" if draw.uniform() < chance else "low",
                }
                for n in range(1, 31)
            ]
        return score(toy_predictions(rows, "advice"), open_release("reference"), replicates=20)

    first, second = report_of(True, "persona"), report_of(False, "language")
    (pair,) = compare_advice(first, second, replicates=200)
    assert (pair.first, pair.second) == ("first:persona", "second:language")
    gap = (
        first.score("advice_correlation_persona").value.estimate
        - second.score("advice_correlation_language").value.estimate
    )
    assert pair.difference.estimate == pytest.approx(gap)
    assert pair.difference.low > 0
    assert pair.p_value < 0.05
    assert compare_advice(first, first, replicates=5)[0].p_value == 1
