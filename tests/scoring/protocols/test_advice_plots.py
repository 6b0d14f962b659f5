"""Plots of an advice report: places by hand, densities against scipy, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import gaussian_kde

import codebook
from contracts.release.read import open_release
from contracts.report import Report
from contracts.report_tables.advice import AdviceTables
from scoring import score
from scoring.presentation.html import page_text
from scoring.presentation.html.advice_plots import (
    _curve,
    advice_approaches,
    advice_plots_html,
    high_share,
)


def report_of(toy_predictions: Callable[..., Any], dimension: str, prefix: str) -> Any:
    """Ten answers a country, as many high as a tenth of its score."""
    rows = []
    for country, one in codebook.countries().items():
        if one.hofstede is None:
            continue
        high = round(one.hofstede.scores[dimension] / 10)
        rows += [
            {
                "prompt_id": f"{prefix}-{number:02d}",
                "country": country,
                "approach": "persona",
                "side": "high" if number <= high else "low",
            }
            for number in range(1, 11)
        ]
    return score(toy_predictions(rows, "advice"), open_release("reference"), replicates=50)


def tables_of(report: Report) -> AdviceTables:
    return report.tables_of(AdviceTables)


@pytest.mark.parametrize(
    ("dimension", "prefix"), [("individualism", "ind"), ("power_distance", "pdi")]
)
def test_marks_stand_at_score_and_share_of_the_high_side(
    toy_predictions: Callable[..., Any], dimension: str, prefix: str
) -> None:
    tables = tables_of(report_of(toy_predictions, dimension, prefix))
    (approach,) = advice_approaches(tables)
    (panel,) = approach.panels
    assert (approach.name, len(panel.marks)) == ("as a persona", 36)
    scores = {c: o.hofstede for c, o in codebook.countries().items() if o.hofstede}
    for row, mark in zip(tables.countries, panel.marks, strict=True):
        one = scores[row.country]
        share = round(one.scores[dimension] / 10) / 10
        assert high_share(row) == pytest.approx(share)
        # Scores run from pixel 44 to 292, shares from 204 up to 12.
        assert mark.x == pytest.approx(44 + 248 * one.scores[dimension] / 100, abs=0.06)
        assert mark.y == pytest.approx(204 - 192 * share, abs=0.06)
        assert mark.level == one.resource_level
    assert panel.line is not None
    assert panel.line[1] > panel.line[3]  # it rises: pixels count downwards
    above = sum(one.scores[dimension] > 50 for one in scores.values())
    assert {d.side: d.count for d in panel.densities} == {"high": above, "low": 36 - above}
    assert "over 36 countries" in panel.statement


def test_a_density_is_that_of_scipy() -> None:
    shares = np.array([0.2, 0.35, 0.4, 0.55, 0.9])
    at = np.linspace(0, 1, 101)
    # scipy's factor multiplies the standard deviation.
    oracle = gaussian_kde(shares, bw_method=1.06 * 5**-0.2)(at)
    assert _curve(shares) == pytest.approx(oracle)
    assert np.isfinite(_curve(np.array([0.5, 0.5]))).all()


def test_the_page_holds_the_plots_and_fetches_nothing(toy_predictions: Callable[..., Any]) -> None:
    report = report_of(toy_predictions, "mas", "mas")
    text = page_text(report)
    plots = advice_plots_html(tables_of(report))
    assert plots in text
    assert plots.count("<figure>") == 1
    assert plots.count("<title>") == 36
    assert not re.search(r"(?:src|href)=|url\(|<script", plots)
    assert "Each mark is a country; aligned r = " in plots


def test_without_countries_there_is_nothing_to_draw(toy_predictions: Callable[..., Any]) -> None:
    rows = [{"prompt_id": "ind-01", "approach": "none", "side": "high"}]
    report = score(toy_predictions(rows, "advice"), open_release("reference"), replicates=5)
    assert advice_plots_html(tables_of(report)) == ""
    assert "Each mark is a country" not in page_text(report)
