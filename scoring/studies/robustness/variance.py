"""Analysis of variance of scores: how much the form of the prompt moves, beside the rest.

The scores of M models under F forms in C countries on Q questions are a complete grid with one
value in each cell, so that main effects and interactions are orthogonal and their sums of squares
add up to the total:

    SS(S) = sum over all cells of e_S^2,   e_S = sum over T in S of (-1)^(|S|-|T|) mean_T

with mean_T the mean over all axes that are not in T. A share is SS(S) over the sum of all of them,
eta squared. Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 4; the shares
after Fisher (1925), Statistical Methods for Research Workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contracts.robustness import Decomposition, VarianceShare
from scoring.inputs.geometry import Floats

AXES = ("model", "form", "country", "question")

#: How the table of shares came about, as the study states it.
METHOD = (
    "analysis of variance of a complete grid: sums of squares of main effects and two-way "
    "interactions over the total (eta squared); all higher interactions together, with the "
    "variation between repeats, are the residual"
)


def sums_of_squares(grid: Floats, axes: Sequence[str]) -> dict[str, float]:
    """Sums of squares of every effect of a complete grid, by the axes joined with ` x `.

    Args:
        grid: one value in every cell, an axis for each name.
        axes: names of the axes.

    Returns:
        Main effects, then interactions of rising order; they add up to the total sum of squares
        around the mean.
    """
    squares_by_effect = {}
    numbers = range(grid.ndim)
    grid = grid - grid.mean()
    for order in range(1, grid.ndim + 1):
        for subset in combinations(numbers, order):
            effect = np.zeros([grid.shape[axis] if axis in subset else 1 for axis in numbers])
            for size in range(order + 1):
                for inner in combinations(subset, size):
                    others = tuple(axis for axis in numbers if axis not in inner)
                    mean = grid.mean(axis=others, keepdims=True)
                    effect = effect + (-1.0) ** (order - size) * mean
            copies = grid.size / effect.size
            squares_by_effect[" x ".join(axes[axis] for axis in subset)] = float(
                (effect**2).sum() * copies
            )
    return squares_by_effect


def decompose(grid: Floats) -> Decomposition:
    """Shares of the variance of cells, shape (M, F, C, Q).

    Sources with one level have a share of 0; a grid without any variation has shares of 0, but
    for the residual, which is then 1.
    """
    squares_by_effect = sums_of_squares(grid, AXES)
    named = {name: value for name, value in squares_by_effect.items() if name.count(" x ") < 2}
    rest = sum(value for name, value in squares_by_effect.items() if name not in named)
    return _decomposition("cells", METHOD, named | {"residual": rest}, grid)


def decompose_means(grid: Floats) -> Decomposition:
    """Shares of the variance of models' mean scores over forms, of the same grid."""
    method = "the same of every model's mean score under every form"
    return _decomposition("means", method, sums_of_squares(grid.mean(axis=(2, 3)), AXES[:2]), grid)


def _decomposition(
    of: Literal["cells", "means"], method: str, sources: dict[str, float], grid: Floats
) -> Decomposition:
    """Sums of squares as shares; the last source takes all where nothing varies."""
    total, last = sum(sources.values()), list(sources)[-1]
    flat = total <= 1e-18 * max(float((grid**2).sum()), 1.0)
    shares = [
        VarianceShare(
            source=name,
            sum_of_squares=0.0 if flat else value,
            share=float(name == last) if flat else min(max(value / total, 0.0), 1.0),
        )
        for name, value in sources.items()
    ]
    models, forms, countries, questions = grid.shape
    return Decomposition(
        of=of,
        method=method,
        models=models,
        forms=forms,
        countries=countries,
        questions=questions,
        shares=shares,
    )


def complete_part(present: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a complete part of a grid, found by leaving out what lacks most.

    As long as a cell is missing, the row or column with the largest share of missing cells goes;
    of equals the first column.

    Args:
        present: whether a cell is there, shape (C, Q).

    Returns:
        Numbers of the rows and columns left; empty where nothing is complete.
    """
    rows, columns = (np.arange(size) for size in present.shape)
    rows = rows[present.any(axis=1)]
    columns = columns[present.any(axis=0)]
    while rows.size and columns.size:
        lacking = ~present[np.ix_(rows, columns)]
        if not lacking.any():
            break
        by_row, by_column = lacking.mean(axis=1), lacking.mean(axis=0)
        if by_row.max() > by_column.max():
            rows = np.delete(rows, int(by_row.argmax()))
        else:
            columns = np.delete(columns, int(by_column.argmax()))
    if not rows.size or not columns.size:
        return rows[:0], columns[:0]
    return rows, columns
