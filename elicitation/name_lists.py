"""Parameters of the command line that take lists of names."""

from __future__ import annotations

from cyclopts import Parameter


def listed(text: str) -> Parameter:
    """A parameter that takes names separated by commas or spaces; `text` is its help."""
    return Parameter(help=text, consume_multiple=True, negative="")


def split_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names given with commas, spaces, or both."""
    parts = (part.strip() for name in names for part in name.split(","))
    return tuple(part for part in parts if part)
