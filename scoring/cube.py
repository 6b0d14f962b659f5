"""Many models at once: scores of models x countries x questions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoring.inputs.geometry import Floats, Geometry


def score_cube(people: Floats, models: Floats, geometry: Geometry) -> Floats:
    """Scores of M models against C countries on Q questions.

    Only coordinates that carry weight are touched (K - 1 of an ordinal question with K
    options), one model at a time, so that the working set stays in the processor's cache.

    Args:
        people: shares, shape (C, Q, K); NaN where nobody answered.
        models: shares of unsteered models, shape (M, Q, K), or of steered ones, (M, C, Q, K).
        geometry: the questions.

    Returns:
        One minus the distances, shape (M, C, Q); NaN where either side is missing.

    Raises:
        ValueError: the shapes do not fit.
    """
    if people.shape[1:] != models.shape[-2:] or models.ndim not in (3, 4):
        raise ValueError(
            f"people {people.shape} and models {models.shape} do not fit: expected (C, Q, K) and "
            "(M, Q, K) or (M, C, Q, K)"
        )
    question, option = np.nonzero(geometry.weights)
    starts = np.searchsorted(question, np.arange(len(geometry.question_ids)))
    weights = geometry.weights[question, option]
    there = _coordinates(people, geometry, question, option)
    scores = np.empty((len(models), *people.shape[:2]))
    gap = np.empty_like(there)
    for number, model in enumerate(models):
        np.subtract(there, _coordinates(model, geometry, question, option), out=gap)
        np.abs(gap, out=gap)
        gap *= weights
        np.add.reduceat(gap, starts, axis=-1, out=scores[number])
    np.subtract(1.0, scores, out=scores)
    return np.clip(scores, 0.0, 1.0, out=scores)


def _coordinates(
    shares: Floats, geometry: Geometry, question: NDArray[np.int64], option: NDArray[np.int64]
) -> Floats:
    """Weighted coordinates in one row, question after question, shape (..., J)."""
    return np.ascontiguousarray(geometry.coordinates(shares)[..., question, option])
