"""What the scorers of protocols get that score answer distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from contracts.release.read import Release
from contracts.report import Score
from scoring.protocols.alignment.ceiling import Ceiling
from scoring.protocols.alignment.compute import AlignmentScores
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


class DistributionInputs(NamedTuple):
    """A distribution file, scored cell by cell.

    Attributes:
        overall: the cells, for means over countries.
        by_country: the same for single countries; in paper mode without exclusions.
        headline: every score over the whole report.
        predictions: the file.
        release: the people.
        task: settings and protocols.
        ceiling: human ceilings from halves of respondents, None where they were not asked for.
    """

    overall: AlignmentScores
    by_country: AlignmentScores
    headline: tuple[Score, ...]
    predictions: Predictions
    release: Release
    task: Task
    ceiling: Ceiling | None = None
