"""Everything known about one row as HTML, its single answers left to `answers`."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.report import CountryEntry, Interval, Report, Score
from contracts.specs import score_spec, score_title
from space.board.conditions import read_conditions, read_form_ranks
from space.board.labels import category_name, country_name, group_title, question_title
from space.board.rows import row_kind
from space.board.store import Store
from space.render.protocols import protocols_html
from space.render.table import plain_table
from space.render.text import (
    DASH,
    badge,
    definition_list,
    esc,
    interval,
    link,
    notice,
    number,
    score,
)
from space.render.world import world_map

#: How many countries or questions a list of best or worst shows.
SHOWN = 8
#: How many countries the sentence at the top names on either side.
NAMED = 3
#: Scores in sight; the others are folded.
SCORES_SHOWN = 4
#: Rows of the longest table of a page.
LONGEST = 100

VERDICTS = {
    "over": '<span class="oa-over">over</span>',
    "under": '<span class="oa-under">under</span>',
    "within": "within",
}


def model_html(store: Store, row_id: str, *, links: bool = True) -> str:
    """The whole page without its single answers.

    Args:
        store: the store.
        row_id: id of the row.
        links: whether to link to other pages of the app.

    Raises:
        ContractError: the store has no such row.
    """
    report = store.report(row_id)
    return head_html(report, row_id) + tables_html(report, links=links)


def head_html(report: Report, row_id: str) -> str:
    """What was scored, the scores, and the map."""
    return _heading(report, row_id) + _scores(report) + _map(report)


def tables_html(report: Report, *, links: bool) -> str:
    """Countries, categories, regions, groups, questions, protocols, warnings."""
    return "".join(
        (
            _countries(report, links=links),
            _groups(report, "category", "By category"),
            _groups(report, "continent", "By region"),
            _groups(report, "group", "By group"),
            _questions(report, links=links),
            protocols_html(report),
            _warnings(report),
        )
    )


def cell_score(cell: Interval, *, coverage: float | None = None, decimals: int = 3) -> str:
    """A score of a report as HTML."""
    return score(
        {"estimate": cell.estimate, "low": cell.low, "high": cell.high, "coverage": coverage},
        decimals=decimals,
    )


def _heading(report: Report, row_id: str) -> str:
    meta, settings, release = report.predictions.meta, report.settings, report.release
    kind = row_kind(report)
    label = "" if kind == "model" else " " + badge(kind)
    synthetic = notice(
        "Scored on a <b>synthetic</b> release: the people are made up, the numbers mean nothing.",
        kind="warn",
    )
    coverage = report.coverage
    share = DASH if coverage.share is None else f"{coverage.share:.1%}"
    facts = [
        ("Model", esc(meta.model)),
        ("Method", esc(meta.method)),
        ("Steering", esc(meta.steering)),
        ("Language", esc(meta.language)),
        ("Wave", str(settings.wave)),
        ("Family", esc(meta.family or "unknown")),
        ("Parameters", f"{meta.parameters / 1e9:.3g} billion" if meta.parameters else "unknown"),
        ("Questions", f"{esc(settings.questions)} ({len(report.questions)})"),
        ("Coverage", f"{share}: {coverage.scored:,} of {coverage.expected:,}"),
        (
            "Not usable",
            f"{coverage.missing:,} missing, {coverage.invalid:,} invalid, "
            f"{coverage.refused:,} refused",
        ),
        (
            "Scoring",
            f"{esc(settings.mode)}, weights {esc(settings.weights)}, "
            f"{esc(settings.split)} people, seed {settings.seed}",
        ),
        ("Release", esc(f"{release.name} {release.version}")),
        ("Scorer", esc(report.scorer_version)),
        ("Trained on WVS", "yes" if meta.trained_on_wvs else "no"),
        ("Predictions", f"<code>{esc(report.predictions.digest[:12])}</code>"),
        ("Row", f"<code>{esc(row_id)}</code>"),
    ]
    return (
        f"<h1>{esc(meta.name or report.predictions.name)}{label}</h1>"
        f"{synthetic if release.synthetic else ''}"
        f"{_sentence(report)}"
        f"{f'<p>{esc(meta.notes)}</p>' if meta.notes else ''}"
        f'<details class="oa-fold"><summary>What was scored</summary>{definition_list(facts)}'
        "</details>"
    )


def _sentence(report: Report) -> str:
    """Which countries the row is closest to and farthest from, in words."""
    scored = [one for one in report.countries if one.alignment.estimate is not None]
    if len(scored) < 2 * NAMED:
        return ""
    scored.sort(key=lambda one: (-(one.alignment.estimate or 0), one.country))
    near, far = (
        [country_name(one.country) for one in some[:NAMED]] for some in (scored, scored[::-1])
    )
    name = report.predictions.meta.name or report.predictions.name
    return (
        f'<p class="oa-lead"><b>{esc(name)}</b> is closest to {esc(_listed(near))}, farthest from '
        f"{esc(_listed(far))}.</p>"
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def form_ranks_html(store: Store, row_id: str) -> str:
    """In how many forms the row's rank holds, and its place in each."""
    found = read_form_ranks(store, row_id)
    if not found:
        return ""
    holds = 1 + sum(one.holds for one in found)
    table = plain_table(
        ("Form", "Place there", "Place here", "Models in both", "Holds"),
        [
            (
                link("model", one.label, row=one.row_id),
                str(one.rank),
                str(one.here),
                str(one.models),
                "yes" if one.holds else "no",
            )
            for one in found
        ],
        label="Rank in other forms",
        numeric=(1, 2, 3),
        tips={2: "Place of this row among the models that are ranked in both forms."},
    )
    return (
        "<h2>Rank in other forms</h2>"
        f"<p>The rank <b>holds in {holds} of {1 + len(found)} forms</b>, this one included: other "
        f"steering, languages, methods and prompts, among the models ranked in both.</p>{table}"
    )


def conditions_html(store: Store, row_id: str) -> str:
    """The same model under other conditions: paired differences from no steering."""
    found = read_conditions(store, row_id)
    if not found:
        return ""
    first = found[0]
    places = f"{first.countries} countries and " if first.countries else ""
    table = plain_table(
        ("Condition", "Alignment", "Less unsteered"),
        [
            (
                esc(one.label)
                if one.row_id == row_id
                else link("model", one.label, row=one.row_id),
                number(one.alignment),
                DASH
                if one.difference is None
                else score({"estimate": one.difference, "low": one.low, "high": one.high}),
            )
            for one in found
        ],
        label="The same model under other conditions",
        numeric=(1, 2),
        tips={2: "Paired over the cells that all conditions have; interval of drawn questions."},
    )
    return (
        "<h2>The same model under other conditions</h2>"
        f"<p>Over the {places}{first.questions} questions that all of them answered.</p>{table}"
    )


def _scores(report: Report) -> str:
    first = _score_table(report.scores[:SCORES_SHOWN])
    rest = report.scores[SCORES_SHOWN:]
    folded = (
        f'<details class="oa-fold"><summary>{len(rest)} more scores</summary>'
        f"{_score_table(rest)}</details>"
        if rest
        else ""
    )
    return f"<h2>Scores</h2>{first}{folded}"


def _score_table(scores: Sequence[Score]) -> str:
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


def _map(report: Report) -> str:
    scored = {
        one.country: one.alignment.estimate
        for one in report.countries
        if one.alignment.estimate is not None
    }
    if not scored:
        return ""
    tips = {one.country: _tip(one) for one in report.countries}
    shown = world_map(scored, tips=tips, label="Alignment by country; the table below says it too")
    return f"<h2>Where it is close</h2>{shown}"


def _tip(one: CountryEntry) -> str:
    span = interval(one.alignment.low, one.alignment.high)
    return f"{country_name(one.country)}: {number(one.alignment.estimate)}" + (
        f" ({span})" if span else ""
    )


def _countries(report: Report, *, links: bool) -> str:
    scored = [one for one in report.countries if one.alignment.estimate is not None]
    if not scored:
        return ""
    ordered = sorted(scored, key=lambda one: (-(one.alignment.estimate or 0), one.country))
    table = plain_table(
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
    best = ", ".join(esc(country_name(one.country)) for one in ordered[:SHOWN])
    worst = ", ".join(esc(country_name(one.country)) for one in ordered[::-1][:SHOWN])
    return f"<h2>Countries</h2><p><b>Closest:</b> {best}.<br><b>Furthest:</b> {worst}.</p>{table}"


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
    found = [one for one in report.groups if one.kind == kind]
    if not found:
        return ""
    name_of = {"category": category_name, "group": group_title}.get(kind, str)
    table = plain_table(
        (kind.capitalize(), "Alignment", "Questions", "Countries"),
        [
            (
                esc(name_of(one.name)),
                cell_score(one.alignment, coverage=one.coverage),
                str(one.questions),
                str(one.countries) if one.countries else DASH,
            )
            for one in found[:LONGEST]
        ],
        label=title,
        numeric=(1, 2, 3),
    )
    return f"<h2>{title}</h2>{table}"


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
    return f'<h2>Questions</h2><div class="oa-columns">{"".join(parts)}</div>'


def _warnings(report: Report) -> str:
    if not report.warnings:
        return "<h2>Warnings</h2><p>None.</p>"
    items = "".join(
        f"<li>{esc(one.message)}{f' ({one.count} times)' if one.count > 1 else ''}</li>"
        for one in report.warnings
    )
    return f"<h2>Warnings</h2><ul>{items}</ul>"
