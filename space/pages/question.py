"""The Question page: what people everywhere answered to it, and which rows come closest."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from codebook.meanings import Meaning, meanings
from codebook.questions import questions
from space.board.cache import IndexCache
from space.board.labels import category_name, question_text, question_title
from space.board.placing import model_answers
from space.board.store import Store
from space.board.survey_answers import People
from space.pages.country import CACHE_SIZE, asked_in, wave_of
from space.pages.parts import QUICK, figures_script, first_of, html_box, permalink_box
from space.render.closest import closest_html
from space.render.everybody import ends_sentence, everybody
from space.render.parts import tabs
from space.render.survey import all_countries_table, mean_map
from space.render.text import definition_list, esc, fold, href


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page and bind its events."""
    with gr.Row():
        question = gr.Dropdown([], label="Question", elem_id="question-id", scale=3)
        wave = gr.Dropdown([], label="Wave", elem_id="question-wave")
    body = html_box(elem_id="question", js_on_load=figures_script())
    closest = html_box(elem_id="question-closest")
    link = permalink_box("question-link")
    picked, shown = [question, wave], [body, closest, link]
    view = partial(show, store, people, cache=IndexCache(CACHE_SIZE))

    def restore(request: gr.Request) -> list[Any]:
        waves = [str(one) for one in people.waves]
        chosen = first_of(request.query_params, "wave", waves) or waves[0]
        return view(request.query_params.get("question"), chosen)

    def changed(question: str | None, wave: str) -> list[Any]:
        return view(question, wave)

    app.load(restore, None, [*picked, *shown], **QUICK)
    gr.on([question.input, wave.input], changed, picked, [*picked, *shown], **QUICK)


def show(
    store: Store,
    people: People,
    question: str | None,
    wave: str,
    *,
    cache: IndexCache[Any] | None = None,
) -> list[Any]:
    """Updates of the two boxes, the body, the closest rows and the permalink.

    Args:
        store: the board's store.
        people: the people's answers.
        question: its id; the first of the wave where it was not asked there.
        wave: of the survey; the newest where there is no such.
        cache: cached parts of the page.
    """
    cache = cache or IndexCache(CACHE_SIZE)
    number = wave_of(people, wave)
    asked = asked_in(store, people, number, cache)
    question = question if question in [key for _, key in asked] else asked[0][1]
    body, closest = cache.get(
        store,
        ("question", number, question),
        lambda: (
            question_html(store, people, question_id=question, wave=number),
            closest_html(store, kind="question", name=question, title=question_title(question)),
        ),
    )
    return [
        gr.update(choices=asked, value=question),
        gr.update(choices=[str(one) for one in people.waves], value=str(number)),
        body,
        closest,
        href("", question=question, wave=str(number)).lstrip("?"),
    ]


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
