"""Texts to translate, cut into segments."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from elicitation.backends.base import Response
from elicitation.reading.normalise import strip_thinking


class Language(NamedTuple):
    """A language: its code (ISO 639-1), and its name in English."""

    code: str
    name: str


class Segment(NamedTuple):
    """A text to translate: its name, and what the translator is told of it besides."""

    segment_id: str
    text: str
    note: str = ""


@cache
def translation_data() -> Mapping[str, Any]:
    """Prompt, closing questions, and names and codes of languages."""
    path = resources.files("elicitation.reading").joinpath("data/translate.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def texts_of(responses: Mapping[str, Response]) -> dict[str, str]:
    """What responses say, on one line; those that were cut off, withheld or empty are left out."""
    texts_by_name = {}
    for name, response in responses.items():
        if response.status != "ok" or not response.texts:
            continue
        visible = strip_thinking(response.texts[0])
        text = "" if visible.unclosed else " ".join(visible.text.split())
        if text:
            texts_by_name[name] = text
    return texts_by_name
