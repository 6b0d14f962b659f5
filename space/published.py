"""Rows as published: numbers printed in papers, quoted with their source, never ranked."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from space.render.table import plain_table
from space.render.text import esc, number
from space.texts import PUBLISHED_NOTE


class PublishedRow(NamedTuple):
    """A number as printed.

    Attributes:
        model: name as printed.
        protocol: protocol of the paper.
        condition: steering, approach or dimension.
        score: what the number is.
        estimate: the number.
        source: paper and table.
        note: what one has to know about it.
    """

    model: str
    protocol: str
    condition: str
    score: str
    estimate: float
    source: str
    note: str = ""


@cache
def published_rows() -> tuple[PublishedRow, ...]:
    """All rows as published."""
    return ()


def published_html() -> str:
    """The rows as published in a table of their own; "" where there are none."""
    rows = published_rows()
    if not rows:
        return ""
    table = plain_table(
        ("Model", "Protocol", "Condition", "Score", "As printed", "Source"),
        [
            (
                esc(row.model),
                esc(row.protocol),
                esc(row.condition),
                esc(row.score),
                number(row.estimate),
                esc(row.source + (f" {row.note}" if row.note else "")),
            )
            for row in rows
        ],
        label="As published",
        numeric=(4,),
    )
    return (
        f'<section id="published"><h2>As published</h2><p>{esc(PUBLISHED_NOTE)}</p>'
        f"{table}</section>"
    )
