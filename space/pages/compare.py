"""The Compare page: two to four rows, paired tests, the questions that make the difference."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import gradio as gr
from starlette.datastructures import QueryParams

from contracts.errors import ContractError
from space.board.figures.compare import MOST_ROWS, compare_rows, opening_pair
from space.board.store import Store
from space.pages.parts import (
    FILLED,
    QUICK,
    WAITING,
    bind_address,
    html_box,
    permalink_box,
    row_choices,
)
from space.render.compare import comparison_html
from space.render.text import esc, notice


def layout(app: gr.Blocks, store: Store) -> None:
    """Lay out the page and bind its events."""
    rows = gr.Dropdown(
        row_choices(store),
        multiselect=True,
        max_choices=MOST_ROWS,
        label="Rows (two to four)",
        elem_id="compare-rows",
        elem_classes=["oa-off-embed", FILLED],
    )
    body = html_box(WAITING, elem_id="compare")
    link = permalink_box("compare-link")

    def restore(params: QueryParams) -> list[Any]:
        choices = row_choices(store)
        known = [one for _, one in choices]
        asked = params.getlist("row")
        chosen = [one for one in asked if one in known][:MOST_ROWS]
        if not asked:
            chosen = opening_pair(store)
        return [gr.update(choices=choices, value=chosen), *show(store, chosen)]

    bind_address(app, restore, [rows, body, link], name="compare")
    rows.input(lambda chosen: show(store, chosen or []), [rows], [body, link], **QUICK)


def show(store: Store, chosen: list[str]) -> list[str]:
    """The comparison and the permalink."""
    link = urlencode([("row", one) for one in chosen])
    if len(chosen) < 2:
        return [notice("Choose two to four rows of one release to compare them."), link]
    try:
        comparison = compare_rows(store, chosen)
    except ContractError as error:
        return [notice(esc(error.problems[0].message + ". " + error.problems[0].hint)), link]
    return [
        comparison_html(comparison, titles={key: name for name, key in row_choices(store)}),
        link,
    ]
