"""Many models at once give what one at a time gives, and what scipy gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

import codebook
from scoring.cube import score_cube
from scoring.inputs.geometry import build_geometry

GEOMETRY = build_geometry(codebook.question_set("alignment"))


def shares(rng: np.random.Generator, *shape: int) -> np.ndarray:
    drawn = rng.standard_gamma(0.7, (*shape, *GEOMETRY.source.shape)) + 1e-9
    drawn *= GEOMETRY.source >= 0
    return drawn / drawn.sum(axis=-1, keepdims=True)


def test_cube_agrees_with_single_comparisons_and_scipy() -> None:
    rng = np.random.default_rng(1)
    people, models = shares(rng, 3), shares(rng, 4)
    people[1, 5] = np.nan
    found = score_cube(people, models, GEOMETRY)
    assert found.shape == (4, 3, 144)
    for number in range(4):
        np.testing.assert_allclose(
            found[number], 1 - GEOMETRY.distance(people, models[number]), atol=1e-12
        )
    assert np.isnan(found[:, 1, 5]).all()
    for row in np.flatnonzero(GEOMETRY.ordinal)[:40]:
        places = np.arange(GEOMETRY.sizes[row])
        p, q = people[0, row, : len(places)], models[2, row, : len(places)]
        oracle = 1 - wasserstein_distance(places, places, p, q) / places[-1]
        assert found[2, 0, row] == pytest.approx(oracle, abs=1e-9)


def test_cube_takes_models_steered_by_country() -> None:
    rng = np.random.default_rng(2)
    people, models = shares(rng, 3), shares(rng, 2, 3)
    found = score_cube(people, models, GEOMETRY)
    np.testing.assert_allclose(found[1], 1 - GEOMETRY.distance(people, models[1]), atol=1e-12)


def test_cube_refuses_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        score_cube(np.zeros((2, 5, 4)), np.zeros((1, 6, 4)), GEOMETRY)
