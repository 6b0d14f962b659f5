"""The Model page: one row in full, down to people's bars against the model's."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

import gradio as gr
from starlette.datastructures import QueryParams

from contracts.errors import ContractError
from contracts.report import Report
from space.board.cache import IndexCache
from space.board.labels import country_name, question_title
from space.board.store import Store
from space.pages.parts import (
    FILLED,
    QUICK,
    WAITING,
    bind_address,
    figures_script,
    html_box,
    permalink_box,
    row_choices,
)
from space.render.answers import answer_html, raw_answer_html
from space.render.model import head_html, read_around
from space.render.model_tables import tables_html
from space.render.text import esc, href, notice

#: The best of the board's first ranking; else the first model, then the first baseline.
_OPENING = """
SELECT row_id FROM rows WHERE derived = 0
ORDER BY kind != 'model', synthetic, rank IS NULL, group_number, rank, name COLLATE NOCASE, row_id
LIMIT 1
"""

#: Rows whose pages are kept drawn.
CACHE_SIZE = 100

#: An address that ends in this box is followed once its content is there.
_TO_ANSWER = """
if (window.location.hash === '#model-answer') {
  const seen = new MutationObserver(() => element.scrollIntoView({ block: 'center' }));
  seen.observe(element, { childList: true, subtree: true });
  setTimeout(() => seen.disconnect(), 4000);
}
"""


def layout(app: gr.Blocks, store: Store) -> None:
    """Lay out the page and bind its events."""
    row = gr.Dropdown(
        row_choices(store), label="Row", elem_id="model-row", value=None,
        elem_classes=["oa-off-embed", FILLED],
    )  # fmt: skip
    head = html_box(WAITING, elem_id="model", js_on_load=figures_script())
    html_box("<h2>Single answers</h2>", elem_id="model-answer-title", embedded=False, filled=True)
    with gr.Row(elem_classes=["oa-off-embed", FILLED]):
        country = gr.Dropdown([], label="Country", elem_id="model-country")
        question = gr.Dropdown([], label="Question", elem_id="model-question")
    answer = html_box(elem_id="model-answer", embedded=False, js_on_load=_TO_ANSWER)
    tables = html_box(elem_id="model-tables", embedded=False)
    link = permalink_box("model-link")
    drawn_cache: IndexCache[tuple[str, str]] = IndexCache(CACHE_SIZE)
    view = partial(show, store, drawn_cache=drawn_cache)
    picked, shown = [row, country, question], [head, tables, answer, link]

    def restore(params: QueryParams) -> list[Any]:
        choices = row_choices(store)
        row_id = params.get("row") or opening_row(store)
        asked = (params.get("country"), params.get("question"))
        known = row_id if row_id in {one for _, one in choices} else None
        return [gr.update(choices=choices, value=known), *view(row_id, *asked)]

    def changed(row_id: str | None, country: str | None, question: str | None) -> list[Any]:
        return view(row_id, country, question)

    bind_address(app, restore, [row, country, question, *shown], name="model")
    row.input(changed, picked, [country, question, *shown], **QUICK)
    gr.on(
        [country.input, question.input], lambda *v: changed(*v)[4:], picked, [answer, link], **QUICK
    )


def show(
    store: Store,
    row_id: str | None,
    country: str | None,
    question: str | None,
    *,
    drawn_cache: IndexCache[tuple[str, str]] | None = None,
) -> list[Any]:
    """Updates of country, question, head, tables, answer and permalink for a row.

    Args:
        store: the board's store.
        row_id: the row; None for a store without rows.
        country, question: whose single answer is shown; the first where the row has no such.
        drawn_cache: heads and tables that were drawn before.
    """
    try:
        report = store.report(row_id or "")
    except ContractError as error:
        text = "The store has no rows yet." if row_id is None else str(error)
        none = gr.update(choices=[], value=None)
        return [none, none, notice(esc(text)), "", "", ""]
    # A row that was asked for nine countries has answers for these alone.
    answered = [one for one in report.countries if one.alignment.estimate is not None]
    countries = sorted({one.country for one in answered}, key=country_name)
    questions = [one.question_id for one in report.questions]
    country = country if country in countries else next(iter(countries), None)
    question = question if question in questions else next(iter(questions), None)
    answer = notice("This row holds no answers by country and question.")
    if country and question:
        answer = answer_html(report, country=country, question_id=question)
        answer += raw_answer_html(store, row_id or "", country=country, question_id=question)
    state = {"row": row_id or "", "country": country or "", "question": question or ""}
    return [
        gr.update(choices=[(country_name(one), one) for one in countries], value=country),
        gr.update(choices=[(question_title(one), one) for one in questions], value=question),
        *(drawn_cache or IndexCache(1)).get(
            store, row_id, lambda: _drawn(store, report, row_id or "")
        ),
        answer,
        href("", **state).lstrip("?"),
    ]


def _drawn(store: Store, report: Report, row_id: str) -> tuple[str, str]:
    """Head and tables of a row."""
    whole = f'<p><a href="download/report/{quote(row_id)}.json">The whole report</a></p>'
    head = head_html(report, row_id, around=read_around(store, row_id))
    return head + whole, tables_html(report, links=True)


def opening_row(store: Store) -> str | None:
    """The row that is shown where an address names none; None in an empty store."""
    with store.connect() as db:
        first_row = db.execute(_OPENING).fetchone()
    return first_row[0] if first_row else None
