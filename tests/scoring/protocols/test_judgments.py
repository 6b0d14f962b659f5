"""The judgments protocol: correlations of mean scores, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scoring import score
from scoring.measures import pearson
from scoring.protocols.judgments import flip_sensitivity, weighted_pearson
from scoring.studies.sensitivity import chat_pairs, training_trends

# Mean scores on [-1, 1]: Q1 (four options) from counts over -1, -1/3, 1/3, 1.
COUNTS = {
    (7, "DEU", "", "Q1"): [60, 0, 0, 40],  # -0.2
    (7, "DEU", "", "Q165"): [50, 50],  # 0
    (7, "DEU", "", "Q164"): [0, 0, 0, 0, 0, 0, 0, 0, 0, 100],  # 1
    (7, "DEU", "", "Q111"): [50, 30, 20],  # nominal: no mean score
    (7, "JPN", "", "Q1"): [100, 0, 0, 0],  # -1
    (7, "JPN", "", "Q165"): [0, 100],  # 1
    (7, "JPN", "", "Q164"): [50, 0, 0, 0, 0, 0, 0, 0, 0, 50],  # 0
    (7, "CHL", "", "Q1"): [100, 0, 0, 0],  # two questions only
    (7, "CHL", "", "Q165"): [0, 100],
}
QUESTIONS = ["Q1", "Q111", "Q164", "Q165"]
ANSWERS = {
    "Q1": [1, 0, 0, 0],  # -1
    "Q165": [0.5, 0.5],  # 0
    "Q164": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],  # 1
    "Q111": [1, 0, 0],
}


@pytest.fixture
def report(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> Any:
    predictions = toy_predictions([record(n, s) for n, s in ANSWERS.items()])
    return score(predictions, toy_release(COUNTS), questions=QUESTIONS, replicates=200)


def test_correlation_by_country_continent_and_overall(report: Any) -> None:
    # Model -1, 0, 1. Germany -.2, 0, 1 with mean .8/3: covariance sum .2 + 1 = 1.2;
    # spreads 2 and .04 + 1 - .64/3. Japan -1, 1, 0: sum 1, spreads 2 and 2: r = 1/2.
    germany = 1.2 / np.sqrt(2 * (1.04 - 0.64 / 3))
    found = {entry.country: entry.judgments for entry in report.countries}
    assert found["DEU"].estimate == pytest.approx(germany)
    assert found["JPN"].estimate == pytest.approx(0.5)
    assert found["CHL"].estimate is None
    assert report.score("pearson").value.estimate == pytest.approx((germany + 0.5) / 2)
    assert report.score("pearson").questions == 3
    result = report.protocols[2]
    continents = {r["continent"]: r["pearson"]["estimate"] for r in result.tables["continents"]}
    assert continents["Europe"] == pytest.approx(germany)
    assert continents["Asia"] == pytest.approx(0.5)
    spearman = {r["country"]: r["spearman"] for r in result.tables["countries"]}
    # Ranks 1, 2, 3 against Germany 1, 2, 3 and Japan 1, 3, 2 (for Q1, Q165, Q164).
    assert spearman["DEU"] == pytest.approx(1)
    assert spearman["JPN"] == pytest.approx(0.5)


def test_categories_with_fewer_than_three_questions_have_none(report: Any) -> None:
    categories = {
        row["category"]: row["pearson"] for row in report.protocols[2].tables["categories"]
    }
    assert set(categories) == {"social_values", "religious_values"}
    assert set(categories.values()) == {None}


def test_a_constant_model_has_no_correlation(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    flat = [
        record("Q1", [0.25] * 4),
        record("Q165", [0.5, 0.5]),
        record("Q164", [0.1] * 10),
    ]
    found = score(toy_predictions(flat), toy_release(COUNTS), questions=QUESTIONS, replicates=20)
    assert found.protocols[2].applies is False
    assert "every mean score is the same" in found.protocols[2].reason


def test_weighted_correlation_repeats_questions() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 6)), rng.normal(size=(2, 6))
    first[1, 2] = np.nan
    counts = rng.integers(0, 4, size=(6, 5)).astype(float)
    found = weighted_pearson(first, second, counts)
    for row in range(2):
        for draw in range(5):
            repeated = np.repeat(np.arange(6), counts[:, draw].astype(int))
            x, y = first[row, repeated], second[row, repeated]
            if len(set(repeated[~np.isnan(x)])) >= 3:
                assert found[row, draw] == pytest.approx(float(pearson(x, y)))
            else:
                assert np.isnan(found[row, draw])


def test_flips_change_the_correlation_unless_means_are_zero() -> None:
    rng = np.random.default_rng(1)
    people = rng.normal(0.5, 0.2, (3, 30))
    model = people + rng.normal(0, 0.3, (3, 30))
    found = flip_sensitivity(people, model, rng=rng)
    # Far from zero, flips spread both sides alike over +-: r rises towards 1.
    assert found["low"] > float(pearson(people, model).mean())
    assert found["low"] <= found["mean"] <= found["high"]


def test_training_trend_and_chat_pairs(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    release = toy_release(COUNTS)
    reports = []
    for size, share in ((1e9, 0.2), (7e9, 0.5), (70e9, 0.9), (None, 0.4)):
        answers = {**ANSWERS, "Q165": [1 - share, share], "Q1": [share, 0, 0, 1 - share]}
        predictions = toy_predictions(
            [record(n, s) for n, s in answers.items()],
            model=f"toy/{size or 'chat'}",
            parameters=size,
            chat=size is None,
            base_model="" if size else "toy/1000000000.0",
        )
        reports.append(score(predictions, release, questions=QUESTIONS, replicates=20))
    trend = training_trends(reports, rng=np.random.default_rng(0))[0]
    values = [one.score("pearson").value.estimate for one in reports[:3]]
    assert trend.models == 3
    ranks = np.argsort(np.argsort(values))
    assert trend.spearman == pytest.approx(np.corrcoef(ranks, [0, 1, 2])[0, 1])
    assert training_trends(reports, rng=np.random.default_rng(0))[1].spearman is None
    pair = chat_pairs(reports)
    assert len(pair) == 1
    own, base = (reports[i].score("pearson").value.estimate for i in (3, 0))
    assert pair[0].difference == pytest.approx(own - base)
