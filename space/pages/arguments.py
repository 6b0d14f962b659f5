"""Arguments of the endpoints for programs: anybody may send anything."""

from __future__ import annotations

from typing import Any

from contracts.errors import ContractError, fail

#: Longest text that an endpoint takes, in characters.
LONGEST = 4000

#: Fields of a form that an endpoint takes.
MOST_FIELDS = 100

_KINDS = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}


def text_of(name: str, given: Any, *, longest: int = LONGEST) -> str:
    """An argument that is a text.

    Raises:
        ContractError: it is none, or too long.
    """
    if not isinstance(given, str):
        raise _wrong(name, given, f"a text of at most {longest} characters")
    if len(given) > longest:
        raise fail(
            "too-long",
            f"the argument {name} is too long",
            column=name,
            found=f"{len(given)} characters",
            allowed=f"at most {longest}",
        )
    return given


def number_of(name: str, given: Any) -> int:
    """An argument that is a whole number.

    Raises:
        ContractError: it is none.
    """
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) > 10**9:
        raise _wrong(name, given, "a whole number")
    return given


def fields_of(name: str, given: Any) -> dict[str, Any]:
    """An argument that is an object of plain values; nothing stands for an empty one.

    Raises:
        ContractError: it is none, or holds too much.
    """
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > MOST_FIELDS:
        raise _wrong(name, given, f"an object of at most {MOST_FIELDS} fields")
    for key, content in given.items():
        text_of(f"{name}: a name", key, longest=100)
        if isinstance(content, str):
            text_of(f"{name}.{key}", content)
        elif not isinstance(content, (bool, int, float, type(None))):
            raise _wrong(f"{name}.{key}", content, "a text, a number, true or false, or nothing")
    return given


def _wrong(name: str, given: Any, allowed: str) -> ContractError:
    given_kind = _KINDS.get(type(given), "something else")
    if isinstance(given, (list, dict)):
        given_kind += f" of {len(given)}"
    return fail(
        "wrong-argument",
        f"the argument {name[:100]} is of the wrong kind",
        column=name[:100],
        found=given_kind,
        allowed=allowed,
    )
