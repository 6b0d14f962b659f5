"""One country's or one question's answers as CSV, by address: people's, and models' beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codebook.questions import questions, value_questions
from contracts.errors import fail
from space.board.files.download import csv_text
from space.board.labels import code_label, country_name
from space.board.placing import ModelAnswer, model_answers
from space.board.store import Store
from space.board.survey_answers import Answers, People


def country_csv(people: People, country: str) -> str:
    """Every answer of a country's people: a line per wave, question and option.

    Raises:
        ContractError: the release has no answers of it.
    """
    rows = [
        line
        for wave in people.waves
        for question in value_questions()
        if (answers := people.answers.get((wave, country, question))) is not None
        for line in _people_lines(people, wave, country, question, answers)
    ]
    if not rows:
        known = people.countries(people.waves[0])
        raise fail(
            "no-country",
            "there are no answers of this country",
            found=country[:40],
            allowed=f"{known[0]}, {known[1]}, ... {known[-1]}",
            hint="Countries are named by ISO3 code.",
        )
    return csv_text(rows)


def question_csv(store: Store, people: People, question: str) -> str:
    """Answers to a question everywhere: people's by wave and country, then models' unsteered.

    Raises:
        ContractError: nobody was asked it.
    """
    rows = [
        line
        for wave in people.waves
        for country in people.countries(wave)
        if (answers := people.answers.get((wave, country, question))) is not None
        for line in _people_lines(people, wave, country, question, answers)
    ]
    if not rows:
        raise fail(
            "no-question",
            "there are no answers to this question",
            found=question[:40],
            hint="Questions are named as in wave 7, for instance Q164.",
        )
    with store.connect() as db:
        models = model_answers(db, question)
    rows += [line for one in models for line in _model_lines(people, question, one)]
    return csv_text(rows)


def _people_lines(
    people: People, wave: int, country: str, question: str, answers: Answers
) -> Iterator[dict[str, Any]]:
    for code, share, error in zip(answers.codes, answers.shares, answers.errors, strict=True):
        yield _line(people, question, code) | {
            "who": "people",
            "name": country_name(country),
            "country": country,
            "wave": wave,
            "share": share,
            "se": error,
            "n": answers.n,
            "n_eff": answers.n_eff,
        }


def _model_lines(people: People, question: str, model: ModelAnswer) -> Iterator[dict[str, Any]]:
    scale = questions()[question].scale
    for code, share in zip(scale.codes if scale else (), model.shares, strict=False):
        yield _line(people, question, code) | {
            "who": "model",
            "name": model.name,
            "row_id": model.row_id,
            "share": share,
        }


def _line(people: People, question: str, code: int) -> dict[str, Any]:
    return {
        "question_id": question,
        "code": code,
        "label": code_label(question, code).split(" ", 1)[-1],
        "who": "",
        "name": "",
        "row_id": "",
        "country": "",
        "wave": "",
        "share": None,
        "se": None,
        "n": None,
        "n_eff": None,
        "release": people.title,
    }
