"""Lines over waves as SVG: one question, one or two countries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from space.board.figures.timeline import YEARS, Point
from space.render.text import esc, number

_WIDE, _HIGH = 300, 110
_LEFT, _RIGHT, _TOP, _FOOT = 14, 286, 10, 88


def wave_lines(
    sides: Sequence[tuple[str, str, Sequence[Point]]], waves: Sequence[int], *, label: str
) -> str:
    """A small chart: waves from left to right, the scale from its first option (bottom) up.

    Args:
        sides: name, look (`people`, `other`) and points of each country.
        waves: waves, oldest first.
        label: what is shown, for those who do not see it.
    """
    across = {
        wave: _LEFT + 18 + at * (_RIGHT - _LEFT - 36) / max(len(waves) - 1, 1)
        for at, wave in enumerate(waves)
    }
    ticks = "".join(
        f'<line class="oa-wave-tick" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_FOOT}"/>'
        f'<text x="{x:.1f}" y="{_HIGH - 8}" text-anchor="middle">{esc(YEARS.get(wave, wave))}'
        "</text>"
        for wave, x in across.items()
    )
    drawn = "".join(_side(name, look, points, across) for name, look, points in sides)
    description = "; ".join(
        f"{name} {', '.join(f'wave {p.wave} {number(p.mean, decimals=2)}' for p in points)}"
        for name, _, points in sides
        if points
    )
    return (
        f'<svg class="oa-waves" viewBox="0 0 {_WIDE} {_HIGH}" role="img" '
        f'aria-label="{esc(label)}: {esc(description)}">{ticks}{drawn}</svg>'
    )


def _side(name: str, look: str, points: Sequence[Point], across: Mapping[int, float]) -> str:
    places = [(across[point.wave], _up(point.mean)) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{path}"/>'] if len(places) > 1 else []
    for point, (x, y) in zip(points, places, strict=True):
        if point.low is not None and point.high is not None:
            parts.append(
                f'<line x1="{x:.1f}" y1="{_up(point.low):.1f}" x2="{x:.1f}" '
                f'y2="{_up(point.high):.1f}"/>'
            )
        doubts = f"; {point.doubts}" if point.doubts else ""
        tip = f"{name}, wave {point.wave}: {number(point.mean, decimals=2)}{doubts}"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{esc(tip)}</title></circle>')
    return f'<g class="oa-wave-{esc(look)}">{"".join(parts)}</g>'


def _up(mean: float) -> float:
    return _FOOT - mean * (_FOOT - _TOP)
