"""When, where and how the made-up interviews took place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dataset_builder.synthesis.clusters import Clusters
from dataset_builder.synthesis.template import CountryTemplate

_TOWNS = 25
_UNKNOWN_DATE = 0.02
#: Shares of countries that give neither towns nor places on the map.
_NO_TOWNS, _NO_PLACES = 0.3, 0.35
_NO_PLACE = -999.0


def fieldwork_columns(
    template: CountryTemplate, clusters: Clusters, n: int, *, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Dates, times, regions, towns, interviewers and places of `n` interviews."""
    first_month = int(rng.integers(1, 10))
    months = int(rng.integers(1, min(4, 13 - first_month)))
    month = first_month + rng.integers(0, months, n)
    date = template.year * 10_000 + month * 100 + rng.integers(1, 29, n)
    start = np.round(rng.uniform(8, 19.5, n), 2)
    minutes = np.clip(rng.gamma(9, 6, n), 15, 300).astype(np.int64)
    region = clusters.region
    town = region * 2 + rng.integers(0, 2, n)
    iso = template.wvs_code * 1000
    european = template.continent == "Europe"
    interview_columns: dict[str, NDArray[np.generic]] = {
        "J_INTDATE": np.where(rng.random(n) < _UNKNOWN_DATE, -5, date),
        "FW_START": np.full(n, template.year * 100 + first_month),
        "FW_END": np.full(n, template.year * 100 + first_month + months - 1),
        "K_TIME_START": start,
        "K_TIME_END": np.round(start + minutes / 60, 2),
        "K_DURATION": minutes,
        "N_REGION_ISO": iso + region,
        "N_REGION_WVS": iso + region,
        "N_REGION_NUTS2": iso * 10 + region if european else np.full(n, -4),
        "reg_nuts1": template.wvs_code * 100 + (region + 2) // 3 if european else np.full(n, -4),
        "N_TOWN": np.full(n, -4) if rng.random() < _NO_TOWNS else iso + np.minimum(town, _TOWNS),
        "L_INTERVIEWER_NUMBER": rng.integers(1, max(2, n // 25) + 1, n),
        "I_PSU": np.full(n, -4) if clusters.cluster is None else iso * 10 + 1 + clusters.cluster,
    }
    return interview_columns | _places(region, rng)


def _places(region: NDArray[np.int64], rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    n = len(region)
    if rng.random() < _NO_PLACES:
        return {"O1_LONGITUDE": np.full(n, _NO_PLACE), "O2_LATITUDE": np.full(n, _NO_PLACE)}
    longitude, latitude = rng.uniform(-120, 150), rng.uniform(-40, 60)
    return {
        "O1_LONGITUDE": np.round(longitude + region / 4 + rng.normal(0, 0.1, n), 2),
        "O2_LATITUDE": np.round(latitude + region / 6 + rng.normal(0, 0.1, n), 2),
    }
