"""A joint distribution of demographics that fits published margins, and nothing more.

Among all distributions with the given margins it is the one of greatest entropy: what no margin
says is taken for independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Fewest respondents behind a figure that a model may rest on.
LEAST_RESPONDENTS = 30

#: Rounds of iterative proportional fitting, and the difference of shares at which it ends.
_ROUNDS, _PRECISION = 500, 1e-10


class Margin(NamedTuple):
    """Shares of disjoint sets of cells of a joint distribution, which cover all of it.

    Attributes:
        part: number of the set that each cell is in, of the joint distribution's shape.
        shares: share of each set, shape (S,); their sum is 1.
    """

    part: Integers
    shares: Floats


@dataclass(frozen=True)
class PersonaModel:
    """The demographics of a country's people.

    Attributes:
        variables: harmonised variables, such as sex and age.
        categories: categories of each.
        shares: joint distribution, an axis for each variable; its sum is 1.
    """

    variables: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    shares: Floats

    def draw(self, count: int, rng: np.random.Generator) -> list[dict[str, str]]:
        """Categories by variable of `count` personas, drawn independently."""
        cells = rng.choice(self.shares.size, size=count, p=self.shares.ravel())
        places = np.unravel_index(cells, self.shares.shape) if self.shares.ndim else ()
        return [
            {
                name: self.categories[axis][int(places[axis][person])]
                for axis, name in enumerate(self.variables)
            }
            for person in range(count)
        ]


def fit_margins(shape: tuple[int, ...], margins: Sequence[Margin]) -> Floats:
    """The distribution of greatest entropy that has the given margins.

    Args:
        shape: number of categories of each variable.
        margins: what is known.

    Returns:
        Joint shares of that shape. Margins that contradict each other a little (rounding) are met
        as nearly as the last rounds leave them.

    Formula: p <- p * m_s / sum of p over the set s, for one margin after the other (iterative
    proportional fitting).  Source: W. E. Deming and F. F. Stephan (1940), Annals of Mathematical
    Statistics 11, 427-444.
    """
    joint = np.full(shape, 1.0)
    joint /= joint.sum()
    for _ in range(_ROUNDS):
        largest = 0.0
        for margin in margins:
            fitted_shares = np.bincount(
                margin.part.ravel(), joint.ravel(), minlength=len(margin.shares)
            )
            factor = np.divide(
                margin.shares,
                fitted_shares,
                out=np.zeros_like(fitted_shares),
                where=fitted_shares > 0,
            )
            joint = joint * factor[margin.part]
            joint /= joint.sum()
            largest = max(largest, float(np.abs(fitted_shares - margin.shares).max()))
        if largest < _PRECISION:
            break
    return joint


def one_way(shape: tuple[int, ...], axis: int, amounts: Floats) -> Margin:
    """The margin of one variable; amounts are proportional to its shares."""
    view = [1] * len(shape)
    view[axis] = shape[axis]
    part = np.broadcast_to(np.arange(shape[axis]).reshape(view), shape)
    return Margin(part, amounts / amounts.sum())


def counted(
    shape: tuple[int, ...], axes: tuple[int, ...], counts: Integers, amounts: Floats
) -> Margin:
    """The margin of some variables of which respondents were counted.

    Cells with fewer than `LEAST_RESPONDENTS` enter together, as one set; where that set is too
    small itself, the smallest of the other cells join it. No figure rests on fewer.

    Args:
        shape: number of categories of each variable of the joint distribution.
        axes: its axes that were counted, rising.
        counts: respondents by cell of these variables.
        amounts: sums of their weights, of the same shape.
    """
    flat = counts.ravel()
    pooled = flat < LEAST_RESPONDENTS
    for cell in np.argsort(flat, kind="stable"):
        if not pooled.any() or flat[pooled].sum() >= LEAST_RESPONDENTS:
            break
        pooled[cell] = True
    label = np.cumsum(~pooled) - 1
    label[pooled] = (~pooled).sum()
    shares = np.bincount(label, amounts.ravel())
    view = [shape[axis] if axis in axes else 1 for axis in range(len(shape))]
    part = np.broadcast_to(label.reshape(view), shape)
    return Margin(part, shares / shares.sum())


def persona_model(
    categories: Mapping[str, Sequence[str]], margins: Sequence[Margin]
) -> PersonaModel:
    """The model of some variables with their margins."""
    shape = tuple(len(names) for names in categories.values())
    return PersonaModel(
        tuple(categories),
        tuple(tuple(names) for names in categories.values()),
        fit_margins(shape, margins),
    )
