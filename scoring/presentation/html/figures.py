"""The map and the dot plots of the page, with every place worked out; templates only draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.report import CountryEntry, Interval, Report
from contracts.report_tables.advice import AdviceCorrelation
from scoring.presentation.html.axes import Axis, ColourScale, colour_scale, make_axis
from scoring.presentation.html.tiles import grid_size, tiles
from scoring.presentation.score_texts import group_title, plain_name
from scoring.presentation.summary import country_name, number, with_interval

TILE = 40
ROW = 19

#: Height of a row whose label stands above its mark.
STACKED = 36

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
    scores_by_country = estimates(report.countries)
    if not scores_by_country:
        return None
    scale = colour_scale(list(scores_by_country.values()))
    entries = {entry.country: entry for entry in report.countries}
    squares = []
    for country, tile in tiles().items():
        score = scores_by_country.get(country)
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
    """A dot plot: one row each, an interval, and a reference mark.

    `stacked` puts a row's label above its mark: for narrow screens.
    """

    width: int
    height: float
    left: int
    axis: Axis
    rows: list[RankedRow]
    stacked: bool = False


@dataclass(frozen=True)
class RankedPair:
    """The same rows for wide and for narrow screens."""

    wide: RankedFigure
    narrow: RankedFigure


#: A row as it goes in: label, interval, reference, note, symbol.
Row = tuple[str, Interval, float | None, str, str]


def _ranked(
    rows: Sequence[Row], *, limits: tuple[float, float] | None = (0.0, 1.0)
) -> RankedPair | None:
    """Rows in the given order; None if none has an estimate."""
    shown = [row for row in rows if row[1].estimate is not None]
    if not shown:
        return None
    left = 24 + round(LETTER * max(len(row[0]) for row in shown))
    return RankedPair(
        _dot_plot(shown, limits, left=left, end=640, width=720, row_height=ROW, stacked=False),
        _dot_plot(shown, limits, left=16, end=300, width=360, row_height=STACKED, stacked=True),
    )


def _dot_plot(
    rows: Sequence[Row],
    limits: tuple[float, float] | None,
    *,
    left: int,
    end: int,
    width: int,
    row_height: int,
    stacked: bool,
) -> RankedFigure:
    numbers = [n for _, i, ref, *_ in rows for n in (i.estimate, i.low, i.high, ref)]
    axis = make_axis(numbers, start=left, end=end, steps=3 if stacked else 5, limits=limits)

    def place(estimate: float | None) -> float | None:
        return None if estimate is None else axis.place(estimate)

    placed = [
        RankedRow(
            label=label,
            y=row_height + 5 + row_height * index,
            at=place(value.estimate),
            low=place(value.low),
            high=place(value.high),
            reference=place(reference),
            text=with_interval(value),
            note=note,
            symbol=symbol,
        )
        for index, (label, value, reference, note, symbol) in enumerate(rows)
    ]
    height = row_height + 5 + row_height * len(placed) + 12
    return RankedFigure(width, height, left, axis, placed, stacked)


def rank_text(entry: CountryEntry) -> str:
    """The ranks that the interval allows: `3–7`, one number, or nothing."""
    if entry.rank_low is None or entry.rank_high is None:
        return ""
    if entry.rank_low == entry.rank_high:
        return str(entry.rank_low)
    return f"{entry.rank_low}–{entry.rank_high}"


def country_figure(report: Report) -> RankedPair | None:
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
) -> RankedPair | None:
    """Categories, continents or demographic groups from the closest to the farthest."""
    titles = names or {}
    entries = sorted(
        (g for g in report.groups if g.kind == kind and g.alignment.estimate is not None),
        key=lambda g: (-(g.alignment.estimate or 0.0), g.name),
    )
    return _ranked(
        [
            (
                titles.get(g.name) or group_title(g.name),
                g.alignment,
                None,
                str(g.questions) if kind == "category" else str(g.countries or g.questions),
                "within",
            )
            for g in entries
        ]
    )


def advice_figure(rows: Sequence[AdviceCorrelation]) -> RankedPair | None:
    """Correlation of advice with Hofstede scores by dimension and approach; 1 is aligned."""
    return _ranked(
        [
            (
                f"{plain_name(row.dimension)}, {row.approach}",
                row.aligned,
                0.0,
                str(row.countries),
                "within",
            )
            for row in rows
        ],
        limits=(-1.0, 1.0),
    )
