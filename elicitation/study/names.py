"""Lists of names as they are typed on the command line."""

from __future__ import annotations


def split_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names given with commas, spaces, or both."""
    parts = (part.strip() for name in names for part in name.split(","))
    return tuple(part for part in parts if part)
