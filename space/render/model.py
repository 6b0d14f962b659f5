"""One row as figures: a sentence, four scores, maps, countries, topics, questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from contracts.report import CountryEntry, GroupEntry, Report
from contracts.specs import score_spec, score_title
from scoring.maps.model import MapFile
from space.board.figures.conditions import read_conditions, read_form_ranks, read_form_scores
from space.board.figures.maps import row_maps
from space.board.labels import (
    category_name,
    country_in_text,
    country_name,
    group_title,
    question_title,
)
from space.board.rows import row_kind
from space.board.store import Store
from space.render.figures.dots import Dot, dot_chart, legend
from space.render.figures.maps import map_panels
from space.render.figures.plane import Link
from space.render.figures.tabs import tabs
from space.render.figures.world import world_map
from space.render.form_curve import form_curve_svg
from space.render.model_tables import cell_score, tables_html
from space.render.quoted import quoted_html
from space.render.structure import structure_head_html
from space.render.table import NOT_STATED, plain_table
from space.render.text import (
    DASH,
    badge,
    definition_list,
    esc,
    fold,
    href,
    interval,
    link,
    listed,
    notice,
    number,
)

#: How many countries the sentence at the top names on either side.
NAMED = 3
#: Scores in sight; the others are folded.
SCORES_SHOWN = 4
#: Questions shown on either side.
QUESTIONS_SHOWN = 6
#: Regions and groups of people that are drawn.
MOST_GROUPS = 30

#: Verdicts of a country: what they are called in the legend.
LOOKS = {
    "over": "closer than the average human",
    "under": "farther than the average human",
    "within": "no difference that could be told",
}


class Around(NamedTuple):
    """What the board knows of a row beyond its report.

    Attributes:
        maps: maps with the row's own marks; None where there are none.
        standing: its rank in words, as HTML; "" for none.
        conditions: the figure of its model's conditions, as HTML.
        on_board: whether it is a row of the board, with a page of its own.
    """

    maps: MapFile | None = None
    standing: str = ""
    conditions: str = ""
    on_board: bool = False


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
    around = read_around(store, row_id)
    return head_html(report, row_id, around=around) + tables_html(report, links=links)


def read_around(store: Store, row_id: str) -> Around:
    """Maps, rank and conditions of a row of the board."""
    return Around(
        row_maps(store, row_id),
        _standing(store, row_id),
        conditions_html(store, row_id) + form_ranks_html(store, row_id),
        on_board=True,
    )


def head_html(report: Report, row_id: str, *, around: Around | None = None) -> str:
    """The page from its sentence to its questions."""
    around = around or Around()
    return (
        _heading(report, around.standing)
        + f'<section class="oa-home"><div>{_maps(report, row_id, around)}</div>'
        f"<div>{_tiles(report)}{around.conditions}</div></section>"
        + _structure(report)
        + _countries(report)
        + _topics(report)
        + _questions(report, row_id if around.on_board else "")
        + _facts(report, row_id)
        + quoted_html(report, row_id)
    )


def _structure(report: Report) -> str:
    """The figure of structure of a row of synthetic respondents."""
    for one in report.protocols:
        if one.protocol == "persons" and one.applies:
            return structure_head_html(one.tables)
    return ""


def _standing(store: Store, row_id: str) -> str:
    """The rank of a row, and among whom."""
    with store.connect() as db:
        row = db.execute(
            "SELECT r.*, g.title, g.countries AS places, g.questions AS asked, "
            "g.size AS members FROM rows r LEFT JOIN groups g ON g.number = r.group_number "
            "WHERE r.row_id = ?",
            (row_id,),
        ).fetchone()
    if row is None or row["kind"] != "model":
        return ""
    if row["rank"] is None or row["ranked"] < 2:
        if not row["title"]:
            return ""
        return (
            "Not ranked: no other model was asked in the same way "
            f'<span class="oa-sub">{esc(row["title"].replace("_", " "))}</span>'
            if row["members"] == 1
            else ""
        )
    low, high = row["rank_low"], row["rank_high"]
    apart = (
        f"; ranks {low} to {high} cannot be told apart" if low != high else "; the rank is certain"
    )
    return (
        f"Rank <b>{row['rank']} of {row['ranked']}</b>{apart} "
        f'<span class="oa-sub">among {esc(row["title"].replace("_", " "))}</span>'
    )


def _heading(report: Report, standing: str) -> str:
    meta = report.predictions.meta
    kind = row_kind(report)
    label = "" if kind == "model" else " " + badge(kind)
    synthetic = notice(
        "Scored on a <b>synthetic</b> release: the people are made up, the numbers mean nothing.",
        kind="warn",
    )
    return (
        f"<h1>{esc(meta.name or report.predictions.name)}{label}</h1>"
        f"{synthetic if report.release.synthetic else ''}"
        f"{_sentence(report)}"
        f"{f'<p>{standing}</p>' if standing else ''}"
    )


def _facts(report: Report, row_id: str) -> str:
    """What was scored, folded, and what its submitter says of it."""
    meta, settings, release = report.predictions.meta, report.settings, report.release
    coverage = report.coverage
    share = DASH if coverage.share is None else f"{coverage.share:.1%}"
    facts = [
        ("Model", esc(NOT_STATED if meta.model == "unknown" else meta.model)),
        ("Method", esc(meta.method)),
        ("Steering", esc(meta.steering)),
        ("Language", esc(meta.language)),
        ("Wave", str(settings.wave)),
        ("Family", esc(meta.family or NOT_STATED)),
        ("Parameters", f"{meta.parameters / 1e9:.3g} billion" if meta.parameters else NOT_STATED),
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
    notes = f"<p>{esc(meta.notes)}</p>" if meta.notes else ""
    return notes + fold("What was scored", definition_list(facts))


def _sentence(report: Report) -> str:
    """Which countries the row is closest to and farthest from, in words."""
    scored = [one for one in report.countries if one.alignment.estimate is not None]
    if len(scored) < 2 * NAMED:
        return ""
    scored.sort(key=lambda one: (-(one.alignment.estimate or 0), one.country))
    near, far = (
        [country_in_text(one.country) for one in some[:NAMED]] for some in (scored, scored[::-1])
    )
    name = report.predictions.meta.name or report.predictions.name
    headline = report.score("alignment")
    about = ""
    if headline is not None and headline.value.estimate is not None:
        span = interval(headline.value.low, headline.value.high)
        about = (
            f" Its alignment with people is <b>{number(headline.value.estimate)}</b>"
            f"{f' (95 % interval {span})' if span else ''}; 1 is the same answers."
        )
    return (
        f'<p class="oa-lead"><b>{esc(name)}</b> is closest to {esc(listed(near))}, farthest from '
        f"{esc(listed(far))}.{about}</p>"
    )


def form_ranks_html(store: Store, row_id: str) -> str:
    """In how many forms the row's rank holds, its score in each as a figure, and its place."""
    form_ranks = read_form_ranks(store, row_id)
    if not form_ranks:
        return ""
    holds = 1 + sum(one.holds for one in form_ranks)
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
            for one in form_ranks
        ],
        label="Rank in other forms",
        numeric=(1, 2, 3),
        tips={2: "Place of this row among the models that are ranked in both forms."},
    )
    return (
        "<h2>Rank in other forms</h2>"
        f"<p>The rank <b>holds in {holds} of {1 + len(form_ranks)} forms</b>, "
        "this one included: other steering, languages, methods and prompts, among the models "
        "ranked in both. A rank that holds in few of them says more about the form than about "
        "the model.</p>"
        f"{form_curve_svg(read_form_scores(store, row_id))}{table}"
    )


def conditions_html(store: Store, row_id: str) -> str:
    """The same model under other conditions: paired differences from no steering."""
    condition_rows = read_conditions(store, row_id)
    if not condition_rows:
        return ""
    first = condition_rows[0]
    places = f"{first.countries} countries and " if first.countries else ""

    def name(row: str, label: str) -> str:
        if row == row_id:
            return f"<b>{esc(label)}</b>"
        return link("model", label, row=row)

    dots = [
        Dot(
            f"{name(one.row_id, one.label)} "
            f'<span class="oa-sub">alignment {number(one.alignment)}</span>',
            one.difference,
            one.low,
            one.high,
            key=one.row_id,
        )
        for one in condition_rows
    ]
    chart = dot_chart(dots, label="The same model under other conditions", lines=(0.0,))
    return (
        "<h2>The same model under other conditions</h2>"
        f'<p class="oa-sub">Difference from no steering in English, paired over the {places}'
        f"{first.questions} questions that all of them answered; an interval that leaves out 0 "
        f"is a real difference.</p>{chart}"
    )


def _tiles(report: Report) -> str:
    """The first scores, each with what it means."""
    tiles = []
    for one in report.scores[:SCORES_SHOWN]:
        spec = score_spec(one.name)
        decimals = spec.decimals if spec else 3
        tiles.append(
            f'<div class="oa-tile"><span class="oa-tile-name">{esc(score_title(one.name))}</span>'
            f"{cell_score(one.value, coverage=one.coverage, decimals=decimals)}"
            f'<span class="oa-sub">{esc(spec.reading if spec else "")}</span></div>'
        )
    return f'<div class="oa-tiles">{"".join(tiles)}</div>' if tiles else ""


def _maps(report: Report, row_id: str, around: Around) -> str:
    """The world by alignment, and the model on the maps of opinion."""
    scored = {
        one.country: one.alignment.estimate
        for one in report.countries
        if one.alignment.estimate is not None
    }
    panels = []
    if scored:
        tips = {one.country: _tip(one) for one in report.countries}
        drawn = world_map(
            scored,
            tips=tips,
            label="Alignment by country; the chart below shows it too",
            page="country",
        )
        panels.append(("World", f'<figure class="oa-plane">{drawn}</figure>'))
    if around.maps is not None:
        meta = report.predictions.meta
        mine = {row_id: Link(meta.name or report.predictions.name, "")}
        panels += map_panels(around.maps, mine)
    return tabs(f"map-{row_id}", panels, label="Maps") if panels else ""


def _countries(report: Report) -> str:
    """Countries as dots with intervals, each beside the average human."""
    scored = [one for one in report.countries if one.alignment.estimate is not None]
    if not scored:
        return ""
    ordered = sorted(scored, key=lambda one: (-(one.alignment.estimate or 0), one.country))
    dots = [
        Dot(
            link("country", country_name(one.country), country=one.country),
            one.alignment.estimate,
            one.alignment.low,
            one.alignment.high,
            other=one.average_human,
            look=one.verdict if one.verdict in LOOKS else "",
            key=one.country,
        )
        for one in ordered
    ]
    verdicts = [one.verdict for one in ordered if one.verdict in LOOKS]
    shown = [(f"oa-dot-{look}", text) for look, text in LOOKS.items() if look in verdicts]
    if any(one.average_human is not None for one in ordered):
        shown.append(("oa-hollow", "the average human: people of all other countries"))
    chart = dot_chart(dots, label="Alignment by country, closest first", dense=True)
    return f"<h2>Countries</h2>{_verdicts(ordered)}{legend(shown)}{chart}"


def _verdicts(countries: Sequence[CountryEntry]) -> str:
    """How often the model is closer or farther than the average human, in words."""
    known = [one for one in countries if one.verdict in LOOKS]
    if not known:
        return ""
    over = [country_in_text(one.country) for one in known if one.verdict == "over"]
    under = [one for one in known if one.verdict == "under"]
    names = f" ({esc(listed(over[:NAMED]))}{' and others' if len(over) > NAMED else ''})"
    return (
        f"<p>Of {len(known)} countries, it answers closer than the average human in "
        f"<b>{len(over)}</b>{names if over else ''}, farther in <b>{len(under)}</b>; in "
        f"{len(known) - len(over) - len(under)} the interval of the difference holds 0.</p>"
    )


def _tip(one: CountryEntry) -> str:
    span = interval(one.alignment.low, one.alignment.high)
    return f"{country_name(one.country)}: {number(one.alignment.estimate)}" + (
        f" ({span})" if span else ""
    )


def _topics(report: Report) -> str:
    """Topics, regions and groups of people as dots."""
    parts = []
    for kind, title in (("category", "Topics"), ("continent", "Regions"), ("group", "Groups")):
        scored_groups = [
            one for one in report.groups if one.kind == kind and one.alignment.estimate is not None
        ]
        if scored_groups:
            scored_groups = sorted(
                scored_groups, key=lambda one: (-(one.alignment.estimate or 0), one.name)
            )
            chart = dot_chart(list(map(_group_dot, scored_groups[:MOST_GROUPS])), label=title)
            parts.append(f"<div><h2>{title}</h2>{chart}</div>")
    return f'<div class="oa-columns">{"".join(parts)}</div>' if parts else ""


def _group_dot(one: GroupEntry) -> Dot:
    name_of = {"category": category_name, "group": group_title}.get(one.kind, str)
    questions = f"{one.questions} question{'' if one.questions == 1 else 's'}"
    return Dot(
        f'{esc(name_of(one.name))} <span class="oa-sub">{questions}</span>',
        one.alignment.estimate,
        one.alignment.low,
        one.alignment.high,
    )


def _questions(report: Report, row_id: str) -> str:
    """The questions that it answers most and least as people do; each leads to its answers."""
    scored = [one for one in report.questions if one.alignment.estimate is not None]
    if not scored:
        return ""
    ordered = sorted(scored, key=lambda one: (-(one.alignment.estimate or 0), one.question_id))
    if len(ordered) <= 2 * QUESTIONS_SHOWN:
        sides = [("Questions, closest first", ordered)]
    else:
        sides = [
            ("Questions answered most as people do", ordered[:QUESTIONS_SHOWN]),
            ("Questions answered least as people do", ordered[::-1][:QUESTIONS_SHOWN]),
        ]
    parts = []
    for title, chosen in sides:
        dots = [
            Dot(
                f'<a href="{esc(_answer_address(row_id, one.question_id))}">'
                f"{esc(question_title(one.question_id))}</a>",
                one.alignment.estimate,
                one.alignment.low,
                one.alignment.high,
                key=one.question_id,
            )
            for one in chosen
        ]
        parts.append(f"<div><h2>{title}</h2>{dot_chart(dots, label=title)}</div>")
    return f'<div class="oa-columns oa-wide-names">{"".join(parts)}</div>'


def _answer_address(row_id: str, question_id: str) -> str:
    if not row_id:
        return href("question", question=question_id)
    return href("model", row=row_id, question=question_id) + "#model-answer"
