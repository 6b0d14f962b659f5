"""Distances against scipy, on scales of every length that the survey has."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, wasserstein_distance

import codebook
from scoring import measures
from scoring.inputs.geometry import build_geometry


def random_shares(rng: np.random.Generator, *shape: int) -> np.ndarray:
    shares = rng.dirichlet(np.full(shape[-1], 0.4), size=shape[:-1])
    return shares / shares.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("size", range(2, 12))
def test_wasserstein_agrees_with_scipy(size: int) -> None:
    rng = np.random.default_rng(size)
    first, second = random_shares(rng, 20, size), random_shares(rng, 20, size)
    positions = np.cumsum(rng.uniform(0.2, 2.0, size))
    found = measures.wasserstein_ordinal(first, second, positions=positions, normalise=False)
    oracle = [
        wasserstein_distance(positions, positions, p, q) for p, q in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(found, oracle, atol=1e-12)


@pytest.mark.parametrize("size", [2, 4, 11])
def test_entropies_agree_with_scipy(size: int) -> None:
    rng = np.random.default_rng(size)
    first, second = random_shares(rng, 30, size), random_shares(rng, 30, size)
    divergence = measures.jensen_shannon(first, second)
    np.testing.assert_allclose(
        divergence, jensenshannon(first, second, base=2, axis=-1) ** 2, atol=1e-12
    )
    mixed = [0.99 * side + 0.01 / size for side in (first, second)]
    oracle = entropy(mixed[0], mixed[1], base=2, axis=-1)
    found = measures.kl_divergence(first, second, smoothing=0.01)
    np.testing.assert_allclose(found, oracle, atol=1e-12)


@pytest.mark.parametrize("mode", ["corrected", "paper"])
def test_every_question_of_the_codebook_agrees_with_scipy(mode: str) -> None:
    ids = tuple(codebook.value_questions())
    geometry = build_geometry(ids, mode=mode)
    rng = np.random.default_rng(7)
    shares = np.zeros((2, len(ids), geometry.width))
    for row, size in enumerate(geometry.sizes):
        shares[:, row, :size] = random_shares(rng, 2, int(size))
    found = geometry.distance(shares[0], shares[1])
    for row, codes in enumerate(geometry.codes):
        p, q = shares[:, row, : len(codes)]
        if geometry.ordinal[row]:
            # Corrected positions are the places on the codebook's scale, paper ones raw codes.
            places = np.array(codes if mode == "paper" else range(len(codes)), float)
            expected = wasserstein_distance(places, places, p, q) / (places.max() - places.min())
        else:
            expected = np.abs(p - q).sum() / 2
        assert found[row] == pytest.approx(expected, abs=1e-12), ids[row]
