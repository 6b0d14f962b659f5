"""The specification curve of a row: its score and rank in every form, beside the other models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scoring.presentation.html.axes import Axis, make_axis
from scoring.presentation.html.charts import line_path
from space.board.ranks.form_ranks import FormScores
from space.render.text import esc, interval, number

#: Places of the figure, in pixels: the scale's width, that of the ranks, the height of a row, of
#: the name in it, and of the axis.
_SCALE, _RANKS, _ROW, _NAME, _AXIS = 480, 70, 42, 14, 30


def form_curve_svg(forms: Sequence[FormScores]) -> str:
    """A row for each form, the one with the highest score of the model first.

    A ring stands for each other model, the dot with its interval for the model of the page; the
    line follows the model through the forms. "" with fewer than two forms.
    """
    known = sorted(forms, key=lambda one: (-one.estimate, one.label))
    if len(known) < 2:
        return ""
    scores = [score for one in known for score in (one.estimate, one.low, one.high)]
    scores += [score for one in known for _, score in one.others]
    x = make_axis(scores, start=24, end=_SCALE - 16, limits=(0, 1))
    height = _ROW * len(known) + _AXIS
    parts = list(_axis(x, height))
    marks = []
    for place, one in enumerate(known):
        y = _ROW * place + _NAME + (_ROW - _NAME) // 2
        marks.append({"x": x.place(one.estimate), "y": y})
        parts += _form(one, x, y)
    parts.insert(0, f'<path d="{line_path(marks)}"></path>')
    width = _SCALE + _RANKS
    label = "Score and rank of the model in every form; the table below says it too"
    return (
        f'<svg class="oa-forms" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
        '<p class="oa-legend"><span>dot: alignment of this model with its 95 % interval</span>'
        "<span>rings: the other models in the same form</span>"
        "<span>right: rank of this model in the form</span></p>"
    )


def _axis(x: Axis, height: int) -> Iterator[str]:
    for tick in x.ticks:
        at = x.place(tick)
        yield f'<line x1="{at}" x2="{at}" y1="4" y2="{height - 20}"></line>'
        yield (
            f'<text class="soft" x="{at}" y="{height - 6}" text-anchor="middle">'
            f"{x.label(tick)}</text>"
        )


def _form(one: FormScores, x: Axis, y: int) -> Iterator[str]:
    name = f"{one.label} (this one)" if one.own else one.label
    look = ' class="own"' if one.own else ""
    yield f'<text{look} x="0" y="{y - (_ROW - _NAME) // 2}">{esc(name)}</text>'
    for model, score in one.others:
        yield (
            f'<circle class="other" cx="{x.place(score)}" cy="{y}" r="4">'
            f"<title>{esc(model)}: {number(score)}</title></circle>"
        )
    if one.low is not None and one.high is not None:
        yield (
            f'<line class="span" x1="{x.place(one.low)}" x2="{x.place(one.high)}" y1="{y}" '
            f'y2="{y}"></line>'
        )
    span = interval(one.low, one.high)
    shown = f"{one.label}: {number(one.estimate)}" + (f" ({span})" if span else "")
    yield (
        f'<circle class="mine" cx="{x.place(one.estimate)}" cy="{y}" r="5">'
        f"<title>{esc(shown)}, rank {one.rank} of {one.models}</title></circle>"
    )
    yield f'<text{look} x="{_SCALE + 8}" y="{y + 4}">{one.rank} of {one.models}</text>'
