"""A map of equal tiles: one square per country, roughly where it lies.

Equal tiles show small countries as well as large ones, and need no borders: this layout is our
own, drawn by hand, and takes no stand on any of them.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import NamedTuple

_LAYOUT = """
 .   .   .   .   .   .  ISL  .   .  NOR SWE FIN  .   .   .   .   .   .   .
CAN  .   .   .   .  NIR GBR  .  DNK  .  EST  .  RUS  .   .   .   .   .   .
USA  .   .   .   .   .  NLD DEU POL BLR  .   .   .  KAZ  .  MNG  .   .   .
MEX  .   .   .   .  FRA CHE CZE SVK UKR MDA  .  UZB KGZ CHN  .   .  KOR JPN
GTM HTI PRI  .   .  AND ITA SVN HUN ROU GEO AZE  .  TJK  .   .  MAC TWN  .
NIC TTO  .   .  ESP  .  ALB SRB BGR TUR ARM IRN PAK  .  BGD MMR HKG  .   .
COL VEN  .  MAR  .  TUN  .  GRC CYP LBN IRQ  .   .  IND  .  THA VNM PHL  .
ECU BRA  .  DZA  .  LBY EGY  .  ISR PSE JOR KWT BHR  .   .  MYS  .   .   .
PER  .   .  MLI BFA  .  ETH  .   .   .  YEM QAT  .  MDV LKA SGP IDN  .   .
BOL URY  .  GHA NGA RWA KEN  .   .   .   .   .   .   .   .   .   .   .   .
CHL ARG  .   .   .  ZMB ZWE  .   .   .   .   .   .   .   .   .   .  AUS  .
 .   .   .   .   .  ZAF  .   .   .   .   .   .   .   .   .   .   .   .  NZL
"""


class Tile(NamedTuple):
    """Column and row of a country's square, from the top left."""

    column: int
    row: int


@cache
def tiles() -> MappingProxyType[str, Tile]:
    """The tile of every country that the codebook knows, by ISO3 code."""
    rows = [line.split() for line in _LAYOUT.strip().splitlines()]
    return MappingProxyType(
        {
            country: Tile(column, row)
            for row, line in enumerate(rows)
            for column, country in enumerate(line)
            if country != "."
        }
    )


def grid_size() -> tuple[int, int]:
    """Columns and rows of the map."""
    return (
        1 + max(tile.column for tile in tiles().values()),
        1 + max(tile.row for tile in tiles().values()),
    )
