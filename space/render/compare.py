"""A comparison of rows as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from space.board.figures.compare import FEWEST_QUESTIONS, Comparison, Pair, SizeTrend
from space.board.labels import category_name, country_name, question_title
from space.render.figures.dots import Dot, dot_chart, legend
from space.render.table import plain_table
from space.render.text import DASH, esc, fold, link, number, score

#: How many questions are listed.
SHOWN = 25
#: How many of them are drawn.
PICTURED = 12


def comparison_html(comparison: Comparison, *, titles: Mapping[str, str]) -> str:
    """Whether the rows differ, by country and by topic as pictures; then the numbers."""
    names = [titles.get(row_id, row_id) for row_id in comparison.rows]
    key = legend([(f"oa-dot-row-{at}", name) for at, name in enumerate(names)])
    scale = (
        '<p class="oa-sub">Alignment with people: 1 is the same answers. Each picture has its own '
        "scale; the numbers stand beside the dots, in the order of the legend.</p>"
    )
    return (
        f"<h2>Do they differ?</h2>{_differences(comparison, titles)}"
        f"{scale}{_picture('By topic', _topic_dots(comparison), key)}"
        f"{_picture('By country', _country_dots(comparison), key, dense=True)}"
        f"<h2>Questions that make the difference</h2>{_question_picture(comparison, key)}"
        "<h2>In numbers</h2>"
        + fold("Paired tests", _pairs(comparison, titles))
        + fold("Agreement of the scores", _agreement(comparison, titles))
        + fold("Questions that make the difference", _questions(comparison, names))
        + fold("Alignment by country", _countries(comparison, names))
        + _size(comparison.size)
    )


def _differences(comparison: Comparison, titles: Mapping[str, str]) -> str:
    """Every pair's difference with its interval."""
    dots = [
        Dot(
            f"{esc(titles.get(pair.first, pair.first))} <span class='oa-sub'>less "
            f"{esc(titles.get(pair.second, pair.second))}</span>",
            pair.difference,
            pair.low,
            pair.high,
            below=_verdict(pair, titles),
        )
        for pair in comparison.pairs
    ]
    chart = dot_chart(dots, label="Differences of pairs", lines=(0.0,))
    return (
        '<p class="oa-sub">Difference of alignment, paired over the cells that both rows answered; '
        f'bars are 95 % intervals, the line is no difference.</p><div class="oa-wide-names">{chart}'
        "</div>"
    )


def _verdict(pair: Pair, titles: Mapping[str, str]) -> str:
    """What a pair's interval says, in words."""
    over = f"over {pair.questions} questions in {pair.countries} countries"
    if pair.low is None or pair.high is None:
        return f"too few common questions for a test, {over}"
    if pair.low > 0 or pair.high < 0:
        ahead = pair.first if pair.difference > 0 else pair.second
        name = esc(titles.get(ahead, ahead))
        return f"<b>{name}</b> is more like people: the interval leaves out 0, {over}"
    return f"they cannot be told apart: the interval holds 0, {over}"


def _picture(title: str, dots: Sequence[Dot], key: str, *, dense: bool = False) -> str:
    if not dots:
        return ""
    chart = dot_chart(dots, label=title, dense=dense)
    wide = "" if dense else ' class="oa-wide-names"'
    return f"<h2>{title}</h2>{key}<div{wide}>{chart}</div>"


def _several(means: Sequence[float | None]) -> tuple[tuple[str, float | None], ...]:
    return tuple((f"row-{at}", mean) for at, mean in enumerate(means))


def _topic_dots(comparison: Comparison) -> list[Dot]:
    return [
        Dot(esc(category_name(topic)), None, more=_several(means))
        for topic, means in comparison.topics
    ]


def _country_dots(comparison: Comparison) -> list[Dot]:
    """Countries that all rows answered, by the first row's alignment."""
    whole = [
        (country, means)
        for country, means in comparison.countries
        if country and all(mean is not None for mean in means)
    ]
    whole.sort(key=lambda one: (-(one[1][0] or 0.0), country_name(one[0])))
    return [
        Dot(link("country", country_name(country), country=country), None, more=_several(means))
        for country, means in whole
    ]


def _question_picture(comparison: Comparison, key: str) -> str:
    dots = [
        Dot(
            link("question", question_title(one.question_id), question=one.question_id),
            None,
            more=_several(one.means),
        )
        for one in comparison.questions[:PICTURED]
    ]
    return f'{key}<div class="oa-wide-names">{dot_chart(dots, label="Questions")}</div>'


def _pairs(comparison: Comparison, titles: Mapping[str, str]) -> str:
    table = plain_table(
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
        [_pair(pair, titles) for pair in comparison.pairs],
        label="Pairs",
        numeric=(2, 3, 4, 5, 6, 7, 8),
        tips={
            4: "First less second, with the interval over resampled questions.",
            5: "Two-sided paired sign-flip permutation test over common questions.",
            6: "Adjusted for the number of pairs on this page.",
        },
    )
    return (
        "<p>Over the cells that both rows answered; a question is the unit. No test with fewer "
        f"than {FEWEST_QUESTIONS} common questions.</p>{table}"
    )


def _questions(comparison: Comparison, names: Sequence[str]) -> str:
    return plain_table(
        ("Question", *names, "Apart"),
        [
            (
                link("question", question_title(one.question_id), question=one.question_id),
                *(number(mean) for mean in one.means),
                number(one.spread),
            )
            for one in comparison.questions[:SHOWN]
        ],
        label="Questions that make the difference",
        numeric=tuple(range(1, len(names) + 2)),
    )


def _agreement(comparison: Comparison, titles: Mapping[str, str]) -> str:
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
            for one in comparison.agreement
        ],
        label="Agreement",
        numeric=(2, 3, 4),
        tips={2: "High for any two rows: countries differ more than prompts and models do."},
    )
    return (
        "<p>Over the cells that both rows answered. For two "
        f"prompts of one model this is its prompt sensitivity.</p>{table}"
    )


def _countries(comparison: Comparison, names: Sequence[str]) -> str:
    return plain_table(
        ("Country", *names),
        [
            (link("country", country_name(country), country=country), *map(number, means))
            for country, means in sorted(comparison.countries, key=lambda one: country_name(one[0]))
            if country and any(mean is not None for mean in means)
        ],
        label="Alignment by country",
        numeric=tuple(range(1, len(names) + 1)),
    )


def _size(trend: SizeTrend) -> str:
    if trend.spearman is None:
        return ""
    return (
        "<h2>Alignment and size</h2><p>Over the "
        f"{trend.models} models of known size that are ranked with the first row: Spearman's "
        f"correlation of alignment with the number of parameters {number(trend.spearman)}, "
        f"permutation p {_p(trend.p_value)}. Models of different families differ in more than "
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
