"""Single answers of the rows that ship: their reports come without, and get them when looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import CellEntry, Report
from scoring.comparison.compare import cell_scores
from scoring.inputs.geometry import build_geometry
from scoring.maps.rows import MapRow, row_of_predictions
from space.board.survey_answers import People
from space.published.answers import published_answer_rows, write_published_predictions
from space.published.measured import measured_rows, write_measured_predictions

#: Wave that the published answers are scored on.
WAVE = 7


def with_published_cells(report: Report, row_id: str) -> Report:
    """The report with its cells, where it is a shipped row's on the embedded reference; else the
    report itself. Alignment is the report's own; people's shares are the release's."""
    write = None if report.cells else _writer(row_id)
    if write is None:
        return report
    people = _people()
    if people.release.manifest.digest != report.release.digest:
        return report
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{row_id}.jsonl"
        write(path)
        predictions = read_predictions(path)
    if predictions.digest != report.predictions.digest:  # the same name, other answers
        return report
    answers = row_of_predictions(predictions)
    return report.model_copy(update={"cells": _cells(report, answers, people)})


def _writer(row_id: str) -> Callable[[Path], None] | None:
    """What writes the predictions of a shipped row; None for any other."""
    if row_id in measured_rows():
        return partial(write_measured_predictions, row_id)
    row = next((one for one in published_answer_rows() if one.row_id == row_id), None)
    return None if row is None else partial(write_published_predictions, row)


@cache
def _people() -> People:
    return People(open_release("reference"))


def _cells(report: Report, answers: MapRow, people: People) -> list[CellEntry]:
    scores_table = cell_scores(report)
    geometry = build_geometry(scores_table.questions)
    cells = []
    for row, column in np.argwhere(np.isfinite(scores_table.scores)):
        country, question = scores_table.countries[row], scores_table.questions[column]
        asked = answers.shares.get(question, {})
        given = asked.get(country) or asked.get("")
        people_answers = people.answers.get((WAVE, country, question))
        if given is None or people_answers is None:
            continue
        source = geometry.source[column, : geometry.sizes[column]]
        shares = np.asarray(given, float)[source]
        theirs = np.array(
            [np.nan if share is None else share for share in people_answers.shares], float
        )
        if not np.isfinite(theirs).all():
            continue
        cells.append(
            CellEntry(
                country=country,
                question_id=question,
                alignment=float(scores_table.scores[row, column]),
                people=[float(share) for share in theirs / theirs.sum()],
                model=[float(share) for share in shares / shares.sum()],
                n=people_answers.n,
                n_eff=people_answers.n_eff,
            )
        )
    return cells
