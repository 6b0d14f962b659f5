"""A comparison of rows as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from space.board.compare import FEWEST_QUESTIONS, Comparison, Pair, SizeTrend
from space.board.labels import country_name, question_title
from space.render.table import plain_table
from space.render.text import DASH, esc, link, number, score

#: How many questions are listed.
SHOWN = 25


def comparison_html(found: Comparison, *, titles: Mapping[str, str]) -> str:
    """Pairs with their tests, then the questions on which the rows lie furthest apart."""
    names = [titles.get(row_id, row_id) for row_id in found.rows]
    pairs = plain_table(
        (
            "First",
            "Second",
            "First mean",
            "Second mean",
            "Difference",
            "p",
            "p (Holm)",
            "Questions",
            "Countries",
        ),
        [_pair(pair, titles) for pair in found.pairs],
        label="Pairs",
        numeric=(2, 3, 4, 5, 6, 7, 8),
        tips={
            4: "First less second, with the interval over resampled questions.",
            5: "Two-sided paired sign-flip permutation test over common questions.",
            6: "Adjusted for the number of pairs on this page.",
        },
    )
    questions = plain_table(
        ("Question", *names, "Apart"),
        [
            (
                link("question", question_title(one.question_id), question=one.question_id),
                *(number(mean) for mean in one.means),
                number(one.spread),
            )
            for one in found.questions[:SHOWN]
        ],
        label="Questions that make the difference",
        numeric=tuple(range(1, len(names) + 2)),
    )
    return (
        f"<h2>Paired tests</h2><p>Over the cells that both rows answered; a question is the unit. "
        f"No test with fewer than {FEWEST_QUESTIONS} common questions.</p>{pairs}"
        f"{_agreement(found, titles)}"
        f"<h2>Questions that make the difference</h2>{questions}"
        f"{_countries(found, names)}{_size(found.size)}"
    )


def _agreement(found: Comparison, titles: Mapping[str, str]) -> str:
    table = plain_table(
        ("First", "Second", "r over countries", "r over questions", "Mean change of a cell"),
        [
            (
                esc(titles.get(one.first, one.first)),
                esc(titles.get(one.second, one.second)),
                number(one.countries),
                number(one.questions),
                number(one.change),
            )
            for one in found.agreement
        ],
        label="Agreement",
        numeric=(2, 3, 4),
        tips={2: "High for any two rows: countries differ more than prompts and models do."},
    )
    return (
        "<h2>Agreement of the scores</h2><p>Over the cells that both rows answered. For two "
        f"prompts of one model this is its prompt sensitivity.</p>{table}"
    )


def _countries(found: Comparison, names: Sequence[str]) -> str:
    table = plain_table(
        ("Country", *names),
        [
            (link("country", country_name(country), country=country), *map(number, means))
            for country, means in sorted(found.countries, key=lambda one: country_name(one[0]))
            if country
        ],
        label="Alignment by country",
        numeric=tuple(range(1, len(names) + 1)),
    )
    return f"<h2>Alignment by country</h2>{table}"


def _size(found: SizeTrend) -> str:
    if found.spearman is None:
        return ""
    return (
        "<h2>Alignment and size</h2><p>Over the "
        f"{found.models} models of known size that are ranked with the first row: Spearman's "
        f"correlation of alignment with the number of parameters {number(found.spearman)}, "
        f"permutation p {_p(found.p_value)}. Models of different families differ in more than "
        "size.</p>"
    )


def _pair(pair: Pair, titles: Mapping[str, str]) -> tuple[str, ...]:
    return (
        esc(titles.get(pair.first, pair.first)),
        esc(titles.get(pair.second, pair.second)),
        number(pair.first_mean),
        number(pair.second_mean),
        score({"estimate": pair.difference, "low": pair.low, "high": pair.high}),
        _p(pair.p_value),
        _p(pair.adjusted),
        str(pair.questions),
        str(pair.countries),
    )


def _p(p_value: float | None) -> str:
    if p_value is None:
        return DASH
    return "&lt; 0.001" if p_value < 0.001 else number(p_value)
