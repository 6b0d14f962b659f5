"""Advice reports in full: correlations, leans, pairs of approaches, and the plots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.report import Interval
from contracts.report_tables.advice import (
    AdviceCorrelation,
    AdviceTables,
    ApproachPair,
    GivenLean,
    Lean,
    ResourceLevel,
)
from contracts.specs.advice_scores import APPROACHES, DIMENSIONS
from scoring.presentation.html.advice_plots import advice_plots_html
from space.render.table import plain_table
from space.render.text import DASH, esc, link, notice, number, score

Rows = Sequence[Mapping[str, Any]]

#: What the page says above all of its tables.
LEAD = (
    "A model is asked for advice on everyday dilemmas, by people of 36 countries. Does its advice "
    "follow the country of who asks, as Hofstede's scores describe it? An aligned correlation "
    "above 0 says yes, near 0 that everybody gets the same advice. Neither is right or wrong: a "
    "country's score is no one's opinion, and following it can be stereotyping."
)

_LEVELS = {"high": "much text on the internet", "mid": "some", "low": "little"}


def dimension_name(name: str) -> str:
    """A dimension in words."""
    dimension_text = DIMENSIONS.get(name, (name.replace("_", " "),))[0]
    return dimension_text[:1].upper() + dimension_text[1:]


def advice_detail_html(tables: AdviceTables) -> str:
    """Everything that a report's advice tables hold."""
    return (
        _correlations(tables.correlations or ())
        + _plots(tables)
        + _levels(tables.resource_levels or ())
        + _leans(tables.lean or ())
        + _given(tables.given_lean or ())
        + _pairs(tables.paired or ())
    )


def _approach(name: str) -> str:
    return esc(APPROACHES.get(name, name))


def _cell(cell: Interval) -> Mapping[str, Any]:
    return cell.model_dump()


def _count(number: int | None) -> str:
    return DASH if number is None else str(number)


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}"


def _p(p_value: float | None) -> str:
    """A p-value: never a zero."""
    return "&lt;0.001" if p_value is not None and p_value < 0.001 else number(p_value)


def _correlations(rows: Sequence[AdviceCorrelation]) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Advice", "Dimension", "Aligned r", "p", "p (BH)", "AUROC", "Accuracy", "Floor",
         "High side", "Inconclusive"),
        [
            (
                _approach(row.approach),
                esc(dimension_name(row.dimension)),
                _aligned(row),
                _p(row.p_value),
                _p(row.p_adjusted),
                number(row.auroc),
                number(row.accuracy),
                number(row.majority_floor),
                _share(row.high),
                _share(row.inconclusive),
            )
            for row in rows
        ],
        label="Advice by approach and dimension",
        numeric=range(2, 10),
        tips={
            2: "Correlation over countries of Hofstede's score and the share of advice on the "
            "counted side; above 0 advice follows the countries.",
            4: "Adjusted for all rows of the table by Benjamini and Hochberg.",
            5: "Chance that a country with a score above 50 has the larger share.",
            6: "Countries told apart by a threshold that was fitted without them.",
            7: "Accuracy of always naming the more frequent side.",
        },
    )  # fmt: skip
    return f"<h2>Advice: correlation with Hofstede's scores over countries</h2>{table}"


def _aligned(row: AdviceCorrelation) -> str:
    if row.aligned.estimate is None and row.reason:
        return f'<span class="oa-none">{DASH} <small>{esc(row.reason)}</small></span>'
    return score(_cell(row.aligned))


def _plots(tables: AdviceTables) -> str:
    plots = advice_plots_html(tables)
    return f"<h2>Countries' scores and the advice given</h2>{plots}" if plots else ""


def _levels(rows: Sequence[ResourceLevel]) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Advice", "Dimension", "Text in the language", "Aligned r", "Countries"),
        [
            (
                _approach(row.approach),
                esc(dimension_name(row.dimension)),
                esc(_LEVELS.get(row.level, row.level)),
                score(_cell(row.aligned)),
                _count(row.countries),
            )
            for row in rows
        ],
        label="Advice by resource level",
        numeric=(3, 4),
    )
    return (
        "<h2>By resource level of the language</h2><p>Groups of about twelve countries: the "
        f"intervals are wide.</p><details><summary>Show the table</summary>{table}</details>"
    )


def _leans(rows: Sequence[Lean]) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Advice", "Dimension", "High side", "Share of it", "Dilemmas"),
        [
            (
                _approach(row.approach),
                esc(dimension_name(row.dimension)),
                esc(DIMENSIONS.get(row.dimension, ("", ""))[1]),
                score(_cell(row.high)),
                _count(row.dilemmas),
            )
            for row in rows
        ],
        label="The model's lean",
        numeric=(3, 4),
    )
    return (
        "<h2>The model's own lean</h2><p>Share of the high side in the advice that took a side, "
        f"whoever asked; 0.5 is no lean. The interval resamples dilemmas.</p>{table}"
    )


def _given(rows: Sequence[GivenLean]) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Advice", "Partial r", "Lean taken from", "Countries"),
        [
            (
                _approach(row.approach),
                score(_cell(row.partial)),
                _approach(row.lean_from),
                _count(row.countries),
            )
            for row in rows
        ],
        label="Correlation given the lean",
        numeric=(1, 3),
    )
    return (
        "<h2>Correlation given the lean</h2><p>Over countries and dimensions together, with what "
        f"the model's own lean explains taken away.</p>{table}"
    )


def _pairs(rows: Sequence[ApproachPair]) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("First", "Second", "First less second", "p", "p (BH)", "Countries"),
        [
            (
                _approach(row.first),
                _approach(row.second),
                score(_cell(row.difference)),
                _p(row.p_value),
                _p(row.p_adjusted),
                _count(row.countries),
            )
            for row in rows
        ],
        label="Approaches compared",
        numeric=(2, 3, 4, 5),
    )
    return (
        "<h2>Approaches compared</h2><p>Difference of the mean aligned correlations over the same "
        f"countries; the test exchanges the approaches country by country.</p>{table}"
    )


def advice_rows_html(rows: Iterable[Mapping[str, Any]], *, links: bool = True) -> str:
    """The board's rows of advice: how far advice follows the asker, and the leans.

    Args:
        rows: row_id, name, approach, and `scores` by name (see
            `space.board.figures.advice.advice_rows`).
        links: whether names lead to the page of the row.
    """
    listed = list(rows)
    if not listed:
        return notice(
            "No row of this board holds advice yet. Ask a model with <code>opinion-atlas elicit "
            "MODEL --protocol advice</code>."
        )
    follows = [row for row in listed if row["approach"] != "none"]
    leans = [row for row in listed if row["approach"] == "none"]
    return (_follows_table(follows, links=links) if follows else "") + (
        _lean_table(leans, links=links) if leans else ""
    )


def _name(row: Mapping[str, Any], *, links: bool) -> str:
    name = row["name"]
    return link("advice", name, row=row["row_id"]) if links else esc(name)


def _follows_table(rows: Rows, *, links: bool) -> str:
    names = [dimension_name(one) for one in HOFSTEDE_DIMENSIONS]
    table = plain_table(
        ("Model", "Advice", "Mean aligned r", "Given the lean", *names, "Dilemmas"),
        [
            (
                _name(row, links=links),
                _approach(row["approach"]),
                score(row["scores"].get("mean", {})),
                score(row["scores"].get("given_lean", {})),
                *(score(row["scores"].get(one, {})) for one in HOFSTEDE_DIMENSIONS),
                esc(row["question_set"]),
            )
            for row in rows
        ],
        label="How far advice follows the asker's country",
        numeric=range(2, 4 + len(names)),
        tips={
            2: "Correlation over countries, mean over the dimensions.",
            3: "Partial correlation, the model's own lean taken away.",
        },
    )
    return f"<h2>Does advice follow who asks?</h2>{table}"


def _lean_table(rows: Rows, *, links: bool) -> str:
    names = [dimension_name(one) for one in HOFSTEDE_DIMENSIONS]
    table = plain_table(
        ("Model", *names, "Dilemmas"),
        [
            (
                _name(row, links=links),
                *(score(row["scores"].get(one, {})) for one in HOFSTEDE_DIMENSIONS),
                esc(row["question_set"]),
            )
            for row in rows
        ],
        label="Lean of advice to nobody in particular",
        numeric=range(1, 1 + len(names)),
    )
    return (
        "<h2>Which way does a model lean by itself?</h2><p>Share of the high side in advice to "
        f"nobody in particular; 0.5 is no lean.</p>{table}"
    )
