"""What the index keeps of a model's answers: its marks on the maps, and its shares by question.

Marks are those of the reference's maps whatever release a row was scored on: a place depends on
the model's answers alone. Shares are kept of rows with one answer for all countries, which the
Question and Country pages show beside people's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from codebook.questions import questions
from contracts.report import Report
from scoring.maps import cultural_map, opinion_plane
from scoring.maps.model import Mark, NotPlaced
from scoring.maps.rows import MapRow
from space.board.map_answers import beside, map_row
from space.board.rows import row_kind
from space.published.answers import published_answer_rows, unsteered_shares
from space.published.store import published_maps, published_plane

#: Wave of the countries that models are drawn among.
WAVE = 7

#: Digits of the shares that are kept.
_DIGITS = 5

SCHEMA = """
CREATE TABLE places (
  row_id TEXT, map TEXT, x REAL, y REAL, outside REAL, questions INTEGER, reason TEXT,
  PRIMARY KEY (row_id, map)) WITHOUT ROWID;
CREATE TABLE answers (
  question TEXT, row_id TEXT, shares TEXT, PRIMARY KEY (question, row_id)) WITHOUT ROWID;
CREATE INDEX answers_by_row ON answers (row_id);
"""

#: The tables, of which a row that goes leaves nothing.
TABLES = ("places", "answers")


class ModelAnswer(NamedTuple):
    """Shares of one model to a question, in the order of positions."""

    row_id: str
    name: str
    shares: tuple[float, ...]


def add_answers(
    db: sqlite3.Connection,
    report: Report,
    file: Path,
    row_id: str,
    *,
    cells: Sequence[Mapping[str, Any]],
) -> None:
    """Put a model's marks and its shares into an open index; nothing for other rows.

    Args:
        db: the index.
        report: the row's report without its cells.
        file: the report's file, beside whose folder that of predictions lies.
        row_id: the row.
        cells: the cells that a board may show.
    """
    if row_kind(report) != "model":
        return
    row = None if cells else _published_row(row_id)
    if row is not None:
        marks = _published_marks(row_id)
    else:
        row = map_row(report, beside(file), name=row_id, cells=cells)
        if row is None:  # scored by a paper's rules, or without distributions
            return
        marks = place_answers(row)
    db.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?)", map(_place, marks.items()))
    meta = report.predictions.meta
    if meta.steering == "none" and meta.language != "own":
        db.executemany(
            "INSERT INTO answers VALUES (?, ?, ?)",
            [(question, row_id, _shares(one)) for question, one in row.shares.items() if "" in one],
        )


def place_answers(row: MapRow) -> dict[str, Mark | NotPlaced]:
    """A model's marks, or why it has none, by map."""
    return {
        "opinion_plane": opinion_plane.place_model(published_plane(), row, wave=WAVE),
        "cultural_map": cultural_map.place_model(row, wave=WAVE),
    }


def _place(named: tuple[str, Mark | NotPlaced]) -> tuple[object, ...]:
    name, mark = named
    if isinstance(mark, NotPlaced):
        return (mark.name, name, None, None, None, None, mark.reason)
    return (mark.name, name, mark.x, mark.y, mark.outside, mark.questions, "")


def _shares(answers: Mapping[str, Sequence[float]]) -> str:
    total = sum(answers[""]) or 1.0
    return json.dumps([round(share / total, _DIGITS) for share in answers[""]])


def _published_row(row_id: str) -> MapRow | None:
    """The answers of a published row, whose report ships without; only unsteered ones count."""
    if row_id not in {row.row_id for row in published_answer_rows()}:
        return None
    shares = {}
    for question, given in unsteered_shares().get(row_id, {}).items():
        scale = questions()[question].scale
        if scale is not None:
            shares[question] = {"": tuple(float(given.get(code, 0)) for code in scale.codes)}
    return MapRow(row_id, shares)


def _published_marks(row_id: str) -> dict[str, Mark | NotPlaced]:
    marks_by_map: dict[str, Mark | NotPlaced] = {}
    for picture in published_maps().maps:
        listed: list[Mark | NotPlaced] = [*picture.marks, *picture.not_placed]
        for one in listed:
            if one.kind == "model" and one.name == row_id:
                marks_by_map[picture.map] = one
    return marks_by_map


def model_answers(
    db: sqlite3.Connection, question_id: str, *, row_ids: Sequence[str] = ()
) -> list[ModelAnswer]:
    """What models without steering answered to a question, of real people's rows alone.

    Args:
        db: the index.
        question_id: the question.
        row_ids: rows to look for; all by default, in the order of their alignment.
    """
    marks = ", ".join("?" for _ in row_ids)
    among = f"AND a.row_id IN ({marks})" if row_ids else ""
    answer_rows = db.execute(
        "SELECT a.row_id, r.name, a.shares FROM answers a JOIN rows r USING (row_id) "  # noqa: S608
        "LEFT JOIN scores s ON s.row_id = a.row_id AND s.name = 'alignment' "
        f"WHERE a.question = ? AND r.synthetic = 0 AND r.same_as = '' {among} "
        "ORDER BY s.estimate IS NULL, s.estimate DESC, r.name, r.row_id",
        (question_id, *row_ids),
    )
    return [
        ModelAnswer(row_id, name, tuple(json.loads(text))) for row_id, name, text in answer_rows
    ]
