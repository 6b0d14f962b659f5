"""A visitor's own report on the maps and in the chart, before anything is stored."""

from __future__ import annotations

from pathlib import Path

from contracts.report import Report
from space.board.figures.maps import names_of
from space.board.figures.trial import TRIAL, Trial, try_report
from space.board.store import Store
from space.render.figures.maps import TITLES, map_panels
from space.render.figures.plane import Link
from space.render.figures.tabs import tabs
from space.render.home import chart_figure, row_address
from space.render.text import esc, notice


def trial_html(store: Store, report: Report, *, predictions: Path | None = None) -> str:
    """Maps and chart with the report among the models of the board; "" where it has neither.

    Args:
        store: the board's store.
        report: the visitor's report.
        predictions: the file that it was scored from, if it is at hand.
    """
    trial = try_report(store, report, predictions=predictions)
    left, right = _maps(store, trial), _chart(trial)
    if not left and not right:
        return ""
    return (
        f'<section class="oa-home" id="own" aria-label="{esc(trial.name)} among the models of the '
        f'board"><div>{left}</div><div>{right}</div></section>'
    )


def _maps(store: Store, trial: Trial) -> str:
    if trial.maps is None:
        return notice("Without single answers the report cannot be placed on a map.")
    rows = {
        mark.name
        for picture in trial.maps.maps
        for mark in picture.marks
        if mark.kind == "model" and mark.name != TRIAL
    }
    models = {
        row_id: Link(name, row_address(row_id)) for row_id, name in names_of(store, rows).items()
    }
    models[TRIAL] = Link(trial.name, "", mine=True)
    why = "".join(
        f'<p class="oa-sub">Not on the {esc(TITLES[name].lower())}: {esc(reason)}.</p>'
        for name, reason in trial.why_not.items()
        if name in TITLES
    )
    return tabs("own-map", map_panels(trial.maps, models), label="Maps") + why


def _chart(trial: Trial) -> str:
    chart = trial.chart
    if chart is None or not chart.bars:
        return notice("Without scores by question and country there is no chart.")
    if len(chart.bars) > 1:
        place = next(bar for bar in chart.bars if bar.row_id == TRIAL)
        place_text = (
            f"On the {chart.questions} questions and {chart.countries} countries that all of them "
            f"answered, <b>{esc(trial.name)}</b> is {place.rank} of {place.ranked} "
            f"({esc(chart.condition.lower())})."
        )
    else:
        place_text = (
            "No model of the board was asked in the same way on these questions and countries: "
            f"<b>{esc(trial.name)}</b> stands beside the baselines alone."
        )
    return f"<h2>Among the models of the board</h2><p>{place_text}</p>{chart_figure(chart)}"
