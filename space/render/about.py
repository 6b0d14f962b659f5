"""The About page: method, every score, the maps, data, limits, licence, how to cite."""

from __future__ import annotations

from math import isfinite

from contracts.specs import protocol_specs, score_specs
from contracts.specs.model import ScoreSpec
from space.board.facts import read_facts
from space.board.store import Store
from space.board.survey_answers import People
from space.board.texts import METHOD, PAPERS, SOFTWARE, TITLE
from space.published.store import published_maps
from space.render.frame import limits_html, stamp_html
from space.render.table import plain_table
from space.render.text import DASH, esc


def about_html(store: Store, people: People) -> str:
    """The whole page."""
    facts = read_facts(store)
    protocols = "".join(
        f"<li><b>{esc(spec.name)}</b>: {esc(spec.about)}</li>" for spec in protocol_specs().values()
    )
    method = "".join(f"<p>{esc(text)}</p>" for text in METHOD)
    manifest = people.release.manifest
    notes = "".join(f"<li>{esc(note)}</li>" for note in manifest.notes)
    cite = "".join(f"<li>{esc(text)}</li>" for text in (*manifest.citations, *PAPERS, SOFTWARE))
    return (
        f"<h1>About {TITLE}</h1>{stamp_html(facts)}"
        f"<h2>Protocols</h2><ul>{protocols}</ul><h2>Method</h2>{method}"
        f'<h2 id="scores">Scores</h2>{scores_table()}'
        f'<h2 id="maps">Maps</h2>{maps_html()}'
        f"<h2>Data</h2><p>People's answers: release {esc(people.title)}, "
        f"waves {', '.join(map(str, people.waves))}, "
        f"{len(people.countries(people.waves[0]))} countries in wave {people.waves[0]}.</p>"
        f"<ul>{notes}</ul>{limits_html()}"
        f"<h2>Licence</h2><p>Code: Apache-2.0. Survey aggregates: {esc(manifest.licence)}.</p>"
        f'<h2 id="cite">How to cite</h2><ul>{cite}</ul>'
    )


def scores_table() -> str:
    """Every score with its sentence, range and direction."""
    return plain_table(
        ("Score", "What it means", "Range", "Better", "Formula"),
        [
            (
                f"{esc(spec.title)}<span class='oa-sub'>{esc(key)}</span>",
                esc(spec.reading),
                _range(spec),
                "higher" if spec.higher_is_better else "lower",
                f"<code>{esc(spec.formula)}</code>",
            )
            for key, spec in score_specs().items()
        ],
        label="Scores",
    )


def _range(spec: ScoreSpec) -> str:
    low, high = (f"{end:g}" if isfinite(end) else "" for end in (spec.low, spec.high))
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if low else f"to {high}" if high else DASH


def maps_html() -> str:
    """How the maps were made and how well they fit."""
    return "".join(
        f"<h3>{esc(one.title)}</h3><p>{esc(one.how)}</p><p><b>Fit.</b> {esc(one.fit)}</p>"
        + "".join(f'<p class="oa-sub">{esc(source)}</p>' for source in one.sources)
        for one in published_maps().maps
    )
