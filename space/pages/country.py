"""The Country page: what its people answered, beside another country, and who comes closest."""

from __future__ import annotations

from typing import Any

import gradio as gr

from space.asked import country_name, question_title
from space.closest import closest_html
from space.pages.parts import QUICK, first_of, html_box, permalink_box
from space.people import People
from space.render.survey import people_bars
from space.render.text import href
from space.store import Store


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page and bind its events."""
    with gr.Row():
        country = gr.Dropdown([], label="Country", elem_id="country-one")
        other = gr.Dropdown([], label="Beside it", elem_id="country-two")
        wave = gr.Dropdown([], label="Wave", elem_id="country-wave")
        question = gr.Dropdown([], label="Question", elem_id="country-question", scale=2)
    bars = html_box(elem_id="country-bars")
    closest = html_box(elem_id="country-closest")
    link = permalink_box("country-link")
    picked = [country, other, wave, question]
    shown = [bars, closest, link]

    def restore(request: gr.Request) -> list[Any]:
        params = request.query_params
        waves = [str(one) for one in people.waves]
        chosen = first_of(params, "wave", waves) or waves[0]
        return show(
            store,
            people,
            params.get("country"),
            params.get("other"),
            chosen,
            params.get("question"),
        )

    def changed(*values: Any) -> list[Any]:
        return show(store, people, *values)

    app.load(restore, None, [*picked, *shown], **QUICK)
    gr.on([box.input for box in picked], changed, picked, [*picked, *shown], **QUICK)


def show(
    store: Store,
    people: People,
    country: str | None,
    other: str | None,
    wave: str,
    question: str | None,
) -> list[Any]:
    """Updates of the four boxes, the bars, the closest rows and the permalink."""
    number = int(wave)
    countries = sorted(people.countries(number), key=country_name)
    country = country if country in countries else countries[0]
    other = other if other in countries and other != country else None
    asked = [one for one in all_questions() if one in people.questions(number)]
    question = question if question in asked else asked[0]
    pair = [country, *([other] if other else [])]
    names = [(country_name(one), one) for one in countries]
    state = {"country": country, "other": other or "", "wave": wave, "question": question}
    return [
        gr.update(choices=names, value=country),
        gr.update(choices=[("nothing", ""), *names], value=other or ""),
        gr.update(choices=[str(one) for one in people.waves], value=wave),
        gr.update(choices=[(question_title(one), one) for one in asked], value=question),
        people_bars(people, wave=number, question_id=question, countries=pair),
        closest_html(store, kind="country", name=country, title=country_name(country)),
        href("", **state).lstrip("?"),
    ]


def all_questions() -> tuple[str, ...]:
    """Ids of all value questions in the order of the questionnaire."""
    from codebook.questions import value_questions

    return tuple(value_questions())
