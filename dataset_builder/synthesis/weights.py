"""Design weights in the shape that countries have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Design effects below this count as equal weights.
_EQUAL = 1.002
#: Bounds of W_WEIGHT in the file of version 5.0.
_LOWEST, _HIGHEST = 0.103, 19.93

#: What S018 sums to where it is not 1,000, in version 5.0.
_S018_TOTALS = {"SRB": 867.0, "PAK": 997.5}


def draw_weights(n: int, design_effect: float, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """W_WEIGHT of a country's people: mean 1, constant where the design effect is 1.

    Log-normal with squared coefficient of variation deff - 1 (Kish, 1965, Survey Sampling: deff of
    weighting = 1 + cv^2), within the bounds of the file.
    """
    if design_effect < _EQUAL:
        return np.ones(n)
    sigma = np.sqrt(np.log(design_effect))
    weights = np.clip(rng.lognormal(-(sigma**2) / 2, sigma, n), _LOWEST, _HIGHEST)
    return np.round(np.clip(weights / weights.mean(), _LOWEST, _HIGHEST), 9)


def rescaling_weight(country: str, n: int) -> float:
    """S018: the constant that makes a country's people count 1,000 together."""
    return round(_S018_TOTALS.get(country, 1000.0) / n, 7)
