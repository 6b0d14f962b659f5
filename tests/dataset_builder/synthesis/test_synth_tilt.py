"""Cells keep the margins they are fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_builder.synthesis.derived import recode, tell_choices_apart
from dataset_builder.synthesis.tilt import Factor, fit_cells, weight_shares


def shares(rng: np.random.Generator, *shape: int) -> np.ndarray:
    drawn = rng.gamma(2.0, size=shape)
    return (drawn / drawn.sum(axis=-1, keepdims=True)).astype(np.float32)


def test_one_factor_gives_its_groups_shares() -> None:
    """Two groups of 30 and 70 people; the groups' mean is the country's by construction."""
    rng = np.random.default_rng(0)
    groups = shares(rng, 2, 5, 4)
    people = np.array([30, 70], np.float32)
    everyone = (0.3 * groups[0] + 0.7 * groups[1]).astype(np.float32)
    cells = fit_cells(everyone, [Factor(np.array([0, 1]), groups)], people)
    np.testing.assert_allclose(cells, groups, atol=1e-4)


def test_country_margin_is_kept_whatever_the_groups_say() -> None:
    rng = np.random.default_rng(1)
    everyone = shares(rng, 7, 6)
    membership = np.stack(np.meshgrid([0, 1], [0, 1, 2], [0, 1])).reshape(3, -1)
    factors = [Factor(m, shares(rng, m.max() + 1, 7, 6)) for m in membership]
    people = rng.integers(1, 40, membership.shape[1]).astype(np.float32)
    cells = fit_cells(everyone, factors, people)
    np.testing.assert_allclose(cells.sum(axis=-1), 1, atol=1e-5)
    mean = np.tensordot(people / people.sum(), cells, axes=1)
    np.testing.assert_allclose(mean, everyone, atol=2e-3)


def test_consistent_margins_are_all_kept() -> None:
    """Margins taken from one joint table are reached in every grouping."""
    rng = np.random.default_rng(2)
    membership = np.stack(np.meshgrid([0, 1], [0, 1, 2])).reshape(2, -1)
    people = rng.integers(20, 60, 6).astype(np.float32)
    joint = shares(rng, 6, 3, 4)
    everyone = np.tensordot(people / people.sum(), joint, axes=1).astype(np.float32)
    factors = []
    for m in membership:
        means = [
            np.tensordot(people[m == g] / people[m == g].sum(), joint[m == g], axes=1)
            for g in range(m.max() + 1)
        ]
        factors.append(Factor(m, np.stack(means).astype(np.float32)))
    cells = fit_cells(everyone, factors, people)
    for m, factor in zip(membership, factors, strict=True):
        for g in range(m.max() + 1):
            found = np.tensordot(people[m == g] / people[m == g].sum(), cells[m == g], axes=1)
            np.testing.assert_allclose(found, factor.shares[g], atol=3e-3)


def test_unknown_groups_take_the_shares_of_everyone() -> None:
    everyone = np.array([[0.2, 0.8]], np.float32)
    groups = np.full((2, 1, 2), np.nan, np.float32)
    cells = fit_cells(everyone, [Factor(np.array([0, 1]), groups)], np.ones(2, np.float32))
    np.testing.assert_allclose(cells, [[[0.2, 0.8]]] * 2, atol=1e-6)


def test_an_option_nobody_gave_stays_ungiven() -> None:
    everyone = np.array([[0.0, 0.4, 0.6]], np.float32)
    groups = np.array([[[0.0, 0.5, 0.5]], [[0.0, 0.3, 0.7]]], np.float32)
    cells = fit_cells(everyone, [Factor(np.array([0, 1]), groups)], np.ones(2, np.float32))
    assert np.all(cells[..., 0] == 0)
    assert np.all(np.isfinite(cells))


def test_weight_classes_give_weighted_and_unweighted_shares() -> None:
    """Two classes of 50 people, weights 0.5 and 1.5: p = .40, p_weighted = .45.

    var(w) = .25 and r = (.45 / .40 - 1) / .25 = .5, so the classes answer .40 (1 -+ .25).
    """
    everyone = np.array([[0.40, 0.60, 0.0]], np.float32)
    weighted = np.array([[0.45, 0.55]], np.float32)
    found = weight_shares(everyone, weighted, np.array([0.5, 1.5]), np.array([50.0, 50.0]))
    np.testing.assert_allclose(found[:, 0, 0], [0.30, 0.50], atol=1e-6)
    np.testing.assert_allclose(found[:, 0, :2].mean(axis=0), [0.40, 0.60], atol=1e-6)
    by_weight = (0.5 * found[0, 0, :2] + 1.5 * found[1, 0, :2]) / 2
    np.testing.assert_allclose(by_weight, [0.45, 0.55], atol=1e-6)


def test_choices_are_exchanged_not_changed() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice(np.array([1, 2, 3, 4, -1], np.int8), 600)
    second = rng.choice(np.array([1, 2, 3, 4, -3], np.int8), 600)
    apart = tell_choices_apart(first, second, rng=rng)
    np.testing.assert_array_equal(np.sort(apart), np.sort(second))
    assert not np.any((apart == first) & (first > 0))


def test_recodes_apply_at_once() -> None:
    np.testing.assert_array_equal(recode(np.array([1, 2, 3, -1]), {1: 2, 2: 1}), [2, 1, 3, -1])


@pytest.mark.parametrize("factor_count", [0, 1])
def test_without_differences_everyone_is_alike(factor_count: int) -> None:
    everyone = shares(np.random.default_rng(3), 4, 5)
    factors = [Factor(np.array([0, 1]), np.stack([everyone, everyone]))] * factor_count
    cells = fit_cells(everyone, factors, np.array([3, 9], np.float32))
    np.testing.assert_allclose(cells, np.stack([everyone, everyone]), atol=1e-5)
