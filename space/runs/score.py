"""Scores of a run: whole at the end, and of what there is so far while it goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import Release
from contracts.report import Report, write_report
from elicitation.run.predictions import write_run_predictions
from elicitation.run.store import Store, store_path

#: Replicates of a score that stands on the page for some seconds only.
PARTIAL_REPLICATES = 40


class PartialScore(NamedTuple):
    """Scores of one condition so far.

    Attributes:
        condition: its name.
        answered, expected: calls.
        report: its report, of few replicates; None where nothing can be scored yet.
    """

    condition: str
    answered: int
    expected: int
    report: Report | None


def score_file(path: Path, release: Release, target: Path, *, replicates: int) -> Report:
    """Score a predictions file as the board does, and keep the report.

    Raises:
        ContractError: it cannot be scored.
    """
    from scoring.engine import score

    predictions = read_predictions(path)
    report = score(
        predictions, release, wave=predictions.meta.wave, replicates=replicates, cells=True
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_report(report, target)
    return report


def partial_scores(folder: Path, release: Release) -> Sequence[PartialScore]:
    """Scores of what a run's store holds now; the run may go on meanwhile.

    Args:
        folder: folder of the calls.
        release: scored against.
    """
    from scoring.engine import score

    path = store_path(folder)
    if not path.is_file():
        return ()
    condition_scores = []
    with tempfile.TemporaryDirectory() as scratch, Store(path) as store:
        try:
            files = write_run_predictions(store, Path(scratch))
        except ContractError:
            return ()
        for file in files:
            try:
                predictions = read_predictions(file.path)
                report = score(
                    predictions,
                    release,
                    wave=predictions.meta.wave,
                    replicates=PARTIAL_REPLICATES,
                )
            except ContractError:
                report = None
            answered = sum(file.statuses.values())
            condition_scores.append(PartialScore(file.condition, answered, file.expected, report))
    return tuple(condition_scores)
