"""One question: its wording, everybody's answers in one picture, a map, a table, its card."""

from __future__ import annotations

from collections.abc import Sequence

from codebook.meanings import Meaning, meanings
from codebook.questions import questions
from space.board.figures.distances import world_shares
from space.board.labels import (
    category_name,
    country_in_text,
    country_name,
    option_labels,
    question_text,
    question_title,
)
from space.board.placing import ModelAnswer, model_answers
from space.board.store import Store
from space.board.survey_answers import Answers, People
from space.render.figures.bars import mean_of
from space.render.figures.stacked import Stack, stacked_bars
from space.render.figures.tabs import tabs
from space.render.survey import all_countries_table, mean_map
from space.render.text import definition_list, esc, fold, link, listed, notice


def question_html(store: Store, people: People, *, question_id: str, wave: int) -> str:
    """Wording, all countries and models in one picture, a map, the table, the meaning card."""
    asked = questions()[question_id]
    card = meanings().get(question_id)
    facts = [
        *(_card_facts(card) if card else ()),
        ("Category", esc(category_name(asked.category))),
        ("Scale", esc(f"{asked.scale.size} options, {asked.scale.level}" if asked.scale else "")),
        ("Higher positions mean", esc(asked.orientation or "the later options")),
        ("Sets", esc(", ".join(sorted(asked.memberships)) or "none")),
    ]
    with store.connect() as db:
        models = model_answers(db, question_id)
    panels = [
        ("Everybody's answers", everybody(people, models, wave=wave, question_id=question_id)),
        ("Map", mean_map(people, wave=wave, question_id=question_id)),
        ("Table", all_countries_table(people, wave=wave, question_id=question_id)),
    ]
    return (
        f"<h1>{esc(question_title(question_id))}</h1>"
        f'<p class="oa-lead">{esc(question_text(question_id))}</p>'
        f"{ends_sentence(people, models, wave=wave, question_id=question_id)}"
        f"{tabs('question', [one for one in panels if one[1]], label='Pictures')}"
        f"{fold('About this question', definition_list(facts))}"
    )


def _card_facts(card: Meaning) -> list[tuple[str, str]]:
    """The meaning card, which wordings in every language are reviewed against."""
    facts = [
        ("What it asks", esc(card.asks)),
        ("First answer", esc(card.first)),
        ("Last answer", esc(card.last)),
    ]
    return [*facts, ("To note", esc(card.trap))] if card.trap else facts


def everybody(
    people: People,
    models: Sequence[ModelAnswer],
    *,
    wave: int,
    question_id: str,
    links: bool = True,
) -> str:
    """The picture: the world first, then models, then countries by their mean position.

    Args:
        people: the people's answers.
        models: what models answered.
        wave: of the survey.
        question_id: the question.
        links: whether to link to other pages of the app.
    """
    countries = _countries(people, wave=wave, question_id=question_id)
    if not countries:
        return notice(f"Not asked in wave {wave}.")
    stacks = []
    world = world_shares(people, wave, question_id)
    if world is not None:
        name = "All countries"
        note = f"{len(countries)} countries"
        stacks.append(Stack(f'{name} <span class="oa-sub">each counted once</span>', name, world,
                            "world", note))  # fmt: skip
    stacks += [
        Stack(
            link("model", one.name, row=one.row_id) if links else esc(one.name),
            one.name,
            one.shares,
            "model",
            "model",
        )
        for one in models
    ]
    for country, answers in countries:
        name = country_name(country)
        where = {"country": country, "question": question_id, "wave": str(wave)}
        label = link("country", name, **where) if links else esc(name)
        stacks.append(Stack(label, name, answers.shares, "people", f"n {answers.n:,}"))
    return stacked_bars(question_id, stacks, sortable=True)


def ends_sentence(
    people: People, models: Sequence[ModelAnswer], *, wave: int, question_id: str
) -> str:
    """Which countries lie at the ends of the scale, and between which the models lie."""
    asked = questions()[question_id]
    countries = _countries(people, wave=wave, question_id=question_id)
    if asked.scale is None or not asked.scale.is_ordinal or len(countries) < 2:
        return ""
    labels = option_labels(question_id)
    first, last = (country_in_text(countries[at][0]) for at in (0, -1))
    text = (
        f"People in {first} lie nearest to “{_words(labels[0])}”, people in {last} nearest to "
        f"“{_words(labels[-1])}”."
    )
    means = [(mean, one.name) for one in models if (mean := mean_of(one.shares)) is not None]
    known = [mean for _, answers in countries if (mean := mean_of(answers.shares)) is not None]
    beyond = [name for mean, name in means if mean < min(known) or mean > max(known)]
    if beyond:
        text += f" {listed(beyond)} lie{'s' if len(beyond) == 1 else ''} beyond every country."
    elif means:
        text += " All models lie between the two."
    return f"<p>{esc(text)}</p>"


def _words(label: str) -> str:
    return label.split(" ", 1)[-1]


def _countries(people: People, *, wave: int, question_id: str) -> list[tuple[str, Answers]]:
    """Countries with shares: by mean position where the options have an order, else by name."""
    country_answers = [
        (country, people.answers[(wave, country, question_id)])
        for country in people.countries(wave)
        if (wave, country, question_id) in people.answers
    ]
    country_answers = [one for one in country_answers if any(one[1].shares)]
    asked = questions()[question_id]
    ordinal = asked.scale is not None and asked.scale.is_ordinal

    def order(one: tuple[str, Answers]) -> tuple[float, str]:
        mean = mean_of(one[1].shares) if ordinal else None
        return (0.0 if mean is None else mean, country_name(one[0]))

    return sorted(country_answers, key=order)
