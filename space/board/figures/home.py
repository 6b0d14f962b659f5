"""What Home shows: per condition a ranked chart of models."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from space.board.index import read_grid
from space.board.rows import CEILING, EVERYWHERE
from space.board.store import Store

#: How many closest and farthest countries are named.
NAMED = 3

#: Models of a chart; the rest stand in the table below it.
LONGEST = 12

#: Conditions with a tab of their own.
MOST_TABS = 8

#: Baselines that stand as lines, and what they are called there.
LINES = {"uniform": "uniform", "world-average": "world average"}


class Bar(NamedTuple):
    """One model of a chart.

    Attributes:
        row_id, name: its row.
        estimate, low, high: alignment and 95 % interval.
        rank, ranked: its rank and how many were ranked; None where it is not ranked.
        rank_low, rank_high: ranks that it cannot be told apart from.
        closest, farthest: countries by alignment, the most extreme first.
        worth: how many people it is worth, where its report says so.
    """

    row_id: str
    name: str
    estimate: float
    low: float | None
    high: float | None
    rank: int | None
    ranked: int | None
    closest: tuple[str, ...]
    farthest: tuple[str, ...]
    worth: float | None
    rank_low: int | None = None
    rank_high: int | None = None


class Line(NamedTuple):
    """A reference line of a chart: its name and alignment over the chart's own cells."""

    name: str
    estimate: float


class Alone(NamedTuple):
    """A model that no other was asked like, so that it is neither ranked nor in a chart.

    Attributes:
        row_id, name: its row.
        condition, method: how it was asked.
        estimate, low, high: alignment and 95 % interval.
    """

    row_id: str
    name: str
    condition: str
    method: str
    estimate: float
    low: float | None
    high: float | None


class Chart(NamedTuple):
    """One comparison group as a chart.

    Attributes:
        number, title, condition: of the group.
        countries, questions: what its leader was scored on.
        size: number of its rows, those beyond the chart too.
        bars: its models, best first.
        lines: baselines and human ceiling, lowest first.
        by_country: mean alignment of its models by country.
        method, row_class: of its leader.
    """

    number: int
    title: str
    condition: str
    countries: int
    questions: int
    size: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    by_country: Mapping[str, float]
    method: str = ""
    row_class: str = ""


def read_charts(store: Store) -> list[Chart]:
    """The charts of all groups on real people, in the order of the board.

    Groups of a single model are left out where there are larger ones: nothing is compared there.
    """
    with store.connect() as db:
        group_rows = db.execute(
            "SELECT g.*, r.release_digest, r.wave, r.mode, r.method, r.class FROM groups g "
            "JOIN rows r ON r.row_id = g.leader WHERE r.synthetic = 0 ORDER BY g.number"
        ).fetchall()
        larger = [group for group in group_rows if group["size"] > 1]
        return [_chart(db, group) for group in (larger or group_rows)[:MOST_TABS]]


def read_alone(store: Store) -> list[Alone]:
    """Models on real people that stand alone in the way they were asked, where others do not."""
    with store.connect() as db:
        rows = db.execute(
            "SELECT r.row_id, r.name, g.condition, r.method, s.estimate, s.low, s.high "
            "FROM groups g JOIN rows r ON r.row_id = g.leader "
            "JOIN scores s ON s.row_id = r.row_id AND s.name = 'alignment' "
            "WHERE g.size = 1 AND r.synthetic = 0 AND r.same_as = '' AND s.estimate IS NOT NULL "
            "AND EXISTS (SELECT 1 FROM groups h JOIN rows l ON l.row_id = h.leader "
            "WHERE h.size > 1 AND l.synthetic = 0) ORDER BY g.number LIMIT ?",
            (MOST_TABS,),
        ).fetchall()
    return [Alone(*row) for row in rows]


def _chart(db: sqlite3.Connection, group: sqlite3.Row) -> Chart:
    rows = db.execute(
        "SELECT r.row_id, r.name, r.rank, r.ranked, r.rank_low, r.rank_high, s.estimate, s.low, "
        "s.high FROM rows r "
        "JOIN scores s ON s.row_id = r.row_id AND s.name = 'alignment' "
        "WHERE r.group_number = ? AND s.estimate IS NOT NULL AND r.same_as = '' "
        "ORDER BY s.estimate DESC, r.row_id LIMIT ?",
        (group["number"], LONGEST),
    ).fetchall()
    return Chart(
        group["number"],
        group["title"],
        group["condition"],
        group["countries"],
        group["questions"],
        group["size"],
        tuple(_bar(db, row) for row in rows),
        tuple(sorted(_lines(db, group), key=lambda line: line.estimate)),
        dict(
            db.execute(
                "SELECT p.name, AVG(p.estimate) FROM parts p JOIN rows r USING (row_id) "
                "WHERE r.group_number = ? AND r.same_as = '' AND p.kind = 'country' "
                "AND p.estimate IS NOT NULL GROUP BY p.name",
                (group["number"],),
            )
        ),
        group["method"],
        group["class"],
    )


def _bar(db: sqlite3.Connection, row: sqlite3.Row) -> Bar:
    countries = [
        name
        for (name,) in db.execute(
            "SELECT name FROM parts WHERE row_id = ? AND kind = 'country' "
            "AND estimate IS NOT NULL ORDER BY estimate DESC, name",
            (row["row_id"],),
        )
    ]
    worth = db.execute(
        "SELECT estimate FROM scores WHERE row_id = ? AND name LIKE 'worth%' LIMIT 1",
        (row["row_id"],),
    ).fetchone()
    return Bar(
        row_id=row["row_id"],
        name=row["name"],
        estimate=row["estimate"],
        low=row["low"],
        high=row["high"],
        rank=row["rank"],
        ranked=row["ranked"],
        closest=tuple(countries[:NAMED]),
        farthest=tuple(countries[::-1][:NAMED]),
        worth=worth[0] if worth else None,
        rank_low=row["rank_low"],
        rank_high=row["rank_high"],
    )


def _lines(db: sqlite3.Connection, group: sqlite3.Row) -> list[Line]:
    """Baselines over the leader's own cells, and the ceiling over its countries."""
    countries, questions, cells = read_grid(db, group["leader"])
    if countries in ([], [EVERYWHERE]):
        return []
    asked = np.isfinite(cells)
    chart_lines: list[Line] = []
    for shown, grid in baseline_grids(db, group):
        mean = _mean_over(asked, countries, questions, grid)
        if mean is not None:
            chart_lines.append(Line(shown, mean))
    ceilings = dict(
        db.execute(
            "SELECT name, estimate FROM parts WHERE row_id = ? AND kind = ? AND name != ?",
            (group["leader"], CEILING, EVERYWHERE),
        )
    )
    known = [
        ceilings[name]
        for name, row in zip(countries, asked, strict=True)
        if row.any() and ceilings.get(name) is not None
    ]
    if known:
        chart_lines.append(Line("human ceiling", float(np.mean(known))))
    return chart_lines


def baseline_grids(
    db: sqlite3.Connection, row: Mapping[str, Any] | sqlite3.Row
) -> list[tuple[str, tuple[list[str], list[str], np.ndarray[Any, Any]]]]:
    """Title and cells of the baselines that stand as lines beside a row of the same release."""
    baselines = db.execute(
        "SELECT row_id, name FROM rows WHERE kind = 'baseline' AND release_digest = ? "
        "AND wave = ? AND mode = ? ORDER BY row_id",
        (row["release_digest"], row["wave"], row["mode"]),
    ).fetchall()
    grids_by_title: dict[str, Any] = {}
    for row_id, name in baselines:
        shown = next((title for key, title in LINES.items() if name.startswith(key)), "")
        if shown and shown not in grids_by_title:
            grids_by_title[shown] = read_grid(db, row_id)
    return list(grids_by_title.items())


def _mean_over(
    asked: np.ndarray[Any, Any],
    countries: list[str],
    questions: list[str],
    other: tuple[list[str], list[str], np.ndarray[Any, Any]],
) -> float | None:
    """Country-equal mean of another row over the cells that were asked; None where it lacks any
    of the countries or questions."""
    names, ids, cells = other
    if not set(countries) <= set(names) or not set(questions) <= set(ids):
        return None
    rows = [names.index(name) for name in countries]
    columns = [ids.index(name) for name in questions]
    picked = np.where(asked, cells[np.ix_(rows, columns)], np.nan)
    known = np.isfinite(picked)
    there = known.any(axis=1)
    means = np.where(known, picked, 0.0)[there].sum(axis=1) / known[there].sum(axis=1)
    return float(means.mean()) if len(means) else None
