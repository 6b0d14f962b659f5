"""Answer shares as stacked bars, one row per country or model, with one legend for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from codebook.questions import questions
from space.board.labels import option_labels
from space.render.figures.bars import mean_of
from space.render.text import DASH, esc

#: Colours of an ordered scale, from the first option to the last, and of unordered options.
STEPS, HUES = 10, 9
#: Shares from here on have their number inside the bar.
_NUMBERED = 0.09
#: Below this share it has none on a phone.
_NARROW = 0.18


class Stack(NamedTuple):
    """One row.

    Attributes:
        label: who answered, as HTML.
        name: the same as plain text, which sorts.
        shares: in the order of positions; None where unknown.
        look: `people`, `model` or `world`.
        note: a short text beside the bar.
    """

    label: str
    name: str
    shares: Sequence[float | None]
    look: str = "people"
    note: str = ""


def colour_classes(question_id: str, options: int) -> list[str]:
    """Class of each option: a ramp for ordered options, hues for others."""
    asked = questions().get(question_id)
    if asked is not None and asked.scale is not None and not asked.scale.is_ordinal:
        return [f"oa-h{at % HUES}" for at in range(options)]
    last = max(options - 1, 1)
    return [f"oa-d{round(at * (STEPS - 1) / last)}" for at in range(options)]


def stack_legend(question_id: str) -> str:
    """The answers in words, each with its colour."""
    labels = option_labels(question_id)
    classes = colour_classes(question_id, len(labels))
    items = "".join(
        f'<span><i class="{look}"></i>{esc(label)}</span>'
        for look, label in zip(classes, labels, strict=True)
    )
    return f'<div class="oa-legend oa-stack-legend">{items}</div>'


def stacked_bars(
    question_id: str, stacks: Sequence[Stack], *, sortable: bool = False, legend: bool = True
) -> str:
    """Rows of stacked bars.

    Args:
        question_id: the question, which gives labels and colours.
        stacks: the rows, in order.
        sortable: whether a box above sorts the rows (a script does it).
        legend: whether the answers' words stand above.
    """
    labels = option_labels(question_id)
    noted = any(one.note for one in stacks)
    rows = "".join(_row(question_id, one, labels) for one in stacks)
    return (
        f"{stack_legend(question_id) if legend else ''}"
        f"{_sorter(labels, stacks) if sortable else ''}"
        f'<div class="oa-stack{"" if noted else " oa-plain"}" role="list">{rows}</div>'
    )


def _sorter(labels: Sequence[str], stacks: Sequence[Stack]) -> str:
    options = ['<option value="">models first</option>', '<option value="name">name</option>']
    if any(mean_of(one.shares) is not None for one in stacks):
        options.append('<option value="mean">mean position</option>')
    options += [
        f'<option value="{at}">share of: {esc(label)}</option>' for at, label in enumerate(labels)
    ]
    return (
        f'<label class="oa-sorter">Sort by <select data-sorts>{"".join(options)}</select></label>'
    )


def _row(question_id: str, one: Stack, labels: Sequence[str]) -> str:
    known = [share or 0.0 for share in one.shares]
    total = sum(known) or 1.0
    classes = colour_classes(question_id, len(known))
    parts, share_texts = [], []
    for at, share in enumerate(known):
        label = labels[at] if at < len(labels) else str(at + 1)
        text = f"{share / total:.0%}"
        share_texts.append(f"{label} {text}")
        thin = " oa-thin" if share / total < _NARROW else ""
        inside = text if share / total >= _NUMBERED else ""
        if share:
            parts.append(
                f'<i class="{classes[at]}{thin}" style="width:{100 * share / total:.2f}%" '
                f'title="{esc(label)}: {share / total:.1%}">{inside}</i>'
            )
    mean = mean_of(one.shares)
    data = f' data-name="{esc(one.name)}" data-mean="{-1 if mean is None else round(mean, 5)}"'
    data += f' data-shares="{" ".join(f"{share / total:.5f}" for share in known)}"'
    bar = (
        f'<span class="oa-stack-bar" role="img" aria-label="{esc("; ".join(share_texts))}">'
        f"{''.join(parts)}</span>"
        if any(known)
        else f'<span class="oa-none">{DASH}</span>'
    )
    note = f'<span class="oa-stack-note">{esc(one.note)}</span>' if one.note else "<span></span>"
    return (
        f'<div class="oa-stack-row oa-stack-{esc(one.look)}" role="listitem"{data}>'
        f'<span class="oa-stack-name">{one.label}</span>{bar}{note}</div>'
    )
