"""Steerability: does a persona move answers towards its people more than towards others?

A persona may move a model's answers closer to its own people only because it moves them closer to
everyone. So the answers given as each persona (rows) are scored against every people (columns).
With n of both, the diagonal advantage is

    D = mean_p A[p, p] - mean_(p != c) A[p, c]

Every row and every column weighs the same on both sides, so that neither a persona whose answers
are close to everyone nor a people that is easy to come close to changes D. Answers without
steering are one row for all; taking them off every row (the gain) leaves D as it is. Under the
hypothesis that personas and peoples have nothing to do with each other, every assignment of
personas to peoples is as likely as the true one: the p-value is the part of assignments with an
advantage as high.

Source of the test: Mantel (1967), Cancer Res. 27, 209-220; Good (2005), Permutation, Parametric and
Bootstrap Tests of Hypotheses.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations as all_orders
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.estimates import row_means
from scoring.inputs.geometry import Floats, Geometry

#: Up to this many personas all assignments are counted, so that the test is exact.
EXACT_PERSONAS = 7


class PermutationTest(NamedTuple):
    """A diagonal advantage and how often chance gives one as high.

    Attributes:
        advantage: D; NaN with fewer than two personas.
        p_value: one-sided; NaN likewise.
        permutations: assignments counted.
        exact: whether these are all.
    """

    advantage: float
    p_value: float
    permutations: int
    exact: bool


def diagonal_advantage(matrix: Floats) -> float:
    """D of the module's formula for a square matrix; NaN below two rows."""
    size = len(matrix)
    if size < 2:
        return float("nan")
    diagonal = float(np.trace(matrix))
    return diagonal / size - (float(matrix.sum()) - diagonal) / (size * (size - 1))


def permutation_test(
    matrices: Sequence[Floats], *, rng: np.random.Generator, permutations: int = 9999
) -> PermutationTest:
    """Mean diagonal advantage of square matrices, personas permuted within each.

    Args:
        matrices: for instance one of countries, or one of the groups of each country.
        rng: source of randomness.
        permutations: random assignments, where all are too many.

    Formula: p = (1 + #{D of assignment >= D}) / (1 + permutations), or the part of all
    assignments where they can be counted. Source: Phipson & Smyth (2010), Stat. Appl. Genet. Mol.
    Biol. 9, 39.
    """
    used = [matrix for matrix in matrices if len(matrix) >= 2]
    if not used:
        return PermutationTest(float("nan"), float("nan"), 0, exact=False)
    advantage = float(np.mean([diagonal_advantage(matrix) for matrix in used]))
    exact = len(used) == 1 and len(used[0]) <= EXACT_PERSONAS
    if exact:
        orders = np.array(list(all_orders(range(len(used[0])))))
        drawn = _advantages(used[0], orders)
    else:
        drawn = np.mean(
            [
                _advantages(m, rng.permuted(np.tile(np.arange(len(m)), (permutations, 1)), axis=1))
                for m in used
            ],
            axis=0,
        )
    as_high = int((drawn >= advantage - 1e-12).sum())
    count = factorial(len(used[0])) if exact else permutations
    p_value = as_high / count if exact else (1 + as_high) / (1 + count)
    return PermutationTest(advantage, p_value, count, exact)


def _advantages(matrix: Floats, orders: NDArray[np.int64]) -> Floats:
    """D with the columns in each of the orders, shape (N,)."""
    size = len(matrix)
    diagonal = matrix[np.arange(size), orders].sum(axis=1)
    return diagonal / size - (matrix.sum() - diagonal) / (size * (size - 1))


def alignment_matrix(
    answers: Floats, people: Floats, counted: NDArray[np.bool_], geometry: Geometry
) -> Floats:
    """Alignment of each answer with each people over the questions that count for them.

    Args:
        answers: shares given as P personas, shape (P, Q, K); NaN where there is none.
        people: shares of C peoples, shape (C, Q, K).
        counted: questions that count for each people, shape (C, Q).
        geometry: the questions.

    Returns:
        Means over questions, shape (P, C); NaN where none is.
    """
    alignments = np.empty((len(answers), len(people)))
    for row, answer in enumerate(answers):
        scores = 1 - geometry.distance(people, answer[None])
        alignments[row] = row_means(np.where(counted, scores, np.nan))
    return alignments


def own_ranks(gains: Floats) -> list[int | None]:
    """Place of every persona's own people among all by gain; None where it has none.

    Args:
        gains: shape (P, C), own people on the diagonal of the first min(P, C).
    """
    own_places: list[int | None] = []
    for row in range(len(gains)):
        own = gains[row, row] if row < gains.shape[1] else np.nan
        known = gains[row][np.isfinite(gains[row])]
        own_places.append(None if np.isnan(own) else int((known > own + 1e-12).sum()) + 1)
    return own_places
