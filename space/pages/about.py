"""The About page: method, data, limits, licence, how to cite."""

from __future__ import annotations

import gradio as gr

from contracts.specs import protocol_specs
from space.board.facts import read_facts
from space.board.store import Store
from space.board.survey_answers import People
from space.board.texts import METHOD, SURVEY_CITATIONS, TITLE
from space.pages.parts import html_box
from space.render.frame import limits_html, stamp_html
from space.render.text import esc


def about_html(store: Store, people: People) -> str:
    """The whole page."""
    facts = read_facts(store)
    protocols = "".join(
        f"<li><b>{esc(spec.name)}</b>: {esc(spec.about)}</li>" for spec in protocol_specs().values()
    )
    method = "".join(f"<p>{esc(text)}</p>" for text in METHOD)
    manifest = people.release.manifest
    cite = "".join(f"<li>{esc(text)}</li>" for text in (*manifest.citations, *SURVEY_CITATIONS))
    notes = "".join(f"<li>{esc(note)}</li>" for note in manifest.notes)
    return (
        f"<h1>About {TITLE}</h1>{stamp_html(facts)}"
        f"<h2>Protocols</h2><ul>{protocols}</ul><h2>Method</h2>{method}"
        f"<h2>Data</h2><p>People's answers: release {esc(people.title)}, "
        f"waves {', '.join(map(str, people.waves))}, "
        f"{len(people.countries(people.waves[0]))} countries in wave {people.waves[0]}.</p>"
        f"<ul>{notes}</ul>{limits_html()}"
        f"<h2>Licence</h2><p>Code: Apache-2.0. Survey aggregates: {esc(manifest.licence)}.</p>"
        f"<h2>How to cite</h2><ul>{cite}</ul>"
    )


def layout(app: gr.Blocks, store: Store, people: People) -> None:
    """Lay out the page."""
    box = html_box(elem_id="about")
    app.load(lambda: about_html(store, people), None, [box], queue=False, api_visibility="private")
