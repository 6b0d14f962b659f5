"""Dots with intervals: one row each, on one scale, with reference lines; no script is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from space.render.text import esc, interval, number

#: Looks of a chart's reference lines, in their order.
MOST_LINES = 4


class Dot(NamedTuple):
    """One row.

    Attributes:
        label: what the row is about, as HTML.
        estimate: where the dot stands; None draws no dot.
        low, high: its 95 % interval.
        other: a second, hollow mark on the same scale.
        look: class of the dot: "" or `over`, `under`, `mine`, or `row-0` to `row-3`.
        below: a line under the row, as HTML.
        key: id of what the row stands for, for scripts and tests.
        more: further dots of the same row: look and place.
    """

    label: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    other: float | None = None
    look: str = ""
    below: str = ""
    key: str = ""
    more: tuple[tuple[str, float | None], ...] = ()


class Ends(NamedTuple):
    """Lower and upper end of a scale."""

    low: float
    high: float

    def at(self, score: float) -> float:
        """Place of a score on the scale, in percent."""
        return round(100 * (score - self.low) / (self.high - self.low), 2)


def ends_of(scores: Iterable[float | None], *, least: float = 0.01) -> Ends:
    """Ends that leave room around all scores; None among them counts for nothing."""
    known = [score for score in scores if score is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = max((high - low) * 0.05, least / 2)
    return Ends(low - room, high + room)


def ends_of_dots(dots: Sequence[Dot], lines: Sequence[float] = ()) -> Ends:
    """Ends that hold dots, their intervals and second marks, and the lines."""
    scores: list[float | None] = list(lines)
    for dot in dots:
        scores += [dot.estimate, dot.low, dot.high, dot.other, *(place for _, place in dot.more)]
    return ends_of(scores)


def dot_chart(
    dots: Sequence[Dot],
    *,
    label: str,
    lines: Sequence[float] = (),
    ends: Ends | None = None,
    dense: bool = False,
    decimals: int = 3,
) -> str:
    """Rows of dots as HTML.

    Args:
        dots: the rows, in order.
        label: what the chart shows, for those who do not see it.
        lines: reference lines, drawn through every row.
        ends: of the scale; by default what holds everything.
        dense: whether rows are low and stand in two columns where there is room.
        decimals: digits of the numbers beside the dots.
    """
    ends = ends or ends_of_dots(dots, lines)
    rows = "".join(_row(dot, lines, ends, decimals) for dot in dots)
    look = "oa-chart oa-dense" if dense else "oa-chart"
    return f'<div class="{look}" role="list" aria-label="{esc(label)}">{rows}</div>'


def legend(items: Sequence[tuple[str, str]]) -> str:
    """A legend: class of the mark and text of each entry."""
    shown = "".join(f'<span class="{look}"><i></i>{esc(text)}</span>' for look, text in items)
    return f'<p class="oa-chart-legend">{shown}</p>' if items else ""


def _row(dot: Dot, lines: Sequence[float], ends: Ends, decimals: int) -> str:
    span = interval(dot.low, dot.high, decimals=decimals)
    shown = f"<b>{number(dot.estimate, decimals=decimals)}</b>" if not dot.more else ""
    several = " · ".join(number(place, decimals=decimals) for _, place in dot.more)
    key = f' data-row="{esc(dot.key)}"' if dot.key else ""
    below = f'<span class="oa-near">{dot.below}</span>' if dot.below else ""
    spans = f' <span class="oa-span">{span}</span>' if span else ""
    mine = " oa-mine" if dot.look == "mine" else ""
    return (
        f'<div class="oa-chart-row{mine}" role="listitem"{key}>'
        f'<span class="oa-chart-name">{dot.label}</span>{_track(dot, lines, ends)}'
        f'<span class="oa-chart-score">{shown}{several}{spans}</span>{below}</div>'
    )


def _track(dot: Dot, lines: Sequence[float], ends: Ends) -> str:
    parts = [
        f'<line class="oa-line-{place}" x1="{ends.at(line)}%" y1="0" x2="{ends.at(line)}%" '
        'y2="100%"/>'
        for place, line in enumerate(lines)
    ]
    look = f"oa-dot-{dot.look or 'plain'}"
    if dot.low is not None and dot.high is not None:
        parts.append(
            f'<line class="oa-whisker {look}" x1="{ends.at(dot.low)}%" y1="50%" '
            f'x2="{ends.at(dot.high)}%" y2="50%"/>'
        )
    if dot.other is not None:
        parts.append(f'<circle class="oa-hollow" cx="{ends.at(dot.other)}%" cy="50%" r="4"/>')
    marks = dot.more or ((dot.look or "plain", dot.estimate),)
    parts += [
        f'<circle class="oa-dot-{name}" cx="{ends.at(place)}%" cy="50%" r="5"/>'
        for name, place in marks
        if place is not None
    ]
    return f'<svg class="oa-track" aria-hidden="true">{"".join(parts)}</svg>'
