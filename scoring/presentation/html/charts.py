"""Curves, the scatter and the matrix of the page, with every place worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.report import CountryEntry, Report
from contracts.report_tables.alignment import CountryMatrix, WaveRow, WaveTable
from contracts.report_tables.curves import ThresholdCurve
from scoring.inputs.survey import continent_of
from scoring.presentation.html.axes import Axis, ColourScale, colour_scale, make_axis
from scoring.presentation.score_texts import plain_name
from scoring.presentation.summary import country_name, number, with_interval

#: Countries named beside their mark in the scatter, on either side.
NAMED_IN_SCATTER = 6

#: Classes of the curves of one chart, in their order.
STYLES = ("first", "second", "third")

# Curves


@dataclass(frozen=True)
class Curve:
    """One line of a chart: pixel points, and the same with their error bars."""

    name: str
    style: str
    path: str
    points: list[dict[str, Any]]


@dataclass(frozen=True)
class ChartFigure:
    """Lines over two axes."""

    width: int
    height: int
    x: Axis
    y: Axis
    curves: list[Curve]


def threshold_figure(named: Mapping[str, ThresholdCurve]) -> ChartFigure | None:
    """Share of questions within each distance: the model's curve, and baselines' beside it.

    Args:
        named: curves by name of the answers; "" for one that needs no name.
    """
    x = make_axis([0, 1], start=52, end=500, limits=(0, 1))
    y = make_axis([0, 1], start=250, end=14, limits=(0, 1))
    curves: list[Curve] = []
    for name, table in named.items():
        points = [
            {"x": x.place(t), "y": y.place(s), "label": _threshold_label(name, t, s)}
            for t, s in zip(table.threshold, table.share, strict=True)
            if s is not None
        ]
        if not points or len(curves) == len(STYLES):
            continue
        curves.append(Curve(plain_name(name), STYLES[len(curves)], line_path(points), points))
    return ChartFigure(520, 290, x, y, curves) if curves else None


def _threshold_label(name: str, threshold: float, share: float) -> str:
    who = f"{plain_name(name)}, " if name else ""
    return f"{who}within {threshold:.2f}: {100 * share:.1f} % of questions"


def wave_figure(table: WaveTable | None) -> ChartFigure | None:
    """Alignment with the people of each wave, for each set of countries that is followed."""
    rows = [row for row in (table.rows if table else ()) if row.alignment.estimate is not None]
    waves = sorted({row.wave for row in rows})
    if len(waves) < 2:
        return None
    ends = [
        e for row in rows for e in (row.alignment.estimate, row.alignment.low, row.alignment.high)
    ]
    y = make_axis(ends, start=250, end=14, limits=(0, 1))
    low, high = waves[0] - 0.4, waves[-1] + 0.4
    x = Axis(low, high, 52, 500, tuple(float(wave) for wave in waves))
    kinds = {"every-wave": "countries of every wave", "selected": "countries near the average"}
    curves = []
    for index, (kind, name) in enumerate(kinds.items()):
        points = [_wave_point(row, x, y, index) for row in rows if row.countries_kind == kind]
        if points:
            curves.append(Curve(name, STYLES[index], line_path(points), points))
    return ChartFigure(520, 290, x, y, curves)


def _wave_point(row: WaveRow, x: Axis, y: Axis, index: int) -> dict[str, Any]:
    value = row.alignment
    point = {
        "x": x.place(row.wave) + 8 * index,
        "y": y.place(value.estimate or 0.0),
        "label": f"wave {row.wave}: {with_interval(value)}, {len(row.countries)} countries, "
        f"{row.questions} questions",
    }
    if value.low is not None and value.high is not None:
        point |= {"low": y.place(value.low), "high": y.place(value.high)}
    return point


def line_path(points: Sequence[Mapping[str, Any]]) -> str:
    """The SVG path through points with places `x` and `y`."""
    return " ".join(f"{'L' if place else 'M'}{p['x']} {p['y']}" for place, p in enumerate(points))


# Over and under


@dataclass(frozen=True)
class ScatterFigure:
    """Model against average human, a mark per country."""

    size: int
    x: Axis
    y: Axis
    diagonal: tuple[float, float, float, float]
    marks: list[dict[str, Any]]


def scatter_figure(report: Report) -> ScatterFigure | None:
    """Alignment of the model over that of the average human; the line is where both are equal."""
    entries = [
        e
        for e in report.countries
        if e.alignment.estimate is not None and e.average_human is not None
    ]
    if len(entries) < 2:
        return None
    both = [n for e in entries for n in (e.alignment.estimate, e.average_human)]
    x = make_axis(both, start=56, end=500, limits=(0, 1))
    y = make_axis(both, start=460, end=16, limits=(0, 1))
    named = _named(entries)
    marks = [
        {
            "x": x.place(e.average_human or 0.0),
            "y": y.place(e.alignment.estimate or 0.0),
            "verdict": e.verdict or "within",
            "name": e.country if e.country in named else "",
            "label": f"{country_name(e.country)}: model {number(e.alignment.estimate)}, average "
            f"human {number(e.average_human)}, {e.verdict or 'no verdict'}",
        }
        for e in entries
    ]
    line = (x.place(x.low), y.place(x.low), x.place(x.high), y.place(x.high))
    return ScatterFigure(520, x, y, line, marks)


def _named(entries: Sequence[CountryEntry]) -> set[str]:
    """Countries that get a name: the farthest from the line on either side."""
    gaps = {e.country: (e.alignment.estimate or 0.0) - (e.average_human or 0.0) for e in entries}
    order = sorted((c for c in gaps if abs(gaps[c]) > 1e-6), key=lambda c: gaps[c])
    return {*order[:NAMED_IN_SCATTER], *order[-NAMED_IN_SCATTER:]}


# Matrix


@dataclass(frozen=True)
class MatrixFigure:
    """Countries by countries, one path per colour class."""

    size: int
    cell: int
    left: int
    names: list[dict[str, Any]]
    paths: list[tuple[str, str]]
    scale: ColourScale


def matrix_figure(table: CountryMatrix | None) -> MatrixFigure | None:
    """How alike countries' people are, continent by continent."""
    if table is None or len(table.countries) < 3:
        return None
    countries = table.countries
    order = sorted(range(len(countries)), key=lambda i: (continent_of(countries[i]), countries[i]))
    matrix = table.alignment
    pairs = [matrix[i][j] for i in order for j in order if i != j]
    scale = colour_scale(pairs)
    cell, left = 11, 30
    parts: dict[str, list[str]] = {}
    for row, i in enumerate(order):
        for column, j in enumerate(order):
            if i == j:
                continue
            square = (
                f"M{left + column * cell} {left + row * cell}h{cell - 1}v{cell - 1}h-{cell - 1}z"
            )
            parts.setdefault(scale.name(matrix[i][j]), []).append(square)
    names = [
        {
            "place": left + place * cell + cell - 3,
            "name": countries[i],
            "first": place == 0
            or continent_of(countries[order[place - 1]]) != continent_of(countries[i]),
        }
        for place, i in enumerate(order)
    ]
    paths = sorted((colour, "".join(squares)) for colour, squares in parts.items())
    return MatrixFigure(left + len(order) * cell, cell, left, names, paths, scale)
