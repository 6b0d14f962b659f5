"""Everything known about one row as tables: what its figures show, in numbers."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.report import CountryEntry, Interval, Report, Score
from contracts.specs import score_spec, score_title
from space.board.labels import category_name, country_name, group_title, question_title
from space.render.protocols import protocols_html
from space.render.table import plain_table
from space.render.text import DASH, esc, fold, interval, link, number, score

#: How many questions a list of best or worst shows.
SHOWN = 8
#: Rows of the longest table of a page.
LONGEST = 100

VERDICTS = {
    "over": '<span class="oa-over">over</span>',
    "under": '<span class="oa-under">under</span>',
    "within": "within",
}


def tables_html(report: Report, *, links: bool) -> str:
    """All scores, countries, categories, regions, groups, protocols, warnings, each folded."""
    scores = score_table(report.scores)
    return "<h2>In numbers</h2>" + "".join(
        fold(title, table)
        for title, table in (
            (f"All {len(report.scores)} scores", scores if report.scores else ""),
            ("Countries", _countries(report, links=links)),
            ("Topics", _groups(report, "category", "By topic")),
            ("Regions", _groups(report, "continent", "By region")),
            ("Groups of people", _groups(report, "group", "By group")),
            ("Questions, closest and farthest", _questions(report, links=links)),
            ("Protocols", protocols_html(report)),
            (f"Warnings ({len(report.warnings) or 'none'})", _warnings(report)),
        )
        if table
    )


def cell_score(cell: Interval, *, coverage: float | None = None, decimals: int = 3) -> str:
    """A score of a report as HTML."""
    return score(
        {"estimate": cell.estimate, "low": cell.low, "high": cell.high, "coverage": coverage},
        decimals=decimals,
    )


def score_table(scores: Sequence[Score]) -> str:
    """Scores with intervals, coverage and sizes."""
    return plain_table(
        ("Score", "Estimate", "Questions fixed", "Coverage", "Penalised", "Questions", "Countries"),
        [_score_row(one) for one in scores],
        label="Scores",
        numeric=(1, 2, 3, 4, 5, 6),
        tips={
            2: "Interval when only other people might have been asked, not other questions.",
            4: "With what is not covered counted as a uniform answer.",
        },
    )


def _score_row(one: Score) -> Sequence[str]:
    fixed = one.fixed_questions
    spec = score_spec(one.name)
    title, tip = score_title(one.name), spec.reading if spec else ""
    return (
        f'<span title="{esc(tip)}">{esc(title)}</span>',
        cell_score(one.value, coverage=one.coverage),
        interval(fixed.low, fixed.high) if fixed else DASH,
        DASH if one.coverage is None else f"{one.coverage:.1%}",
        number(one.penalised),
        DASH if one.questions is None else str(one.questions),
        DASH if one.countries is None else str(one.countries),
    )


def _countries(report: Report, *, links: bool) -> str:
    scored = [one for one in report.countries if one.alignment.estimate is not None]
    if not scored:
        return ""
    ordered = sorted(scored, key=lambda one: (-(one.alignment.estimate or 0), one.country))
    return plain_table(
        (
            "Country",
            "Alignment",
            "Rank",
            "Worth N people",
            "Average human",
            "Difference",
            "Verdict",
            "Judgments r",
            "Questions",
            "Coverage",
        ),
        [_country_row(one, links=links) for one in ordered[:LONGEST]],
        label="Countries from best to worst",
        numeric=(1, 2, 3, 4, 5, 7, 8, 9),
        tips={
            3: "How many randomly drawn residents would be expected to come as close.",
            4: "Alignment of the average of the other countries' people with this country.",
            5: "The model's alignment less the average human's.",
            6: "over: closer than the average human, and the interval of the difference leaves "
            "out 0; under: further; within: cannot be told.",
        },
    )


def _country_row(one: CountryEntry, *, links: bool) -> Sequence[str]:
    name = country_name(one.country)
    span = ""
    if one.rank is not None:
        span = str(one.rank)
        if one.rank_low is not None and one.rank_high is not None:
            span += f'<span class="oa-interval">{one.rank_low}–{one.rank_high}</span>'
    return (
        link("country", name, country=one.country) if links else esc(name),
        cell_score(one.alignment, coverage=one.coverage),
        span or DASH,
        cell_score(one.worth_people, decimals=1) if one.worth_people else DASH,
        number(one.average_human),
        cell_score(one.difference) if one.difference else DASH,
        VERDICTS.get(one.verdict or "", DASH),
        cell_score(one.judgments) if one.judgments else DASH,
        str(one.questions),
        DASH if one.coverage is None else f"{one.coverage:.0%}",
    )


def _groups(report: Report, kind: str, title: str) -> str:
    kind_groups = [one for one in report.groups if one.kind == kind]
    if not kind_groups:
        return ""
    name_of = {"category": category_name, "group": group_title}.get(kind, str)
    return plain_table(
        (kind.capitalize(), "Alignment", "Questions", "Countries"),
        [
            (
                esc(name_of(one.name)),
                cell_score(one.alignment, coverage=one.coverage),
                str(one.questions),
                str(one.countries) if one.countries else DASH,
            )
            for one in kind_groups[:LONGEST]
        ],
        label=title,
        numeric=(1, 2, 3),
    )


def _questions(report: Report, *, links: bool) -> str:
    scored = [one for one in report.questions if one.alignment.estimate is not None]
    if not scored:
        return ""
    ordered = sorted(scored, key=lambda one: (-(one.alignment.estimate or 0), one.question_id))
    parts = []
    for title, chosen in (("closest", ordered[:SHOWN]), ("furthest", ordered[::-1][:SHOWN])):
        rows = [
            (
                link("question", question_title(one.question_id), question=one.question_id)
                if links
                else esc(question_title(one.question_id)),
                esc(category_name(one.category)),
                cell_score(one.alignment, coverage=one.coverage),
                number(one.floor),
            )
            for one in chosen
        ]
        table = plain_table(
            ("Question", "Category", "Alignment", "Floor"),
            rows,
            label=f"Questions {title}",
            numeric=(2, 3),
            tips={3: "Distance at which a perfect model would still be found: sampling alone."},
        )
        parts.append(f"<div><h3>{len(chosen)} {title}</h3>{table}</div>")
    return f'<div class="oa-columns">{"".join(parts)}</div>'


def _warnings(report: Report) -> str:
    if not report.warnings:
        return "<p>None.</p>"
    items = "".join(
        f"<li>{esc(one.message)}{f' ({one.count} times)' if one.count > 1 else ''}</li>"
        for one in report.warnings
    )
    return f"<ul>{items}</ul>"
