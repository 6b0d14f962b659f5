"""The app's layout: one page each, and the endpoints for programs. No logic lives here."""

from __future__ import annotations

import gradio as gr

from space.pages import about, api, board, compare, country, model, question
from space.people import People
from space.store import Store
from space.texts import TITLE

#: Visitors that one event serves at a time.
CONCURRENCY = 8


def make_app(store: Store, people: People) -> gr.Blocks:
    """Lay out all pages over a store and the people's answers."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as app:
        board.layout(app, store)
        api.endpoints(store, people)
    for name, path, layout in (
        ("Model", "/model", lambda: model.layout(app, store)),
        ("Country", "/country", lambda: country.layout(app, store, people)),
        ("Question", "/question", lambda: question.layout(app, store, people)),
        ("Compare", "/compare", lambda: compare.layout(app, store)),
        ("About", "/about", lambda: about.layout(app, store, people)),
        ("API", "/endpoints", api.layout),
    ):
        with app.route(name, path):
            layout()
    app.queue(default_concurrency_limit=CONCURRENCY)
    return app
