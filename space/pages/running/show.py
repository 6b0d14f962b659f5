"""What the page Run a model shows: the estimate, a run under way, its reports, one's own runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from contracts.report import CountryEntry, Report
from contracts.specs import kind_spec, score_spec
from space.board.labels import country_name
from space.render.model import head_html
from space.render.model_tables import tables_html
from space.render.table import plain_table
from space.render.text import badge, definition_list, esc, link, notice, number, score
from space.runs.place import TRIAL, Neighbour, Place
from space.runs.record import RunRecord
from space.runs.score import PartialScore
from space.runs.service import Quote, View

#: Countries that a list shows unasked.
SHOWN = 10

STATES = {
    "waiting": "waits for its turn",
    "running": "is under way",
    "stopping": "is stopping; calls under way may come back",
    "stopped": "has stopped and can be resumed",
    "finished": "has finished",
}

_STATUSES = {"ok": "answered", "truncated": "cut off", "refused": "refused", "error": "failed"}


def quote_html(quote: Quote, *, most: int) -> str:
    """Calls by condition, tokens, time and cost."""
    estimate = quote.estimate
    facts = [
        ("Calls", f"<b data-calls='{estimate.calls}'>{estimate.calls:,}</b>"),
        ("Prompt tokens, about", f"{estimate.prompt_tokens:,}"),
        ("Reply tokens, about", f"{estimate.completion_tokens:,}"),
        ("Time, about", esc(duration(estimate.seconds or 0))),
        ("Cost, about", esc(_cost(quote))),
        ("Calls left today", f"{quote.calls_left:,}"),
    ]
    table = plain_table(
        ("Condition", "Calls"),
        [(esc(name), f"{calls:,}") for name, calls in quote.conditions.items()],
        label="Calls by condition",
        numeric=(1,),
    )
    warn = ""
    if estimate.calls > min(most, quote.calls_left):
        warn = notice("That is more than may be run here; ask less.", kind="warn")
    summary_html = (
        f"<p>{quote.questions} questions"
        f"{f' for {quote.countries} countries' if quote.countries else ', nobody named'}. "
        "A question that a prompt shows as an example is not asked there. Tokens are a rule of "
        "thumb: a quarter off, at times more. Nothing has been asked yet.</p>"
    )
    return (
        f"<h2>Estimate</h2>{definition_list(facts)}{table}{summary_html}{_offers_html(quote)}{warn}"
    )


def _cost(quote: Quote) -> str:
    """The estimated cost, and by whose prices."""
    if quote.price is not None:
        return f"{quote.estimate.cost:,.2f} US dollars (prices of {quote.price.provider})"
    if quote.choice.price_in or quote.choice.price_out:
        return f"{quote.estimate.cost:,.2f}"
    return "give prices for an estimate"


def _offers_html(quote: Quote) -> str:
    """Who serves the model, at what price; nothing where the catalogue does not say."""
    if not quote.offers:
        return ""
    rows = [
        (
            esc(offer.provider),
            *(
                "" if price is None else f"{price:g}"
                for price in (offer.prompt_price, offer.completion_price)
            ),
            "" if offer.context is None else f"{offer.context:,}",
        )
        for offer in quote.offers
    ]
    table = plain_table(
        ("Provider", "Prompt tokens", "Reply tokens", "Context"),
        rows,
        label="Providers of the model",
        numeric=(1, 2, 3),
    )
    return (
        "<h3>Providers</h3><p>US dollars per million tokens, from the router's catalogue. Where it "
        f"chooses the provider, the dearest counts.</p>{table}"
    )


def view_html(view: View) -> str:
    """A run's heading, bar, counts and what went wrong."""
    record = view.record
    choice = record.choice
    asked = f"{choice.protocol}, {choice.asked_method.replace('_', ' ')}"
    head = (
        f'<h2 id="run-{esc(record.state)}">{esc(choice.model)} {badge(record.state)}</h2>'
        f'<p role="status">{esc(asked)}: the run {esc(STATES.get(record.state, record.state))}'
        f"{_turn(view)}.</p>"
    )
    why = notice(esc(record.why), kind="warn") if record.why else ""
    errors = "".join(f"<li>{esc(error)}</li>" for error in record.errors)
    listed = f"<p>Latest errors:</p><ul>{errors}</ul>" if errors else ""
    return f"{head}{why}{_bar(record)}{definition_list(_facts(record))}{listed}" + partial_html(
        view.partial
    )


def _turn(view: View) -> str:
    if view.place < 0:
        return ""
    return " (it is the next)" if view.place == 0 else f" ({view.place} before it)"


def _bar(record: RunRecord) -> str:
    counts = record.counts
    done, total = counts.done, max(counts.planned, 1)
    label = f"{done:,} of {counts.planned:,} calls"
    bar = f'<progress class="oa-progress" max="{total}" value="{done}" aria-label="{label}">'
    return f'<p>{bar}</progress> <span id="run-done" data-done="{done}">{label}</span></p>'


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    counts = record.counts
    facts = []
    if record.state in ("running", "stopping") and counts.made:
        left = (counts.planned - counts.done) / counts.rate if counts.rate else 0
        facts += [
            ("Rate", f"{counts.rate:.1f} calls a second"),
            ("Time left, about", esc(duration(left))),
        ]
    if counts.statuses:
        status_counts = ", ".join(
            f"{_STATUSES.get(status, status)} {number:,}"
            for status, number in sorted(counts.statuses.items())
        )
        facts.append(("Calls of this start", esc(status_counts)))
    if counts.reused:
        facts.append(("Answers that were there already", f"{counts.reused:,}"))
    if counts.prompt_tokens or counts.completion_tokens:
        tokens = f"{counts.prompt_tokens:,} in, {counts.completion_tokens:,} out"
        facts.append(("Tokens", tokens))
        cost = (
            counts.prompt_tokens * record.choice.price_in
            + counts.completion_tokens * record.choice.price_out
        ) / 1e6
        if cost:
            facts.append(("Spent, about", f"{cost:,.4f}"))
    return facts


def partial_html(scores: Sequence[PartialScore]) -> str:
    """Scores so far, with the countries that come closest."""
    if not scores:
        return ""
    rows = []
    for one in scores:
        score_text = _main_score(one.report)
        best = ranked_countries(one.report)[:3] if one.report else []
        rows.append(
            (
                esc(one.condition),
                f"{one.answered:,} of {one.expected:,}",
                score_text,
                esc(", ".join(country_name(entry.country) for entry in best)),
            )
        )
    table = plain_table(
        ("Condition", "Answers", "Score so far", "Closest countries so far"),
        rows,
        label="Scores so far",
        numeric=(1, 2),
    )
    return f'<h3 id="run-partial">Scores so far</h3>{table}' + notice(
        "Of the questions answered so far, in the order asked: they will move."
    )


def _main_score(report: Report | None) -> str:
    if report is None:
        return "none yet"
    wanted = kind_spec(report.predictions.kind).headline
    every = [*report.scores, *(s for part in report.protocols for s in part.scores)]
    for one in every:
        spec = score_spec(one.name)
        shared = spec.column.key if spec and spec.column and spec.column.beside else ""
        if wanted in (one.name, shared):
            return score({**one.value.model_dump(), "coverage": one.coverage}, partial=True)
    return "none yet"


def ranked_countries(report: Report) -> list[CountryEntry]:
    """Countries with a score, the closest first."""
    scored = [entry for entry in report.countries if entry.alignment.estimate is not None]
    return sorted(scored, key=lambda entry: (-(entry.alignment.estimate or 0), entry.country))


def report_html(
    report: Report, place: Place | None, *, condition: str, row_class: str, own: str = ""
) -> str:
    """A condition's report: its place on the board, ranked countries, and everything else.

    Args:
        report: the report.
        place: where it would stand; None while that is being found.
        condition: what was scored.
        row_class: class that it would be submitted as.
        own: the report among the board's models, as HTML.
    """
    waiting = '<p class="oa-lead" id="run-placing">Looking for its place on the board ...</p>'
    parts = [
        f"<h2>Report: {esc(condition)}</h2>",
        own,
        waiting if place is None else place_html(place, row_class=row_class),
        countries_html(report),
    ]
    whole = head_html(report, condition) + tables_html(report, links=False)
    parts.append(f'<details class="oa-fold"><summary>The whole report</summary>{whole}</details>')
    return "".join(parts)


def countries_html(report: Report) -> str:
    """Countries by how close the model is to them."""
    ranked = ranked_countries(report)
    if not ranked:
        return notice("The report scores no single countries.")
    rows = [
        (
            f"{at}. " + link("country", country_name(entry.country), country=entry.country),
            score({**entry.alignment.model_dump(), "questions": entry.questions}),
        )
        for at, entry in enumerate(ranked, start=1)
    ]
    headings = ("Country", "Alignment")
    first = plain_table(headings, rows[:SHOWN], label="Closest countries", numeric=(1,))
    rest = ""
    if len(rows) > SHOWN:
        table = plain_table(headings, rows[SHOWN:], label="Other countries", numeric=(1,))
        rest = (
            f'<details class="oa-fold"><summary>The other {len(rows) - SHOWN}</summary>'
            f"{table}</details>"
        )
    return f'<h3 id="run-ranked">Closest countries</h3>{first}{rest}'


def place_html(place: Place, *, row_class: str) -> str:
    """The place on the board that it would take."""
    if place.text:
        place_text = (
            f"It would take rank <b>{esc(place.text)}</b> among its equals, "
            f"as <b>{esc(row_class)}</b>."
        )
    else:
        place_text = (
            f"It would stand on the board as <b>{esc(row_class)}</b>, without a rank: "
            f"{esc(place.why_not)}."
        )
    if not place.neighbours or place.compared == 0:
        return f'<h3 id="run-place">Place on the board</h3>{notice(place_text)}'
    on = (
        f"on the {place.questions} questions and {place.countries} countries that all of them have"
        if place.questions
        else "by their advice scores"
    )
    table = plain_table(
        ("Row", "Class", "Score"),
        [_neighbour(one) for one in place.neighbours],
        label="Rows near this run",
        numeric=(2,),
    )
    near = f"<p>Rows near it, {on} ({place.compared} rows compared):</p>"
    return f'<h3 id="run-place">Place on the board</h3>{notice(place_text)}{near}{table}'


def _neighbour(one: Neighbour) -> tuple[str, str, str]:
    name = (
        f"<b>{esc(TRIAL)}</b>" if one.row_id == TRIAL else link("model", one.name, row=one.row_id)
    )
    span = ""
    if one.rank is not None:
        low, high = one.rank.low, one.rank.high
        ranks = f"rank {low}" if low == high else f"rank {low} to {high}"
        span = f'<span class="oa-interval">{ranks}</span>'
    return (
        f"{one.rank.rank}. {name}" if one.rank else name,
        badge(one.kind) if one.kind != "model" else esc(one.row_class),
        number(one.estimate) + span,
    )


def runs_html(records: Sequence[RunRecord], *, now: float | None = None) -> str:
    """A visitor's own runs; each links to its page."""
    if not records:
        return "<h2>Your runs</h2><p>None yet.</p>"
    rows = [
        (
            link("run", record.choice.model, id=record.id),
            badge(record.state),
            esc(f"{record.choice.protocol}, {record.choice.asked_method.replace('_', ' ')}"),
            f"{record.counts.done:,} of {record.counts.planned:,}",
            esc(ago((now or time.time()) - record.updated_at)),
        )
        for record in records
    ]
    table = plain_table(
        ("Run", "State", "Asked", "Calls", "Last change"), rows, label="Your runs", numeric=(3,)
    )
    return f"<h2>Your runs</h2>{table}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    whole = max(round(seconds), 0)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def ago(seconds: float) -> str:
    """How long ago, roughly."""
    if seconds < 60:
        return "just now"
    if seconds < 86400:
        return f"{duration(seconds // 60 * 60)} ago".replace(" 0 s", "")
    return f"{int(seconds // 86400)} days ago"


def conditions_of(record: RunRecord) -> Mapping[str, str]:
    """Conditions that were scored, with what to call them in a list."""
    return {
        result.condition: f"{result.condition} ({result.answered:,} answers)"
        for result in record.results
        if result.report
    }
