"""The persons protocol in full: structure by country and battery, as a figure and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from codebook.batteries import batteries
from space.board.labels import country_name
from space.render.figures.world import STEPS
from space.render.table import plain_table
from space.render.text import DASH, esc, interval, number, score

Rows = Sequence[Mapping[str, Any]]

LEAD = (
    "People who justify tax fraud also tend to justify fare dodging: answers hang together. Do "
    "those of synthetic respondents, in the same way? 1 is as people's, 0 as if every question "
    "were answered by someone else, below 0 is further. A high score does not make synthetic "
    "respondents a substitute for people."
)

#: Places of the figure, in pixels: names of countries, squares, the scale of scores; and what a
#: letter of a slanting heading takes in height.
_NAMES, _CELL, _ROW, _SCALE, _RIGHT, _LETTER = 150, 22, 17, 230, 20, 5.2

#: Ends of the scale; what lies below is drawn at its end.
_LOW, _HIGH = -0.5, 1.0


def structure_head_html(tables: Mapping[str, Any]) -> str:
    """What structure is, and the figure of countries and batteries; "" without countries."""
    countries = _with_batteries(tables)
    if not countries:
        return ""
    return (
        f"<h2>Structure: do answers hang together?</h2><p>{esc(LEAD)}</p>"
        f"{structure_figure(countries)}{_legend()}"
    )


def structure_detail_html(tables: Mapping[str, Any]) -> str:
    """The tables behind the figure."""
    countries = _with_batteries(tables)
    if not countries:
        return ""
    return (
        f"<h2>Structure</h2>{_countries(countries)}{_batteries(_rows(tables, 'batteries'))}"
        f"{_gaps(_rows(tables, 'gaps'))}"
    )


def _with_batteries(tables: Mapping[str, Any]) -> Rows:
    scores = tables.get("country_batteries")
    of_countries = scores if isinstance(scores, Mapping) else {}
    return [
        {**row, "batteries": of_countries.get(row["country"])} for row in _rows(tables, "countries")
    ]


def _rows(tables: Mapping[str, Any], name: str) -> Rows:
    return [row for row in tables.get(name) or () if isinstance(row, Mapping)]


def _cell(row: Mapping[str, Any]) -> Mapping[str, Any]:
    cell = row.get("structure")
    return cell if isinstance(cell, Mapping) else {"estimate": cell}


def _of_batteries(row: Mapping[str, Any]) -> Mapping[str, float]:
    battery_scores = row.get("batteries")
    scores = battery_scores.items() if isinstance(battery_scores, Mapping) else ()
    return {name: float(one) for name, one in scores if name in batteries() and one is not None}


def structure_figure(rows: Rows) -> str:
    """A row for each country: a square for each battery, then score, interval and ceiling.

    Args:
        rows: country, structure (estimate, low, high), ceiling, batteries (score by battery).
    """
    ordered = sorted(rows, key=lambda row: (-(_cell(row).get("estimate") or 0), row["country"]))
    shown = [name for name in batteries() if any(name in _of_batteries(row) for row in ordered)]
    left = _NAMES + len(shown) * _CELL + 16
    head = round(24 + _LETTER * max((len(batteries()[name].title) for name in shown), default=0))
    width, height = left + _SCALE + _RIGHT, head + len(ordered) * _ROW + 24
    parts = [*_headings(shown, head), *_axis(left, head, height)]
    for place, row in enumerate(ordered):
        parts += _country(row, shown, head + place * _ROW, left)
    label = "Structure by country and battery; the tables below say it too"
    return (
        f'<svg class="oa-structure" viewBox="0 0 {width} {height}" role="img" '
        f'style="max-width: {width * 1.3:.0f}px" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _headings(shown: Sequence[str], head: int) -> Iterator[str]:
    for column, name in enumerate(shown):
        x = _NAMES + column * _CELL + _CELL // 2
        yield (
            f'<text transform="translate({x + 4} {head - 6}) rotate(-60)">'
            f"{esc(batteries()[name].title)}</text>"
        )


def _place(left: int, one: float) -> float:
    share = (min(max(one, _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)
    return round(left + share * _SCALE, 1)


def _axis(left: int, head: int, height: int) -> Iterator[str]:
    for tick in (-0.5, 0.0, 0.5, 1.0):
        x = _place(left, tick)
        yield f'<line x1="{x}" x2="{x}" y1="{head - 4}" y2="{height - 20}"></line>'
        yield (f'<text class="soft" x="{x}" y="{height - 6}" text-anchor="middle">{tick:g}</text>')


def _country(row: Mapping[str, Any], shown: Sequence[str], y: int, left: int) -> Iterator[str]:
    name, middle = country_name(str(row["country"])), y + _ROW // 2
    yield f'<text x="{_NAMES - 8}" y="{middle + 4}" text-anchor="end">{esc(name)}</text>'
    scores = _of_batteries(row)
    for column, battery in enumerate(shown):
        battery_score = scores.get(battery)
        colour = "" if battery_score is None else f' class="s{_step(battery_score)}"'
        tooltip_text = "not scored" if battery_score is None else number(battery_score)
        yield (
            f'<rect x="{_NAMES + column * _CELL}" y="{y + 1}" width="{_CELL - 2}" '
            f'height="{_ROW - 2}"{colour}><title>{esc(name)}, '
            f"{esc(batteries()[battery].title)}: {tooltip_text}</title></rect>"
        )
    cell, ceiling = _cell(row), row.get("ceiling")
    estimate, low, high = (cell.get(key) for key in ("estimate", "low", "high"))
    if low is not None and high is not None:
        yield _line("span", _place(left, low), _place(left, high), middle, middle)
    if ceiling is not None:
        x = _place(left, ceiling)
        yield _line("ceiling", x, x, middle - 5, middle + 5)
    if estimate is not None:
        span = interval(low, high)
        tooltip_text = f"{name}: {number(estimate)}" + (f" ({span})" if span else "")
        yield (
            f'<circle cx="{_place(left, estimate)}" cy="{middle}" r="4">'
            f"<title>{esc(tooltip_text)}</title></circle>"
        )


def _line(look: str, x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="{look}" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"></line>'


def _step(one: float) -> int:
    """Colour step of a score: the first is 0 and below, the others divide 0 to 1."""
    return 0 if one <= 0 else min(1 + int(one * (STEPS - 1)), STEPS - 1)


def _legend() -> str:
    ends = [f"{place / (STEPS - 1):.1f}" for place in range(STEPS)]
    names = ["0 and below", *(f"{a} to {b}" for a, b in pairwise(ends))]
    items = "".join(
        f'<span><i style="background: var(--oa-s{step})"></i>{name}</span>'
        for step, name in enumerate(names)
    )
    return (
        f'<p class="oa-legend">{items}<span>grey: not scored</span>'
        "<span>dot: mean over batteries, with its 95 % interval</span>"
        "<span>upright mark: another sample of people of the survey's size</span></p>"
    )


def _countries(rows: Rows) -> str:
    table = plain_table(
        ("Country", "Persons", "Structure", "Another sample of people", "Batteries"),
        [
            (
                esc(country_name(str(row["country"]))),
                str(row.get("persons", DASH)),
                score(_cell(row)),
                number(row.get("ceiling")),
                str(len(_of_batteries(row))),
            )
            for row in rows
        ],
        label="Structure by country",
        numeric=(1, 2, 3, 4),
    )
    return f'<details class="oa-fold"><summary>Structure by country</summary>{table}</details>'


def _batteries(rows: Rows) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Battery", "Structure", "Another sample", "First component", "of people",
         "Dependence", "of people", "Alpha", "of people", "Questions", "Countries"),
        [
            (
                esc(row.get("title", DASH)),
                number(row.get("structure")),
                number(row.get("ceiling")),
                number(row.get("first_component_model")),
                number(row.get("first_component_people")),
                number(row.get("dependence_model")),
                number(row.get("dependence_people")),
                number(row.get("alpha_model")),
                number(row.get("alpha_people")),
                str(row.get("questions", DASH)),
                str(row.get("countries", DASH)),
            )
            for row in rows
        ],
        label="Structure by battery",
        numeric=tuple(range(1, 11)),
        tips={
            2: "What another sample of people of the survey's own size would score.",
            3: "Share of variance of the first principal component.",
            5: "Effective dependence: 0 for unrelated questions, 1 where one follows from others.",
            7: "Cronbach's alpha of standardised items.",
        },
    )  # fmt: skip
    return f"<h3>By battery</h3><p>Means over the countries.</p>{table}"


def _gaps(rows: Rows) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Variable", "Contrast", "Same sign", "Size", "Gaps"),
        [
            (
                esc(row.get("variable", DASH)),
                esc(row.get("contrast", DASH)),
                number(row.get("same_sign")),
                number(row.get("size")),
                str(row.get("gaps", DASH)),
            )
            for row in rows
        ],
        label="Gaps between groups",
        numeric=(2, 3, 4),
        tips={
            2: "Share of people's clear gaps that the persons show in the same direction; one half "
            "is chance.",
            3: "Slope of the persons' gaps on people's: 1 as large, above 1 exaggerated, 0 absent.",
        },
    )
    return f"<h3>Gaps between groups</h3>{table}"
