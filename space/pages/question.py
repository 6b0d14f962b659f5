"""The Question page: what people everywhere answered to it, and which rows come closest."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from space.board.cache import IndexCache
from space.board.labels import question_title
from space.board.store import Store
from space.board.survey_answers import People
from space.pages.country import CACHE_SIZE, asked_in, wave_of
from space.pages.parts import (
    FILLED,
    QUICK,
    WAITING,
    bind_address,
    figures_script,
    first_of,
    html_box,
    permalink_box,
)
from space.render.closest import closest_html
from space.render.question import question_html
from space.render.text import href


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page and bind its events."""
    with gr.Row(elem_classes=["oa-off-embed", FILLED]):
        question = gr.Dropdown([], label="Question", elem_id="question-id", scale=3)
        wave = gr.Dropdown([], label="Wave", elem_id="question-wave")
    body = html_box(WAITING, elem_id="question", js_on_load=figures_script())
    closest = html_box(elem_id="question-closest", embedded=False)
    link = permalink_box("question-link")
    picked, shown = [question, wave], [body, closest, link]
    view = partial(show, store, people, cache=IndexCache(CACHE_SIZE))

    def restore(params: QueryParams) -> list[Any]:
        waves = [str(one) for one in people.waves]
        chosen = first_of(params, "wave", waves) or waves[0]
        return view(params.get("question"), chosen)

    def changed(question: str | None, wave: str) -> list[Any]:
        return view(question, wave)

    bind_address(app, restore, [*picked, *shown], name="question")
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
