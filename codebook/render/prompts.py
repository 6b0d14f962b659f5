"""The framing of one question to one kind of respondent: what prompts and training texts share.

A prompt is a list of blocks with an empty line between them: who is asked (a group, a country),
what form the answer has, and the question with its lettered or numbered answers. `elicit` asks and
training rows train by the same blocks, so that a model is asked as it was trained.
"""

from __future__ import annotations

from codebook.render.question import Labels, RenderedQuestion, RenderError, fill
from codebook.respondents.describe import person_languages, person_texts
from codebook.respondents.harmonised import parse_group
from codebook.wordings.wording import Wording

BLOCK_SEPARATOR = "\n\n"


def country_name(texts: Wording, country: str) -> str:
    """Name of a country in the wording's language, as prompts write it; empty for none.

    Raises:
        RenderError: the wording has no name for it.
    """
    if not country:
        return ""
    try:
        return texts.countries[country]
    except KeyError:
        raise RenderError(f"the wording in {texts.language} has no name for {country}") from None


def group_blocks(texts: Wording, country: str, group: str) -> list[str]:
    """A group in words, such as the women of a country; no block for everyone.

    Raises:
        RenderError: groups cannot be described in the wording's language.
        GroupError: there is no such group.
    """
    if not group:
        return []
    if texts.language not in person_languages():
        raise RenderError(f"groups cannot be described in {texts.language}")
    members = {"country": country, **parse_group(group)}
    columns = {name: [category] for name, category in members.items()}
    group_texts = person_texts(columns, form="sentence", frame="group", language=texts.language)
    return [str(group_texts[0])]


def persona_blocks(texts: Wording, country: str, group: str) -> list[str]:
    """Whose answer is wanted: the group, then a person of the country; none for nobody's."""
    name = country_name(texts, country)
    persona = [fill(texts, "persona", country=name)] if name else []
    return [*group_blocks(texts, country, group), *persona]


def choice_head(
    texts: Wording, country: str, group: str, *, labels: Labels, forced: bool = False
) -> str:
    """All that stands before the question where one label is the answer."""
    template = "choose_letter_task" if labels == "letters" else "choose_number_task"
    task = fill(texts, template)
    if forced:
        task = f"{task} {fill(texts, 'forced_choice')}"
    return BLOCK_SEPARATOR.join([*persona_blocks(texts, country, group), task])


def choice_tail(texts: Wording, question: RenderedQuestion) -> str:
    """The question whose answer is wanted."""
    return fill(texts, "choice_question", question=question.text)
