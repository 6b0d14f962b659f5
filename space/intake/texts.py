"""Everything that an upload says of itself: texts, numbers, nesting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.errors import Problem
from contracts.predictions.meta import REQUIRED_FOR_BOARD, PredictionsMeta
from space.board.untrusted_text import is_seen, link_problems, name_problems
from space.intake.limits import Limits

#: Whole numbers beyond this are no counts: JavaScript and SQLite cannot hold them.
LARGEST = 2**53

#: Metadata that stands in tables and headings.
_NAMES = {
    "name": 80,
    "model": 120,
    "revision": 80,
    "method": 40,
    "steering": 40,
    "language": 40,
    "prompt_version": 80,
    "wording": 80,
    "wording_digest": 80,
    "release": 120,
    "family": 60,
    "base_model": 120,
}


def plain_problems(item: Any, *, where: str, limits: Limits) -> list[Problem]:
    """What in parsed JSON may not be shown or stored: the first of each kind."""
    problems_by_kind: dict[str, Problem] = {}
    for place, problem in _walk(item, limits):
        problems_by_kind.setdefault(
            problem, _text_problem(problem, where=where, place=place, limits=limits)
        )
    return list(problems_by_kind.values())


def _walk(item: Any, limits: Limits) -> Iterator[tuple[str, str]]:
    """(place, kind of problem) of everything in nested JSON; no recursion, so no depth is fatal."""
    waiting: list[tuple[Any, str, int]] = [(item, "", 0)]
    while waiting:
        here, place, depth = waiting.pop()
        if depth > limits.depth:
            yield place, "too-deep"
        elif isinstance(here, Mapping):
            for key, inner in here.items():
                yield from _leaf(str(key), place, limits)
                waiting.append((inner, f"{place}.{key}"[:80].lstrip("."), depth + 1))
        elif isinstance(here, (list, tuple)):
            waiting += [(inner, place, depth + 1) for inner in here]
        else:
            yield from _leaf(here, place, limits)


def _leaf(item: Any, place: str, limits: Limits) -> Iterator[tuple[str, str]]:
    if isinstance(item, str):
        if len(item) > limits.cell_characters:
            yield place, "long-text"
        elif not is_seen(item):
            yield place, "unsafe-text"
    elif isinstance(item, int) and abs(item) > LARGEST:
        yield place, "large-number"
    elif isinstance(item, float) and not math.isfinite(item):
        yield place, "non-finite"


def _text_problem(code: str, *, where: str, place: str, limits: Limits) -> Problem:
    message, allowed = {
        "too-deep": ("the JSON is nested too deeply", f"{limits.depth} levels"),
        "long-text": ("a text is too long", f"{limits.cell_characters} characters"),
        "unsafe-text": (
            "a text has characters that do not show (controls, direction marks)",
            "visible characters",
        ),
        "large-number": ("a whole number is too large", f"at most {LARGEST}"),
        "non-finite": ("a number is not finite", "finite numbers, or null"),
    }[code]
    return Problem(code, message, where=where, column=ascii(place).strip("'"), allowed=allowed)


def meta_problems(meta: PredictionsMeta, *, where: str, limits: Limits) -> list[Problem]:
    """What in metadata may not stand on a public page."""
    problems = plain_problems(meta.model_dump(), where=where, limits=limits)
    for column, longest in _NAMES.items():
        problems += name_problems(column, getattr(meta, column), longest=longest)
    problems += link_problems("link", meta.link)
    if meta.baseline or meta.uses_survey:
        problems.append(
            Problem(
                "baseline",
                "an upload is a row of a model; baselines are made by the board itself",
                where=where,
                column="baseline" if meta.baseline else "uses_survey",
                found="true",
                allowed="false",
            )
        )
    return problems


def lacking(meta: PredictionsMeta) -> tuple[str, ...]:
    """Fields that a board submission needs and the metadata does not give."""
    unknown = PredictionsMeta()
    return tuple(
        name
        for name in REQUIRED_FOR_BOARD
        if name not in meta.model_fields_set
        or (name in ("model", "method") and getattr(meta, name) == getattr(unknown, name))
        or getattr(meta, name) == ""
    )


def lacking_problem(names: tuple[str, ...], *, where: str) -> Problem:
    """The error of a submission whose metadata is not whole."""
    return Problem(
        "metadata-lacking",
        "a submission to the board needs its metadata whole",
        where=where,
        column=", ".join(names),
        allowed="all of " + ", ".join(REQUIRED_FOR_BOARD),
        hint="Fill them in under 'Metadata', or into the file's header or sidecar.",
    )
