"""Tables of the protocols that no figure shows: rows of plain numbers, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from codebook import CATEGORIES, countries
from contracts.report import Interval, Report
from scoring.presentation.score_texts import plain_name
from scoring.presentation.summary import country_name, number, with_interval

#: Tables that figures show, or that are for programs.
DRAWN = frozenset(
    {
        "question_scores",
        "country_matrix",
        "threshold_curve",
        "threshold_curves",
        "waves",
        "average_humans",
    }
)

#: Most rows of a table on the page; the rest stands in the report.
MOST_ROWS = 400


@dataclass(frozen=True)
class ExtraTable:
    """A titled table of text; `left_out` rows are not shown."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    left_out: int = 0


def extra_tables(report: Report) -> list[ExtraTable]:
    """Every table of the report's protocols that consists of rows of plain cells."""
    tables = []
    for result in report.protocols:
        for name, table in result.tables.items():
            if result.applies and name not in DRAWN and _is_rows(table):
                title = f"{plain_name(result.protocol)}: {plain_name(name).lower()}"
                tables.append(_table(title, table))
    return tables


def notes(report: Report) -> list[str]:
    """Remarks that the protocols' tables carry."""
    return [
        str(result.tables["note"])
        for result in report.protocols
        if result.applies and isinstance(result.tables.get("note"), str)
    ]


def _is_rows(table: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    return isinstance(table, list) and bool(table) and all(isinstance(r, Mapping) for r in table)


def _table(title: str, table: Sequence[Mapping[str, Any]]) -> ExtraTable:
    keys = list(dict.fromkeys(key for row in table for key in row))
    rows = [[_cell(key, row.get(key)) for key in keys] for row in table[:MOST_ROWS]]
    return ExtraTable(
        title, [plain_name(key) for key in keys], rows, max(0, len(table) - MOST_ROWS)
    )


def _cell(key: str, item: Any) -> str:
    if item is None:
        return "–"
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float):
        return number(item)
    if isinstance(item, Mapping) and {"estimate", "low", "high"} <= set(item):
        return with_interval(Interval(**{k: item[k] for k in ("estimate", "low", "high")}))
    if isinstance(item, (list, tuple)):
        return ", ".join(_cell(key, inner) for inner in item)
    if isinstance(item, Mapping):
        return "; ".join(f"{name}: {_cell(name, inner)}" for name, inner in item.items())
    text = str(item)
    if key == "country" and text in countries():
        return country_name(text)
    return CATEGORIES.get(text, text) if key == "category" else text
