"""A country over the survey's waves, as small charts of the questions that moved most."""

from __future__ import annotations

from space.board.figures.timeline import Line, read_timeline
from space.board.labels import country_name, option_labels, question_text
from space.board.survey_answers import People
from space.render.figures.lines import wave_lines
from space.render.text import esc, link, listed


def timeline_html(
    people: People, *, country: str, other: str | None = None, links: bool = True
) -> str:
    """Small charts of the questions that moved most; "" for a country of a single wave.

    Args:
        people: the people's answers.
        country: its code.
        other: code of a country beside it.
        links: whether to link to the pages of questions.
    """
    timeline = read_timeline(people, country, other)
    if timeline is None or not timeline.lines:
        return ""
    names = [country_name(country), *([country_name(other)] if other else [])]
    keys = "".join(
        f'<span><span class="oa-key-{look}"></span>{esc(name)}</span>'
        for name, look in zip(names, ("people", "other"), strict=False)
    )
    beside = ""
    absent = [str(wave) for wave in timeline.waves if other and other not in people.countries(wave)]
    if absent:
        plural = "wave" if len(absent) == 1 else "waves"
        beside = f" {esc(names[-1])} took no part in {plural} {listed(absent)}."
    waves = listed([str(wave) for wave in timeline.waves])
    charts = "".join(_chart(line, names, timeline.waves, links=links) for line in timeline.lines)
    return (
        f"<h2>{esc(names[0])} over time</h2>"
        f'<p class="oa-sub">Waves {waves}: of the {timeline.compared} questions with ordered '
        f"answers that all of them asked alike, the {len(timeline.lines)} that moved most. "
        "The height is the mean answer, from the first option (below) to the last (above); bars "
        "are 95 % intervals."
        f'{beside}</p><div class="oa-legend">{keys}</div><div class="oa-timeline">{charts}</div>'
    )


def _chart(line: Line, names: list[str], waves: tuple[int, ...], *, links: bool) -> str:
    text = question_text(line.question_id)
    heading = link("question", text, question=line.question_id) if links else esc(text)
    labels = option_labels(line.question_id)
    sides = [(names[0], "people", line.first)]
    if len(names) > 1:
        sides.append((names[1], "other", line.second))
    return (
        f'<div class="oa-wave" data-question="{esc(line.question_id)}"><b>{heading}</b>'
        f'<span class="oa-sub">above: {esc(labels[-1])}</span>'
        f"{wave_lines(sides, waves, label=text)}"
        f'<span class="oa-sub">below: {esc(labels[0])}</span></div>'
    )
