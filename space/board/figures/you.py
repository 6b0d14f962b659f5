"""Twenty questions to a visitor: what people of each country and each model answered to them.

The visitor's answers are compared in the browser and leave it in no form, so everything that the
comparison needs is in the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from codebook.questions import questions
from space.board.figures.distances import ASKED, wave_shares
from space.board.labels import country_name, option_labels, question_text
from space.board.placing import model_answers
from space.board.store import Store
from space.board.survey_answers import People

#: Questions of the alignment set on which countries lie far apart, at most three of a topic, that
#: a visitor can answer without knowing facts. Chosen by hand among the sixty with the largest mean
#: distance between two countries of the reference, and two on happiness and trust.
ASKED_OF_YOU = (
    *("Q6", "Q29", "Q37", "Q41", "Q45", "Q46", "Q57", "Q71", "Q83", "Q106"),
    *("Q113", "Q124", "Q142", "Q164", "Q169", "Q182", "Q185", "Q195", "Q242", "Q259"),
)

#: Digits of shares in the page.
_DIGITS = 4


class Item(NamedTuple):
    """One question.

    Attributes:
        question_id, text: the question.
        options: the answers in words, in the order of positions.
        ordinal: whether answers have distances; else they are the same or not.
    """

    question_id: str
    text: str
    options: tuple[str, ...]
    ordinal: bool


class Side(NamedTuple):
    """A country's people or a model.

    Attributes:
        key: ISO3 code or row id.
        name: in words.
        shares: by question, in the order of the items; None where it has no answers.
    """

    key: str
    name: str
    shares: tuple[tuple[float, ...] | None, ...]


class You(NamedTuple):
    """What the page compares a visitor with.

    Attributes:
        wave: of the survey.
        items: the questions.
        countries, models: whom the visitor is compared with.
        alike: mean closeness of two randomly drawn residents of one country.
    """

    wave: int
    items: tuple[Item, ...]
    countries: tuple[Side, ...]
    models: tuple[Side, ...]
    alike: float


def read_you(store: Store, people: People) -> You | None:
    """The questions and everybody's answers; None where people were asked none of them."""
    wave = people.waves[0]
    survey_shares = wave_shares(people, wave)
    columns = {
        name: survey_shares.geometry.index[name]
        for name in ASKED_OF_YOU
        if name in survey_shares.geometry.index
        and np.isfinite(survey_shares.shares[:, survey_shares.geometry.index[name], 0]).mean()
        >= ASKED
    }
    items = tuple(_item(name) for name in columns)
    if not items:
        return None
    sizes = survey_shares.geometry.sizes
    countries = tuple(
        Side(
            country,
            country_name(country),
            tuple(_cut(survey_shares.shares[row, at], sizes[at]) for at in columns.values()),
        )
        for row, country in enumerate(survey_shares.countries)
    )
    return You(wave, items, countries, _models(store, items), _alike(countries, items))


def closeness(answer: int, shares: Sequence[float], *, ordinal: bool) -> float:
    """How close a group lies to one answer: one less the mean distance of its members.

    Args:
        answer: position of the answer, 0 to K - 1.
        shares: of the group, which sum to 1.
        ordinal: whether options have distances.

    Formula: 1 - sum_k s_k |k - a| / (K - 1), the normalised Wasserstein-1 distance to an answer
    that everybody gives; s_a without distances. `space/assets/you.js` computes the same.
    """
    if not ordinal or len(shares) < 2:
        return float(shares[answer])
    return 1 - sum(share * abs(at - answer) for at, share in enumerate(shares)) / (len(shares) - 1)


def _item(name: str) -> Item:
    scale = questions()[name].scale
    ordinal = scale is not None and scale.is_ordinal
    return Item(name, question_text(name), tuple(option_labels(name)), ordinal)


def _cut(shares: np.ndarray, size: int) -> tuple[float, ...] | None:  # type: ignore[type-arg]
    if not np.isfinite(shares[0]):
        return None
    return tuple(round(float(share), _DIGITS) for share in shares[:size])


def _models(store: Store, items: Sequence[Item]) -> tuple[Side, ...]:
    """Models without steering that answered at least half of the questions."""
    names: dict[str, str] = {}
    answers: dict[str, dict[str, tuple[float, ...]]] = {}
    with store.connect() as db:
        for item in items:
            for one in model_answers(db, item.question_id):
                names.setdefault(one.row_id, one.name)
                shares = tuple(round(share, _DIGITS) for share in one.shares)
                answers.setdefault(one.row_id, {})[item.question_id] = shares
    return tuple(
        Side(row_id, name, tuple(answers[row_id].get(item.question_id) for item in items))
        for row_id, name in names.items()
        if len(answers[row_id]) >= ASKED * len(items)
    )


def _alike(countries: Sequence[Side], items: Sequence[Item]) -> float:
    """Mean closeness of two residents, over countries and questions."""
    means = []
    for side in countries:
        for item, shares in zip(items, side.shares, strict=True):
            if shares is not None:
                means.append(
                    sum(
                        share * closeness(at, shares, ordinal=item.ordinal)
                        for at, share in enumerate(shares)
                    )
                )
    return float(np.mean(means)) if means else float("nan")


def payload(you: You) -> Mapping[str, object]:
    """What the script reads: options and shares, without words that the page holds."""
    return {
        "ordinal": [item.ordinal for item in you.items],
        "sizes": [len(item.options) for item in you.items],
        "countries": [[one.key, one.name, one.shares] for one in you.countries],
        "models": [[one.key, one.name, one.shares] for one in you.models],
    }
