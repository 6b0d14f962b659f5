"""Home: the question, the maps, the ranked chart; figures of our own, readable without scripts."""

from __future__ import annotations

from collections.abc import Sequence

from space.board.home import Bar, Chart, board_maps, read_charts
from space.board.labels import country_name
from space.board.store import Store
from space.render.plane import Link, plane_figure
from space.render.text import esc, href, interval, number
from space.render.world import world_map

_MAP_TITLES = {"opinion_plane": "Opinion plane", "cultural_map": "Cultural map"}

QUESTION = "Whose values does a language model reflect?"


def question_html() -> str:
    """The heading of Home."""
    return f'<h1 class="oa-question">{esc(QUESTION)}</h1>'


def home_html(store: Store, *, static: bool = False) -> str:
    """Maps and charts, or "" for a board without models on real people.

    Args:
        store: the store.
        static: whether links lead to files of the static site.
    """
    charts = read_charts(store)
    if not charts:
        return ""
    return (
        f'<section class="oa-home" aria-label="{esc(QUESTION)}">'
        f'<div class="oa-home-map">{_maps(charts, static=static)}</div>'
        f'<div class="oa-home-chart">{_charts(charts, static=static)}</div></section>'
    )


def row_address(row_id: str, *, static: bool) -> str:
    """Address of a row's page."""
    return f"rows/{row_id}.html" if static else href("model", row=row_id)


def _maps(charts: list[Chart], *, static: bool) -> str:
    found = board_maps(charts)
    if found is None:
        return ""
    models = {
        bar.name: Link(bar.name, row_address(bar.row_id, static=static)) for bar in charts[0].bars
    }
    panels = [
        (
            _MAP_TITLES[picture.map],
            plane_figure(picture, models, country_page=None if static else "country"),
        )
        for picture in found.maps
    ]
    panels.append(("World", _world(charts[0], static=static)))
    return tabs("map", panels, label="Maps")


def _world(chart: Chart, *, static: bool) -> str:
    """Mean alignment of the chart's models by country."""
    tips = {
        code: f"{country_name(code)}: {number(mean)}, mean of {len(chart.bars)} models"
        for code, mean in chart.by_country.items()
    }
    page = None if static else "country"
    drawn = world_map(chart.by_country, tips=tips, label="Mean alignment by country", page=page)
    return (
        f'<figure class="oa-plane">{drawn}<figcaption class="oa-tip" aria-live="polite">'
        f"Mean alignment of the {len(chart.bars)} models of the first chart with each country."
        "</figcaption></figure>"
    )


def _charts(charts: Sequence[Chart], *, static: bool) -> str:
    panels = [(chart.condition, chart_figure(chart, static=static)) for chart in charts]
    names = [name for name, _ in panels]
    panels = [
        (name if names.count(name) == 1 else f"{name}, {chart.countries} countries", panel)
        for (name, panel), chart in zip(panels, charts, strict=True)
    ]
    return tabs("condition", panels, label="Conditions")


def tabs(group: str, panels: Sequence[tuple[str, str]], *, label: str) -> str:
    """Panels of which one is in sight, chosen by radio buttons: no script is needed."""
    parts = []
    for place, (title, content) in enumerate(panels):
        name = f"oa-{group}-{place}"
        checked = " checked" if place == 0 else ""
        parts.append(
            f'<input type="radio" name="oa-{group}" id="{name}"{checked}>'
            f'<label for="{name}">{esc(title)}</label>'
            f'<div class="oa-panel">{content}</div>'
        )
    return f'<div class="oa-tabs" role="group" aria-label="{esc(label)}">{"".join(parts)}</div>'


def chart_figure(chart: Chart, *, static: bool = False) -> str:
    """One group as ranked dots with intervals, with baselines and ceiling as lines."""
    ends = _ends(chart)
    rows = "".join(_row(bar, chart, ends, static=static) for bar in chart.bars)
    more = chart.size - len(chart.bars)
    beyond = f" {more} more rows stand in the table." if more > 0 else ""
    return (
        f'<div class="oa-chart" role="list" aria-label="{esc(chart.title)}">'
        f"{_legend(chart)}{rows}</div>"
        f'<p class="oa-sub">Alignment with people: 1 is the same answers, averaged over '
        f"{chart.questions} questions in {chart.countries} countries; bars are 95 % intervals."
        f"{beyond}</p>"
    )


def _ends(chart: Chart) -> tuple[float, float]:
    shown = [line.estimate for line in chart.lines]
    for bar in chart.bars:
        shown += [end for end in (bar.low, bar.high, bar.estimate) if end is not None]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    room = max((high - low) * 0.04, 0.005)
    return low - room, high + room


def _at(score: float, ends: tuple[float, float]) -> float:
    return round(100 * (score - ends[0]) / (ends[1] - ends[0]), 2)


def _legend(chart: Chart) -> str:
    items = "".join(
        f'<span class="oa-line-{place}"><i></i>{esc(line.name)} {number(line.estimate)}</span>'
        for place, line in enumerate(chart.lines)
    )
    return f'<p class="oa-chart-legend">{items}</p>' if items else ""


def _row(bar: Bar, chart: Chart, ends: tuple[float, float], *, static: bool) -> str:
    lines = "".join(
        f'<line class="oa-line-{place}" x1="{_at(line.estimate, ends)}%" y1="0" '
        f'x2="{_at(line.estimate, ends)}%" y2="100%"/>'
        for place, line in enumerate(chart.lines)
    )
    low, high = bar.low or bar.estimate, bar.high or bar.estimate
    track = (
        f'<svg class="oa-track" aria-hidden="true">{lines}'
        f'<line class="oa-whisker" x1="{_at(low, ends)}%" y1="50%" x2="{_at(high, ends)}%" '
        f'y2="50%"/><circle cx="{_at(bar.estimate, ends)}%" cy="50%" r="5"/></svg>'
    )
    span = interval(bar.low, bar.high)
    worth = f" · worth {bar.worth:.0f} people" if bar.worth is not None else ""
    rank = f"{bar.rank} of {bar.ranked}" if bar.rank is not None else "not ranked"
    return (
        f'<div class="oa-chart-row" role="listitem" data-row="{esc(bar.row_id)}">'
        f'<a href="{esc(row_address(bar.row_id, static=static))}" title="{esc(rank)}">'
        f"{esc(bar.name)}</a>{track}"
        f'<span class="oa-chart-score"><b>{number(bar.estimate)}</b> '
        f'<span class="oa-span">{span}</span></span>'
        f'<span class="oa-near">closest {_named(bar.closest, static=static)}; farthest '
        f"{_named(bar.farthest, static=static)}{esc(worth)}</span></div>"
    )


def _named(codes: Sequence[str], *, static: bool) -> str:
    names = [
        esc(country_name(code))
        if static
        else f'<a href="{esc(href("country", country=code))}">{esc(country_name(code))}</a>'
        for code in codes
    ]
    return ", ".join(names) or "not known"
