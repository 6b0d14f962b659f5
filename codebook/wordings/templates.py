"""What the templates of a wording are for, and which fields each must hold."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import NamedTuple


class TemplateSpec(NamedTuple):
    """What a template is for, and the names of the fields it must hold."""

    purpose: str
    fields: frozenset[str]


def _spec(purpose: str, fields: str = "") -> TemplateSpec:
    return TemplateSpec(purpose, frozenset(fields.split()))


#: Every template that a wording has, by name.
TEMPLATE_SPECS: Mapping[str, TemplateSpec] = MappingProxyType(
    {
        "option_line": _spec("an answer in a numbered list", "label text"),
        "option_line_letter": _spec("an answer in a lettered list", "label text"),
        "option_line_number": _spec("a number between two poles, in a numbered list", "label"),
        "option_pole": _spec("a pole of a scale behind its number", "number text"),
        "option_separator": _spec("between answers that stand in one line"),
        "options_question": _spec("a question above its answers", "question options"),
        "agree_question": _spec("a statement to agree or disagree with", "statement"),
        "rating_scale": _spec("both ends of a scale", "first last first_text last_text"),
        "rating_scale_every": _spec("a scale, every number named", "anchors"),
        "rating_anchor": _spec("a number and its name", "number text"),
        "rating_question": _spec("a scale with its question", "scale question"),
        "between_poles": _spec(
            "an answer between two poles", "number first first_text last last_text"
        ),
        "persona": _spec("answer as someone of a country", "country"),
        "distribution_task": _spec("verbalise a distribution, unsteered", "example"),
        "distribution_task_country": _spec(
            "verbalise a distribution, as people of a country", "country example"
        ),
        "distribution_examples": _spec("examples that show only the form", "count"),
        "distribution_examples_country": _spec(
            "examples with a country's real answers", "count country"
        ),
        "distribution_example": _spec("a question with a distribution", "question answer"),
        "distribution_question": _spec("a question whose distribution is wanted", "question"),
        "distribution_again": _spec("a second try at a distribution", "labels"),
        "choose_number_task": _spec("reply with a number"),
        "choose_letter_task": _spec("reply with a letter"),
        "forced_choice": _spec("decide even when unsure"),
        "choice_question": _spec("a question whose answer is wanted", "question"),
        "choice_again": _spec("a second try at an answer", "labels"),
        "judgments_question": _spec("likelihood of answers, unsteered", "question options"),
        "judgments_question_country": _spec(
            "likelihood of answers, in a country", "question options country"
        ),
        "sequence_task": _spec("write many answers in a row", "count"),
        "sequence_task_country": _spec("many answers of a country's people", "count country"),
        "sequence_again": _spec("a second try at many answers", "count labels"),
        "rating_person": _spec("what is known about a person", "person"),
        "rating_person_line": _spec("one thing known about a person", "number question answer"),
        "rating_task": _spec("a person's answer and its reasons are wanted", "question"),
        "rating_no_person": _spec("nothing is known about the person"),
        "rating_reply": _spec("the form of a reply with reasons and a score", "first last"),
        "rating_again": _spec("a second try at a score", "first last"),
        "advice_persona": _spec("give advice as someone of a country", "country"),
        "advice_choose": _spec("take a side"),
        "training_prompt": _spec("person and question of a plain training text", "person question"),
        "training_user": _spec("person and question of a chat message", "person question"),
    }
)


def template_fields(text: str) -> frozenset[str]:
    """Names of the fields in a template.

    Raises:
        ValueError: the braces do not match, or a field has no plain name.
    """
    names = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    if not all(name.isidentifier() for name in names):
        raise ValueError(f"fields must be plain names in braces, found {sorted(names)}")
    return frozenset(names)


def template_problem(name: str, text: str) -> str:
    """What is wrong with the template `name`, or "" where nothing is."""
    if name not in TEMPLATE_SPECS:
        return f"no template {name!r}; there are: {', '.join(TEMPLATE_SPECS)}"
    try:
        field_names = template_fields(text)
    except ValueError as error:
        return f"not a template ({error}); write {{{{ and }}}} for braces"
    wanted = TEMPLATE_SPECS[name].fields
    if field_names == wanted:
        return ""
    return f"has the fields {sorted(field_names)}, must have {sorted(wanted)}"
