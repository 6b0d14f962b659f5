"""Home: the question, the maps, the ranked chart; figures of our own, readable without scripts."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.specs import score_spec
from space.board.figures.home import LINES, Alone, Bar, Chart, read_alone, read_charts
from space.board.figures.maps import board_maps, names_of
from space.board.labels import country_in_text, country_name
from space.board.ranks.groups import titles_apart
from space.board.store import Store
from space.board.texts import TITLE
from space.render.figures.dots import Dot, dot_chart, legend
from space.render.figures.maps import map_panels
from space.render.figures.plane import Link
from space.render.figures.tabs import tabs
from space.render.figures.world import world_map
from space.render.text import esc, href, link, number

#: Score that says how many people a model is worth.
WORTH = "worth_people"

#: What the reference lines of a chart are.
ABOUT_LINES = {
    "uniform": "every answer equally often.",
    "world average": "the people of all other countries together.",
    "human ceiling": "a second sample of the same people.",
}

#: What the words of a condition's title mean.
ABOUT_CONDITIONS = {
    "unsteered": "no country was named in the question.",
    "persona": "the model was told to answer as people who live in the country.",
    "few-shot": "it was told so, and shown the country's real answers to five other questions.",
    "own language": "asked in the country's own language.",
}

QUESTION = "Whose values does a language model reflect?"


def question_html() -> str:
    """The heading of Home."""
    return f'<h1 class="oa-question">{esc(QUESTION)}</h1>'


def home_html(store: Store) -> str:
    """What was found, maps and charts, or "" for a board without models on real people.

    Args:
        store: the store.
    """
    charts = read_charts(store)
    if not charts:
        return ""
    return (
        f"{_headline(charts[0])}"
        f'<section class="oa-home" aria-label="{esc(QUESTION)}">'
        f'<div class="oa-home-map">{_maps(store, charts[0])}</div>'
        f'<div class="oa-home-chart">{_charts(charts)}{_alone(read_alone(store))}</div></section>'
    )


def _headline(chart: Chart) -> str:
    """What the first chart says, in two sentences."""
    where = f" in {chart.countries} countries" if chart.countries else ""
    about = (
        f"{TITLE} compares the answers of language models to the World Values Survey with those "
        f"of people{where}."
    )
    if not chart.bars:
        return f'<p class="oa-lead oa-found">{esc(about)}</p>'
    best = chart.bars[0]
    headline = f"<b>{esc(best.name)}</b> answers most like people"
    if best.closest and best.farthest:
        near, far = country_in_text(best.closest[0]), country_in_text(best.farthest[0])
        headline += f", closest to <b>{esc(near)}</b> and farthest from {esc(far)}"
    headline += "." + _certainty(best)
    average = next((line for line in chart.lines if line.name == LINES["world-average"]), None)
    if average is not None and len(chart.bars) > 1 and best.estimate < average.estimate:
        headline += (
            f"<span class='oa-further'> None of the {len(chart.bars)} models comes as close to a "
            "country as the average of all other countries' people "
            f"({number(average.estimate)}).</span>"
        )
    return f'<p class="oa-lead oa-found">{esc(about)} <span>{headline}</span></p>'


def _certainty(best: Bar) -> str:
    """Whether the first place is a real difference."""
    if best.rank_low is None or best.rank_high is None or (best.ranked or 0) < 2:
        return ""
    if best.rank_high == best.rank_low:
        return " Its lead over the others is larger than chance."
    return f" Its lead may be chance: its rank lies between {best.rank_low} and {best.rank_high}."


def _alone(rows: Sequence[Alone]) -> str:
    """Models that no other was asked like."""
    if not rows:
        return ""
    listed = "; ".join(
        f'<a href="{esc(row_address(one.row_id))}">{esc(one.name)}</a> '
        f"({esc(one.condition.lower())}, {esc(one.method.replace('_', ' '))}) "
        f"{number(one.estimate)}"
        for one in rows
    )
    return (
        '<p class="oa-sub oa-alone">Asked in another way than all others, and so not ranked: '
        f"{listed}.</p>"
    )


def row_address(row_id: str) -> str:
    """Address of a row's page."""
    return href("model", row=row_id)


def _maps(store: Store, chart: Chart) -> str:
    map_file = board_maps(store)
    rows = {mark.name for one in map_file.maps for mark in one.marks if mark.kind == "model"}
    models = {
        row_id: Link(name, row_address(row_id)) for row_id, name in names_of(store, rows).items()
    }
    panels = map_panels(map_file, models, country_page="country")
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
        f"Mean alignment of the {len(chart.bars)} models ({esc(chart.condition.lower())}) with "
        "each country."
        "</figcaption></figure>"
    )


def _charts(charts: Sequence[Chart]) -> str:
    titles = titles_apart(
        [
            {"condition": one.condition, "method": one.method, "class": one.row_class,
             "countries": one.countries}
            for one in charts
        ]
    )  # fmt: skip
    panels = [(title, chart_figure(chart)) for title, chart in zip(titles, charts, strict=True)]
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
        f'<p class="oa-sub"><b>Alignment with people</b>: 1 is the same answers, averaged over '
        f"{chart.questions} questions{places}; bars are 95 % intervals, which count the sampling "
        f"of questions and of people.{beyond}{_key(chart)}</p>"
    )


def _key(chart: Chart) -> str:
    """What the marks and words of a chart mean."""
    entries = []
    if any(bar.rank_low is not None for bar in chart.bars):
        entries.append(
            "<b>Rank</b>: the ranks that may be its own; where those of two models overlap, their "
            "difference may be chance."
        )
    if any(bar.worth is not None for bar in chart.bars):
        spec = score_spec(WORTH)
        entries.append(f"<b>Worth N people</b>: {esc(spec.reading)}" if spec else "")
    entries += [
        f"<b>{esc(line.name.capitalize())}</b>: {esc(ABOUT_LINES[line.name])}"
        for line in chart.lines
        if line.name in ABOUT_LINES
    ]
    explanations = [
        text for word, text in ABOUT_CONDITIONS.items() if word in chart.condition.lower()
    ]
    if explanations:
        entries.append(f"<b>{esc(chart.condition)}</b>: {esc(' '.join(explanations))}")
    return "".join(f" {one}" for one in entries if one)


def _lines(chart: Chart) -> list[tuple[str, str]]:
    return [
        (f"oa-line-{place}", f"{line.name} {number(line.estimate)}")
        for place, line in enumerate(chart.lines)
    ]


def _dot(bar: Bar) -> Dot:
    worth = f" · worth {bar.worth:.0f} people" if bar.worth is not None else ""
    rank = f"{bar.rank} of {bar.ranked}" if bar.rank is not None else "not ranked"
    place = ""
    if bar.rank is not None and (bar.ranked or 0) > 1:
        place = f"rank {_span(bar)} · "
    address = row_address(bar.row_id) if bar.row_id else ""
    name = (
        f'<a href="{esc(address)}" title="{esc(rank)}">{esc(bar.name)}</a>'
        if address
        else f"<b>{esc(bar.name)}</b>"
    )
    near = ""
    if bar.closest:
        near = f"{place}closest {_named(bar.closest)}; farthest {_named(bar.farthest)}{esc(worth)}"
    return Dot(
        name, bar.estimate, bar.low, bar.high, look="" if address else "mine", below=near,
        key=bar.row_id,
    )  # fmt: skip


def _span(bar: Bar) -> str:
    """The ranks that a model may have."""
    if bar.rank_low is None or bar.rank_high is None or bar.rank_low == bar.rank_high:
        return str(bar.rank)
    return f"{bar.rank_low}–{bar.rank_high}"


def _named(codes: Sequence[str]) -> str:
    names = [link("country", country_name(code), country=code) for code in codes]
    return ", ".join(names) or "not known"
