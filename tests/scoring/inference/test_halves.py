"""The human ceiling from halves of interviews: splits, single respondents, whole clusters."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.inference.halves import ceiling_by_halves, random_halves
from scoring.inputs.geometry import build_geometry
from scoring.inputs.interviews import Interviews

#: Ordinal, four options; nominal.
GEOMETRY = build_geometry(["Q1", "Q152"])


def _interviews(
    clusters: int, each: int, alike: float, rng: np.random.Generator, *, strata: int = 1
) -> Interviews:
    """Answers drawn evenly; with chance `alike` a respondent gives the answer of the cluster."""
    cluster = np.repeat(np.arange(clusters), each)
    sizes = GEOMETRY.sizes
    own = np.stack([rng.integers(0, size, len(cluster)) for size in sizes], axis=1)
    common = np.stack([rng.integers(0, size, clusters) for size in sizes], axis=1)
    option = np.where(rng.random(own.shape) < alike, common[cluster], own).astype(np.int8)
    stratum = np.arange(clusters) % strata
    return Interviews("DEU", option, np.ones(len(cluster)), cluster, stratum)


def test_every_stratum_is_halved() -> None:
    stratum = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 3])
    first = random_halves(stratum, 400, rng=np.random.default_rng(1))
    counts = np.stack([first[:, stratum == number].sum(axis=1) for number in range(4)], axis=1)
    assert set(counts[:, 0]) == {2}
    assert set(counts[:, 1]) == {1}
    assert set(counts[:, 2]) == {1, 2}
    assert set(counts[:, 3]) == {0, 1}
    assert first.mean(axis=0) == pytest.approx(np.full(10, 0.5), abs=0.1)


def test_halves_of_independent_respondents_give_the_formula() -> None:
    """1 - sqrt(2) E d, with E d = sum_j w_j sqrt(2 / pi) sqrt(z_j (1 - z_j) / n)."""
    rng = np.random.default_rng(2)
    found = [
        ceiling_by_halves(_interviews(400, 1, 0.0, rng), GEOMETRY, rng=rng).persons
        for _ in range(40)
    ]
    z = np.array([0.25, 0.5, 0.75])
    ordinal = np.sqrt(2 / np.pi) * np.sqrt(z * (1 - z) / 400).sum() / 3
    size = int(GEOMETRY.sizes[1])
    nominal = size / 2 * np.sqrt(2 / np.pi) * np.sqrt((1 / size) * (1 - 1 / size) / 400)
    expected = 1 - np.sqrt(2) * np.array([ordinal, nominal])
    assert 1 - np.mean(found, axis=0) == pytest.approx(1 - expected, rel=0.03)


def test_halves_of_clusters_are_as_far_apart_as_two_surveys() -> None:
    """Distances of two surveys of the same design, drawn here, against halves of one of each."""
    rng = np.random.default_rng(3)
    between = [
        GEOMETRY.distance(*(_shares(_interviews(40, 15, 0.5, rng)) for _ in range(2)))
        for _ in range(1500)
    ]
    found = [
        ceiling_by_halves(_interviews(40, 15, 0.5, rng), GEOMETRY, rng=rng, splits=20)
        for _ in range(150)
    ]
    halves, persons = ([1 - one[way] for one in found] for way in range(2))
    assert np.mean(halves, axis=0) == pytest.approx(np.mean(between, axis=0), rel=0.05)
    # The intra-cluster correlation is 1/4: an effect of 4.5, a distance of 2.1 times.
    ratio = np.mean(halves, axis=0) / np.mean(persons, axis=0)
    assert ratio == pytest.approx(np.full(2, np.sqrt(4.5)), rel=0.1)


def _shares(interviews: Interviews) -> np.ndarray:
    shares = np.zeros((len(GEOMETRY.sizes), GEOMETRY.width))
    for row in range(len(shares)):
        shares[row] = np.bincount(interviews.option[:, row], minlength=GEOMETRY.width)
    return shares / shares.sum(axis=-1, keepdims=True)


def test_strata_that_explain_everything_leave_no_distance() -> None:
    """Two strata, answers alike within each: every half has the same shares."""
    stratum = np.arange(20) % 2
    cluster = np.repeat(np.arange(20), 5)
    option = np.repeat(stratum[cluster][:, None], 2, axis=1).astype(np.int8)
    interviews = Interviews("DEU", option, np.ones(100), cluster, stratum)
    found = ceiling_by_halves(interviews, GEOMETRY, rng=np.random.default_rng(4))
    assert found.clusters == pytest.approx([1.0, 1.0])
    assert (found.persons < 0.99).all()


def test_questions_without_answers_and_countries_without_clusters() -> None:
    rng = np.random.default_rng(5)
    drawn = _interviews(20, 5, 0.2, rng)
    option = drawn.option.copy()
    option[:, 1] = -1
    bare = Interviews("DEU", option, drawn.weight, None, np.zeros(0, np.int64))
    found = ceiling_by_halves(bare, GEOMETRY, rng=rng)
    assert np.isnan(found.clusters).all()
    assert np.isnan(found.persons).tolist() == [False, True]


def test_a_question_answered_in_one_cluster_has_no_ceiling_by_clusters() -> None:
    rng = np.random.default_rng(6)
    drawn = _interviews(20, 5, 0.2, rng)
    option = drawn.option.copy()
    option[5:, 1] = -1
    one = Interviews("DEU", option, drawn.weight, drawn.cluster, drawn.stratum)
    found = ceiling_by_halves(one, GEOMETRY, rng=rng)
    assert np.isnan(found.clusters).tolist() == [False, True]
