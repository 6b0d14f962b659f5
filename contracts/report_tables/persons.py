"""Tables of the persons protocol."""

from __future__ import annotations

from typing import ClassVar

from contracts.models import Sparse
from contracts.report import Interval, ProtocolTables
from contracts.specs.protocols import PERSONS


class CountryStructure(Sparse):
    """A country's structure score; `ceiling` is that of another sample of its people."""

    country: str
    persons: int | None = None
    structure: Interval
    ceiling: float | None = None


class BatteryStructure(Sparse):
    """Means over countries of one battery: score, ceiling, and measures of both sides."""

    battery: str
    title: str
    countries: int
    questions: int
    structure: float | None = None
    ceiling: float | None = None
    first_component_model: float | None = None
    first_component_people: float | None = None
    dependence_model: float | None = None
    dependence_people: float | None = None
    alpha_model: float | None = None
    alpha_people: float | None = None


class GapRow(Sparse):
    """Agreement of the demographic gaps of a variable.

    `same_sign` is the share of people's clear gaps that the model has with the same sign, `size`
    the slope of the model's gaps on people's, `gaps` the number of clear gaps.
    """

    variable: str
    contrast: str
    same_sign: float | None = None
    size: float | None = None
    gaps: int


class PersonsTables(ProtocolTables):
    """All tables of the protocol; `country_batteries` holds scores by country and battery."""

    PROTOCOL: ClassVar[str] = PERSONS

    countries: list[CountryStructure] | None = None
    country_batteries: dict[str, dict[str, float | None]] | None = None
    batteries: list[BatteryStructure] | None = None
    gaps: list[GapRow] | None = None
