"""The map and the dot plots of the page, with every place worked out; templates only draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.report import CountryEntry, Interval, Report
from scoring.html.axes import Axis, ColourScale, colour_scale, make_axis
from scoring.html.tiles import grid_size, tiles
from scoring.summary import country_name, number, with_interval

TILE = 40
ROW = 19

#: Width of a letter in pixels, on the wide side: fonts differ.
LETTER = 6.7


def estimates(entries: Sequence[CountryEntry]) -> dict[str, float]:
    """Alignment by country, those without a score left out."""
    return {e.country: e.alignment.estimate for e in entries if e.alignment.estimate is not None}


# Map


@dataclass(frozen=True)
class MapFigure:
    """Squares of the tile map."""

    width: int
    height: int
    squares: list[dict[str, Any]]
    scale: ColourScale


def map_figure(report: Report) -> MapFigure | None:
    """One square per country that the codebook knows; grey without a score."""
    found = estimates(report.countries)
    if not found:
        return None
    scale = colour_scale(list(found.values()))
    entries = {entry.country: entry for entry in report.countries}
    squares = []
    for country, tile in tiles().items():
        score = found.get(country)
        name = country_name(country)
        label = f"{name}: not scored"
        if score is not None:
            label = f"{name}: {with_interval(entries[country].alignment)}"
        squares.append(
            {
                "x": tile.column * TILE,
                "y": tile.row * TILE,
                "country": country,
                "colour": scale.name(score),
                "label": label,
                "score": number(score, 2) if score is not None else "",
            }
        )
    columns, rows = grid_size()
    return MapFigure(columns * TILE, rows * TILE, squares, scale)


# Ranked rows with intervals


@dataclass(frozen=True)
class RankedRow:
    """A row of a dot plot; places are pixels."""

    label: str
    y: float
    at: float | None
    low: float | None
    high: float | None
    reference: float | None
    text: str
    note: str
    symbol: str = "within"


@dataclass(frozen=True)
class RankedFigure:
    """A dot plot: one row each, an interval, and a reference mark."""

    width: int
    height: float
    left: int
    axis: Axis
    rows: list[RankedRow]


def _ranked(
    rows: Sequence[tuple[str, Interval, float | None, str, str]],
    *,
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> RankedFigure | None:
    """Rows of (label, interval, reference, note, symbol), in the given order."""
    shown = [row for row in rows if row[1].estimate is not None]
    if not shown:
        return None
    left = 24 + round(LETTER * max(len(row[0]) for row in shown))
    numbers = [n for _, i, ref, *_ in shown for n in (i.estimate, i.low, i.high, ref)]
    axis = make_axis(numbers, start=left, end=640, limits=limits)

    def place(found: float | None) -> float | None:
        return None if found is None else axis.place(found)

    placed = [
        RankedRow(
            label=label,
            y=24 + ROW * index,
            at=place(value.estimate),
            low=place(value.low),
            high=place(value.high),
            reference=place(reference),
            text=with_interval(value),
            note=note,
            symbol=symbol,
        )
        for index, (label, value, reference, note, symbol) in enumerate(shown)
    ]
    return RankedFigure(720, 24 + ROW * len(placed) + 22, left, axis, placed)


def rank_text(entry: CountryEntry) -> str:
    """The ranks that the interval allows: `3–7`, one number, or nothing."""
    if entry.rank_low is None or entry.rank_high is None:
        return ""
    if entry.rank_low == entry.rank_high:
        return str(entry.rank_low)
    return f"{entry.rank_low}–{entry.rank_high}"


def country_figure(report: Report) -> RankedFigure | None:
    """Countries from the closest to the farthest, with the average human of each."""
    order = sorted(
        (e for e in report.countries if e.alignment.estimate is not None),
        key=lambda e: (-(e.alignment.estimate or 0.0), e.country),
    )
    return _ranked(
        [
            (
                country_name(e.country),
                e.alignment,
                e.average_human,
                rank_text(e),
                e.verdict or "within",
            )
            for e in order
        ]
    )


def group_figure(
    report: Report, kind: str, names: Mapping[str, str] | None = None
) -> RankedFigure | None:
    """Categories, continents or demographic groups from the closest to the farthest."""
    titles = names or {}
    entries = sorted(
        (g for g in report.groups if g.kind == kind and g.alignment.estimate is not None),
        key=lambda g: (-(g.alignment.estimate or 0.0), g.name),
    )
    return _ranked(
        [
            (
                titles.get(g.name, g.name),
                g.alignment,
                None,
                str(g.questions) if kind == "category" else str(g.countries or g.questions),
                "within",
            )
            for g in entries
        ]
    )
