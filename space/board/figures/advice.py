"""Rows of the board that hold advice, by approach."""

from __future__ import annotations

from typing import Any

from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.report import Report
from contracts.report_tables.advice import AdviceTables
from contracts.specs.advice_scores import APPROACHES
from space.board.store import Store

_PREFIX = "advice_"


def advice_rows(store: Store) -> list[dict[str, Any]]:
    """Every row and approach of the store that has scores of advice, the best mean first.

    Each has `row_id`, `name`, `approach`, `question_set`, and `scores`: cells by `mean`,
    `given_lean` and dimension (for approach none: the lean on the dimension).
    """
    with store.connect() as db:
        rows = {
            row["row_id"]: dict(row)
            for row in db.execute(
                "SELECT row_id, name, question_set FROM rows WHERE derived = 0 "
                "AND ' ' || protocols || ' ' LIKE '% advice %'"
            )
        }
        scores: dict[str, dict[str, dict[str, Any]]] = {}
        for cell in db.execute("SELECT * FROM scores WHERE name GLOB 'advice_*'"):
            scores.setdefault(cell["row_id"], {})[cell["name"]] = dict(cell)
    approach_rows = [
        {**row, "approach": approach, "scores": _scores(scores.get(row_id, {}), approach)}
        for row_id, row in rows.items()
        for approach in APPROACHES
        if f"{_PREFIX}correlation_{approach}" in scores.get(row_id, {})
    ]
    return sorted(approach_rows, key=lambda row: (-_mean(row), row["name"], row["approach"]))


def _scores(cells: dict[str, dict[str, Any]], approach: str) -> dict[str, dict[str, Any]]:
    names = {"mean": f"correlation_{approach}", "given_lean": f"given_lean_{approach}"}
    for one in HOFSTEDE_DIMENSIONS:
        names[one] = f"lean_{one}" if approach == "none" else f"{one}_{approach}"
    return {key: cells[_PREFIX + name] for key, name in names.items() if _PREFIX + name in cells}


def _mean(row: dict[str, Any]) -> float:
    estimate = row["scores"].get("mean", {}).get("estimate")
    return -2.0 if estimate is None else float(estimate)


def advice_tables_of(report: Report) -> AdviceTables | None:
    """The tables of a report's advice protocol; None where it does not apply.

    Raises:
        ContractError: a table does not have the fields of the model.
    """
    tables = report.tables_of(AdviceTables)
    return tables if tables.model_fields_set else None
