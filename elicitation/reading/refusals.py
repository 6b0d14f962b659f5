"""Whether a reply that says no answer declines to."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources


@cache
def _pattern() -> re.Pattern[str]:
    path = resources.files("elicitation.reading").joinpath("data/refusals.toml")
    by_language = tomllib.loads(path.read_text(encoding="utf-8"))
    phrases = [phrase for listed in by_language.values() for phrase in listed]
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.IGNORECASE)


def is_refusal(text: str) -> bool:
    """Whether a text holds a phrase with which models decline, in any language that is listed in
    `data/refusals.toml`."""
    return bool(_pattern().search(text))
