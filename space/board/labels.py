"""Questions and countries as the pages name them."""

from __future__ import annotations

from functools import cache

from codebook.countries import countries
from codebook.questions import CATEGORIES, questions
from codebook.render.question import label_text
from codebook.wordings.wording import wording


def country_name(code: str) -> str:
    """Name of a country, its code where the codebook does not know it."""
    country = countries().get(code)
    return country.name if country else code


#: Countries whose names take an article in a sentence.
_WITH_ARTICLE = frozenset({"USA", "GBR", "NLD", "PHL", "MDV", "DOM", "ARE", "CAF", "COD", "COG"})


def country_in_text(code: str) -> str:
    """Name of a country within a sentence: the United States, Japan."""
    name = country_name(code)
    return f"the {name}" if code in _WITH_ARTICLE else name


def category_name(key: str) -> str:
    """Title of a category."""
    return CATEGORIES.get(key, key.replace("_", " "))


def question_title(question_id: str) -> str:
    """Id and short title, for lists."""
    question = questions().get(question_id)
    return f"{question_id} {question.title}" if question else question_id


@cache
def question_text(question_id: str) -> str:
    """The question in words; its title where it has no wording."""
    stem = wording("en").stems.get(question_id)
    return stem or question_title(question_id)


@cache
def option_labels(question_id: str) -> tuple[str, ...]:
    """Labels of the options in the order of positions; () for questions without a scale."""
    question = questions().get(question_id)
    if question is None or question.scale is None:
        return ()
    return tuple(code_label(question_id, code) for code in question.scale.codes)


def group_title(name: str) -> str:
    """A group's name in words: `age=16-29;settlement=urban` -> age 16-29, settlement urban."""
    return name.replace(";", ", ").replace("=", " ").replace("_", " ")


def code_label(question_id: str, code: int) -> str:
    """Label of one code of a question, `code text`, or the bare code between two poles."""
    question = questions().get(question_id)
    if question is None or question.scale is None:
        return str(code)
    known = (*question.scale.labelled_codes, *question.scale.off_scale)
    return f"{code} {label_text(question_id, code)}" if code in known else str(code)
