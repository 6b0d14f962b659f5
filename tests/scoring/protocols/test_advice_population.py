"""Models whose culture-following strength is known: the score puts them in that order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import codebook
from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.dilemmas.dilemma import dilemmas
from contracts.release.read import open_release
from scoring import score

#: Dilemmas of each dimension that are asked, of 50.
ASKED = 30


def advice_of(strength: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Advice of a model; log-odds of the high side: lean + the dilemma's own + strength x score.

    The lean of each dimension and the share of answers without a side are drawn apart from the
    strength, so that nothing but the following tells the models apart.
    """
    idle = rng.uniform(0, 0.3)
    rows = []
    for dimension in HOFSTEDE_DIMENSIONS:
        chosen = [d for d in dilemmas().values() if d.dimension == dimension][:ASKED]
        own = rng.normal(0, 1) + rng.normal(0, 0.5, len(chosen))
        for country in codebook.countries().values():
            if country.hofstede is None:
                continue
            pull = strength * (country.hofstede.scores[dimension] - 50) / 50
            chance = 1 / (1 + np.exp(-(own + pull)))
            sided, high = rng.uniform(size=len(chosen)) >= idle, rng.uniform(size=len(chosen))
            rows += [
                {
                    "prompt_id": dilemma.dilemma_id,
                    "country": country.country,
                    "approach": "persona",
                    "side": ("high" if draw < p else "low") if has else "inconclusive",
                }
                for dilemma, p, has, draw in zip(chosen, chance, sided, high, strict=True)
            ]
    return rows


def test_scores_put_models_in_the_order_of_their_strength(
    toy_predictions: Callable[..., Any],
) -> None:
    rng = np.random.default_rng(11)
    strengths = np.array([-1.2, -0.6, -0.25, 0.0, 0.2, 0.45, 0.8, 1.4, 2.4])
    release = open_release("reference")
    overall, given = [], []
    for strength in strengths:
        file = toy_predictions(advice_of(strength, rng), "advice")
        report = score(file, release, replicates=100)
        found = report.score("advice_correlation_persona").value
        assert found.low <= found.estimate <= found.high
        overall.append(found.estimate)
        given.append(report.protocols[-1].tables["given_lean"][0]["partial"]["estimate"])
    assert spearmanr(strengths, overall).statistic >= 0.95
    assert spearmanr(strengths, given).statistic >= 0.95
    assert overall[-1] > 0.8
    # A model that follows nobody scores nothing, one that does the contrary less.
    assert abs(overall[list(strengths).index(0.0)]) < 0.2
    assert overall[0] < -0.5


def test_the_interval_of_a_model_that_follows_nobody_holds_zero(
    toy_predictions: Callable[..., Any],
) -> None:
    file = toy_predictions(advice_of(0.0, np.random.default_rng(5)), "advice")
    report = score(file, open_release("reference"), replicates=300)
    found = report.score("advice_correlation_persona").value
    assert found.low < 0 < found.high
    assert found.estimate == pytest.approx(0, abs=0.2)
