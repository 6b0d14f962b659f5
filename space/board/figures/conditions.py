"""The conditions of one model: paired differences from no steering on the cells all of them have.

The numbers are those of `opinion-atlas report steering`, rows of all countries; the interval
comes from questions drawn for all cells at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from scoring.estimates import row_means
from scoring.inference.bootstrap import question_counts, resampled_means
from scoring.inference.intervals import percentile_bounds
from space.board.index import CommonGrid, common_grids
from space.board.ranks.form_ranks import FormRank, FormScores, form_ranks, form_scores
from space.board.ranks.groups import condition_label
from space.board.ranks.ranking import REPLICATES, SEED, Floats
from space.board.rows import EVERYWHERE
from space.board.store import Store

#: What conditions of one model must share.
_SHARED = (
    "model", "release_digest", "wave", "mode", "question_set", "method", "wording", "class",
    "synthetic", "trained_on_wvs",
)  # fmt: skip


class Condition(NamedTuple):
    """A model under one condition, compared with itself unsteered.

    Attributes:
        row_id, name: its row.
        label: the condition in words.
        alignment: mean over the common cells, each country counting once.
        difference, low, high: less no steering, with 95 % interval; None for no steering itself
            and where there is none.
        questions, countries: how many the common cells have.
    """

    row_id: str
    name: str
    label: str
    alignment: float
    difference: float | None
    low: float | None
    high: float | None
    questions: int
    countries: int


def read_form_ranks(store: Store, row_id: str) -> list[FormRank]:
    """A row's rank in every other form, see `space.board.ranks.form_ranks`."""
    with store.connect() as db:
        return form_ranks(db, row_id)


def read_form_scores(store: Store, row_id: str) -> list[FormScores]:
    """What the models score in the forms of a row's model, see `space.board.ranks.form_ranks`."""
    with store.connect() as db:
        return form_scores(db, row_id)


def read_conditions(store: Store, row_id: str) -> list[Condition]:
    """All conditions of a row's model, no steering first; empty where there is only one."""
    with store.connect() as db:
        rows = _siblings(db, row_id)
        if len(rows) < 2:
            return []
        grid = common_grids(db, [row["row_id"] for row in rows])
    return _compared(rows, grid)


def _siblings(db: sqlite3.Connection, row_id: str) -> list[dict[str, Any]]:
    """The row's model under every condition, one row each: the one asked about, else the first."""
    same = " AND ".join(f'r."{key}" = own."{key}"' for key in _SHARED)
    sibling_rows = db.execute(
        "SELECT r.* FROM rows r JOIN grids USING (row_id) JOIN rows own "  # noqa: S608
        f"ON own.row_id = ? AND {same} WHERE r.kind = 'model' AND r.model != 'unknown' "
        "AND r.same_as = '' ORDER BY r.row_id != own.row_id, r.updated, r.row_id",
        (row_id,),
    ).fetchall()
    first: dict[str, dict[str, Any]] = {}
    for row in map(dict, sibling_rows):
        first.setdefault(condition_label(row), row)
    return sorted(first.values(), key=lambda row: (not _is_base(row), condition_label(row)))


def _is_base(row: Mapping[str, Any]) -> bool:
    return (row["steering"], row["language"]) == ("none", "en")


def _compared(rows: list[dict[str, Any]], grid: CommonGrid) -> list[Condition]:
    stack = np.stack([np.asarray(one, np.float64) for one in grid.alignment])
    common = np.asarray(np.isfinite(stack).all(axis=0))
    there = common.any(axis=1)
    if not there.any():
        return []
    cells = np.where(common, stack, np.nan)[:, there]
    counts = question_counts(cells.shape[2], replicates=REPLICATES, rng=np.random.default_rng(SEED))
    questions = int(common.any(axis=0).sum())
    countries = 0 if grid.countries == [EVERYWHERE] else int(there.sum())
    base = cells[0] if _is_base(rows[0]) else None
    conditions = []
    for place, (row, scores) in enumerate(zip(rows, cells, strict=True)):
        gap = None if base is None or place == 0 else _gap(scores - base, counts)
        difference, low, high = gap or (None, None, None)
        conditions.append(
            Condition(
                row["row_id"],
                row["name"],
                condition_label(row),
                float(row_means(row_means(scores))),
                difference,
                low,
                high,
                questions,
                countries,
            )
        )
    return conditions


def _gap(gap: Floats, counts: Floats) -> tuple[float, float, float]:
    """Mean over countries of the mean over questions, with its 95 % interval."""
    estimate = float(row_means(row_means(gap)))
    drawn = resampled_means(gap, counts).mean(axis=0)
    units = int(np.isfinite(gap).any(axis=0).sum())
    bounds = percentile_bounds(drawn[None], np.array([estimate]), units=[units], mean=True)
    return estimate, float(bounds.low[0]), float(bounds.high[0])
