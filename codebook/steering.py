"""The alignment study's few-shot questions and steering countries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from codebook.countries import countries
from codebook.resources import read_toml


@cache
def _table() -> dict[str, Any]:
    return read_toml("data/few_shot.toml")


@cache
def steering_countries() -> Mapping[str, str]:
    """The ten countries whose people the study steers models to: language by ISO3 code."""
    rows = {key: row for key, row in _table().items() if isinstance(row, dict)}
    return MappingProxyType({country: row["language"] for country, row in rows.items()})


def few_shot_ids(country: str | None = None) -> tuple[str, ...]:
    """Ids of the five example questions for a country; the default ones without a country.

    Source: table 5 of the alignment study; a country that it does not list takes the default.

    Raises:
        KeyError: the codebook knows no such country.
    """
    if country is not None and country not in countries():
        raise KeyError(f"no country {country!r}; give an ISO 3166-1 alpha-3 code such as DEU")
    row = _table().get(country or "", {})
    return tuple(row.get("questions", _table()["default"]))
