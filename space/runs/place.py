"""The place that a report would take on the board, found by the board's own rules."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from contracts.digests import sha256_text
from contracts.report import Report, read_report
from contracts.specs import kind_spec
from space.board.columns import FULL_COVERAGE
from space.board.index import ReportFile, build_index, common_grids
from space.board.page import rank_text
from space.board.ranks.ranking import Rank, rank_rows
from space.board.rows import row_kind
from space.board.seed import RowClass
from space.board.store import Store

#: Name that the report has while it is tried.
TRIAL = "this run"

#: A row is compared on shared cells where it has at least this share of the run's.
SHARED = 0.9

#: Rows that are listed on either side.
EITHER_SIDE = 4


class Neighbour(NamedTuple):
    """A row near the run, on the cells that all of those listed have.

    Attributes:
        row_id: its id; `TRIAL` for the run itself.
        name, kind, row_class: as on the board.
        estimate: country-equal mean alignment on the shared cells (the score itself, for advice).
        rank: among all rows that were compared; None for advice, which has no cells.
    """

    row_id: str
    name: str
    kind: str
    row_class: str
    estimate: float
    rank: Rank | None


class Place(NamedTuple):
    """Where a report would stand.

    Attributes:
        text: its rank as the board shows it, `2 (1-3) of 5`; empty where it is not ranked.
        why_not: why it is not.
        neighbours: rows near it, the highest first.
        compared: how many rows were compared besides it.
        questions, countries: of the shared cells.
    """

    text: str
    why_not: str
    neighbours: tuple[Neighbour, ...]
    compared: int
    questions: int
    countries: int


def no_place(why: str) -> Place:
    """A place that is not known."""
    return Place("", why, (), 0, 0, 0)


def board_place(store: Store, path: Path, *, row_class: RowClass) -> Place:
    """Try a report on a copy of the board.

    Args:
        store: the board's store; it is not changed.
        path: the report.
        row_class: class that it would be submitted as.
    """
    report = read_report(path)
    trial = ReportFile(TRIAL, path, row_class, f"trial:{row_class}", path.stat().st_mtime)
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index.sqlite"
        shutil.copyfile(store.ensure_index(), index)
        build_index(index, [*store.report_files(), trial])
        with closing(sqlite3.connect(index)) as db:
            db.row_factory = sqlite3.Row
            row = dict(db.execute("SELECT * FROM rows WHERE row_id = ?", (TRIAL,)).fetchone())
            # Part of the question set that nobody else was asked is ranked against nobody.
            part = (report.coverage.share or 0) < FULL_COVERAGE
            text = "" if part and (row["ranked"] or 0) < 2 else rank_text(row)
            why_not = "" if text else _why_not(report)
            kind = kind_spec(report.predictions.kind)
            if not kind.ranked:
                return Place(text, why_not, *_by_score(db, row, kind.headline))
            return Place(text, why_not, *_by_cells(db, row))


def _why_not(report: Report) -> str:
    if row_kind(report) != "model":
        return "baselines are not ranked"
    if not kind_spec(report.predictions.kind).ranked:
        return "advice is not ranked by the board's default score"
    answered = report.coverage.share or 0
    if answered < FULL_COVERAGE:
        return (
            f"{answered:.0%} of the question set was answered; the board ranks rows "
            f"with at least {FULL_COVERAGE:.0%}"
        )
    return "there is no row of the same questions, method, steering, language and class yet"


_Neighbours = tuple[tuple[Neighbour, ...], int, int, int]


def _rows(db: sqlite3.Connection, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows that may be compared: asked in the same way about the same people; baselines too."""
    comparable_rows = db.execute(
        "SELECT * FROM rows WHERE derived = 0 AND row_id != ? AND release_digest = ? "
        "AND wave = ? AND mode = ? AND (kind = 'baseline' OR "
        "(kind = 'model' AND method = ? AND steering = ? AND language = ?)) ORDER BY row_id",
        (
            TRIAL, row["release_digest"], row["wave"], row["mode"], row["method"],
            row["steering"], row["language"],
        ),
    )  # fmt: skip
    return [dict(one) for one in comparable_rows]


def _by_cells(db: sqlite3.Connection, row: Mapping[str, Any]) -> _Neighbours:
    """Rows by their mean over the cells that all of them have."""
    has_grid = {row_id for (row_id,) in db.execute("SELECT row_id FROM grids")}
    others = [other for other in _rows(db, row) if other["row_id"] in has_grid]
    if TRIAL not in has_grid or not others:
        return (), 0, 0, 0
    rows: list[Mapping[str, Any]] = [row, *others]
    grids = common_grids(db, [one["row_id"] for one in rows]).alignment
    wanted = np.isfinite(grids[0])
    keep = [
        at for at, grid in enumerate(grids) if at == 0 or np.isfinite(grid[wanted]).mean() >= SHARED
    ]
    if len(keep) < 2:
        return (), 0, 0, 0
    shared = np.all([np.isfinite(grids[at]) for at in keep], axis=0)
    masked = [np.where(shared, grids[at], np.nan) for at in keep]
    masked = [grid[:, shared.any(axis=0)] for grid in masked]
    ranks = rank_rows(masked)
    means = [_country_mean(grid) for grid in masked]
    listed = [
        _neighbour(rows[at], mean, rank) for at, mean, rank in zip(keep, means, ranks, strict=True)
    ]
    counts = int(shared.any(axis=0).sum()), int(shared.any(axis=1).sum())
    return _around(listed), len(keep) - 1, *counts


def _country_mean(grid: np.ndarray[Any, Any]) -> float:
    """Mean over countries of the mean over questions."""
    scored = np.isfinite(grid)
    rows = scored.any(axis=1)
    totals = np.where(scored, grid, 0.0).sum(axis=1)[rows]
    return float((totals / scored.sum(axis=1)[rows]).mean())


def _by_score(db: sqlite3.Connection, row: Mapping[str, Any], name: str) -> _Neighbours:
    """Rows by one score."""
    wanted: list[Mapping[str, Any]] = [row, *_rows(db, row)]
    scores = dict(
        db.execute(
            "SELECT row_id, estimate FROM scores WHERE name = ? AND estimate IS NOT NULL", (name,)
        )
    )
    listed = [
        _neighbour(one, scores[one["row_id"]], None) for one in wanted if one["row_id"] in scores
    ]
    return _around(listed), max(len(listed) - 1, 0), 0, 0


def _neighbour(row: Mapping[str, Any], estimate: float, rank: Rank | None) -> Neighbour:
    return Neighbour(row["row_id"], row["name"], row["kind"], row["class"], estimate, rank)


def _around(listed: Sequence[Neighbour]) -> tuple[Neighbour, ...]:
    """The rows nearest to the run, the highest first."""
    ordered = sorted(listed, key=lambda one: (-one.estimate, one.row_id))
    at = next((i for i, one in enumerate(ordered) if one.row_id == TRIAL), 0)
    first = max(at - EITHER_SIDE, 0)
    return tuple(ordered[first : at + EITHER_SIDE + 1])


def place_key(store: Store, path: Path, row_class: str) -> str:
    """A text that changes when the board or the report does: places are kept by it."""
    stamps = [f"{file.row_id}:{file.stamp}" for file in store.report_files()]
    status = path.stat()
    return sha256_text("\n".join([*stamps, f"{path}:{status.st_mtime_ns}:{row_class}"]))
