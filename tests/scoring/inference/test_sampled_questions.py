"""Intervals for other questions hold the truth of a pool: worth in people, small groups."""

from __future__ import annotations

import numpy as np
import pytest

import codebook
from scoring.inference.worth import PEOPLE, people_worth, worth_curve
from scoring.inputs.answers import Answers
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import Survey
from scoring.protocols.alignment.compute import AlignmentScores, score_alignment
from scoring.protocols.alignment.worth import worth_people
from scoring.protocols.score_distributions import group_entry

#: The pool that questions are drawn from, and how many are.
POOL = build_geometry(codebook.question_set("alignment"))
ASKED = 60


def _pool(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two populations, some questions divided and others not, and a model that is partly right."""
    open_ = POOL.source >= 0
    divided = rng.choice([0.15, 1.0, 4.0], size=(2, len(POOL.sizes), 1))
    people, model = (rng.standard_gamma(np.where(open_, shape, 0.0)) for shape in (divided, 1.0))
    people /= people.sum(axis=-1, keepdims=True)
    model = model[:1] / model[:1].sum(axis=-1, keepdims=True)
    return people, 0.7 * people.mean(axis=0, keepdims=True) + 0.3 * model


def _survey(people: np.ndarray, rows: np.ndarray, each: int, rng: np.random.Generator) -> Survey:
    counts = rng.multinomial(each, people[:, rows])
    n = np.full(counts.shape[:2], float(each))
    return Survey(("DEU", "JPN"), POOL.take(rows), counts / each, n, n.copy(), counts.astype(float))


def _answers(model: np.ndarray, rows: np.ndarray) -> Answers:
    shares = np.broadcast_to(model[:, rows], (2, len(rows), POOL.width))
    return Answers(shares, np.zeros((2, len(rows)), np.int8), True)


def _scored(survey: Survey, answers: Answers, rng: np.random.Generator) -> AlignmentScores:
    return score_alignment(
        survey,
        answers,
        excluded=np.zeros(ASKED, bool),
        parts=np.zeros(ASKED, np.int64),
        mode="corrected",
        average="leave-one-out",
        replicates=200,
        rng=rng,
    )


def _true_worth(people: np.ndarray, model: np.ndarray) -> np.ndarray:
    n = np.ones(people.shape[:2])
    whole = Survey(("DEU", "JPN"), POOL, people, n, n, people)
    curve = worth_curve(whole, n > 0).distance
    distance = POOL.distance(people, model).mean(axis=1)
    return np.array([people_worth(d, own) for d, own in zip(distance, curve, strict=True)])


def test_worth_of_other_questions_is_held() -> None:
    """Divided questions are hard for models and for draws of people: both must vary together."""
    rng = np.random.default_rng(31)
    hits = []
    for _ in range(100):
        people, model = _pool(rng)
        truth, rows = _true_worth(people, model), rng.choice(len(POOL.sizes), ASKED)
        found = worth_people(_scored(_survey(people, rows, 1000, rng), _answers(model, rows), rng))
        low, high = found.country.bounds
        assert (low <= found.country.value).all()
        assert (found.country.value <= high).all()
        hits += ((low <= truth) & (truth <= high)).tolist()
    # 200 intervals of 95 %: below 179 or all 200 happens less than once in a thousand.
    assert 179 <= sum(hits) < 200


def test_scores_of_small_groups_are_held() -> None:
    """Fifty respondents: the distance that sampling adds is as large as the interval is wide."""
    rng = np.random.default_rng(32)
    hits, below = 0, 0
    for _ in range(150):
        people, model = _pool(rng)
        truth = 1 - POOL.distance(people, model).mean()
        rows = rng.choice(len(POOL.sizes), ASKED)
        survey = _survey(people, rows, 50, rng)
        entry = group_entry(
            "sex=female", survey, _answers(model, rows), np.zeros(ASKED, bool), 200, rng
        )
        assert entry is not None
        low, high = entry.alignment.low, entry.alignment.high
        assert low is not None
        assert high is not None
        assert low <= entry.alignment.estimate <= high
        hits += low <= truth <= high
        below += high < truth
    # 150 intervals of 95 %: fewer than 133 happens less than once in a thousand.
    assert hits >= 133
    assert below <= 12


def test_curves_of_cells_pass_through_the_numbers_of_people() -> None:
    rng = np.random.default_rng(33)
    people, _ = _pool(rng)
    survey = _survey(people, np.arange(ASKED), 500, rng)
    curve = worth_curve(survey, survey.answered)
    for place in (0, 5, len(PEOPLE) - 1):
        found = curve.cells_at(np.full(2, PEOPLE[place]))
        assert found == pytest.approx(curve.cells[place])
        assert found.mean(axis=1) == pytest.approx(curve.distance[:, place])
    quarter = curve.cells_at(np.full(2, 0.25))
    assert quarter == pytest.approx(2 * curve.cells[0])
