"""Countries whose weighted figures would tell what one respondent answered.

Where one respondent weighs far more than the others, the options and pairs of questions that lean
to the heavy side are those that this respondent chose: the whole interview follows from shares and
correlations, question by question, whatever is rounded. In such a country published shares count
heads, and there are no correlations.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: Part of the sum of squared deviations of a country's weights that one respondent may make up.
MOST_OF_VARIANCE = 0.1

#: Kish's effective number of respondents that the weights of a country leave at least.
LEAST_EFFECTIVE = 30

#: A survey of a country: (wave, ISO3 code).
Place = tuple[int, str]


def is_dominated(weight: NDArray[np.float64]) -> bool:
    """Whether one or a few respondents stand out by their weights.

    With m the mean weight, that is where max_i (w_i - m)^2 > `MOST_OF_VARIANCE` sum_i (w_i - m)^2,
    or (sum_i w_i)^2 / sum_i w_i^2 < `LEAST_EFFECTIVE`. An option's mean weight is that of n_k
    respondents, whose noise is sd / sqrt(n_k): by the first bound one respondent moves it by no
    more than sqrt(.1 n / n_k) of that. Equal weights tell nothing, and are not dominated.

    Args:
        weight: design weights of all respondents of one country and wave, shape (n,).
    """
    if len(weight) == 0:
        return False
    apart = np.square(weight - weight.mean())
    total, square = float(apart.sum()), float(np.square(weight).sum())
    if total <= 1e-12 * square:
        return False
    effective = float(weight.sum()) ** 2 / square
    return bool(apart.max() > MOST_OF_VARIANCE * total or effective < LEAST_EFFECTIVE)


def dominated_places(respondents: pa.Table) -> frozenset[Place]:
    """Waves and countries that `is_dominated` holds of.

    Args:
        respondents: columns wave, country and weight of all respondents of a release.
    """
    wave = respondents["wave"].to_numpy()
    country = respondents["country"].cast(pa.string()).combine_chunks().dictionary_encode()
    weight = respondents["weight"].to_numpy().astype(np.float64)
    key = wave.astype(np.int64) * (len(country.dictionary) + 1) + country.indices.to_numpy()
    names = country.dictionary.to_pylist()
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    dominated: set[Place] = set()
    for rows in np.split(order, starts[1:]):
        if len(rows) and is_dominated(weight[rows]):
            dominated.add((int(wave[rows[0]]), names[country.indices[int(rows[0])].as_py()]))
    return frozenset(dominated)


def in_places(table: pa.Table, places: Set[Place]) -> NDArray[np.bool_]:
    """Which rows of a table with columns wave and country belong to one of the places."""
    chosen = np.zeros(table.num_rows, bool)
    if not places:
        return chosen
    wave = table["wave"].to_numpy()
    country = table["country"].cast(pa.string())
    for one, name in places:
        same = pc.equal(country, name).to_numpy(zero_copy_only=False)
        chosen |= same & (wave == one)
    return chosen
