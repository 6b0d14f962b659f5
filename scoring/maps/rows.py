"""The models that a map shows: their answer shares, from a report's cells or a predictions file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contracts.errors import fail
from contracts.report import Report
from scoring.inputs.geometry import Floats, Geometry

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


@dataclass(frozen=True)
class MapRow:
    """What one model answered to a set of questions.

    Attributes:
        name: the name that the map prints.
        shares: question id -> country ("" for an unsteered answer) -> shares in scale order.
    """

    name: str
    shares: dict[str, dict[str, tuple[float, ...]]]

    def mean_shares(self, geometry: Geometry) -> Floats:
        """The mean of the row's answers over countries, shape (Q, K); NaN where it has none.

        A row that was asked as several countries has one mark, the mean of its answers: of which
        country it was asked stands in its report.
        """
        out = np.full((len(geometry.question_ids), geometry.width), np.nan)
        for place, question in enumerate(geometry.question_ids):
            answers = self.shares.get(question)
            if not answers:
                continue
            size = geometry.sizes[place]
            source = geometry.source[place, :size]
            picked = np.array([list(answer) for answer in answers.values()], float)[:, source]
            totals = picked.sum(axis=1)
            if not (totals > 0).any():
                continue
            out[place] = 0.0
            out[place, :size] = (picked[totals > 0] / totals[totals > 0, None]).mean(axis=0)
        return out


def row_of_report(
    report: Report,
    *,
    name: str | None = None,
    cells: Iterable[Mapping[str, Any]] | None = None,
) -> MapRow:
    """The answers that stand in a report's cells.

    Args:
        report: the report.
        name: the row's name; by default the model's.
        cells: the cells as `contracts.report.read_report_apart` gives them; by default the
            report's own.

    Raises:
        ContractError: the report lists no cells, or was made in paper mode.
    """
    if report.settings.mode != "corrected":
        raise fail(
            "paper-mode-cells",
            "a report in paper mode lists options in the order of their codes, without some",
            where=report.predictions.name,
            hint="Score the predictions without --compat paper, or name the predictions file.",
        )
    shares: dict[str, dict[str, tuple[float, ...]]] = {}
    # A model that was asked in each country's language has as many answers as countries.
    meta = report.predictions.meta
    unsteered = meta.steering == "none" and meta.language != "own"
    listed = (cell.__dict__ for cell in report.cells) if cells is None else cells
    for cell in listed:
        answer = cell["model"]
        if cell.get("group") or not answer or (unsteered and cell["question_id"] in shares):
            continue
        if None in answer or math.isnan(sum(answer)):
            continue
        country = "" if unsteered else cell["country"]
        shares.setdefault(cell["question_id"], {}).setdefault(country, tuple(answer))
    if not shares:
        raise fail(
            "no-cells",
            "the report lists no cells, so there is nothing to place on a map",
            where=report.predictions.name,
            hint="Score the predictions with --cells, or name the predictions file itself.",
        )
    return MapRow(name or report.predictions.meta.model or report.predictions.name, shares)


def row_of_predictions(predictions: Predictions, *, name: str | None = None) -> MapRow:
    """The answers of a predictions file of kind `distribution`.

    Raises:
        ContractError: the file holds ratings or dilemmas.
    """
    if predictions.cells is None:
        raise fail(
            "no-distributions",
            "only answer distributions can be placed on a map",
            where=predictions.name,
            found=predictions.kind,
            allowed="distribution",
        )
    table = predictions.cells.to_pydict()
    shares: dict[str, dict[str, tuple[float, ...]]] = {}
    for question, country, group, answer in zip(
        table["question_id"], table["country"], table["group"], table["shares"], strict=True
    ):
        if answer is not None and not group:
            shares.setdefault(question, {})[country or ""] = tuple(answer)
    return MapRow(name or predictions.meta.model or predictions.name, shares)


def read_rows(files: Iterable[Path]) -> list[MapRow]:
    """Rows from report files (with cells) and predictions files, with names told apart."""
    from contracts.predictions.read import read_predictions
    from contracts.report import read_report

    rows: list[MapRow] = []
    for file in files:
        row = (
            row_of_report(read_report(file))
            if _is_report(file)
            else row_of_predictions(read_predictions(file))
        )
        names = {other.name for other in rows}
        rows.append(
            row if row.name not in names else MapRow(f"{row.name} ({file.stem})", row.shares)
        )
    return rows


def _is_report(file: Path) -> bool:
    """Whether a file is a report: one JSON object that names a scorer."""
    if file.suffix != ".json" or not file.is_file():
        return False
    with file.open(encoding="utf-8", errors="replace") as stream:
        return '"scorer_version"' in stream.read(2_000)
