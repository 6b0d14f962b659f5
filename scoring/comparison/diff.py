"""What differs between two reports, number by number, within a tolerance."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import fail

#: Fields by which the entries of a list are matched, so that one lacking entry is one difference.
_IDENTITY = (
    ("protocol",),
    ("country", "question_id", "group"),
    ("wave", "question_id"),
    ("question_id",),
    ("country",),
    ("kind", "name"),
    ("name",),
    ("code",),
)


class Difference(NamedTuple):
    """One place where two reports differ; `first` or `second` is `absent` where it lacks it."""

    path: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.first)} | {_shown(self.second)}"


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()


def _shown(item: Any) -> str:
    if item is ABSENT:
        return repr(item)
    text = json.dumps(item, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 100 else f"{text[:97]}..."


def differences(first: Any, second: Any, *, tolerance: float = 1e-8) -> Iterator[Difference]:
    """Every place where two JSON values differ.

    Numbers are equal if |a - b| <= tolerance * max(1, |a|, |b|). Entries of lists are matched
    by what names them (country, question, ...), else by their place.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise fail(
            "bad-tolerance",
            "the tolerance is a number from 0",
            found=str(tolerance),
            allowed="0 or more, for instance 1e-8",
        )
    yield from _differences("", first, second, tolerance)


def _differences(path: str, first: Any, second: Any, tolerance: float) -> Iterator[Difference]:
    if isinstance(first, dict) and isinstance(second, dict):
        yield from _of_mappings(path, first, second, tolerance)
    elif isinstance(first, list) and isinstance(second, list):
        yield from _of_lists(path, first, second, tolerance)
    elif not _equal(first, second, tolerance):
        yield Difference(path or "(whole)", first, second)


def _equal(first: Any, second: Any, tolerance: float) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return abs(first - second) <= tolerance * max(1.0, abs(first), abs(second))
    return type(first) is type(second) and first == second


def _of_mappings(
    path: str, first: dict[str, Any], second: dict[str, Any], tolerance: float
) -> Iterator[Difference]:
    for key in (*first, *(key for key in second if key not in first)):
        place = f"{path}.{key}" if path else str(key)
        mine, theirs = first.get(key, ABSENT), second.get(key, ABSENT)
        yield from _differences(place, mine, theirs, tolerance)


def _of_lists(
    path: str, first: list[Any], second: list[Any], tolerance: float
) -> Iterator[Difference]:
    names = _names(first, second)
    if names is None:
        mine = {str(place): item for place, item in enumerate(first)}
        theirs = {str(place): item for place, item in enumerate(second)}
    else:
        mine = {_name(item, names): item for item in first}
        theirs = {_name(item, names): item for item in second}
    for key in (*mine, *(key for key in theirs if key not in mine)):
        pair = mine.get(key, ABSENT), theirs.get(key, ABSENT)
        yield from _differences(f"{path}[{key}]", *pair, tolerance)


def _names(first: list[Any], second: list[Any]) -> tuple[str, ...] | None:
    """The fields that name every entry of both lists without doubles, if there are any."""
    entries = [*first, *second]
    if not entries or not all(isinstance(item, dict) for item in entries):
        return None
    for names in _IDENTITY:
        if not all(name in item for item in entries for name in names):
            continue
        if all(len({_name(i, names) for i in side}) == len(side) for side in (first, second)):
            return names
    return None


def _name(item: dict[str, Any], names: tuple[str, ...]) -> str:
    return ",".join(str(item[name]) for name in names if item[name] not in ("", None))


def diff_files(
    first: str | Path, second: str | Path, *, tolerance: float = 1e-8
) -> list[Difference]:
    """Differences of two report files.

    Raises:
        ContractError: a file is no report that can be read.
    """
    from contracts.report import read_report

    sides = [read_report(path).model_dump(mode="json") for path in (first, second)]
    return list(differences(*sides, tolerance=tolerance))
