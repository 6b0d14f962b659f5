"""Rows as published: numbers printed in papers, quoted with their source, never ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from scoring.published_numbers import published
from space.board.labels import country_name
from space.board.texts import PUBLISHED_NOTE
from space.render.table import plain_table
from space.render.text import DASH, esc, number

#: Papers by protocol, as they are quoted.
PAPERS = {
    "alignment": "Liu, Kaneko & Chu: On the Alignment of Large Language Models with Global Human "
    "Opinion",
    "worldvaluesbench": "Zhao et al. (2024): WorldValuesBench",
    "advice": "Kharchenko et al. (2024): How Well Do LLMs Represent Values Across Cultures?",
}

#: Name of a row whose figure is about no single model.
NO_MODEL = "all models"


class PublishedRow(NamedTuple):
    """A number as printed.

    Attributes:
        name: model, as printed.
        protocol: protocol of the paper.
        condition: steering or approach; "" where the figure has none.
        part: country, question or dimension; "" for the whole.
        score: what the number is.
        estimate: the number.
        source: paper and table.
        note: what one has to know about it.
    """

    name: str
    protocol: str
    condition: str
    part: str
    score: str
    estimate: float
    source: str
    note: str = ""


@cache
def published_rows() -> tuple[PublishedRow, ...]:
    """All numbers as published: headlines first, then the tables."""
    return (*_headlines(), *_alignment(), *_worldvaluesbench(), *_advice())


def _headlines() -> list[PublishedRow]:
    return [
        PublishedRow(
            name=str(row["model"]) or NO_MODEL,
            protocol=str(row["paper"]),
            condition="",
            part="",
            score=str(row["figure"]),
            estimate=float(row["value"]),
            source=f"{PAPERS[str(row['paper'])]}, {row['where']}",
        )
        for row in published("headlines")
    ]


def _alignment() -> list[PublishedRow]:
    return [
        PublishedRow(
            name=str(row["model"]),
            protocol="alignment",
            condition=str(row["steering"]),
            part=str(row["country"]),
            score="alignment",
            estimate=float(row["alignment"]),
            source=f"{PAPERS['alignment']}, tables 1 and 9",
        )
        for row in published("alignment_steering")
    ]


def _worldvaluesbench() -> list[PublishedRow]:
    return [
        PublishedRow(
            name=str(row["model"]),
            protocol="worldvaluesbench",
            condition=str(row["steering"]),
            part=str(row["question_id"]),
            score="wasserstein",
            estimate=float(row["wasserstein"]),
            source=f"{PAPERS['worldvaluesbench']}, table 2",
        )
        for row in published("worldvaluesbench")
    ]


def _advice() -> list[PublishedRow]:
    scores = (("pearson", "table 2"), ("best_accuracy", "table 3"))
    return [
        PublishedRow(
            name=str(row["model"]),
            protocol="advice",
            condition=str(row["approach"]),
            part=str(row["dimension"]),
            score=score,
            estimate=float(row[score]),
            source=f"{PAPERS['advice']}, {table}",
            note=str(row["note"]),
        )
        for row in published("advice")
        for score, table in scores
    ]


def published_html() -> str:
    """The numbers as published: headlines in sight, the tables to be unfolded."""
    rows = published_rows()
    headlines = [row for row in rows if not row.part]
    table = plain_table(
        ("Model", "Protocol", "Figure", "Value", "Source"),
        [
            (esc(r.name), esc(r.protocol), esc(r.score), f"{r.estimate:g}", esc(r.source))
            for r in headlines
        ],
        label="Headlines as published",
        numeric=(3,),
    )
    return (
        f'<section id="published"><h2>As published</h2><p>{esc(PUBLISHED_NOTE)}</p>'
        f"{_folded('Figures from the texts', table)}"
        f"{_matrix('alignment', 'alignment', 'Alignment by country', country_name)}"
        f"{_matrix('worldvaluesbench', 'wasserstein', 'Distance (W1) by question', str)}"
        f"{_matrix('advice', 'pearson', 'Advice: correlation by dimension', _words)}"
        f"{_matrix('advice', 'best_accuracy', 'Advice: best accuracy by dimension', _words)}"
        "</section>"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _folded(title: str, content: str) -> str:
    return f'<details class="oa-fold"><summary>{esc(title)}</summary>{content}</details>'


def _matrix(protocol: str, score: str, title: str, part_name: Callable[[str], str]) -> str:
    """One printed table: a row per model and condition, a column per part.

    The table with the questions is turned round: it has many parts and few models.
    """
    rows = [r for r in published_rows() if r.part and (r.protocol, r.score) == (protocol, score)]
    cells = {(r.name, r.condition, r.part): r for r in rows}
    sides = list(dict.fromkeys((r.name, r.condition) for r in rows))
    parts = list(dict.fromkeys(r.part for r in rows))
    if len(parts) > len(sides):
        headings = ["Question", *(f"{name} ({condition})" for name, condition in sides)]
        body = [[esc(part_name(p)), *(_printed(cells.get((*s, p))) for s in sides)] for p in parts]
        numeric = tuple(range(1, len(headings)))
    else:
        headings = ["Model", "Condition", *(part_name(part) for part in parts)]
        body = [
            [esc(name), esc(condition), *(_printed(cells.get((name, condition, p))) for p in parts)]
            for name, condition in sides
        ]
        numeric = tuple(range(2, len(headings)))
    table = plain_table(headings, body, label=title, numeric=numeric)
    return _folded(f"{title} ({rows[0].source})", table + _notes(rows))


def _printed(row: PublishedRow | None) -> str:
    if row is None:
        return DASH
    digits = 2 if row.score in ("wasserstein", "best_accuracy") else 4
    shown = number(row.estimate, decimals=digits)
    return f'{shown}<span title="{esc(row.note)}">*</span>' if row.note else shown


def _notes(rows: Sequence[PublishedRow]) -> str:
    noted = list(dict.fromkeys(row.note for row in rows if row.note))
    return "".join(f"<p>* {esc(note)}</p>" for note in noted)
