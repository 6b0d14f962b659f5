"""What people answered, as HTML: a question in one country, beside another country or a model."""

from __future__ import annotations

from collections.abc import Sequence

from codebook.questions import questions
from space.board.columns import MAX_COLUMNS
from space.board.labels import code_label, country_name, question_text
from space.board.survey_answers import Answers, People
from space.render.figures.bars import Series, mean_of, share_bars
from space.render.figures.world import world_map
from space.render.table import plain_table
from space.render.text import DASH, esc, link, notice

#: Longest heading of a column.
SHORT = 22


def people_bars(people: People, *, wave: int, question_id: str, countries: Sequence[str]) -> str:
    """Bars of one question in one or two countries, with counts below."""
    country_answers = [
        (country, people.answers[(wave, country, question_id)])
        for country in countries
        if (wave, country, question_id) in people.answers
    ]
    title = f"<h3>{esc(question_text(question_id))}</h3>"
    if not country_answers:
        names = " and ".join(esc(country_name(country)) for country in countries)
        return title + notice(f"{names}: not asked in wave {wave}.")
    looks = ("people", "other")
    labels = [code_label(question_id, code) for code in country_answers[0][1].codes]
    series = [
        Series(country_name(country), look, answers.shares)
        for (country, answers), look in zip(country_answers, looks, strict=False)
    ]
    return title + share_bars(labels, series) + counts_table(country_answers)


def counts_table(cells: Sequence[tuple[str, Answers]]) -> str:
    """Valid answers, effective sample size and item non-response, by country."""
    rows = [
        (
            esc(country_name(country)),
            f"{answers.n:,}",
            _effective(answers),
            DASH if answers.missing is None else f"{answers.missing:,}",
            esc(answers.flag) or DASH,
        )
        for country, answers in cells
    ]
    headings = ("Country", "Valid answers", "Effective sample size", "No valid answer", "Notes")
    note = ""
    if any(answers.n_eff is not None and answers.n_eff_kind == "assumed" for _, answers in cells):
        note = (
            '<p class="oa-sub">* From the median design effect of other countries: this file '
            "names no sampling clusters.</p>"
        )
    return plain_table(headings, rows, label="Counts, rounded", numeric=(1, 2, 3)) + note


def _effective(answers: Answers) -> str:
    text = DASH if answers.n_eff is None else f"{answers.n_eff:,.0f}"
    if answers.n_eff_kind != "assumed":
        return text
    return f'<span title="from the design effect of other cells">{text}*</span>'


def _everywhere(people: People, *, wave: int, question_id: str) -> list[tuple[str, Answers]]:
    country_answers = [
        (country, people.answers[(wave, country, question_id)])
        for country in people.countries(wave)
        if (wave, country, question_id) in people.answers
    ]
    return sorted(country_answers, key=lambda pair: country_name(pair[0]))


def mean_map(people: People, *, wave: int, question_id: str) -> str:
    """Map of mean positions; "" for a nominal question, whose options have no distances."""
    asked = questions()[question_id]
    if asked.scale is None or not asked.scale.is_ordinal:
        return ""
    country_answers = _everywhere(people, wave=wave, question_id=question_id)
    means = {
        c: mean for c, answers in country_answers if (mean := mean_of(answers.shares)) is not None
    }
    tips = {country: f"{country_name(country)}: {mean:.2f}" for country, mean in means.items()}
    label = "Mean position by country; the table shows it too"
    shown = world_map(means, tips=tips, label=label, page="country")
    return f"<h2>Mean position, 0 first option to 1 last</h2>{shown}"


def all_countries_table(people: People, *, wave: int, question_id: str) -> str:
    """Shares of every option in every country, with n and effective n."""
    country_answers = _everywhere(people, wave=wave, question_id=question_id)
    if not country_answers:
        return notice(f"Not asked in wave {wave}.")
    codes = country_answers[0][1].codes
    # The longest scales leave no column for the counts: they go below the country's name.
    apart = len(codes) + 2 <= MAX_COLUMNS
    rows = []
    for country, answers in country_answers:
        where = {"country": country, "question": question_id, "wave": str(wave)}
        name = link("country", country_name(country), **where)
        counts = f'<span class="oa-interval">{_effective(answers)}</span>'
        below = f'<span class="oa-interval">{answers.n:,}, {_effective(answers)}</span>'
        shares = [_percent(answers, code) for code in codes]
        if apart:
            rows.append((name, *shares, f"<b>{answers.n:,}</b>{counts}"))
        else:
            rows.append((f"{name}{below}", *shares))
    labels = [code_label(question_id, code) for code in codes]
    return plain_table(
        (
            "Country" if apart else "Country, answers, effective",
            *(_short(label) for label in labels),
            *(("Answers, effective",) if apart else ()),
        ),
        rows,
        label="Answers by country",
        numeric=tuple(range(1, len(codes) + 1 + apart)),
        tips={at + 1: label for at, label in enumerate(labels)},
    )


def _percent(answers: Answers, code: int) -> str:
    if code not in answers.codes:
        return DASH
    share = answers.shares[answers.codes.index(code)]
    return DASH if share is None else f"{share:.1%}"


def _short(label: str) -> str:
    return label if len(label) <= SHORT else f"{label[: SHORT - 1].rstrip()}…"
