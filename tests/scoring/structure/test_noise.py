"""Noise of correlations of coarse and skewed answers, against simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from codebook.batteries import Battery
from scoring.structure.measures import ROUNDING_VARIANCE
from scoring.structure.moments import upper_pairs
from scoring.structure.noise import persons_noise, sample_errors, shares_noise
from scoring.structure.people import PeopleStructure
from scoring.structure.persons import Persons
from scoring.structure.score import score_structure

#: Shares like those of "can be justified": nearly everyone at one end, and a few others.
SHARES = np.array(
    [
        [0.72, 0.12, 0.06, 0.04, 0.03, 0.03],
        [0.55, 0.20, 0.10, 0.08, 0.05, 0.02],
        [0.85, 0.07, 0.03, 0.02, 0.02, 0.01],
        [0.10, 0.20, 0.30, 0.20, 0.12, 0.08],
        [0.90, 0.05, 0.02, 0.01, 0.01, 0.01],
    ]
)

NAMES = ("Q177", "Q178", "Q179", "Q180", "Q181")
BATTERY = Battery("skewed", "Skewed answers", NAMES)


def _latent(common: float) -> np.ndarray:
    matrix = np.full((5, 5), common)
    np.fill_diagonal(matrix, 1.0)
    return np.linalg.cholesky(matrix)


def _draw(common: float, persons: int, rng: np.random.Generator) -> np.ndarray:
    scores = rng.normal(size=(persons, 5)) @ _latent(common).T
    cuts = stats.norm.ppf(np.cumsum(SHARES, axis=1)[:, :-1])
    columns = [np.searchsorted(cuts[q], scores[:, q]) for q in range(5)]
    return np.column_stack(columns).astype(float)


def _correlations(answers: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.corrcoef(answers.T))[upper_pairs(5)]


def test_noise_is_that_of_repeated_samples() -> None:
    """1,500 samples of 300: the mean variance within 5 %, where the normal formula is a third
    too small."""
    rng = np.random.default_rng(0)
    samples = [_draw(0.5, 300, rng) for _ in range(1500)]
    found = np.array([_correlations(one) for one in samples])
    real = found.var(axis=0).mean()
    own = np.mean([persons_noise(one) for one in samples[:100]], axis=0).mean()
    assert own == pytest.approx(real, rel=0.06)
    r = _correlations(_draw(0.5, 300_000, rng))
    shares = shares_noise(r[None], SHARES[None], upper_pairs(5), np.full((1, 10), 300.0))
    assert shares.mean() == pytest.approx(real, rel=0.06)
    normal = ((1 - r**2) ** 2 / 299).mean()
    assert normal < 0.75 * real


def test_noise_leaves_out_one_person_after_the_other() -> None:
    rng = np.random.default_rng(1)
    answers = _draw(0.4, 60, rng)
    size, whole = len(answers), _correlations(answers)
    without = np.array([_correlations(np.delete(answers, i, axis=0)) for i in range(size)])
    jackknife = (size - 1) / size * ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    z = (answers - answers.mean(axis=0)) / np.where(answers.std(axis=0) > 0, answers.std(axis=0), 1)
    a, b = (z[:, columns] for columns in upper_pairs(5))
    u = a * b - whole * (a**2 + b**2) / 2
    expected = (jackknife + (u**2).sum(axis=0) / (size * (size - 1))) / 2
    assert persons_noise(answers) == pytest.approx(expected, rel=1e-9)
    # Persons without an answer change nothing, in the way that takes missing answers.
    gaps = np.vstack([answers, np.full((3, 5), np.nan)])
    assert persons_noise(gaps) == pytest.approx(expected, rel=1e-9)


def test_a_constant_question_has_no_noise() -> None:
    answers = _draw(0.4, 600, np.random.default_rng(2))
    answers[:, 1] = 2.0
    noise = persons_noise(answers)
    first, second = upper_pairs(5)
    assert (noise[(first == 1) | (second == 1)] == 0).all()
    assert (noise[(first != 1) & (second != 1)] > 0).all()


def test_normal_answers_have_the_textbook_noise() -> None:
    """Of many options cut evenly the variance is (1 - r^2)^2 / (n - 1)."""
    even = np.diff(stats.norm.cdf(np.linspace(-5, 5, 41)))
    shares = np.array([[even, even]])
    for r in (0.0, 0.3, -0.6):
        found = shares_noise(np.array([[r]]), shares, upper_pairs(2), np.array([[401.0]]))
        assert found[0, 0] == pytest.approx((1 - r**2) ** 2 / 400, rel=0.02)


def test_errors_of_samples_have_unit_variance_and_go_together() -> None:
    matrix = _latent(0.5) @ _latent(0.5).T
    errors = sample_errors(matrix, np.full(5, 1000.0), 4000, np.random.default_rng(3))
    assert errors.std(axis=0) == pytest.approx(np.ones(10), abs=0.05)
    # Pairs that share a question err together, as those of normal samples do.
    rng = np.random.default_rng(4)
    drawn = rng.normal(size=(2000, 400, 5)) @ _latent(0.5).T
    found = np.array([np.corrcoef(one.T)[upper_pairs(5)] for one in drawn])
    expected = np.corrcoef(found.T)
    assert np.corrcoef(errors.T) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize(("persons", "model"), [(100, 0.5), (600, 0.5), (600, 0.25), (100, 0.0)])
def test_intervals_hold_the_truth(persons: int, model: float) -> None:
    """Persons of a known dependence beside samples of 1,200 people: at least 90 of 100 intervals
    hold what infinitely many of both would score; near 1 the normal formula held 63."""
    rng = np.random.default_rng(5)
    people, twin = (_correlations(_draw(c, 400_000, rng)) for c in (0.5, model))
    truth = 1 - np.sqrt(((twin - people) ** 2).mean() / (people**2).mean())
    truth = 1.0 if model == 0.5 else truth
    held = 0
    first, second = upper_pairs(5)
    for _ in range(100):
        sample = _draw(0.5, 1200, rng)
        rounded = np.round(_correlations(sample) / 0.02) * 0.02
        shares = np.array([np.bincount(sample[:, q].astype(int), minlength=6) for q in range(5)])
        noise = shares_noise(
            rounded[None], shares[None] / 1200, (first, second), np.full((1, 10), 1200.0)
        )
        matrix, errors = np.eye(5), np.zeros((5, 5))
        matrix[first, second] = matrix[second, first] = rounded
        errors[first, second] = errors[second, first] = noise[0] + ROUNDING_VARIANCE
        found = score_structure(
            {"DEU": Persons(_draw(model, persons, rng), ("",) * persons)},
            {"DEU": PeopleStructure(matrix, errors, np.full(5, 1200.0))},
            NAMES,
            [BATTERY],
            replicates=200,
            rng=rng,
        )
        score, low, high, _ = found.countries["DEU"]
        assert low <= score <= high
        held += low <= truth <= high
    assert held >= 90


def test_persons_who_all_answer_alike_have_no_structure() -> None:
    """Questions with one answer are part of the score, and not left out of it."""
    rng = np.random.default_rng(6)
    matrix = _latent(0.5) @ _latent(0.5).T
    people = {"DEU": PeopleStructure(matrix, np.full((5, 5), 0.001), np.full(5, 1000.0))}
    alike = {"DEU": Persons(np.ones((40, 5)), ("",) * 40)}
    found = score_structure(alike, people, NAMES, [BATTERY], replicates=20, rng=rng)
    assert found.overall[0] == pytest.approx(0, abs=1e-9)
    assert found.batteries[0].questions == 5


def test_pairs_need_persons_who_answered_both() -> None:
    rng = np.random.default_rng(7)
    matrix = _latent(0.5) @ _latent(0.5).T
    people = {"DEU": PeopleStructure(matrix, np.full((5, 5), 0.001), np.full(5, 1000.0))}
    answers = _draw(0.5, 60, rng)
    for person in range(60):  # each answers two of the questions
        keep = rng.choice(5, 2, replace=False)
        answers[person, [q for q in range(5) if q not in keep]] = np.nan
    thin = {"DEU": Persons(answers, ("",) * 60)}
    found = score_structure(thin, people, NAMES, [BATTERY], replicates=20, rng=rng)
    assert not found.countries
