"""Home: the question, the maps, the ranked chart; figures of our own, readable without scripts."""

from __future__ import annotations

from collections.abc import Sequence

from space.board.figures.home import Bar, Chart, read_charts
from space.board.figures.maps import board_maps, names_of
from space.board.labels import country_name
from space.board.store import Store
from space.render.figures.dots import Dot, dot_chart, legend
from space.render.figures.maps import map_panels
from space.render.figures.plane import Link
from space.render.figures.tabs import tabs
from space.render.figures.world import world_map
from space.render.text import esc, href, link, number

QUESTION = "Whose values does a language model reflect?"


def question_html() -> str:
    """The heading of Home."""
    return f'<h1 class="oa-question">{esc(QUESTION)}</h1>'


def home_html(store: Store) -> str:
    """Maps and charts, or "" for a board without models on real people.

    Args:
        store: the store.
    """
    charts = read_charts(store)
    if not charts:
        return ""
    return (
        f'<section class="oa-home" aria-label="{esc(QUESTION)}">'
        f'<div class="oa-home-map">{_maps(store, charts[0])}</div>'
        f'<div class="oa-home-chart">{_charts(charts)}</div></section>'
    )


def row_address(row_id: str) -> str:
    """Address of a row's page."""
    return href("model", row=row_id)


def _maps(store: Store, chart: Chart) -> str:
    found = board_maps(store)
    rows = {mark.name for one in found.maps for mark in one.marks if mark.kind == "model"}
    models = {
        row_id: Link(name, row_address(row_id)) for row_id, name in names_of(store, rows).items()
    }
    panels = map_panels(found, models, country_page="country")
    panels.append(("World", _world(chart)))
    return tabs("map", panels, label="Maps")


def _world(chart: Chart) -> str:
    """Mean alignment of the chart's models by country."""
    tips = {
        code: f"{country_name(code)}: {number(mean)}, mean of {len(chart.bars)} models"
        for code, mean in chart.by_country.items()
    }
    page = "country"
    drawn = world_map(chart.by_country, tips=tips, label="Mean alignment by country", page=page)
    return (
        f'<figure class="oa-plane">{drawn}<figcaption class="oa-tip" aria-live="polite">'
        f"Mean alignment of the {len(chart.bars)} models of the first chart with each country."
        "</figcaption></figure>"
    )


def _charts(charts: Sequence[Chart]) -> str:
    panels = [(chart.condition, chart_figure(chart)) for chart in charts]
    names = [name for name, _ in panels]
    panels = [
        (name if names.count(name) == 1 else f"{name}, {chart.countries} countries", panel)
        for (name, panel), chart in zip(panels, charts, strict=True)
    ]
    return tabs("condition", panels, label="Conditions")


def chart_figure(chart: Chart) -> str:
    """One group as ranked dots with intervals, with baselines and ceiling as lines."""
    lines = [line.estimate for line in chart.lines]
    dots = [_dot(bar) for bar in chart.bars]
    more = chart.size - len(chart.bars)
    beyond = f" {more} more rows stand in the table." if more > 0 else ""
    places = f" in {chart.countries} countries" if chart.countries else ""
    return (
        f"{legend(_lines(chart))}{dot_chart(dots, label=chart.title, lines=lines)}"
        f'<p class="oa-sub">Alignment with people: 1 is the same answers, averaged over '
        f"{chart.questions} questions{places}; bars are 95 % intervals."
        f"{beyond}</p>"
    )


def _lines(chart: Chart) -> list[tuple[str, str]]:
    return [
        (f"oa-line-{place}", f"{line.name} {number(line.estimate)}")
        for place, line in enumerate(chart.lines)
    ]


def _dot(bar: Bar) -> Dot:
    worth = f" · worth {bar.worth:.0f} people" if bar.worth is not None else ""
    rank = f"{bar.rank} of {bar.ranked}" if bar.rank is not None else "not ranked"
    address = row_address(bar.row_id) if bar.row_id else ""
    name = (
        f'<a href="{esc(address)}" title="{esc(rank)}">{esc(bar.name)}</a>'
        if address
        else f"<b>{esc(bar.name)}</b>"
    )
    near = ""
    if bar.closest:
        near = f"closest {_named(bar.closest)}; farthest {_named(bar.farthest)}{esc(worth)}"
    return Dot(
        name, bar.estimate, bar.low, bar.high, look="" if address else "mine", below=near,
        key=bar.row_id,
    )  # fmt: skip


def _named(codes: Sequence[str]) -> str:
    names = [link("country", country_name(code), country=code) for code in codes]
    return ", ".join(names) or "not known"
