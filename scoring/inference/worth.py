"""How many people would come as close: the distance that n randomly drawn respondents expect.

Each coordinate z of a distance is a share of people (see `scoring.inputs.geometry`), so that in a
draw of n people it is a binomial share Z_n, and

    E d(draw of n, people) = sum_j w_j E|Z_n - z_j|

is exact. It falls with n: shares of the first n people are a reversed martingale, and |x| is
convex. The n whose expected distance is a model's is what the model is worth in people.

Source of the comparison: Huang, Wu & Wang (2025), arXiv 2502.17773, who ask how many human answers
a model's simulated ones stand for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey

#: No model is said to be worth more: no survey of a country could tell.
MOST_PEOPLE = 10_000

#: Numbers of people at which the curve is worked out; logarithms are interpolated in between.
PEOPLE = np.unique(
    np.rint(np.concatenate([np.arange(1, 13), np.geomspace(12, MOST_PEOPLE, 28)]))
).astype(np.float64)


def expected_gap(share: Floats, people: float) -> Floats:
    """E|Z_n - z| of the share Z_n of a draw of n people in which each is counted with chance z.

    Args:
        share: z, any shape; 0 and 1 give 0.
        people: n, a whole number from 1.

    Formula: 2 m C(n, m) z^m (1 - z)^(n - m + 1) / n with m = floor(n z) + 1.
    Source: de Moivre (1730); Diaconis & Zabell (1991), Statistical Science 6, 284-302.
    """
    inside = (share > 1e-12) & (share < 1 - 1e-12)
    z = np.where(inside, share, 0.5)
    m = np.minimum(np.floor(people * z) + 1, people)
    choose = gammaln(people + 1) - gammaln(m + 1) - gammaln(people - m + 1)
    logarithm = choose + m * np.log(z) + (people - m + 1) * np.log1p(-z)
    return np.where(inside, 2 * m / people * np.exp(logarithm), 0.0)


class WorthCurve(NamedTuple):
    """Expected distances of draws of `PEOPLE`.

    Attributes:
        distance: from each country, shape (C, len(PEOPLE)).
        cells: from the answers to each question, shape (len(PEOPLE), C, Q); NaN where the cell
            does not count.
    """

    distance: Floats
    cells: Floats

    def cells_at(self, worth: Floats) -> Floats:
        """Expected distances of draws of `worth` people, a number for each country; shape (C, Q).

        Between entries of `PEOPLE` logarithms are interpolated, below one person the distance
        rises with the square root, as in `people_worth`.
        """
        place = np.interp(np.log(worth), np.log(PEOPLE), np.arange(len(PEOPLE)))
        low = np.minimum(place.astype(np.int64), len(PEOPLE) - 2)
        part = (place - low)[:, None]
        rows = np.arange(len(worth))
        first, second = self.cells[low, rows], self.cells[low + 1, rows]
        less = np.sqrt(np.maximum(1.0, 1.0 / worth))[:, None]
        return np.asarray(first ** (1 - part) * second**part * less)


def worth_curve(survey: Survey, scored: NDArray[np.bool_]) -> WorthCurve:
    """Mean over a country's scored questions of the expected distance of n people.

    Args:
        survey: the people.
        scored: which cells count, shape (C, Q); a country without any has distances of 0.
    """
    geometry = survey.geometry
    row, question = np.nonzero(scored)
    shares = geometry.coordinates(survey.shares)[row, question]
    weights = geometry.weights[question]
    count = np.maximum(scored.sum(axis=1), 1)
    curve = np.zeros((len(survey.countries), len(PEOPLE)))
    cells = np.full((len(PEOPLE), *scored.shape), np.nan)
    for place, people in enumerate(PEOPLE.tolist()):
        own = (expected_gap(shares, people) * weights).sum(axis=1)
        cells[place, row, question] = own
        curve[:, place] = np.bincount(row, own, minlength=len(curve)) / count
    return WorthCurve(curve, cells)


def people_worth(distance: Floats, curve: Floats) -> Floats:
    """Number of people whose expected distance is `distance`.

    Below one person it is (expected distance of one / distance)^2, as if the curve went on; at
    most `MOST_PEOPLE`. NaN where the distance is, or where all people answered alike.

    Args:
        distance: mean distances of one country, any shape.
        curve: its expected distances, a row of `WorthCurve.distance`.
    """
    if not curve[0] > 0:
        return np.full(np.shape(distance), np.nan)
    logarithm = np.log(np.maximum(distance, 1e-300))
    # Interpolation wants rising places: the curve falls.
    rising = np.log(np.maximum(curve[::-1], 1e-300))
    interpolated = np.exp(np.interp(logarithm, rising, np.log(PEOPLE[::-1])))
    less = np.exp(np.minimum(2 * (np.log(curve[0]) - logarithm), 0.0))
    worth = np.where(distance > curve[0], less, interpolated)
    return np.where(np.isnan(distance), np.nan, worth)
