"""What stands around every page: heading, stamp of versions and dates, limits of the scores."""

from __future__ import annotations

from space.board.facts import Facts
from space.board.page import iso_time
from space.board.texts import CITATION_NOTE, LEAD, LIMITS, TITLE
from space.board.version import current_scorer_version
from space.render.text import badge, esc


def header_html(facts: Facts) -> str:
    """Title, lead and stamp."""
    return f'<h1>{TITLE}</h1><p class="oa-lead">{LEAD}</p>{stamp_html(facts)}'


def stamp_html(facts: Facts) -> str:
    """Last update, releases and scorer versions, with a badge where they are stale."""
    updated = iso_time(facts.updated)[:10] or "never"
    now = current_scorer_version()
    stale = [version for version in facts.scorers if version != now]
    label = ""
    if stale:
        label = " " + badge(
            "stale",
            tip=f"some rows were scored by version {', '.join(stale)}; this is {now}. "
            "Rebuild them with: opinion-atlas rescore",
        )
    parts = [
        f"<span>Last updated {esc(updated)}</span>",
        f"<span>Release {esc(', '.join(facts.releases) or 'none')}</span>",
        f"<span>Scorer {esc(', '.join(facts.scorers) or now)}{label}</span>",
    ]
    return f'<p class="oa-stamp">{"".join(parts)}</p>'


def limits_html() -> str:
    """What scores do not mean."""
    items = "".join(f"<li>{esc(text)}</li>" for text in LIMITS)
    return (
        f'<section id="limits"><h2>What the scores do not mean</h2><ul>{items}</ul>'
        f"<p>{esc(CITATION_NOTE)}</p></section>"
    )
