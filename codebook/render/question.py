"""Questions and answers as text: for prompts and for rows to train on alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from string import ascii_uppercase
from typing import Literal, NamedTuple

from codebook.questions import MISSING_CODES, Question, Scale, questions
from codebook.wordings.fill import RenderError as RenderError
from codebook.wordings.fill import fill as fill
from codebook.wordings.fill import looked_up
from codebook.wordings.wording import Wording, wording

Form = Literal["options", "rating", "agree"]
Labels = Literal["numbers", "letters"]
Anchors = Literal["ends", "all"]

FORMS: tuple[Form, ...] = ("options", "rating", "agree")


class RenderedOption(NamedTuple):
    """One answer on offer: the label to reply with, the raw code it stands for, its text."""

    label: str
    code: int
    text: str


@dataclass(frozen=True)
class RenderedQuestion:
    """A question as text.

    Attributes:
        question_id: the question.
        form: `options`, `rating` or `agree`.
        language: language of the wording.
        wording_digest: digest of the wording.
        stem: the question alone, in this form.
        text: the whole: stem and answers.
        options: the answers on offer in the order shown.
    """

    question_id: str
    form: Form
    language: str
    wording_digest: str
    stem: str
    text: str
    options: tuple[RenderedOption, ...]

    @property
    def code_by_label(self) -> dict[str, int]:
        """Raw code by label: what a reply with this label means."""
        return {option.label: option.code for option in self.options}


def render_question(
    question_id: str,
    *,
    form: Form = "options",
    wording: Wording | None = None,
    order: Sequence[int] | None = None,
    labels: Labels = "numbers",
    reverse: bool = False,
    volunteered: bool = False,
    anchors: Anchors = "ends",
) -> RenderedQuestion:
    """A question with its answers as text, the same for the same arguments.

    A number belongs to its answer and follows it wherever it is shown; letters follow the
    order shown. Numbers are the raw codes where these rise along the scale, else 1..K; so they
    are the codes of the WorldValuesBench construction for all of its questions.

    Args:
        question_id: a value question.
        form: `options` lists the answers; `rating` names a scale of numbers before the
            question; `agree` lists the answers below a statement (agreement scales only).
        wording: the texts; English by default.
        order: raw codes in the order to show, a permutation of those on offer.
        labels: `numbers` or `letters`.
        reverse: turn the scale round: the numbers (or letters) run from its other end.
        volunteered: also offer the answers that interviewers did not read out.
        anchors: for ratings, name both `ends` of the scale or `all` its numbers; those of a
            nominal scale are always all named.

    Returns:
        The question; its `options` map each label to a raw code.

    Raises:
        RenderError: no such question, no text for it, or arguments that do not go together.
    """
    texts = wording or _english()
    question, scale = _scaled(question_id)
    _check_arguments(form, labels, order, volunteered)
    codes = scale.codes if volunteered else scale.offered
    numbers = dict(zip(codes, _numbers(codes), strict=True))
    if reverse:
        codes = codes[::-1]
        numbers = dict(zip(codes, numbers.values(), strict=True))
    if order is not None:
        codes = _permutation(question_id, order, codes)
    options = _options(scale, codes, numbers, labels, texts)
    stem = _stem(question, form, texts)
    if form == "rating":
        line = _rating_scale(scale, options, anchors, texts)
        text = fill(texts, "rating_question", scale=line, question=stem)
    else:
        lines = "\n".join(option_line(option, labels=labels, wording=texts) for option in options)
        text = fill(texts, "options_question", question=stem, options=lines)
    return RenderedQuestion(
        question_id, form, texts.language, texts.digest, stem, text, tuple(options)
    )


def label_text(question_id: str, code: int, *, wording: Wording | None = None) -> str:
    """The text of one answer, off-scale answers and kinds of missing included.

    A number between two poles is said with both poles.

    Raises:
        RenderError: the code is no answer to the question, or its text is lacking.
    """
    texts = wording or _english()
    _, scale = _scaled(question_id)
    if code in MISSING_CODES:
        return looked_up(texts, f"missing:{code}", lambda: texts.missing[code])
    if code in scale.labelled_codes:
        return _label(texts, scale, code)
    if code not in scale.codes:
        allowed = ", ".join(str(c) for c in (*scale.codes, *scale.off_scale))
        raise RenderError(
            f"{question_id}: code {code} is neither on scale {scale.scale_id} ({allowed}) "
            f"nor a missing code (-5..-1); correct the code or add it to the codebook"
        )
    first, last = 1, scale.codes[-1]
    ends = {"first_text": _label(texts, scale, first), "last_text": _label(texts, scale, last)}
    return fill(texts, "between_poles", number=code, first=first, last=last, **ends)


def option_line(option: RenderedOption, *, labels: Labels, wording: Wording) -> str:
    """One answer as a line of a list (or, joined by `option_separator`, within a line)."""
    if labels == "letters":
        return fill(wording, "option_line_letter", label=option.label, text=option.text)
    if option.text == option.label:
        return fill(wording, "option_line_number", label=option.label)
    return fill(wording, "option_line", label=option.label, text=option.text)


def _english() -> Wording:
    return wording("en")


@cache
def _scaled(question_id: str) -> tuple[Question, Scale]:
    question = questions().get(question_id)
    if question is None or question.scale is None:
        raise RenderError(
            f"{question_id!r} is no question with an answer scale; there are Q1-Q259 "
            "(without Q223) and Q234A"
        )
    return question, question.scale


def _check_arguments(
    form: str, labels: str, order: Sequence[int] | None, volunteered: bool
) -> None:
    if form not in FORMS:
        raise RenderError(f"no form {form!r}; there are: {', '.join(FORMS)}")
    if labels not in ("numbers", "letters"):
        raise RenderError(f"no labels {labels!r}; there are: numbers, letters")
    if form == "rating" and (labels == "letters" or order is not None or volunteered):
        raise RenderError(
            "a rating lists no answers: it takes no letters, order or volunteered answers; "
            "use form 'options', or reverse to turn the scale round"
        )


def _numbers(codes: Sequence[int]) -> Sequence[int]:
    rising = all(low < high for low, high in pairwise(codes))
    return codes if rising else range(1, len(codes) + 1)


def _permutation(question_id: str, order: Sequence[int], codes: Sequence[int]) -> tuple[int, ...]:
    if sorted(order) != sorted(codes):
        raise RenderError(
            f"{question_id}: order {list(order)} is no permutation of the codes on offer, "
            f"{sorted(codes)}"
        )
    return tuple(int(code) for code in order)


def _options(
    scale: Scale,
    codes: Sequence[int],
    numbers: dict[int, int],
    labels: Labels,
    wording: Wording,
) -> list[RenderedOption]:
    options = []
    for index, code in enumerate(codes):
        number = str(numbers[code])
        text = _label(wording, scale, code) if code in scale.labelled_codes else number
        if labels == "letters" and scale.has_poles and text != number:
            text = fill(wording, "option_pole", number=number, text=text)
        label = number if labels == "numbers" else ascii_uppercase[index]
        options.append(RenderedOption(label, code, text))
    return options


def _stem(question: Question, form: Form, wording: Wording) -> str:
    key = question.question_id
    if form != "agree":
        return looked_up(wording, f"stem:{key}", lambda: wording.stems[key])
    if question.scale is None or not question.scale.agreement:
        raise RenderError(f"{key}: its answers are no agreement; use form 'options' or 'rating'")
    statement = looked_up(wording, f"statement:{key}", lambda: wording.statements[key])
    return fill(wording, "agree_question", statement=statement)


def _rating_scale(
    scale: Scale, options: Sequence[RenderedOption], anchors: Anchors, wording: Wording
) -> str:
    if (anchors == "all" or not scale.is_ordinal) and not scale.has_poles:
        named = [fill(wording, "rating_anchor", number=o.label, text=o.text) for o in options]
        separator = fill(wording, "option_separator")
        return fill(wording, "rating_scale_every", anchors=separator.join(named))
    first, last = options[0], options[-1]
    return fill(
        wording,
        "rating_scale",
        first=first.label,
        last=last.label,
        first_text=first.text,
        last_text=last.text,
    )


def _label(wording: Wording, scale: Scale, code: int) -> str:
    key = f"label:{scale.scale_id}:{code}"
    return looked_up(wording, key, lambda: wording.labels[scale.scale_id][code])
