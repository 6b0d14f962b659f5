"""The About page."""

from __future__ import annotations

import gradio as gr

from space.board.store import Store
from space.board.survey_answers import People
from space.pages.parts import WAITING, html_box
from space.render.about import about_html


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page."""
    box = html_box(WAITING, elem_id="about")
    app.load(lambda: about_html(store, people), None, [box], queue=False, api_visibility="private")
