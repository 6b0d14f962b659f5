"""Prompts and answers on offer, the same texts as `elicit` shows; each piece is made once."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

from codebook.render.prompts import BLOCK_SEPARATOR, choice_head, choice_tail
from codebook.render.question import Labels, render_question
from codebook.wordings.wording import wording


class Offer(NamedTuple):
    """The end of a prompt and the answers that it offers.

    Attributes:
        tail: the question with its answers, up to where the reply begins.
        options: label, text and code of every answer, as rows hold them.
        codes: raw codes, in the order shown.
        replies: the reply of each code as a chat message list.
    """

    tail: str
    options: list[dict[str, Any]]
    codes: tuple[int, ...]
    replies: dict[int, list[dict[str, str]]]


@cache
def offer(language: str, question_id: str, labels: Labels) -> Offer:
    """What a prompt in a language offers for a question.

    Raises:
        RenderError: the wording lacks a text.
    """
    texts = wording(language)
    question = render_question(question_id, wording=texts, labels=labels)
    options = [option._asdict() for option in question.options]
    return Offer(
        tail=choice_tail(texts, question),
        options=[{name: o[name] for name in ("label", "text", "code")} for o in options],
        codes=tuple(option.code for option in question.options),
        replies={
            option.code: [{"role": "assistant", "content": option.label}]
            for option in question.options
        },
    )


@cache
def head(language: str, country: str, group: str, labels: Labels) -> str:
    """What stands before the question: who is asked, and the form of the reply."""
    return choice_head(wording(language), country, group, labels=labels) + BLOCK_SEPARATOR


@lru_cache(maxsize=65536)
def prompt(language: str, question_id: str, country: str, group: str, labels: Labels) -> str:
    """The whole prompt, as `elicit --method label_likelihood --steer persona` sends it."""
    return head(language, country, group, labels) + offer(language, question_id, labels).tail
