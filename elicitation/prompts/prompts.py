"""Prompts of every method, put together from the templates of a wording.

A prompt is a list of blocks with an empty line between them: as one user message for a chat
model, as plain text that ends where the answer begins for a base model. `METHODS` holds the
version of each; a change of text or layout raises it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from codebook import value_questions
from codebook.render import prompts as framing
from codebook.render.prompts import BLOCK_SEPARATOR as BLOCK_SEPARATOR
from codebook.render.question import Labels, RenderedQuestion, fill, option_line, render_question
from codebook.respondents.describe import person_languages
from codebook.wordings.wording import Wording
from contracts.errors import fail
from contracts.predictions.form import shuffled_codes
from elicitation.prompts.examples import Example, shares_text
from elicitation.study.conditions import Target, Variant
from elicitation.study.methods import SEQUENCE_LENGTH, Method, Reader

#: Shares that the task itself shows, by label: the form of a reply, of no question here.
_TASK_SHARES = (45, 30, 25)


class Prompt(NamedTuple):
    """A prompt in two parts, so that what many prompts share is made once.

    Attributes:
        head: the part before the question, empty where the question comes first.
        tail: the rest.
        shown: what it offers.
        continuations: for scoring: what follows, one for each option, without a leading space.
    """

    head: str
    tail: str
    shown: Shown
    continuations: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole prompt."""
        return f"{self.head}{BLOCK_SEPARATOR}{self.tail}" if self.head else self.tail


@lru_cache(maxsize=8192)
def rendered(question_id: str, texts: Wording, form: str, variant: Variant, labels: Labels,
             seed: int) -> RenderedQuestion:  # fmt: skip
    """A question in the form of a variant."""
    if form == "rating":
        return render_question(question_id, form="rating", wording=texts, reverse=variant.reverse)
    return render_question(
        question_id,
        wording=texts,
        labels=labels,
        reverse=variant.reverse,
        order=_order(question_id, variant, seed),
    )


def _order(question_id: str, variant: Variant, seed: int) -> list[int] | None:
    """Codes in the order shown; None leaves it to the scale. A scale that is turned round begins
    with its other end, unless its order is reversed as well."""
    scale = value_questions()[question_id].scale
    if scale is None or (variant.order == "scale" and not variant.opposite):
        return None
    codes = list(scale.offered)
    if variant.order == "shuffled":
        codes = shuffled_codes(question_id, scale.offered, seed=seed)
    elif (variant.order == "reversed") != variant.reverse:
        codes = codes[::-1]
    return codes[::-1] if variant.opposite else codes


def option_list_labels(method: Method, variant: Variant) -> Labels:
    """Labels of the answers under a method and a variant."""
    return variant.labels or method.labels


def verbalized_head(
    texts: Wording, target: Target, examples: Sequence[Example], *, real: bool, labels: Labels
) -> str:
    """Task and examples of the verbalised distribution."""
    form = _task_example(labels)
    country = _country(texts, target)
    count = len(examples)
    if country:
        task = fill(texts, "distribution_task_country", country=country, example=form)
    else:
        task = fill(texts, "distribution_task", example=form)
    if real:
        head = fill(texts, "distribution_examples_country", count=count, country=country)
    else:
        head = fill(texts, "distribution_examples", count=count)
    shown = [example_text(texts, example, labels) for example in examples]
    return BLOCK_SEPARATOR.join([*_group_blocks(texts, target), task, head, *shown])


def verbalized_tail(texts: Wording, question: RenderedQuestion) -> str:
    """The question whose distribution is wanted."""
    return fill(texts, "distribution_question", question=question.text)


def _task_example(labels: Labels) -> str:
    names = ("1", "2", "3") if labels == "numbers" else ("A", "B", "C")
    shares = ", ".join(f'"{n}": {s}' for n, s in zip(names, _TASK_SHARES, strict=True))
    return f"{{{shares}}}"


def example_text(texts: Wording, example: Example, labels: Labels) -> str:
    """A question with its answer shares, as prompts show it."""
    question = rendered(example.question_id, texts, "options", Variant(), labels, 0)
    answer = shares_text(question, example.shares)
    return fill(texts, "distribution_example", question=question.text, answer=answer)


def choice_head(texts: Wording, target: Target, *, labels: Labels, forced: bool) -> str:
    """Task of the methods that take one label as the answer."""
    if target.person:
        task = framing.choice_head(texts, "", "", labels=labels, forced=forced)
        return f"{target.person}{BLOCK_SEPARATOR}{task}"
    _check_named(texts, target)
    country, group = target.country, target.group
    return framing.choice_head(texts, country, group, labels=labels, forced=forced)


def choice_tail(texts: Wording, question: RenderedQuestion) -> str:
    """The question whose answer is wanted."""
    return framing.choice_tail(texts, question)


def sequence_head(texts: Wording, target: Target) -> str:
    """Task of many answers in a row."""
    country = _country(texts, target)
    if country:
        task = fill(texts, "sequence_task_country", count=SEQUENCE_LENGTH, country=country)
    else:
        task = fill(texts, "sequence_task", count=SEQUENCE_LENGTH)
    return BLOCK_SEPARATOR.join([*_group_blocks(texts, target), task])


def judgments_prompt(
    texts: Wording, target: Target, question: RenderedQuestion, *, labels: Labels
) -> str:
    """A question whose every answer's likelihood is wanted."""
    lines = [option_line(option, labels=labels, wording=texts) for option in question.options]
    options = fill(texts, "option_separator").join(lines)
    country = _country(texts, target)
    if country:
        asked = fill(
            texts,
            "judgments_question_country",
            question=question.stem,
            options=options,
            country=country,
        )
    else:
        asked = fill(texts, "judgments_question", question=question.stem, options=options)
    return BLOCK_SEPARATOR.join([*_group_blocks(texts, target), asked])


def rating_head(texts: Wording, target: Target) -> str:
    """What is known of the person, empty for a person of whom nothing is."""
    return fill(texts, "rating_person", person=target.person) if target.person else ""


def rating_tail(texts: Wording, target: Target, question: RenderedQuestion) -> str:
    """The question that the person is to rate, and the form of the reply."""
    blocks = [fill(texts, "rating_task", question=question.text)]
    if not target.person:
        blocks.append(fill(texts, "rating_no_person"))
    first, last = label_ends(question)
    blocks.append(fill(texts, "rating_reply", first=first, last=last))
    return BLOCK_SEPARATOR.join(blocks)


def label_ends(question: RenderedQuestion) -> tuple[int, int]:
    """Lowest and highest number of a rating."""
    numbers = [int(option.label) for option in question.options]
    return min(numbers), max(numbers)


def rating_shown(question: RenderedQuestion) -> Shown:
    """What a rating question offers: every number of its scale."""
    return shown_question(question, "rating")


def _country(texts: Wording, target: Target) -> str:
    if not target.country:
        return ""
    name = texts.countries.get(target.country)
    if name is None:
        raise fail(
            "no-country-name",
            f"the wording in {texts.language} has no name for {target.country}",
            hint="Add it to countries.toml of that wording.",
        )
    return name


def _group_blocks(texts: Wording, target: Target) -> list[str]:
    """A group in words: the people that all of the prompt is about."""
    _check_named(texts, target)
    return framing.group_blocks(texts, target.country, target.group)


def _check_named(texts: Wording, target: Target) -> None:
    """Whether the wording can name a target.

    Raises:
        ContractError: it cannot.
    """
    _country(texts, target)
    if target.group and texts.language not in person_languages():
        raise fail(
            "group-language",
            f"groups cannot be described in {texts.language}",
            column="--groups",
            allowed=", ".join(person_languages()),
        )


def again_text(shown: Shown, texts: Wording) -> str:
    """What is said to a model whose reply could not be read."""
    labels = fill(texts, "option_separator").join(option.label for option in shown.options)
    if shown.reader == "shares":
        return fill(texts, "distribution_again", labels=labels)
    if shown.reader == "sequence":
        return fill(texts, "sequence_again", labels=labels, count=shown.wanted)
    if shown.reader == "rating":
        numbers = [int(option.label) for option in shown.options]
        return fill(texts, "rating_again", first=min(numbers), last=max(numbers))
    return fill(texts, "choice_again", labels=labels)


class ShownOption(NamedTuple):
    """An answer on offer: its label, what it stands for (a raw code or a side), its text."""

    label: str
    code: int | str
    text: str


class Shown(NamedTuple):
    """The answers that a prompt offered, and how the reply is read.

    Attributes:
        reader: how the reply is read.
        options: answers on offer in the order shown.
        wanted: answers asked for in a row; 0 where it is one.
    """

    reader: Reader
    options: tuple[ShownOption, ...]
    wanted: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "reader": self.reader,
            "options": [list(option) for option in self.options],
            "wanted": self.wanted,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Shown:
        """The inverse of `to_json`."""
        options = tuple(ShownOption(*option) for option in fields["options"])
        return cls(fields["reader"], options, fields["wanted"])


def shown_question(question: RenderedQuestion, reader: Reader, *, wanted: int = 0) -> Shown:
    """What a rendered question offered."""
    options: Sequence[ShownOption] = [ShownOption(*option) for option in question.options]
    return Shown(reader, tuple(options), wanted)
