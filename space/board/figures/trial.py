"""A report that is not on the board, drawn as if it were: its chart and its marks on the maps.

Nothing is stored. The chart holds the report and the models asked under the same condition, all on
the cells that every one of them has, so that no row looks better for the questions it was spared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from contracts.report import Report
from scoring.estimates import row_means
from scoring.inference.bootstrap import question_counts
from scoring.inference.intervals import percentile_bounds
from scoring.maps.model import MapFile, Mark, NotPlaced
from scoring.maps.rows import MapRow
from space.board.figures.home import NAMED, Bar, Chart, Line, baseline_grids
from space.board.figures.maps import board_marks, maps_with
from space.board.index import grid_on, read_grid
from space.board.map_answers import map_row
from space.board.placing import place_answers
from space.board.ranks.groups import short_condition
from space.board.ranks.ranking import REPLICATES, SEED, Floats, country_equal_means, rank_rows
from space.board.rows import EVERYWHERE, grid_of, row_fields, row_kind
from space.board.store import Store

#: Name of the report's own mark and bar, which is no row of the board.
TRIAL = ""

#: A model of the board stands beside the report where it has this share of the report's cells.
SHARED = 0.9

#: Models beside it.
MOST = 11


class Trial(NamedTuple):
    """A report as a visitor sees it at once.

    Attributes:
        name: of the report's model.
        chart: the report among the models of its condition; None without scores by cell.
        maps: the maps with the models of the board and the report's mark; None without cells.
        why_not: why it stands on none of the maps; by map.
    """

    name: str
    chart: Chart | None
    maps: MapFile | None
    why_not: Mapping[str, str]


def try_report(store: Store, report: Report, *, predictions: Path | None = None) -> Trial:
    """Draw a report that is not on the board.

    Args:
        store: the board's store, which is not changed.
        report: the report, with cells if it is to stand on a map.
        predictions: what it was scored from: answers that place it on the cultural map.
    """
    name = report.predictions.meta.name or report.predictions.name
    maps, why_not = _maps(store, report, predictions)
    with store.connect() as db:
        chart = _chart(db, report, name) if row_kind(report) == "model" else None
    return Trial(name, chart, maps, why_not)


def _maps(
    store: Store, report: Report, predictions: Path | None
) -> tuple[MapFile | None, dict[str, str]]:
    row = map_row(report, predictions, name=TRIAL)
    if row is None:
        return None, {}
    own = place_answers(MapRow(TRIAL, row.shares))
    marks_by_map: dict[str, list[Mark | NotPlaced]] = {
        name: [*marks] for name, marks in board_marks(store).items()
    }
    for name, mark in own.items():
        marks_by_map.setdefault(name, []).append(mark)
    why_not = {name: mark.reason for name, mark in own.items() if isinstance(mark, NotPlaced)}
    return maps_with(marks_by_map), why_not


def _chart(db: sqlite3.Connection, report: Report, name: str) -> Chart | None:
    grid = grid_of(report)
    if grid is None or grid.countries == (EVERYWHERE,):
        return None
    own = np.asarray(grid.alignment, np.float64)
    countries, questions = list(grid.countries), list(grid.questions)
    asked = np.isfinite(own)
    fields = row_fields(report, row_id=TRIAL, row_class="uploaded", updated=0.0)
    others = []
    for row in _alike(db, fields):
        laid = grid_on(countries, questions, read_grid(db, row["row_id"]))
        if np.isfinite(laid[asked]).mean() >= SHARED:
            others.append((row, laid))
    others = others[:MOST]
    shared = asked & np.all([np.isfinite(laid) for _, laid in others], axis=0) if others else asked
    if not shared.any():
        others, shared = [], asked
    shared_questions = shared.any(axis=0)
    grids = [
        np.where(shared, one, np.nan)[:, shared_questions] for one in (own, *(g for _, g in others))
    ]
    ranks = rank_rows(grids)
    named = [{"row_id": TRIAL, "name": name}, *(dict(row) for row, _ in others)]
    bars = [
        _bar(row, one, countries)._replace(rank=rank.rank, ranked=rank.size)
        for row, one, rank in zip(named, grids, ranks, strict=True)
    ]
    lines = [
        Line(title, mean)
        for title, other in baseline_grids(db, fields)
        if (mean := _mean(np.where(shared, grid_on(countries, questions, other), np.nan)))
        is not None
    ]
    return Chart(
        number=0,
        title=f"{name} among the models of the board",
        condition=short_condition(fields),
        countries=int(shared.any(axis=1).sum()),
        questions=int(shared_questions.sum()),
        size=len(bars),
        bars=tuple(sorted(bars, key=lambda bar: (-bar.estimate, bar.row_id))),
        lines=tuple(sorted(lines, key=lambda line: line.estimate)),
        by_country={},
    )


def _alike(db: sqlite3.Connection, fields: Mapping[str, Any]) -> list[sqlite3.Row]:
    """Models asked in the same way about the same people, best first."""
    keys = ("release_digest", "wave", "mode", "method", "steering", "language", "thinking")
    same = " AND ".join(f'r."{key}" = ?' for key in keys)
    return db.execute(
        "SELECT r.row_id, r.name FROM rows r JOIN grids USING (row_id) "  # noqa: S608
        "JOIN scores s ON s.row_id = r.row_id AND s.name = 'alignment' "
        f"WHERE r.kind = 'model' AND r.same_as = '' AND {same} "
        "ORDER BY s.estimate DESC, r.row_id",
        [fields[key] for key in keys],
    ).fetchall()


def _bar(row: Mapping[str, Any], grid: Floats, countries: list[str]) -> Bar:
    """A row on the shared cells: mean, interval over drawn questions, its countries."""
    means = row_means(grid)
    known = np.flatnonzero(np.isfinite(means))
    order = sorted(map(int, known), key=lambda at: (-means[at], countries[at]))
    counts = question_counts(grid.shape[1], replicates=REPLICATES, rng=np.random.default_rng(SEED))
    estimate = float(means[known].mean())
    bounds = percentile_bounds(
        country_equal_means(grid, counts)[None],
        np.array([estimate]),
        units=[grid.shape[1]],
        mean=True,
    )
    several = len(order) >= 2 * NAMED
    return Bar(
        row["row_id"],
        row["name"],
        estimate,
        float(bounds.low[0]),
        float(bounds.high[0]),
        None,
        None,
        tuple(countries[at] for at in order[:NAMED]) if several else (),
        tuple(countries[at] for at in order[::-1][:NAMED]) if several else (),
        None,
    )


def _mean(grid: Floats) -> float | None:
    means = row_means(grid)
    known = means[np.isfinite(means)]
    return float(known.mean()) if known.size else None
