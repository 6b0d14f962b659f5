"""The board: rows that answer a query, read from the index alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from space.board.columns import PAGE_ROWS, PARTS, Column
from space.board.facts import Facts, read_facts
from space.board.query import BoardQuery
from space.board.store import Store
from space.board.version import project_version

#: Columns of table `rows` that search looks through.
_SEARCHED = ("name", "model", "family", "method", "steering")

_NOT_TEXT = {"score", "part"}

#: What every downloaded row states, whatever columns are shown.
ALWAYS = (
    "model",
    "family",
    "parameters",
    "class",
    "method",
    "steering",
    "language",
    "thinking",
    "release",
    "release_digest",
    "scorer_version",
)


@dataclass(frozen=True)
class BoardPage:
    """What a query finds.

    Attributes:
        query: the query that was answered.
        columns: the columns shown, in order.
        rows: one mapping per row: the fields of the index, `cells` with estimate, low, high,
            coverage by score or part key.
        total: number of rows that pass the facets and the search.
        all_rows: number of rows of the board, whatever the facets and the search say.
        synthetic: how many of these are scored on made-up people, and hidden unless asked for.
        pages: number of pages.
    """

    query: BoardQuery
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    total: int
    pages: int
    all_rows: int = 0
    synthetic: int = 0


def read_board(store: Store, query: BoardQuery, *, page_rows: int = PAGE_ROWS) -> BoardPage:
    """Answer a query from the index.

    Args:
        store: the store.
        query: what is asked for.
        page_rows: rows of a page; 0 for all.
    """
    facts = read_facts(store)
    columns = tuple(facts.column(key) for key in query.shown_columns())
    where, arguments = _where(query)
    join, order, sort_arguments = _order(query, facts)
    with store.connect() as db:
        total = db.execute(f"SELECT COUNT(*) FROM rows r WHERE {where}", arguments).fetchone()[0]  # noqa: S608
        every, made_up = db.execute(
            "SELECT COUNT(*), COALESCE(SUM(synthetic), 0) FROM rows"
        ).fetchone()
        pages = max(-(-total // page_rows), 1) if page_rows else 1
        page = min(query.page, pages)
        limit = f"LIMIT {page_rows} OFFSET {(page - 1) * page_rows}" if page_rows else ""
        table_rows = db.execute(
            "SELECT r.*, g.title AS group_title, g.countries AS group_countries FROM rows r "  # noqa: S608
            f"LEFT JOIN groups g ON g.number = r.group_number {join} WHERE {where} "
            f"ORDER BY r.group_number IS NULL, r.group_number, {order} {limit}",
            [*sort_arguments, *arguments],
        ).fetchall()
        cells = _cells(db, [row["row_id"] for row in table_rows], columns)
    rows = tuple({**dict(row), "cells": cells.get(row["row_id"], {})} for row in table_rows)
    return BoardPage(query, columns, rows, int(total), int(pages), int(every), int(made_up))


def _where(query: BoardQuery) -> tuple[str, list[str]]:
    clauses, arguments = ["1" if query.synthetic else "r.synthetic = 0"], []
    for facet, names in query.facets.items():
        if facet == "protocol":
            clauses.append("(" + " OR ".join("' '||r.protocols||' ' LIKE ?" for _ in names) + ")")
            arguments += [f"% {name} %" for name in names]
        else:
            clauses.append(f'r."{facet}" IN ({", ".join("?" for _ in names)})')
            arguments += list(names)
    text = "||' '||".join(f"r.{name}" for name in _SEARCHED)
    for word in query.search.split():
        clauses.append(f"({text}) LIKE ? ESCAPE '\\'")
        arguments.append(f"%{_escape_like(word)}%")
    return " AND ".join(clauses), arguments


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _order(query: BoardQuery, facts: Facts) -> tuple[str, str, list[str]]:
    """Join, ORDER BY within a group and the join's arguments; missing scores come last."""
    key, way = query.sort_key, "DESC" if query.falling else "ASC"
    kind, _, name = key.partition(":")
    tail = "r.name, r.row_id"
    if kind in PARTS and name:
        join = "LEFT JOIN parts s ON s.row_id = r.row_id AND s.kind = ? AND s.name = ?"
        return join, f"s.estimate IS NULL, s.estimate {way}, {tail}", [kind, name]
    if facts.column(key).kind == "score":
        join = "LEFT JOIN scores s ON s.row_id = r.row_id AND s.name = ?"
        return join, f"s.estimate IS NULL, s.estimate {way}, {tail}", [key]
    column = f'r."{key}"'
    if facts.column(key).kind in ("name", "text"):
        column += " COLLATE NOCASE"
    return "", f'r."{key}" IS NULL, {column} {way}, {tail}', []


def _cells(
    db: sqlite3.Connection, row_ids: Sequence[str], columns: Sequence[Column]
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Scores and parts of the rows for the columns shown, by row id and column key."""
    cells_by_row: dict[str, dict[str, dict[str, float | None]]] = {row_id: {} for row_id in row_ids}
    marks = ", ".join("?" for _ in row_ids)
    for column in columns:
        if column.kind not in _NOT_TEXT:
            continue
        kind, _, name = column.key.partition(":")
        if column.kind == "part":
            chosen, arguments = "parts WHERE kind = ? AND name = ?", [kind, name]
        else:
            chosen, arguments = "scores WHERE name = ?", [column.key]
        rows = db.execute(
            f"SELECT row_id, estimate, low, high, coverage, questions FROM {chosen} "  # noqa: S608
            f"AND row_id IN ({marks})",
            [*arguments, *row_ids],
        )
        for row in rows:
            cells_by_row[row["row_id"]][column.key] = {
                "estimate": row["estimate"],
                "low": row["low"],
                "high": row["high"],
                "coverage": row["coverage"],
                "questions": row["questions"],
            }
    return cells_by_row


def rank_text(row: Mapping[str, Any]) -> str:
    """A rank as shown: `1-3 of 12, tie a`; "" for rows that are not ranked."""
    if row.get("rank") is None:
        return ""
    low, high = row["rank_low"], row["rank_high"]
    span = str(row["rank"]) if low == high else f"{row['rank']} ({low}-{high})"
    return f"{span} of {row['ranked']}"


def tie_letter(number: int | None) -> str:
    """A tie group as a letter: a, b, ..., z, aa, ab, ..."""
    letters = ""
    left = number or 0
    while left > 0:
        left, rest = divmod(left - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def about_board(facts: Facts) -> dict[str, Any]:
    """Versions and dates that stand on every page and in every download."""
    return {
        "project_version": project_version(),
        "releases": list(facts.releases),
        "scorer_versions": list(facts.scorers),
        "last_updated": iso_time(facts.updated),
    }


def iso_time(seconds: float) -> str:
    """A time as ISO 8601 in UTC, to the second; "" for 0."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_rows(page: BoardPage) -> list[dict[str, Any]]:
    """The rows exactly as shown, flat: a score becomes name, name_low, name_high, name_coverage.

    Every row states its model (id, family, billions of parameters), class and condition, and the
    release and the scorer version that it was scored with.
    """
    return [_plain_row(row, page.columns) for row in page.rows]


def _plain_row(row: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    flat: dict[str, Any] = {"row_id": row["row_id"], "kind": row["kind"]}
    for column in columns:
        if column.kind in _NOT_TEXT:
            cell = row["cells"].get(column.key, {})
            flat[column.key] = cell.get("estimate")
            for end in ("low", "high", "coverage"):
                flat[f"{column.key}_{end}"] = cell.get(end)
        elif column.key == "rank":
            flat |= {name: row[name] for name in ("rank", "rank_low", "rank_high", "tie", "ranked")}
        else:
            flat[column.key] = row[column.key]
    for key in ALWAYS:
        flat.setdefault(key, row[key])
    return flat
