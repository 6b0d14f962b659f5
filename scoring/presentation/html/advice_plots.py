"""Plots of an advice report: countries' scores against shares, and the shares of either side.

The same figures stand in a report's page and on the board. They are plain SVG with their own
style: colours that colour-blind readers tell apart, and a different mark for every colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jinja2
import numpy as np
from numpy.typing import NDArray

from codebook import countries
from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.report_tables.advice import AdviceCorrelation, AdviceCountry, AdviceTables
from contracts.specs.advice_scores import APPROACHES, DIMENSIONS
from scoring.presentation.html.axes import Axis
from scoring.presentation.summary import country_name, number, with_interval
from scoring.protocols.advice.correlation import LABEL_THRESHOLD, REVERSED

#: Levels of resources of a language, each with the class of its marks.
LEVELS = ("high", "mid", "low")

#: Points at which a density is drawn.
DENSITY_POINTS = 101

#: The least width of a density's kernel, as a share.
LEAST_WIDTH = 0.01

_X = Axis(0.0, 100.0, 44, 292, (0.0, 25.0, 50.0, 75.0, 100.0))
_Y = Axis(0.0, 1.0, 204, 12, (0.0, 0.25, 0.5, 0.75, 1.0))
_SHARE = Axis(0.0, 1.0, 44, 292, (0.0, 0.25, 0.5, 0.75, 1.0))
_FLOOR, _TOP = 92.0, 12.0


@dataclass(frozen=True)
class Mark:
    """A country in the scatter: place, class of its level, and what pointing at it says."""

    x: float
    y: float
    level: str
    label: str


@dataclass(frozen=True)
class Density:
    """Shares of the countries of one side: the curve, a stroke for each country, their number."""

    side: str
    path: str
    strokes: list[float]
    count: int


@dataclass(frozen=True)
class Panel:
    """One approach and dimension."""

    title: str
    side: str
    statement: str
    marks: list[Mark]
    line: tuple[float, float, float, float] | None
    densities: list[Density]
    separated: str


@dataclass(frozen=True)
class Approach:
    """The panels of one approach."""

    name: str
    panels: list[Panel]


def advice_approaches(tables: AdviceTables) -> list[Approach]:
    """Panels by approach, of every dimension that has countries.

    Args:
        tables: of the report's advice protocol: `countries` and `correlations` are drawn.
    """
    rows = [row for row in tables.countries or () if row.counted_share is not None]
    correlation_by_panel = {(row.approach, row.dimension): row for row in tables.correlations or ()}
    listed = []
    for approach in APPROACHES:
        panels = []
        for dimension in HOFSTEDE_DIMENSIONS:
            key = approach, dimension
            mine = [row for row in rows if (row.approach, row.dimension) == key]
            if mine and key in correlation_by_panel:
                panels.append(_panel(dimension, mine, correlation_by_panel[key]))
        if panels:
            listed.append(Approach(APPROACHES[approach], panels))
    return listed


def high_share(row: AdviceCountry) -> float:
    """Share of the high side, of a row of the table `countries`; power distance counts the low."""
    share = row.counted_share or 0.0
    if row.dimension == REVERSED:
        return max(0.0, 1.0 - row.inconclusive_share - share)
    return share


def _panel(dimension: str, rows: Sequence[AdviceCountry], correlation: AdviceCorrelation) -> Panel:
    scores = np.array([row.score for row in rows], float)
    shares = np.array([high_share(row) for row in rows])
    title, side = DIMENSIONS[dimension]
    marks = [
        Mark(_X.place(x), _Y.place(y), _level(row.country), _label(row, float(y)))
        for row, x, y in zip(rows, scores, shares, strict=True)
    ]
    above = scores > LABEL_THRESHOLD
    peaks = [_curve(shares[chosen]) for chosen in (above, ~above)]
    highest = max(float(curve.max()) for curve in peaks) or 1.0
    densities = [
        _density(name, shares[chosen], curve / highest)
        for name, chosen, curve in zip(("high", "low"), (above, ~above), peaks, strict=True)
        if chosen.any()
    ]
    return Panel(
        title=title[:1].upper() + title[1:],
        side=side,
        statement=_correlation_text(correlation),
        marks=marks,
        line=_line(scores, shares),
        densities=densities,
        separated=_separated(correlation),
    )


def _level(country: str) -> str:
    known = countries().get(country)
    return known.hofstede.resource_level if known and known.hofstede else LEVELS[0]


def _label(row: AdviceCountry, share: float) -> str:
    return (
        f"{country_name(row.country)}: score {row.score:g}, {100 * share:.0f} % on the high "
        f"side, {row.answers} answers"
    )


def _correlation_text(correlation: AdviceCorrelation) -> str:
    if correlation.aligned.estimate is None:
        return f"no correlation: {correlation.reason or 'it cannot be computed'}"
    return (
        f"aligned r = {with_interval(correlation.aligned)} over {correlation.countries} countries"
    )


def _separated(correlation: AdviceCorrelation) -> str:
    if (
        correlation.auroc is None
        or correlation.accuracy is None
        or correlation.majority_floor is None
    ):
        return "all countries lie on one side"
    return (
        f"AUROC {number(correlation.auroc, 2)}; accuracy {number(correlation.accuracy, 2)}, "
        f"naming the more frequent side alone {number(correlation.majority_floor, 2)}"
    )


def _line(
    scores: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[float, float, float, float] | None:
    """The least-squares line of the shares on the scores, from the least score to the greatest."""
    if len(scores) < 3 or np.ptp(scores) == 0:
        return None
    slope, start = np.polyfit(scores, shares, 1)
    ends = [(x, start + slope * x) for x in (float(scores.min()), float(scores.max()))]
    (x1, y1), (x2, y2) = ((_X.place(x), _Y.place(y)) for x, y in ends)
    return x1, y1, x2, y2


def _curve(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian kernel density of shares over [0, 1].

    Width: 1.06 sd n^(-1/5), at least `LEAST_WIDTH`.  Source: Silverman (1986), Density Estimation
    for Statistics and Data Analysis, 45.
    """
    at = np.linspace(0, 1, DENSITY_POINTS)
    if not shares.size:
        return np.zeros_like(at)
    spread = float(shares.std(ddof=1)) if shares.size > 1 else 0.0
    width = max(1.06 * spread * shares.size**-0.2, LEAST_WIDTH)
    kernels = np.exp(-0.5 * ((at[:, None] - shares[None, :]) / width) ** 2)
    return np.asarray(kernels.mean(axis=1) / (width * np.sqrt(2 * np.pi)))


def _density(side: str, shares: NDArray[np.float64], heights: NDArray[np.float64]) -> Density:
    at = np.linspace(0, 1, DENSITY_POINTS)
    points = [
        f"{_SHARE.place(float(x))} {_FLOOR - (_FLOOR - _TOP) * float(h):.1f}"
        for x, h in zip(at, heights, strict=True)
    ]
    path = f"M{_SHARE.place(0)} {_FLOOR} L" + " L".join(points) + f" L{_SHARE.place(1)} {_FLOOR}"
    return Density(side, path, [_SHARE.place(float(s)) for s in shares], int(shares.size))


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("scoring.presentation.html", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def advice_plots_html(tables: AdviceTables) -> str:
    """The plots as HTML, with their style; empty for a report without countries."""
    approaches = advice_approaches(tables)
    if not approaches:
        return ""
    template = _environment().get_template("advice.html.jinja")
    return template.render(
        approaches=approaches, levels=LEVELS, x=_X, y=_Y, share=_SHARE, floor=_FLOOR,
        threshold=LABEL_THRESHOLD,
    )  # fmt: skip
