"""Recall of a wave, and wording as a factor: planted models that know one side of either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import codebook
from codebook.crosswalk import crosswalk
from contracts.predictions.form import form_of
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import Predictions
from contracts.release.read import Release
from scoring.studies.robustness.study import robustness_study
from scoring.studies.robustness.tables import robustness_tables

COUNTRIES = ("DEU", "JPN")

#: Questions of four and ten options that wave 6 asked in the same way, and one that it did not.
QUESTIONS = tuple(
    name
    for name, entry in crosswalk().items()
    if 6 in entry.comparability
    and entry.comparability[6].grade == "identical"
    and (scale := codebook.value_questions()[name].scale) is not None
    and scale.is_ordinal
    and scale.offered == scale.codes
)[:12]
OTHER = next(
    name
    for name, entry in crosswalk().items()
    if 6 in entry.comparability and entry.comparability[6].grade == "scale changed"
)


def _shares(wave: int, country: str, question: str) -> np.ndarray:
    scale = codebook.value_questions()[question].scale
    assert scale is not None
    seed = [wave, COUNTRIES.index(country), int(question[1:])]
    return np.random.default_rng(seed).dirichlet(np.full(len(scale.codes), 3.0))


def _counts(shares: np.ndarray) -> np.ndarray:
    counts = np.floor(1e5 * shares).astype(int)
    counts[-1] += 100_000 - counts.sum()
    return counts


@pytest.fixture
def people(toy_release: Callable[..., Release]) -> Release:
    return toy_release(
        {
            (wave, country, "", question): _counts(_shares(wave, country, question))
            for wave in (6, 7)
            for country in COUNTRIES
            for question in (*QUESTIONS, OTHER)
        }
    )


@pytest.fixture
def knows(
    toy_predictions: Callable[..., Predictions], record: Callable[..., Any]
) -> Callable[..., Predictions]:
    """A model that gives the answers of a wave, mixed with uniform ones."""

    def make(wave: int, variant: str, *, part: float = 1.0, **meta: Any) -> Predictions:
        records = []
        for country in COUNTRIES:
            for question in (*QUESTIONS, OTHER):
                counts = _counts(_shares(wave, country, question)) / 1e5
                mixed = part * counts + (1 - part) / len(counts)
                records.append(record(question, list(mixed), country=country))
        fields = {"model": f"org/wave-{wave}", "method": "verbalized", "steering": "persona",
                  "extra": {"variant": variant}, **meta}  # fmt: skip
        return toy_predictions(records, **fields)

    return make


def _distance(question: str, country: str, one: np.ndarray) -> float:
    other = _counts(_shares(6, country, question)) / 1e5
    return float(np.abs(np.cumsum(one - other))[:-1].sum() / (len(one) - 1))


def test_a_model_that_knows_a_wave_is_closer_to_it(
    people: Release, knows: Callable[..., Predictions]
) -> None:
    files = [knows(wave, form) for wave in (6, 7) for form in ("default", "letters")]
    study = robustness_study(files, people, questions=(*QUESTIONS, OTHER))
    found = {one.model: one for one in study.recall}
    # One less the distance is 1 with the own wave; the distance of the waves is by hand.
    apart = np.mean(
        [
            _distance(question, country, _counts(_shares(7, country, question)) / 1e5)
            for question in QUESTIONS
            for country in COUNTRIES
        ]
    )
    later, earlier = found["org/wave-7"], found["org/wave-6"]
    assert later.later_score == pytest.approx(1, abs=1e-4)
    assert later.difference.estimate == pytest.approx(apart, abs=1e-3)
    assert earlier.difference.estimate == pytest.approx(-apart, abs=1e-3)
    assert later.difference.p_value < 0.001
    # The question whose scale changed is left out.
    assert (later.difference.questions, later.countries) == (len(QUESTIONS), 2)
    assert later.uniform == earlier.uniform
    assert later.uniform == pytest.approx(0, abs=0.1)
    titles = [table.title for table in robustness_tables(study.model_dump(mode="json"))]
    assert titles[-1] == "Recall of a wave"


def test_without_an_earlier_wave_there_is_no_recall(
    toy_release: Callable[..., Release], knows: Callable[..., Predictions]
) -> None:
    release = toy_release(
        {
            (7, country, "", question): _counts(_shares(7, country, question))
            for country in COUNTRIES
            for question in QUESTIONS
        }
    )
    files = [knows(7, form) for form in ("default", "letters")]
    study = robustness_study(files, release, questions=QUESTIONS)
    assert study.recall == []


def test_two_wordings_are_two_forms_and_no_repeats(
    people: Release, knows: Callable[..., Predictions]
) -> None:
    """The model knows three quarters of the answers in the survey's words, half in ours."""
    files = [
        knows(7, "default", part=0.5, wording="atlas"),
        knows(7, "default", part=0.75, wording="official"),
    ]
    study = robustness_study(files, people, questions=QUESTIONS)
    assert study.factors == ["wording"]
    assert [row.form for row in study.curve] == ["wording official", "wording atlas"]
    assert study.retests == []
    (effect,) = study.effects
    assert (effect.factor, effect.level, effect.reference) == ("wording", "official", "")
    # The distance from people falls by a quarter of that of uniform answers.
    assert effect.effect.estimate == pytest.approx(
        study.curve[0].scores["org/wave-7"] - study.curve[1].scores["org/wave-7"]
    )
    assert effect.effect.low > 0


def test_the_projects_own_wording_is_the_usual_level() -> None:
    assert form_of(PredictionsMeta(method="verbalized", wording="atlas")).wording == ""
    assert form_of(PredictionsMeta(method="verbalized", wording="mine")).wording == "mine"
