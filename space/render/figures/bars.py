"""Bars of answer shares: people's against a model's, or one country's against another's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from space.render.text import DASH, esc


class Series(NamedTuple):
    """Shares of one side: its name, its look (`people`, `model` or `other`), one per option."""

    name: str
    look: str
    shares: Sequence[float | None]


def share_bars(labels: Sequence[str], series: Sequence[Series]) -> str:
    """Horizontal bars, one group per option; a share of 1 fills the width."""
    rows = []
    for at, label in enumerate(labels):
        bars = "".join(
            _bar(one, one.shares[at] if at < len(one.shares) else None) for one in series
        )
        rows.append(f"<span>{esc(label)}</span><div>{bars}</div>")
    keys = "".join(
        f'<span><span class="oa-key-{one.look}"></span>{esc(one.name)}</span>' for one in series
    )
    return f'<div class="oa-legend">{keys}</div><div class="oa-bars">{"".join(rows)}</div>'


def mean_of(shares: Sequence[float | None]) -> float | None:
    """Mean position of answer shares in scale order, 0 the first option to 1 the last.

    None with fewer than two options, a missing share, or no mass.
    """
    known = [share for share in shares if share is not None]
    if len(known) != len(shares) or len(known) < 2 or not sum(known):
        return None
    top = len(known) - 1
    return sum(at / top * share for at, share in enumerate(known)) / sum(known)


def _bar(one: Series, share: float | None) -> str:
    if share is None:
        title = f"{esc(one.name)}: no answer"
        return f'<div class="oa-bar" title="{title}"><b></b><small>{DASH}</small></div>'
    text = f"{share:.1%}"
    return (
        f'<div class="oa-bar" title="{esc(one.name)}: {text}">'
        f'<i class="{one.look}" style="--share:{min(max(share, 0), 1):.4f}"></i>'
        f"<small>{text}</small></div>"
    )
