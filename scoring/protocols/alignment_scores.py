"""What the alignment protocol computes, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoring.answers import Answers
from scoring.averages import AverageHuman
from scoring.estimates import Estimate, row_means
from scoring.geometry import Floats
from scoring.inference.ranks import Ranks
from scoring.survey import Survey

Verdict = Literal["over", "under", "within"]


@dataclass(frozen=True)
class AlignmentScores:
    """Everything the protocol computes for one set of answers against one survey.

    Arrays run over countries (C,), questions (Q,) or both; names of scores as in the report.
    """

    survey: Survey
    answers: Answers
    average: AverageHuman
    expected: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    cells: Floats
    country: Estimate
    country_fixed: Estimate
    country_replicates: Floats
    overall: Estimate
    overall_fixed: Estimate
    question: Estimate
    floor: Floats
    ceiling: Floats
    country_ceiling: Estimate
    overall_ceiling: Estimate
    averages: dict[AverageHuman, Floats]
    difference: Estimate
    verdicts: list[Verdict | None]
    ranks: Ranks
    uniform_skill: Estimate
    ceiling_skill: Estimate
    overall_uniform_skill: Estimate
    overall_ceiling_skill: Estimate
    overall_difference: Estimate
    part: Estimate
    part_fixed: Estimate
    penalised: Floats
    counts: Floats

    @property
    def sd(self) -> Floats:
        """Standard deviation (ddof 1) of a country's question scores, shape (C,)."""
        present = self.scored.sum(axis=1)
        centred = np.where(self.scored, self.cells - row_means(self.cells)[:, None], 0.0)
        variance = (centred**2).sum(axis=1) / np.where(present > 1, present - 1, np.nan)
        return np.sqrt(variance)
