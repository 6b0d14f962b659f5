"""The answers by which the board places a model on the maps.

A report's cells hold the scored questions alone. Eight of the fourteen questions of the cultural
map are none of them, so that their answers are read from the predictions beside the report.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from codebook.questions import CULTURAL_MAP, questions
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.report import Report
from scoring.maps.rows import MapRow, row_of_predictions, row_of_report

#: Folder of a store with predictions, and the ending of those that are read line by line.
PREDICTIONS, LINES = "predictions", ".jsonl"

log = logging.getLogger("space.board.map_answers")


def map_row(
    report: Report,
    predictions: Path | None,
    *,
    name: str,
    cells: Sequence[Mapping[str, Any]] | None = None,
) -> MapRow | None:
    """A model's answers to the scored questions and to those of the cultural map.

    Args:
        report: the model's report; its cells count where it lists any.
        predictions: the file that it was scored from, where there is one.
        name: the row's name.
        cells: the report's cells, where they stand apart from it (`read_report_apart`).

    Returns:
        The answers; None where neither holds answer distributions.
    """
    if report.settings.mode != "corrected" or report.predictions.kind != "distribution":
        return None
    try:
        row = row_of_report(report, name=name, cells=cells)
    except ContractError:
        return _whole(predictions, name=name) if not (report.cells or cells) else None
    lacking = set(CULTURAL_MAP) - set(row.shares)
    if not lacking or predictions is None:
        return row
    return MapRow(row.name, {**_answers_to(lacking, predictions, name=name), **row.shares})


def beside(report_path: Path) -> Path | None:
    """The predictions that lie in the store of a report as JSON lines; None without any."""
    path = report_path.parent.parent / PREDICTIONS / f"{report_path.stem}{LINES}"
    return path if path.is_file() else None


def _whole(predictions: Path | None, *, name: str) -> MapRow | None:
    if predictions is None:
        return None
    try:
        return row_of_predictions(read_predictions(predictions), name=name)
    except (ContractError, OSError):
        return None


def _answers_to(
    wanted: set[str], predictions: Path, *, name: str
) -> dict[str, dict[str, tuple[float, ...]]]:
    """Answers of everyone to some questions, by question and country.

    A store's files are in the project's own form; only their lines about these questions are
    parsed, since an index reads a thousand of them.
    """
    answers: dict[str, dict[str, tuple[float, ...]]] = {}
    try:
        for question, country, shares in _lines_about(wanted, predictions):
            answers.setdefault(question, {})[country] = shares
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.info("no answers beyond the scored ones", extra={"row": name, "why": str(error)[:300]})
        return {}
    return answers


def _lines_about(
    wanted: set[str], predictions: Path
) -> Iterator[tuple[str, str, tuple[float, ...]]]:
    marks = [f'"{question}"' for question in wanted]
    with predictions.open(encoding="utf-8") as lines:
        for line in lines:
            if not any(mark in line for mark in marks):
                continue
            record = json.loads(line)
            question = record.get("question_id")
            shares = record.get("shares")
            if question not in wanted or record.get("group") or not shares:
                continue
            scale = questions()[question].scale
            if scale is not None:
                given = tuple(float(shares.get(str(code)) or 0.0) for code in scale.codes)
                yield question, record.get("country") or "", given
