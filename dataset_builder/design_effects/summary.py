"""What clusters and strata do to a country's effective sample sizes, in one number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def median_ratio(kish: NDArray[np.float64], n_eff: NDArray[np.float64]) -> float:
    """Median of kish / n_eff, two decimals; 1 where nothing was answered."""
    used = (n_eff > 0) & (kish > 0)
    return round(float(np.median(kish[used] / n_eff[used])), 2) if used.any() else 1.0


def kish_over_n_eff(
    wave: NDArray[np.integer],
    country: Sequence[str] | NDArray[np.object_],
    group: Sequence[str] | NDArray[np.object_],
    kish: NDArray[np.float64],
    n_eff: NDArray[np.float64],
) -> dict[str, dict[str, float]]:
    """Median over the questions of everyone of Kish's n_eff over n_eff, by wave and country.

    Args:
        wave, country, group: what each cell is, shape (C,).
        kish: Kish's effective sample sizes, shape (C,).
        n_eff: effective sample sizes, shape (C,); cells of 0 are left out.

    Returns:
        Wave -> country -> ratio, two decimals, as rule 5 of the disclosure rule has it.
    """
    wave, country = np.asarray(wave), np.asarray(country, dtype=object)
    used = (np.asarray(group, dtype=object) == "") & (n_eff > 0) & (kish > 0)
    ratios: dict[str, dict[str, float]] = {}
    for number in np.unique(wave[used]).tolist():
        here = used & (wave == number)
        ratios[str(number)] = {
            name: median_ratio(kish[mine], n_eff[mine])
            for name in sorted(set(country[here].tolist()))
            if (mine := here & (country == name)).any()
        }
    return ratios
