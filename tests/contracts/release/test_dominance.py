"""Whose weight stands out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from contracts.release.dominance import dominated_places, in_places, is_dominated


def weights(heaviest: float, *, n: int = 1000, spread: float = 0.5) -> np.ndarray:
    """Weights of mean about 1, the last one replaced."""
    drawn = np.exp(np.random.default_rng(0).normal(0, spread, n)) if spread else np.ones(n)
    drawn /= drawn.mean()
    drawn[-1] = heaviest
    return drawn


@pytest.mark.parametrize(
    ("weight", "stands_out"),
    [
        (np.ones(1000), False),
        (np.full(40, 0.7), False),
        (np.zeros(0), False),
        (np.zeros(40), False),
        (weights(1, spread=0.5), False),
        (weights(1, spread=0.8), False),
        (weights(40), True),
        (weights(10), True),
        (weights(4), False),
        (weights(4, spread=0), True),  # all others alike
        (np.array([1.0] * 970 + [2.0] * 30), False),  # a stratum of thirty
        (np.array([1.0] * 997 + [2.0] * 3), True),
        (np.array([0.0] * 970 + [1.0] * 20), True),  # few count at all
    ],
)
def test_one_respondent_stands_out(weight: np.ndarray, stands_out: bool) -> None:
    assert is_dominated(weight) is stands_out
    assert is_dominated(weight * 0.37) is stands_out


def test_places_of_a_table_of_respondents() -> None:
    rows = [
        (wave, country, float(weight))
        for wave, country, drawn in (
            (7, "DEU", weights(1)),
            (7, "CHL", weights(20)),
            (6, "CHL", weights(2)),
            (6, "DEU", weights(30, n=300)),
        )
        for weight in drawn
    ]
    order = np.random.default_rng(1).permutation(len(rows))
    wave, country, weight = (list(column) for column in zip(*[rows[i] for i in order], strict=True))
    table = pa.table({"wave": pa.array(wave, pa.int8()), "country": country, "weight": weight})
    found = dominated_places(table)
    assert found == {(7, "CHL"), (6, "DEU")}
    chosen = in_places(table, found)
    assert chosen.sum() == 1300
    assert set(zip(np.array(wave)[chosen], np.array(country)[chosen], strict=True)) == found
    assert dominated_places(table.slice(0, 0)) == frozenset()
