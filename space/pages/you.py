"""The You page: twenty questions to the visitor, compared in the browser; nothing is stored."""

from __future__ import annotations

from functools import cache
from importlib import resources

import gradio as gr

from space.board.cache import IndexCache
from space.board.figures.you import read_you
from space.board.store import Store
from space.board.survey_answers import People
from space.pages.parts import QUICK, WAITING, html_box
from space.render.you import you_html


@cache
def you_script() -> str:
    """The script that compares the answers."""
    path = resources.files("space").joinpath("assets", "you.js")
    return path.read_text(encoding="utf-8")


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page: once it is there it calls nothing."""
    cache: IndexCache[str] = IndexCache(1)
    box = html_box(WAITING, elem_id="you", js_on_load=you_script())

    def drawn() -> str:
        return cache.get(store, "you", lambda: you_html(read_you(store, people)))

    app.load(drawn, None, [box], **QUICK)
