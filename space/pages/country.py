"""The Country page: what its people answered, beside another country, and who comes closest."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from space.board.cache import IndexCache
from space.board.labels import country_name, question_title
from space.board.placing import model_answers
from space.board.store import Store
from space.board.survey_answers import People
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
from space.render.country import average_human, country_head, differences_html
from space.render.figures.stacked import Stack, stacked_bars
from space.render.survey import people_bars
from space.render.text import esc, href, link
from space.render.timeline import timeline_html

#: Entries in a page's cache: parts of the page and lists of names.
CACHE_SIZE = 300


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page and bind its events."""
    with gr.Row(elem_classes=["oa-off-embed", FILLED]):
        country = gr.Dropdown([], label="Country", elem_id="country-one")
        other = gr.Dropdown([], label="Beside it", elem_id="country-two")
        wave = gr.Dropdown([], label="Wave", elem_id="country-wave")
        question = gr.Dropdown([], label="Question", elem_id="country-question", scale=2)
    head = html_box(WAITING, elem_id="country-head")
    with gr.Row(equal_height=False, elem_classes=["oa-sides"]):
        differs = html_box(elem_id="country-differs", js_on_load=figures_script())
        closest = html_box(elem_id="country-closest", js_on_load=figures_script())
    over_time = html_box(elem_id="country-waves")
    bars = html_box(elem_id="country-bars", embedded=False)
    permalink = permalink_box("country-link")
    picked = [country, other, wave, question]
    shown = [head, differs, closest, over_time, bars, permalink]
    view = partial(show, store, people, cache=IndexCache(CACHE_SIZE))

    def restore(params: QueryParams) -> list[Any]:
        waves = [str(one) for one in people.waves]
        chosen = first_of(params, "wave", waves) or waves[0]
        return view(
            params.get("country"),
            params.get("other"),
            chosen,
            params.get("question"),
        )

    def changed(*values: Any) -> list[Any]:
        return view(*values)

    bind_address(app, restore, [*picked, *shown], name="country")
    gr.on([box.input for box in picked], changed, picked, [*picked, *shown], **QUICK)


def show(
    store: Store,
    people: People,
    country: str | None,
    other: str | None,
    wave: str,
    question: str | None,
    *,
    cache: IndexCache[Any] | None = None,
) -> list[Any]:
    """Updates of the four boxes, the head, the differences, the closest rows, the lines over
    waves, the single question's bars and the permalink.

    Args:
        store: the board's store.
        people: the people's answers.
        country: its code; the first by name where the wave has no such.
        other: code of a country beside it; none where the wave has no such.
        wave: of the survey; the newest where there is no such.
        question: its id; the first of the wave where it was not asked there.
        cache: cached parts of the page.
    """
    cache = cache or IndexCache(CACHE_SIZE)
    number = wave_of(people, wave)
    names = _countries_in(store, people, number, cache)
    countries = [key for _, key in names]
    country = country if country in countries else countries[0]
    other = other if other in countries and other != country else None
    asked = asked_in(store, people, number, cache)
    question = question if question in [key for _, key in asked] else asked[0][1]
    pictures = _pictures(store, people, cache, number, question, country, other)
    state = {"country": country, "other": other or "", "wave": str(number), "question": question}
    return [
        gr.update(choices=names, value=country),
        gr.update(choices=[("nothing", ""), *names], value=other or ""),
        gr.update(choices=[str(one) for one in people.waves], value=str(number)),
        gr.update(choices=asked, value=question),
        *pictures,
        href("", **state).lstrip("?"),
    ]


def _pictures(
    store: Store,
    people: People,
    cache: IndexCache[Any],
    wave: int,
    question: str,
    country: str,
    other: str | None,
) -> tuple[str, str, str, str, str]:
    """Head, differences, closest rows, lines over waves and the single question's bars."""
    pair = [country, *([other] if other else [])]
    bars = cache.get(
        store,
        ("bars", wave, question, *pair),
        lambda: single_question(store, people, wave=wave, question_id=question, countries=pair),
    )
    head, differs = cache.get(
        store,
        ("differs", wave, *pair),
        lambda: (
            country_head(people, wave=wave, country=country, other=other),
            differences_html(people, wave=wave, country=country, other=other),
        ),
    )
    closest = cache.get(
        store,
        ("closest", country),
        lambda: closest_html(
            store,
            kind="country",
            name=country,
            title=country_name(country),
            other=average_human(store, country),
        ),
    )
    over_time = cache.get(
        store, ("waves", *pair), lambda: timeline_html(people, country=country, other=other)
    )
    return head, differs, closest, over_time, bars


def single_question(
    store: Store, people: People, *, wave: int, question_id: str, countries: list[str]
) -> str:
    """One question: the countries' bars, and the models' beside them."""
    bars = people_bars(people, wave=wave, question_id=question_id, countries=countries)
    with store.connect() as db:
        models = model_answers(db, question_id)
    if models:
        stacks = [
            Stack(
                esc(country_name(one)),
                country_name(one),
                people.answers[(wave, one, question_id)].shares,
            )
            for one in countries
            if (wave, one, question_id) in people.answers
        ]
        stacks += [
            Stack(link("model", one.name, row=one.row_id), one.name, one.shares, "model")
            for one in models
        ]
        picture = stacked_bars(question_id, stacks)
        bars += f"<h3>Models beside people, without steering</h3>{picture}"
    return f"<h2>One question</h2>{bars}"


def wave_of(people: People, wave: str) -> int:
    """A wave that people were asked in, as a number; the newest where there is no such."""
    return next((one for one in people.waves if str(one) == wave), people.waves[0])


def _countries_in(
    store: Store, people: People, wave: int, cache: IndexCache[Any]
) -> list[tuple[str, str]]:
    """Name and code of the countries of a wave, by name."""
    named_countries: list[tuple[str, str]] = cache.get(
        store,
        ("countries", wave),
        lambda: sorted((country_name(one), one) for one in people.countries(wave)),
    )
    return named_countries


def asked_in(
    store: Store, people: People, wave: int, cache: IndexCache[Any]
) -> list[tuple[str, str]]:
    """Title and id of the value questions of a wave, in the order of the questionnaire."""

    def listed() -> list[tuple[str, str]]:
        asked = people.questions(wave)
        return [(question_title(one), one) for one in all_questions() if one in asked]

    titled_questions: list[tuple[str, str]] = cache.get(store, ("asked", wave), listed)
    return titled_questions


def all_questions() -> tuple[str, ...]:
    """Ids of all value questions in the order of the questionnaire."""
    from codebook.questions import value_questions

    return tuple(value_questions())
