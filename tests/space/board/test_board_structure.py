"""The persons protocol on a row's page: figure, tables, and what hostile tables can do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from space.render.structure import structure_detail_html, structure_head_html


def tables(**changes: Any) -> dict[str, Any]:
    """Tables as the scorer writes them."""
    rows = [
        {
            "country": country,
            "persons": 40,
            "structure": {"estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1},
            "ceiling": 0.95,
        }
        for country, estimate in (("DEU", 0.25), ("JPN", 0.75), ("BRA", -0.9))
    ]
    battery = {
        "battery": "trust", "title": "Trust in people", "countries": 3, "questions": 7,
        "structure": 0.1, "ceiling": 0.96, "alpha_model": None, "alpha_people": 0.7,
    }  # fmt: skip
    found = {
        "countries": rows,
        "country_batteries": {
            "DEU": {"trust": 0.3, "gender": -0.2},
            "JPN": {"trust": 0.99},
            "BRA": {"trust": None},
        },
        "batteries": [battery],
        "gaps": [
            {"variable": "sex", "contrast": "sex=female less sex=male", "same_sign": 0.6,
             "size": 2.5, "gaps": 40}
        ],
    }  # fmt: skip
    return {**found, **changes}


class _Balanced(HTMLParser):
    """Raises where a tag closes what is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_figure_has_a_row_per_country_from_best_to_worst() -> None:
    text = structure_head_html(tables())
    _Balanced(text)
    circles = re.findall(r'<circle cx="([\d.]+)".*?<title>(\w+): ([−-]?[\d.]+)', text)
    assert [name for _, name, _ in circles] == ["Japan", "Germany", "Brazil"]
    # What lies below the scale is drawn at its end, -0.5 of [-0.5, 1].
    places = [float(x) for x, _, _ in circles]
    assert (places[1] - places[2]) / (places[0] - places[2]) == pytest.approx(0.75 / 1.25, abs=0.01)


def test_a_square_per_country_and_battery_with_its_colour() -> None:
    text = structure_head_html(tables())
    squares = re.findall(r"<rect [^>]*?(?: class=\"(s\d)\")?><title>([^<]*)</title>", text)
    assert {title: colour for colour, title in squares} == {
        "Japan, Roles of women and men: not scored": "",
        "Japan, Trust in people: 0.990": "s5",
        "Germany, Roles of women and men: −0.200": "s0",
        "Germany, Trust in people: 0.300": "s2",
        "Brazil, Roles of women and men: not scored": "",
        "Brazil, Trust in people: not scored": "",
    }


def test_tables_say_all_of_it() -> None:
    text = structure_detail_html(tables())
    for heading in ("Another sample of people", "By battery", "Gaps between groups"):
        assert heading in text
    assert "sex=female less sex=male" in text


def test_texts_of_a_report_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    found = tables(batteries=[{"battery": "trust", "title": evil}], gaps=[{"variable": evil}])
    found["countries"][0]["country"] = evil
    assert "<script" not in structure_head_html(found) + structure_detail_html(found)


def test_older_reports_without_scores_by_battery_are_shown() -> None:
    found = tables()
    del found["country_batteries"]
    text = structure_head_html(found)
    _Balanced(text)
    assert "<rect" not in text
    assert "Germany" in text


def test_nothing_is_shown_without_countries() -> None:
    assert structure_head_html({}) == structure_detail_html({}) == ""
    assert structure_head_html(tables(countries=[])) == ""
    assert structure_detail_html(tables(countries=[])) == ""


def test_the_figure_stands_in_sight_on_the_model_page(samples: Any) -> None:
    from contracts.report import ProtocolResult
    from space.render.model import head_html

    people = samples.sample_people(["DEU"], ["Q57", "Q58", "Q59"])
    report = samples.sample_report("twins", people, skill=0.5, seed=1)
    assert "oa-structure" not in head_html(report, "twins")
    result = ProtocolResult(protocol="persons", applies=True, tables=tables())
    with_persons = report.model_copy(update={"protocols": [*report.protocols, result]})
    assert head_html(with_persons, "twins").count('<svg class="oa-structure"') == 1
