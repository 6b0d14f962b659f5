"""Put the page together from its figures, words and templates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from codebook import CATEGORIES, questions
from contracts.atomic import write_text
from contracts.report import Report
from contracts.report_tables.advice import AdviceTables
from contracts.report_tables.alignment import CountryMatrix, WaveTable
from contracts.report_tables.curves import ThresholdCurve
from contracts.report_tables.worldvaluesbench import WorldValuesBenchTables
from scoring.presentation import score_texts as words
from scoring.presentation.html import charts, extra_tables, figures
from scoring.presentation.html.advice_plots import advice_plots_html
from scoring.presentation.summary import country_name, number, percent, score_digits, with_interval

#: Scores in the tiles at the head of the page, the first of these that the report has.
HEAD_SCORES = 3


@cache
def environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scoring.presentation.html", "templates"),
        autoescape=True,  # names of models and files come from anybody
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "digits": score_digits,
        "number": number,
        "percent": percent,
        "with_interval": with_interval,
        "country_name": country_name,
        "plain_name": words.plain_name,
        "rank_text": figures.rank_text,
    }
    return environment


def page_text(report: Report) -> str:
    """The whole page of a report as text."""
    return environment().get_template("page.html.jinja").render(**_context(report))


def write_page(report: Report, path: str | Path) -> None:
    """Write the page of a report in one step."""
    write_text(path, page_text(report))


def _context(report: Report) -> dict[str, Any]:
    advice = report.tables_of(AdviceTables)
    return {
        "report": report,
        "style": environment().get_template("style.css.jinja").render(),
        "head": report.scores[:HEAD_SCORES],
        "words": words.score_words(),
        "ethics": words.ETHICS,
        "licence": words.LICENCE,
        "map": figures.map_figure(report),
        "ranking": figures.country_figure(report),
        "categories": figures.group_figure(report, "category", CATEGORIES),
        "continents": figures.group_figure(report, "continent"),
        "groups": figures.group_figure(report, "group"),
        "cells": figures.group_figure(report, "cell"),
        "threshold": charts.threshold_figure(_threshold_curves(report)),
        "advice": figures.advice_figure(advice.correlations or ()),
        # It is rendered with escaping by its own template.
        "advice_plots": Markup(advice_plots_html(advice)),  # noqa: S704
        "scatter": charts.scatter_figure(report),
        "verdicts": _verdicts(report),
        "waves": charts.wave_figure(report.table("waves", WaveTable)),
        "matrix": charts.matrix_figure(report.table("country_matrix", CountryMatrix)),
        "extra_tables": extra_tables.extra_tables(report),
        "notes": extra_tables.notes(report),
        "questions": _questions(report),
    }


def _threshold_curves(report: Report) -> Mapping[str, ThresholdCurve]:
    """The curve of answers and those of baselines by name; one curve alone has no name."""
    named = report.tables_of(WorldValuesBenchTables).threshold_curves
    if named:
        return named
    alone = report.table("threshold_curve", ThresholdCurve)
    return {"": alone} if alone else {}


def _verdicts(report: Report) -> dict[str, int]:
    verdicts = [entry.verdict for entry in report.countries if entry.verdict is not None]
    return {name: verdicts.count(name) for name in ("over", "within", "under")}  # type: ignore[arg-type]


def _questions(report: Report) -> list[dict[str, Any]]:
    known = questions()
    return [
        {
            "entry": entry,
            "title": known[entry.question_id].title if entry.question_id in known else "",
            "category": CATEGORIES.get(entry.category, entry.category),
        }
        for entry in sorted(
            report.questions,
            key=lambda e: (e.alignment.estimate is None, e.alignment.estimate or 0.0),
        )
    ]
