"""Tables of text that studies are shown as."""

from __future__ import annotations

from typing import NamedTuple

from scoring.presentation.summary import number


class TextTable(NamedTuple):
    """A titled table of text; all columns but the first `left` hold numbers."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""
    left: int = 1


def signed(value: float | None) -> str:
    """A difference with its sign; a dash for none."""
    if value is None:
        return "–"
    text = number(value)
    return text if text.startswith("-") else f"+{text}"
