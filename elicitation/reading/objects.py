"""Objects in a reply: balanced blocks, read as JSON, leniently, or by json-repair."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_CLOSERS = {"{": "}", "[": "]"}

#: Most brackets without a counterpart that are looked at: each costs a walk to the text's end.
_MOST_UNCLOSED = 20

#: json-repair takes time that grows with the square of these.
_REPAIRED_LENGTH, _REPAIRED_BRACKETS = 8000, 60


class Pairs(list[tuple[str, Any]]):
    """An object as its pairs, in order, so that repeated keys stay visible."""


class Block(NamedTuple):
    """A balanced block of a text; `closed` is false for one that the text's end cuts off."""

    text: str
    start: int
    closed: bool


def blocks(text: str) -> list[Block]:
    """The outermost blocks in braces or brackets, in order; brackets within strings do not
    count."""
    outer_blocks = []
    position, unclosed = 0, 0
    while unclosed < _MOST_UNCLOSED and (start := _next_opener(text, position)) >= 0:
        end = _closing(text, start)
        if end < 0:
            outer_blocks.append(Block(text[start:], start, False))
            position = start + 1
            unclosed += 1
        else:
            outer_blocks.append(Block(text[start : end + 1], start, True))
            position = end + 1
    return outer_blocks


def _next_opener(text: str, position: int) -> int:
    places = [place for opener in _CLOSERS if (place := text.find(opener, position)) >= 0]
    return min(places, default=-1)


def _closing(text: str, start: int) -> int:
    """Index of the bracket that closes the one at `start`, -1 if none does."""
    depth, quoted, escaped = 0, False, False
    for index in range(start, len(text)):
        sign = text[index]
        if escaped:
            escaped = False
        elif quoted and sign == "\\":
            escaped = True
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign in "{[":
            depth += 1
        elif not quoted and sign in "}]":
            depth -= 1
            if depth == 0:
                return index
    return -1


def strict_json(text: str) -> Any:
    """The text as JSON, objects as `Pairs`.

    Raises:
        ValueError: it is none (NaN and infinities are none).
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse)


def lenient_objects(text: str) -> Iterator[Any]:
    """Readings of a block that is no JSON, the more careful first."""
    body = _COMMENTS.sub("", text)
    pairs = _loose_pairs(body)
    if pairs is not None:
        yield pairs
    if len(body) > _REPAIRED_LENGTH or body.count("{") + body.count("[") > _REPAIRED_BRACKETS:
        return
    import json_repair

    try:
        repaired = json_repair.loads(body)
    except (ValueError, RecursionError):
        return
    yield as_pairs(repaired)


def as_pairs(item: Any) -> Any:
    """Plain dictionaries as `Pairs`, at every depth."""
    if isinstance(item, dict):
        return Pairs((str(key), as_pairs(inner)) for key, inner in item.items())
    if isinstance(item, list) and not isinstance(item, Pairs):
        return [as_pairs(inner) for inner in item]
    return item


_COMMENTS = re.compile(r"/\*.*?\*/|(?m:(?<![:\w\"'])(?://|#)[^\n\"']*$)", re.DOTALL)
_KEY = re.compile(
    r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s"'{}\[\],:=](?:[^"'{}\[\],:=]*?)))\s*(?:=>|[:=])\s*"""
)
#: A bare entry ends at a comma, unless the comma is a decimal one (then no key follows it), at a
#: line's end, or where a quoted key begins.
_BARE = re.compile(
    r"""(?:[^,;{}\[\]\n"']|,(?=\d++(?!\s*['"]?\s*(?:[:=]))(?:[^:=\n]*?(?:[,;}\n]|$))))+"""
)
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')""")
_BETWEEN = re.compile(r"[\s,;]*")


def _loose_pairs(text: str) -> Pairs | None:
    """Pairs of a flat object with bare or single-quoted keys and entries such as 31,5 %.

    None where the block is no flat object.
    """
    body = text.strip()
    if not body.startswith("{"):
        return None
    body = body[1:-1] if body.endswith("}") else body[1:]
    pairs = Pairs()
    position = _BETWEEN.match(body).end()  # type: ignore[union-attr]
    while position < len(body):
        key = _KEY.match(body, position)
        if key is None:
            return pairs if pairs and not body[position:].strip(" .,;\n") else None
        entry = _QUOTED.match(body, key.end()) or _BARE.match(body, key.end())
        if entry is None:
            return None
        groups = entry.groups()
        entry_text = next((g for g in groups if g is not None), None) if groups else entry.group()
        name = next(g for g in key.groups() if g is not None)
        pairs.append((name.strip(), (entry_text or "").strip()))
        position = _BETWEEN.match(body, entry.end()).end()  # type: ignore[union-attr]
    return pairs
