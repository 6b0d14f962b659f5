"""A world map as one SVG, drawn from geometry that ships with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from codebook.countries import countries
from space.render.text import esc, number

#: Steps of the colour scale, from low to high.
STEPS = 6


@cache
def geometry() -> Mapping[str, Any]:
    """Paths by ISO3 code, points for places too small for a path, width and height.

    Source: Natural Earth 1:110m (public domain), Equal Earth projection.
    """
    text = resources.files("space").joinpath("data", "world.json").read_text(encoding="utf-8")
    world_geometry: Mapping[str, Any] = json.loads(text)
    return world_geometry


def colour_steps(scores: Mapping[str, float]) -> tuple[float, float]:
    """Lower and upper end of the colour scale: the range of the scores."""
    if not scores:
        return 0.0, 1.0
    low, high = min(scores.values()), max(scores.values())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def step_of(score: float, ends: tuple[float, float]) -> int:
    """Colour step (0..STEPS-1) of a score."""
    low, high = ends
    return min(int((score - low) / (high - low) * STEPS), STEPS - 1)


def world_map(
    scores: Mapping[str, float], *, tips: Mapping[str, str], label: str, page: str | None = None
) -> str:
    """The map with a legend.

    Args:
        scores: score by ISO3 code; other countries stay grey.
        tips: text shown on pointing, by ISO3 code.
        label: what the map shows, for those who do not see it.
        page: page of a country that its shape leads to; none by default.
    """
    world, ends = geometry(), colour_steps(scores)
    shapes = [
        _linked(
            code,
            f'<path d="{path}"{_look(code, scores, ends)}>{_title(code, tips)}</path>',
            scores,
            tips,
            page,
        )
        for code, path in world["paths"].items()
    ]
    shapes += [
        _linked(
            code,
            f'<circle cx="{x}" cy="{y}" r="4"{_look(code, scores, ends)}>'
            f"{_title(code, tips)}</circle>",
            scores,
            tips,
            page,
        )
        for code, (x, y) in world["points"].items()
        if code in scores
    ]
    return (
        f'<svg class="oa-map" viewBox="0 0 {world["width"]} {world["height"]}" '
        f'role="{"group" if page else "img"}" '
        f'aria-label="{esc(label)}">{"".join(shapes)}</svg>{_legend(ends)}'
    )


def _linked(
    code: str, shape: str, scores: Mapping[str, float], tips: Mapping[str, str], page: str | None
) -> str:
    if page is None or code not in scores:
        return shape
    tip = esc(tips.get(code, code))
    return f'<a href="{page}?country={code}" data-tip="{tip}" aria-label="{tip}">{shape}</a>'


def _look(code: str, scores: Mapping[str, float], ends: tuple[float, float]) -> str:
    if code not in scores:
        return ""
    return f' class="has s{step_of(scores[code], ends)}" data-country="{code}"'


def _title(code: str, tips: Mapping[str, str]) -> str:
    name = countries()[code].name if code in countries() else code
    return f"<title>{esc(tips.get(code, f'{name}: not in this release'))}</title>"


def _legend(ends: tuple[float, float]) -> str:
    low, high = ends
    width = (high - low) / STEPS
    items = "".join(
        f'<span><i style="background:var(--oa-s{step})"></i>'
        f"{number(low + step * width)} to {number(low + (step + 1) * width)}</span>"
        for step in range(STEPS)
    )
    grey = '<span><i style="background:var(--oa-land)"></i>not in this release</span>'
    return f'<div class="oa-legend">{items}{grey}</div>'
