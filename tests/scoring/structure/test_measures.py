"""Measures of structure by hand, against scipy, and by planted populations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from codebook.batteries import batteries
from contracts.release.read import open_release
from scoring.structure.measures import (
    distinct_share,
    effective_dependence,
    entropy,
    first_component,
    gap_agreement,
    squared_distance,
    standardised_alpha,
    structure_score,
    variance_ratio,
    whole_part,
)
from scoring.structure.moments import correlation_matrix, pair_sizes, resampled_correlations
from scoring.structure.noise import persons_noise
from scoring.structure.people import read_structure

JUSTIFIABLE = batteries()["justifiable"].questions


def test_correlations_equal_scipy_with_gaps_and_weights() -> None:
    random = np.random.default_rng(0)
    answers = random.integers(0, 4, (300, 5)).astype(float)
    answers[:, 1] += answers[:, 0]
    answers[random.random(answers.shape) < 0.2] = np.nan
    found = correlation_matrix(answers)
    for a in range(5):
        for b in range(a):
            both = ~np.isnan(answers[:, a]) & ~np.isnan(answers[:, b])
            r = stats.pearsonr(answers[both, a], answers[both, b]).statistic
            assert found[a, b] == pytest.approx(r, abs=1e-12)
    weights = random.integers(1, 5, 300)
    repeated = np.repeat(answers, weights, axis=0)
    assert correlation_matrix(answers, weights.astype(float)) == pytest.approx(
        correlation_matrix(repeated), abs=1e-12
    )
    sizes = pair_sizes(answers, weights.astype(float))
    both = ~np.isnan(answers[:, 0]) & ~np.isnan(answers[:, 3])
    assert sizes[0, 3] == pytest.approx(weights[both].sum() ** 2 / (weights[both] ** 2).sum())


def test_a_constant_question_depends_on_nothing() -> None:
    answers = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    found = correlation_matrix(answers)
    assert found[0, 1] == 0
    assert found[0, 0] == 1
    alone = np.array([[1.0, np.nan], [np.nan, 1.0], [2.0, np.nan]])
    assert np.isnan(correlation_matrix(alone)[0, 1])


def test_resamples_equal_one_by_one() -> None:
    random = np.random.default_rng(1)
    answers = random.normal(size=(80, 4))
    weights = random.multinomial(80, np.full(80, 1 / 80), size=7).astype(float)
    together = resampled_correlations(answers, weights)
    for number, row in enumerate(weights):
        assert together[number] == pytest.approx(
            correlation_matrix(np.repeat(answers, row.astype(int), axis=0)), abs=1e-12
        )


def test_alpha_by_hand_and_of_raw_items() -> None:
    random = np.random.default_rng(3)
    items = random.normal(size=(500, 6)) + random.normal(size=(500, 1))
    items = (items - items.mean(axis=0)) / items.std(axis=0)
    # Cronbach's formula on items of equal variance.
    raw = 6 / 5 * (1 - items.var(axis=0).sum() / items.sum(axis=1).var())
    matrix = correlation_matrix(items)
    assert standardised_alpha(matrix, np.ones(6)) == pytest.approx(raw)
    signs = np.array([1, -1, 1, 1, -1, 1])
    assert standardised_alpha(correlation_matrix(items * signs), signs) == pytest.approx(raw)


def test_dependence_and_component_of_an_equicorrelated_matrix() -> None:
    r, size = 0.3, 5
    matrix = np.full((size, size), r) + (1 - r) * np.eye(size)
    assert first_component(matrix) == pytest.approx((1 + (size - 1) * r) / size)
    determinant = (1 - r) ** (size - 1) * (1 + (size - 1) * r)
    assert effective_dependence(matrix) == pytest.approx(1 - determinant ** (1 / size))
    assert effective_dependence(np.eye(4)) == pytest.approx(0)
    assert effective_dependence(np.ones((3, 3))) == 1
    matrix[0, 1] = np.nan
    assert np.isnan(first_component(matrix))


def test_largest_whole_part() -> None:
    matrix = np.ones((4, 4))
    matrix[1, 0] = matrix[0, 1] = matrix[1, 3] = matrix[3, 1] = np.nan
    assert whole_part(matrix).tolist() == [0, 2, 3]


def test_spread_of_shares() -> None:
    even, pointed = np.full(4, 0.25), np.array([0.0, 0.5, 0.5, 0.0])
    positions = np.arange(4.0)
    assert variance_ratio(even, pointed, positions) == pytest.approx(1.25 / 0.25)
    assert np.isnan(variance_ratio(even, np.array([1.0, 0, 0, 0]), positions))
    assert entropy(even) == pytest.approx(np.log(4))
    assert entropy(pointed) == pytest.approx(np.log(2))


def test_distinct_persons() -> None:
    answers = np.array([[1, 2], [1, 2], [1, np.nan], [1, np.nan], [2, 2]])
    assert distinct_share(answers) == pytest.approx(3 / 5)


def test_planted_gaps_are_recovered() -> None:
    random = np.random.default_rng(4)
    real = random.normal(0, 0.3, 200)
    people = real + random.normal(0, 0.02, 200)
    errors = np.full(200, 0.02)
    same, slope, count = gap_agreement(1.5 * real, people, errors)
    assert same > 0.99
    assert slope == pytest.approx(1.5, abs=0.02)
    assert count < 200  # those within two standard errors say nothing
    assert gap_agreement(-real, people, errors)[0] < 0.01
    assert gap_agreement(real, people, np.full(200, 10.0))[2] == 0


def _copula(matrix: np.ndarray, persons: int, random: np.random.Generator) -> np.ndarray:
    """Answers on ten positions whose correlations are close to `matrix`."""
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 0))
    scores = random.normal(size=(persons, len(matrix))) @ root.T
    cuts = stats.norm.ppf(np.arange(1, 10) / 10)
    return np.searchsorted(cuts, scores / scores.std(axis=0)).astype(float)


@pytest.fixture(scope="module")
def structures():
    return read_structure(open_release("reference"), JUSTIFIABLE)


def _score(answers: np.ndarray, people: np.ndarray, noise: np.ndarray) -> float:
    above = np.triu_indices(len(people), 1)
    real, error = people[above], noise[above]
    distance = squared_distance(
        correlation_matrix(answers)[above], real, persons_noise(answers) + error
    )
    return float(structure_score(distance, squared_distance(np.zeros_like(real), real, error)))


def _scores(structures, persons: int, model) -> list[float]:
    """The structure score of every tenth country with `persons` synthetic respondents."""
    random = np.random.default_rng(6)
    found = []
    for country in sorted(structures)[::10]:
        twin = structures[country]
        rows = whole_part(twin.correlations)
        people = twin.correlations[np.ix_(rows, rows)]
        noise = twin.noise[np.ix_(rows, rows)]
        answers = model(country, rows, people, persons, random)
        found.append(_score(answers, people, noise))
    return found


def test_independent_columns_have_no_structure(structures) -> None:
    scores = _scores(
        structures,
        400,
        lambda country, rows, people, n, random: random.integers(0, 10, (n, len(rows))) * 1.0,
    )
    assert np.mean(scores) == pytest.approx(0, abs=0.05)


def test_halves_of_a_twin_have_the_same_structure(structures) -> None:
    random = np.random.default_rng(7)
    scores = []
    for country in sorted(structures):
        rows = whole_part(structures[country].correlations)
        matrix = structures[country].correlations[np.ix_(rows, rows)]
        halves = [_copula(matrix, 750, random) for _ in range(2)]
        other = np.zeros(matrix.shape)
        other[np.triu_indices(len(rows), 1)] = persons_noise(halves[1])
        scores.append(_score(halves[0], correlation_matrix(halves[1]), other))
    assert np.mean(scores) >= 0.95


def test_neighbour_lies_between(structures) -> None:
    names = sorted(structures)
    random = np.random.default_rng(8)
    scores = []
    for place, country in enumerate(names[::10]):
        other = structures[names[(place * 10 + 5) % len(names)]].correlations
        people = structures[country].correlations
        rows = whole_part(people + other)
        part = np.ix_(rows, rows)
        answers = _copula(other[part], 600, random)
        scores.append(_score(answers, people[part], structures[country].noise[part]))
    assert 0.2 < np.mean(scores) < 0.9


def test_people_of_the_reference(structures) -> None:
    assert len(structures) >= 50
    alphas = {
        country: standardised_alpha(one.correlations, np.ones(len(JUSTIFIABLE)))
        for country, one in structures.items()
    }
    assert min(alphas.values()) > 0.65
    assert max(alphas.values()) < 0.98
