"""Small made-up surveys, as the readers would give them."""

from __future__ import annotations

import numpy as np

from codebook import countries, value_questions
from codebook.respondents.demographics import demographics
from contracts.release.manifest import SourceFile, Synthetic
from dataset_builder.survey import Survey

#: Raw demographics of the made-up people: variable -> codes drawn from, missing ones included.
_DRAWN = {
    "Q260": (1, 2),
    "Q262": (*range(18, 80), -2),
    "Q275": (*range(9), -1),
    "H_URBRURAL": (1, 2),
    "Q288": (*range(1, 11), -1, -2),
    "Q273": (1, 2, 3, 4, 5, 6),
    "Q279": (1, 2, 3, 4, 5, 6, 7, 8),
    "Q289": (*range(10), -2),
    "Q290": (840001, 840002, -2),
    "Q223": (840001, 840002, -3),
}


def _answers(rng: np.random.Generator, people: int, country: np.ndarray) -> np.ndarray:
    questions = value_questions()
    answers = np.empty((people, len(questions)), np.int8, order="F")
    for number, question in enumerate(questions.values()):
        assert question.scale is not None
        codes = (*question.scale.codes, *question.scale.off_scale, -1, -2, -5)
        chances = np.ones(len(codes))
        chances[question.scale.size :] = 0.1
        answers[:, number] = rng.choice(codes, people, p=chances / chances.sum())
    # Not asked: all or nothing per country and question.
    answers[np.ix_(country == 0, [5, 40])] = -4
    return answers


def make_survey(
    *,
    people: int = 600,
    names: tuple[str, ...] = ("DEU", "CHL", "JPN"),
    wave: int = 7,
    seed: int = 0,
    synthetic: bool = True,
    clusters: int = 0,
) -> Survey:
    """People in equal parts per country, country by country as in a pooled file.

    With `clusters`, so many per country, in four regions; a third of a cluster's members give the
    answers of its first.
    """
    rng = np.random.default_rng(seed)
    country = np.sort(np.arange(people) % len(names)).astype(np.int16)
    codes = np.array([countries()[name].wvs_code for name in names])[country]
    number = np.arange(people)
    drawn = {name: rng.choice(allowed, people).astype(np.int32) for name, allowed in _DRAWN.items()}
    weight = rng.uniform(0.2, 3.0, people)
    answers = _answers(rng, people, country)
    psu = region = None
    if clusters:
        own = np.random.default_rng([seed, clusters])
        place = own.permutation(people) % clusters
        psu = (country * 1000 + 7 * place + 5).astype(np.int64)
        region = (country * 100 + place % 4).astype(np.int64)
        _, first, member = np.unique(psu, return_index=True, return_inverse=True)
        answers = np.where(own.random(answers.shape) < 1 / 3, answers[first[member]], answers)
    drawn["B_COUNTRY"] = codes.astype(np.int32)
    drawn["A_YEAR"] = np.full(people, 2018, np.int32)
    return Survey(
        source=SourceFile(
            name="made_up.csv",
            sha256="0" * 64,
            survey=f"WVS wave {wave}",
            survey_version="5-0-0 SYNTHETIC" if synthetic else "5-0-0",
            rows=people,
        ),
        wave=wave,
        respondent_id=(codes * 1_000_000 + wave * 10_000 + number).astype(np.int32),
        interview_id=(codes * 1_000_000 + wave * 10_000 + number).astype(np.int64),
        country=country,
        countries=names,
        weight=weight,
        answers=np.asfortranarray(answers),
        questions=tuple(value_questions()),
        demographics={k: v for k, v in drawn.items() if k in demographics() or k == "Q223"},
        row_number=number.astype(np.int64),
        notes=("Made-up people.",) if synthetic else (),
        synthetic=Synthetic(seed=seed, generator="tests") if synthetic else None,
        psu=psu,
        region=region,
    )
