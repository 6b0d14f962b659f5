"""Intervals hold known scores: a short simulation; benchmarks/coverage.py is the long one."""

from __future__ import annotations

import numpy as np

import codebook
from scoring.inputs.answers import Answers
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import Survey
from scoring.protocols.alignment.compute import AlignmentScores, score_alignment

GEOMETRY = build_geometry(codebook.question_set("alignment")[:40])
PEOPLE = 800


def populations(rng: np.random.Generator, count: int) -> np.ndarray:
    drawn = rng.standard_gamma(2.0, (count, *GEOMETRY.source.shape)) * (GEOMETRY.source >= 0)
    return drawn / drawn.sum(axis=-1, keepdims=True)


def scored(truth: np.ndarray, model: np.ndarray, rng: np.random.Generator) -> AlignmentScores:
    counts = rng.multinomial(PEOPLE, truth)
    n = np.full(counts.shape[:2], float(PEOPLE))
    names = tuple(f"C{row}" for row in range(len(truth)))
    survey = Survey(names, GEOMETRY, counts / PEOPLE, n, n.copy(), counts.astype(float))
    return score_alignment(
        survey,
        Answers(np.broadcast_to(model, truth.shape), np.zeros(n.shape, np.int8), False),
        excluded=np.zeros(n.shape[1], bool),
        parts=np.zeros(n.shape[1], np.int64),
        mode="corrected",
        average="leave-one-out",
        replicates=200,
        rng=rng,
    )


def test_fixed_questions_hold_the_true_score() -> None:
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(120):
        truth, model = populations(rng, 2), populations(rng, 1)[0]
        score = 1 - GEOMETRY.distance(truth, model).mean(axis=1)
        found = scored(truth, model, rng).country_fixed.bounds
        hits += ((found.low <= score) & (score <= found.high)).tolist()
    # 240 intervals of 95 %: below 215 or above 239 happens less than once in a thousand.
    assert 215 <= sum(hits) <= 239


def test_a_perfect_model_is_not_ruled_out() -> None:
    rng = np.random.default_rng(12)
    reached = 0
    for _ in range(40):
        truth = populations(rng, 2)
        found = scored(truth, truth, rng)
        assert found.overall.value < 1
        reached += int(found.overall_fixed.bounds.high == 1)
    assert reached >= 36


def test_an_ordinary_model_is_ruled_out_to_be_perfect() -> None:
    rng = np.random.default_rng(13)
    truth = populations(rng, 2)
    found = scored(truth, 0.8 * truth[:1] + 0.2 * populations(rng, 1), rng)
    assert found.overall_fixed.bounds.high < 0.99
