"""Texts of a wording looked up, and templates filled in."""

from __future__ import annotations

from collections.abc import Callable

from codebook.wordings.wording import Wording


class RenderError(ValueError):
    """A question or an answer cannot be put into words as asked."""


def fill(wording: Wording, template: str, **fields: object) -> str:
    """A template of the wording with its fields filled in.

    Raises:
        RenderError: the wording lacks the template, or a field is not given.
    """
    text = looked_up(wording, f"template:{template}", lambda: wording.templates[template])
    try:
        return text.format(**fields)
    except KeyError as error:
        raise RenderError(f"template {template!r} needs the field {error}") from None


def looked_up(wording: Wording, key: str, look_up: Callable[[], str]) -> str:
    try:
        return look_up()
    except KeyError:
        raise RenderError(
            f"wording {wording.name!r} ({wording.language}) lacks the text {key}; "
            "`opinion-atlas wording check` lists all that it lacks"
        ) from None
