"""What every question asks, apart from any wording: its meaning card.

A card is one line of `data/meanings.csv`. It says who is asked what, what the first and the last
answer mean, and where a wording goes wrong easily. A text in any language is reviewed against the
card, not against the text in another language; so a fault of the English does not spread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from codebook.questions import value_questions
from codebook.resources import read_csv

#: Independent descriptions of an item that a card must rest on, at least.
LEAST_SOURCES = 2


@dataclass(frozen=True)
class Meaning:
    """Meaning card of a question.

    Attributes:
        question_id: wave 7 name, for instance `Q106`.
        asks: who is asked what, in one line.
        first, last: what the answers at the first and the last position of the scale mean.
        trap: where a wording goes wrong easily; "" where nowhere in particular.
        sources: the descriptions of the item that the card rests on.
    """

    question_id: str
    asks: str
    first: str
    last: str
    trap: str
    sources: tuple[str, ...]

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the sha256 of what the card says, sources left out."""
        card_text = "\n".join((self.asks, self.first, self.last, self.trap))
        return hashlib.sha256(card_text.encode("utf-8")).hexdigest()[:16]


@cache
def meanings() -> Mapping[str, Meaning]:
    """The meaning cards by question id, in the order of the questionnaire."""
    return MappingProxyType(
        {
            row["question_id"]: Meaning(
                question_id=row["question_id"],
                asks=row["asks"],
                first=row["first"],
                last=row["last"],
                trap=row["trap"],
                sources=tuple(part.strip() for part in row["sources"].split(";") if part.strip()),
            )
            for row in read_csv("data/meanings.csv")
        }
    )


def meaning(question_id: str) -> Meaning:
    """The meaning card of a question.

    Raises:
        KeyError: there is no such question with an answer scale.
    """
    card = meanings().get(question_id)
    if card is None:
        raise KeyError(
            f"no meaning card of {question_id!r}; there are those of the questions with an answer "
            "scale, Q1 to Q259"
        )
    return card


def meaning_problems(cards: Mapping[str, Meaning] | None = None) -> list[str]:
    """What is wrong with the meaning cards, the project's own where none are given."""
    cards = meanings() if cards is None else cards
    problems = [f"{key}: has no meaning card" for key in value_questions() if key not in cards]
    for key, card in cards.items():
        if key not in value_questions():
            problems.append(f"{key}: is no question with an answer scale")
        empty = [name for name in ("asks", "first", "last") if not getattr(card, name).strip()]
        if empty:
            problems.append(f"{key}: lacks {', '.join(empty)}")
        if card.first == card.last:
            problems.append(f"{key}: both ends of its scale mean {card.first!r}")
        if len(set(card.sources)) < LEAST_SOURCES:
            problems.append(f"{key}: rests on fewer than {LEAST_SOURCES} descriptions of the item")
    return problems
