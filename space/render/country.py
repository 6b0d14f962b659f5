"""A country as figures: how it differs from the world, and from one other country."""

from __future__ import annotations

from collections.abc import Sequence

from space.board.figures.distances import Apart, between, from_world, mean_alignment
from space.board.labels import country_in_text, country_name, question_text
from space.board.store import Store
from space.board.survey_answers import People
from space.render.figures.stacked import Stack, stacked_bars
from space.render.text import esc, link, notice, number

#: Questions that are shown.
SHOWN = 10


def country_head(people: People, *, wave: int, country: str, other: str | None) -> str:
    """Heading and a sentence on how like other people's its answers are."""
    apart = from_world(people, wave, country)
    alike, count = mean_alignment(apart), len(apart)
    name = esc(country_name(country))
    if not apart:
        return f"<h1>{name}</h1>" + notice(f"No questions of wave {wave} can be compared.")
    beside, whom = "", "the world"
    if other:
        pair = between(people, wave, country, other)
        beside = f" and {number(mean_alignment(pair))} with {esc(country_name(other))}'s"
        apart, whom = (pair, esc(country_in_text(other))) if pair else (apart, whom)
    return (
        f"<h1>{name}</h1><p class='oa-lead'>Over {count} questions of wave {wave}, its "
        f"people's answers agree <b>{number(alike)}</b> with those of all other countries{beside} "
        f"(1: the same answers, 0: opposite ends of every scale). It differs most from {whom} on "
        f"{esc(_least(apart))}</p>"
    )


def _least(apart: Sequence[Apart]) -> str:
    return f"“{question_text(apart[0].question_id)}”"


def differences_html(
    people: People, *, wave: int, country: str, other: str | None = None, links: bool = True
) -> str:
    """The ten questions farthest from the world, or from another country, as stacked bars.

    Args:
        people: the people's answers.
        wave: of the survey.
        country: its code.
        other: code of a country beside it; the world by default.
        links: whether to link to the pages of questions.
    """
    apart = between(people, wave, country, other) if other else from_world(people, wave, country)
    if not apart:
        return ""
    name, second = country_name(country), country_name(other) if other else "all other countries"
    title = f"Where {name} and {second} differ most" if other else f"How {name} differs"
    explanation = (
        f"The {min(SHOWN, len(apart))} questions on which its people lie farthest from "
        f"{'those of ' + second if other else 'the mean of all other countries'}; the number is "
        "the distance between the two bars (0 the same answers, 1 opposite ends)."
    )
    parts = [
        _difference(one, name, second, wave=wave, world=not other, links=links)
        for one in apart[:SHOWN]
    ]
    return f'<h2>{esc(title)}</h2><p class="oa-sub">{esc(explanation)}</p>{"".join(parts)}'


def _difference(one: Apart, first: str, second: str, *, wave: int, world: bool, links: bool) -> str:
    text = question_text(one.question_id)
    heading = (
        link("question", text, question=one.question_id, wave=str(wave)) if links else esc(text)
    )
    bars = stacked_bars(
        one.question_id,
        [
            Stack(esc(first), first, one.first),
            Stack(esc(second), second, one.second, look="people" if not world else "other"),
        ],
    )
    return (
        f'<div class="oa-difference" data-question="{esc(one.question_id)}"><b>{heading}</b> '
        f'<span class="oa-span">distance {number(one.distance, decimals=2)}</span>{bars}</div>'
    )


def average_human(store: Store, country: str) -> float | None:
    """Alignment of the average of all other countries' people with a country, from the baseline;
    None where the board has none."""
    with store.connect() as db:
        baseline_row = db.execute(
            "SELECT p.estimate FROM parts p JOIN rows r USING (row_id) WHERE r.kind = 'baseline' "
            "AND r.synthetic = 0 AND r.name LIKE 'world-average%' AND p.kind = 'country' "
            "AND p.name = ? ORDER BY r.updated DESC LIMIT 1",
            (country,),
        ).fetchone()
    return None if baseline_row is None else baseline_row[0]
