"""The app's layout: one page each, and the endpoints for programs. No logic lives here."""

from __future__ import annotations

import gradio as gr

from space.board.store import Store
from space.board.survey_answers import People
from space.board.texts import TITLE
from space.intake.desk import Desk
from space.pages import (
    about,
    advice,
    api,
    board,
    compare,
    country,
    model,
    question,
    receipt,
    submit,
    you,
)
from space.pages.blocks import PlainBlocks, without_servers
from space.pages.running import page as run
from space.runs.service import Runs

#: Visitors that one event serves at a time.
CONCURRENCY = 8

#: Requests that may wait; further ones are told to come back.
WAITING = 200

#: Uploaded files are looked at every ten minutes and removed after an hour (seconds).
UPLOAD_CLEANUP = (600, 3600)


@without_servers()
def make_app(store: Store, people: People, desk: Desk, runs: Runs | None = None) -> gr.Blocks:
    """Lay out all pages over a store, the people's answers, the desk that takes uploads in, and
    the runs of models, where there are any. The app answers once it is mounted."""
    with PlainBlocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=UPLOAD_CLEANUP
    ) as app:
        board.layout(app, store)
        api.endpoints(store, people)
        api.upload_endpoints(desk)
    for name, path, layout in (
        ("Model", "/model", lambda: model.layout(app, store)),
        ("Country", "/country", lambda: country.layout(app, store, people)),
        ("Question", "/question", lambda: question.layout(app, store, people)),
        ("Compare", "/compare", lambda: compare.layout(app, store)),
        ("You", "/you", lambda: you.layout(app, store, people)),
        ("Advice", "/advice", lambda: advice.layout(app, store)),
        ("Submit", "/submit", lambda: submit.layout(app, desk)),
        ("Run a model", "/run", lambda: run.layout(app, runs)),
        ("About", "/about", lambda: about.layout(app, store, people)),
        ("API", "/endpoints", api.layout),
    ):
        with app.route(name, path):
            layout()
    with app.route("Receipt", "/receipt", show_in_navbar=False):
        receipt.layout(app, desk)
    app.queue(default_concurrency_limit=CONCURRENCY, max_size=WAITING)
    return app
