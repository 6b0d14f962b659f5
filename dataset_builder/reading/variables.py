"""Which variables of a file matter, and what names they go by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from codebook import value_questions
from codebook.respondents.demographics import demographics

#: The wave that the readers read.
WAVE = 7

#: The 42 demographic variables of wave 7, in the order of the file.
DEMOGRAPHICS: tuple[str, ...] = tuple(demographics())

#: Read as well, yet no demographic: given out only where someone asks for it.
ON_REQUEST: tuple[str, ...] = ("Q223",)

#: Names of one thing, the first of those present counts.
ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": ("S007", "S007_01"),
        "interview": ("D_INTERVIEW",),
        "wave": ("A_WAVE",),
        "country": ("B_COUNTRY",),
        "country_alpha": ("B_COUNTRY_ALPHA",),
        "weight": ("W_WEIGHT", "S017", "V258", "V259"),
        "psu": ("I_PSU",),
        "region": ("N_REGION_ISO", "X048ISO", "N_REGION_WVS", "X048WVS"),
        "version": ("version",),
        "doi": ("doi",),
    }
)

#: `Q1P`: the scale of Q1 turned round, as "inverted" releases have it.
INVERTED = re.compile(r"(Q\d+A?)P", re.IGNORECASE)

_NAME = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*(?:$|[:\s(\[–—|=]|[.-](?:\s|$))")

#: `Q_1` and `Q001` for `Q1`, as some programs write it.
_APART = re.compile(r"(Q)_?0*(\d+A?P?)", re.IGNORECASE)


#: `Q1.x` and `Q1.1`, which merging tables makes, or reading a name twice.
_MERGED = re.compile(r"(Q\d+A?)(?:[._][xy]|\.\d|\.{3}\d+)", re.IGNORECASE)
#: Begins like a question and goes on: `q1_important_in_life` (cleaned labels), `[Q1] ...`, `Q1_W7`.
_LIKE_QUESTION = re.compile(r"\W*(Q)[ _.]?0*(\d+A?)(?![0-9]).*", re.IGNORECASE | re.DOTALL)


@cache
def known_names() -> Mapping[str, str]:
    """Names of all variables that are read, by their upper-case form."""
    names = [*value_questions(), *DEMOGRAPHICS, *ON_REQUEST]
    names += [name for group in ROLES.values() for name in group]
    return MappingProxyType({name.upper(): name for name in names})


def variable_name(header: str) -> str:
    """The variable of a column headed `NAME`, `NAME: label`, `NAME. label`, `NAME - label` or
    `NAME label`; `Q_1` and `Q001` are `Q1`.

    Case does not count for the names that are read; a header without a name is given back as it
    stands. `Q1.1`, which pandas writes for a second column Q1, is another name.
    """
    match = _NAME.match(header)
    if not match:
        return header.strip()
    name = _APART.sub(r"\1\2", match[1]) if _APART.fullmatch(match[1]) else match[1]
    return known_names().get(name.upper(), name)


def almost_questions(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers that begin like a value question, but are not read as any.

    Left out are those whose question another column holds (the survey's own `Q82_EU` beside
    `Q82`), save what merging tables makes (`Q1.x`).
    """
    read = {variable_name(header) for header in headers}
    near_headers = []
    for header in headers:
        if variable_name(header) in known_names().values():
            continue
        if (match := _MERGED.fullmatch(header.strip())) and match[1].upper() in value_questions():
            near_headers.append(header.strip())
        elif match := _LIKE_QUESTION.fullmatch(header):
            question = f"Q{match[2].upper()}"
            if question not in value_questions():
                question = question.removesuffix("A")
            turned = INVERTED.fullmatch(variable_name(header))
            if question in value_questions() and question not in read and not turned:
                near_headers.append(header.strip())
    return tuple(near_headers)


def header_style(headers: tuple[str, ...]) -> str:
    """How columns are headed: `NAME`, `NAME: label` or `NAME label`."""
    known = [h.strip() for h in headers if variable_name(h) in known_names().values()]
    if any(re.match(r"\w+\s*:", h) for h in known):
        return "NAME: label"
    return "NAME label" if any(not re.fullmatch(r"\w+", h) for h in known) else "NAME"
