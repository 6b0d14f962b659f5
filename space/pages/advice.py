"""The Advice page: which models' advice follows the asker's country, and one row in full."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from contracts.errors import ContractError
from space.board.figures.advice import advice_rows, advice_tables_of
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
from space.render.advice import LEAD, advice_detail_html, advice_rows_html
from space.render.text import esc, href, notice


def layout(app: gr.Blocks, store: Store) -> None:
    """Lay out the page and bind its events."""
    html_box(f"<h1>Advice</h1><p>{esc(LEAD)}</p>", elem_id="advice-head")
    overview = html_box(WAITING, elem_id="advice-rows")
    row = gr.Dropdown(
        _choices(store),
        label="Row",
        elem_id="advice-row",
        value=None,
        elem_classes=[FILLED],
    )
    body = html_box(elem_id="advice")
    link = permalink_box("advice-link")

    def restore(params: QueryParams) -> list[Any]:
        choices = _choices(store)
        known = [one for _, one in choices]
        asked = params.get("row") or next(iter(known), None)
        chosen = asked if asked in known else None
        table = advice_rows_html(advice_rows(store))
        return [
            table,
            gr.update(choices=choices, value=chosen, visible=bool(choices)),
            *show(store, asked),
        ]

    bind_address(app, restore, [overview, row, body, link], name="advice")
    row.input(lambda row_id: show(store, row_id), [row], [body, link], **QUICK)


def _choices(store: Store) -> list[tuple[str, str]]:
    """Rows with advice for the dropdown, the best mean first."""
    order = list(dict.fromkeys(one["row_id"] for one in advice_rows(store)))
    names = {row_id: name for name, row_id in row_choices(store)}
    return [(names[row_id], row_id) for row_id in order]


def show(store: Store, row_id: str | None) -> list[str]:
    """A row's advice in full, and the permalink."""
    if not row_id:
        return ["", ""]
    link = href("", row=row_id).lstrip("?")
    try:
        report = store.report(row_id)
        tables = advice_tables_of(report)
    except ContractError as error:
        return [notice(esc(error)), link]
    if tables is None:
        return [notice("This row holds no advice."), link]
    name = report.predictions.meta.name or report.predictions.name
    return [f"<h2>{esc(name)}</h2>{advice_detail_html(tables)}", link]
