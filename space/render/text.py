"""Numbers, intervals and texts as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

#: Stands for a missing number.
DASH = "–"


def esc(text: object) -> str:
    """Text made safe for HTML, attributes included."""
    return escape(str(text), quote=True)


def number(estimate: float | None, *, decimals: int = 3) -> str:
    """A number with fixed decimals; a dash where it is missing."""
    if estimate is None:
        return DASH
    text = f"{estimate:.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else text.lstrip("-")


def interval(low: float | None, high: float | None, *, decimals: int = 3) -> str:
    """An interval, or "" where there is none."""
    if low is None or high is None:
        return ""
    return f"{number(low, decimals=decimals)} to {number(high, decimals=decimals)}"


def score(cell: Mapping[str, Any], *, decimals: int = 3, partial: bool = False) -> str:
    """A score with its interval below and its coverage on pointing.

    Args:
        cell: estimate, low, high, coverage, questions; what is missing is left out.
        decimals: digits after the point.
        partial: whether to mark the score as one of a part only.
    """
    estimate = cell.get("estimate")
    if estimate is None:
        return f'<span class="oa-none" title="not scored">{DASH}</span>'
    span = interval(cell.get("low"), cell.get("high"), decimals=decimals)
    tips = [f"95 % interval {span}" if span else "no interval"]
    if cell.get("coverage") is not None:
        tips.append(f"coverage {cell['coverage']:.0%}")
    if cell.get("questions"):
        tips.append(f"{cell['questions']} questions")
    below = f'<span class="oa-interval">{span}</span>' if span else ""
    mark = ""
    if partial:
        tips.append("of the part that was answered")
        mark = '<sup class="oa-partial">partial</sup>'
    return (
        f'<span class="oa-score" title="{esc("; ".join(tips))}">'
        f"{mark}<b>{number(estimate, decimals=decimals)}</b>{below}</span>"
    )


def link(page: str, text: object, **params: str) -> str:
    """A link to a page of the app with its state."""
    return f'<a href="{esc(href(page, **params))}">{esc(text)}</a>'


def href(page: str, **params: str) -> str:
    """Address of a page of the app, relative to its root."""
    query = "&".join(f"{key}={quote(text, safe='')}" for key, text in params.items() if text)
    return f"{page}?{query}" if query else page


def badge(text: str, *, kind: str = "", tip: str = "") -> str:
    """A small label."""
    title = f' title="{esc(tip)}"' if tip else ""
    return f'<span class="oa-badge oa-badge-{esc(kind or text)}"{title}>{esc(text)}</span>'


def definition_list(pairs: Iterable[tuple[str, str]]) -> str:
    """Name and content pairs; contents are HTML."""
    items = "".join(f"<div><dt>{esc(name)}</dt><dd>{text}</dd></div>" for name, text in pairs)
    return f'<dl class="oa-facts">{items}</dl>'


def notice(text: str, *, kind: str = "info") -> str:
    """A boxed sentence; `text` is HTML."""
    return f'<p class="oa-notice oa-notice-{esc(kind)}">{text}</p>'


def fold(title: str, content: str, *, opened: bool = False) -> str:
    """Content (HTML) that its title unfolds."""
    return (
        f'<details class="oa-fold"{" open" if opened else ""}><summary>{esc(title)}</summary>'
        f"{content}</details>"
    )


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them: a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
