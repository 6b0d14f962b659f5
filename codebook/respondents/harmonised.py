"""Harmonised demographics: few comparable categories made of the survey's raw codes.

Names and categories are those of groups in the table `distributions`: `sex=female`,
`age=16-29;settlement=urban`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from codebook.countries import CONTINENTS, WAVES, countries
from codebook.resources import read_toml

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


#: Variables by which `distributions` splits a country's people.
GROUP_VARIABLES = ("sex", "age", "education", "settlement")

#: The main demographics that `responses` carries in every row.
MAIN_VARIABLES = (
    "sex",
    "age",
    "age_years",
    "education",
    "settlement",
    "income_third",
    "marital_status",
    "employment",
)

#: Demographics that are given out only where someone asks for them by name.
ON_REQUEST_VARIABLES = ("religion", "ethnicity", "party")


class GroupError(ValueError):
    """The name of a group is malformed; the message lists every problem and what is allowed."""


@dataclass(frozen=True)
class Harmonised:
    """A demographic variable with comparable categories.

    Attributes:
        name: key in `HARMONISED`, for instance `age`.
        title: short title.
        variable: raw variable of the file that it is made of.
        categories: categories in order; empty for an open list.
        code_categories: raw code -> index into `categories`.
        ungrouped_codes: raw codes that are valid, yet belong to no category.
        sensitive: whether it is given out on request only.
        open_list: whether every country has its own list, so that no categories are common.
        note: what one has to know about it.
        other_names: names of `variable` in other versions of the file.
    """

    name: str
    title: str
    variable: str
    categories: tuple[str, ...]
    code_categories: Mapping[int, int] = field(repr=False)
    ungrouped_codes: frozenset[int] = field(default=frozenset(), repr=False)
    sensitive: bool = False
    open_list: bool = False
    note: str = ""
    other_names: tuple[str, ...] = ()

    @property
    def allowed_codes(self) -> frozenset[int]:
        """Valid raw codes, the missing ones left out; empty for an open list."""
        return frozenset(self.code_categories) | self.ungrouped_codes

    def recode(self, codes: ArrayLike) -> NDArray[np.int8]:
        """Index into `categories` of each raw code.

        Args:
            codes: raw codes of `variable`, any shape; a float counts if it is whole, NaN is
                missing.

        Returns:
            int8 array of the same shape; -1 where the code is missing, belongs to no category
            or is unknown (`unknown_codes` tells which are unknown).

        Raises:
            ValueError: the variable is an open list and has no common categories.
        """
        import numpy as np

        if self.open_list:
            raise ValueError(
                f"{self.name} ({self.variable}) is an open list without common categories; "
                f"use codebook.respondents.demographics.texts({self.variable!r}, codes)"
            )
        known = np.array(sorted(self.code_categories), dtype=np.int64)
        index = np.array([self.code_categories[int(c)] for c in known], dtype=np.int8)
        raw = whole_codes(codes)
        place = np.minimum(np.searchsorted(known, raw), known.size - 1)
        return np.where(known[place] == raw, index[place], np.int8(-1)).astype(np.int8)

    def unknown_codes(self, codes: ArrayLike) -> tuple[int, ...]:
        """Distinct codes of zero or more that are not in `allowed_codes`, in rising order.

        Always empty for an open list. A number that is not whole counts as unknown and is
        reported rounded down.
        """
        import numpy as np

        if self.open_list:
            return ()
        flat = np.asarray(codes, dtype=np.float64).ravel()
        distinct = np.unique(flat[np.isfinite(flat) & (flat >= 0)])
        return tuple(
            int(c) for c in distinct if c != np.floor(c) or int(c) not in self.allowed_codes
        )


#: Stands for "no code" where a number is not whole or not finite, or a respondent has no answer:
#: the lowest 16-bit integer, so that arrays of codes can be small; no survey uses it.
NO_CODE = -(2**15)


def whole_codes(codes: ArrayLike) -> NDArray[np.int64]:
    """Raw codes as int64; NaN, infinities and numbers that are not whole become `NO_CODE`."""
    import numpy as np

    raw = np.asarray(codes)
    if raw.dtype.kind in "iub":
        return raw.astype(np.int64)
    number = raw.astype(np.float64)
    whole = np.isfinite(number) & (number == np.floor(number))
    return np.where(whole, number, NO_CODE).astype(np.int64)


def _codes(entries: Iterable[int | str]) -> list[int]:
    codes: list[int] = []
    for entry in entries:
        if isinstance(entry, int):
            codes.append(entry)
        else:
            low, high = entry.split("-")
            codes.extend(range(int(low), int(high) + 1))
    return codes


def _categories(table: Mapping[str, Any]) -> dict[str, list[int]]:
    if set(table) == {"range"}:
        return {str(code): [code] for code in _codes([table["range"]])}
    return {name: _codes(entries) for name, entries in table.items()}


def _code_categories(categories: Mapping[str, Any]) -> Mapping[int, int]:
    codes = _categories(categories).values()
    return MappingProxyType({c: index for index, entries in enumerate(codes) for c in entries})


def _from_table(name: str, table: Mapping[str, Any], source: str) -> Harmonised:
    there = table if source == "wave7" else table[source]
    categories = table.get("categories", {})
    return Harmonised(
        name=name,
        title=table["title"],
        variable=there["variable"],
        categories=tuple(_categories(categories)),
        code_categories=_code_categories(there.get("categories", categories)),
        ungrouped_codes=frozenset(_codes(table.get("ungrouped", ()))),
        sensitive=table.get("sensitive", False),
        open_list=table.get("open_list", False),
        note=table.get("note", ""),
        other_names=tuple(there.get("other_names", ())),
    )


#: Variable that holds the country, by source.
_COUNTRY_VARIABLES = {"wave5": "V2", "wave6": "V2", "wave7": "B_COUNTRY", "timeseries": "S003"}


def _country(source: str) -> Harmonised:
    known = sorted(countries().values(), key=lambda c: c.country)
    return Harmonised(
        name="country",
        title="Country or territory",
        variable=_COUNTRY_VARIABLES[source],
        categories=tuple(c.country for c in known),
        code_categories=MappingProxyType({c.wvs_code: i for i, c in enumerate(known)}),
    )


def _continent(source: str) -> Harmonised:
    place = {name: i for i, name in enumerate(CONTINENTS)}
    return Harmonised(
        name="continent",
        title="Continent",
        variable=_COUNTRY_VARIABLES[source],
        categories=CONTINENTS,
        code_categories=MappingProxyType(
            {c.wvs_code: place[c.continent] for c in countries().values()}
        ),
    )


@cache
def harmonised(wave: int = 7, *, timeseries: bool = False) -> Mapping[str, Harmonised]:
    """The harmonised demographics that a file holds, by name.

    Args:
        wave: 5, 6 or 7; for the time-series file, any of them.
        timeseries: whether the file is the time-series file rather than that of one wave.

    Raises:
        KeyError: the wave is unknown.
    """
    if wave not in WAVES:
        raise KeyError(f"wave {wave} is not known; there are: {', '.join(map(str, WAVES))}")
    source = "timeseries" if timeseries else f"wave{wave}"
    tables = read_toml("data/demographics_harmonised.toml")
    demographics = {
        name: _from_table(name, table, source)
        for name, table in tables.items()
        if source == "wave7" or source in table
    }
    return MappingProxyType(
        demographics | {"country": _country(source), "continent": _continent(source)}
    )


#: All harmonised demographics of wave 7 by name.
HARMONISED: Mapping[str, Harmonised] = harmonised()


def group_name(members: Mapping[str, str], *, variables: Sequence[str] = GROUP_VARIABLES) -> str:
    """The name of a group: `age=16-29;settlement=urban`, keys sorted; "" for everyone.

    Args:
        members: category by harmonised variable.
        variables: variables that may define a group.

    Raises:
        GroupError: a variable or category is unknown.
    """
    problems = [
        problem
        for variable, category in members.items()
        if (problem := _member_problem(variable, category, variables))
    ]
    if problems:
        raise GroupError("; ".join(problems))
    return ";".join(f"{variable}={members[variable]}" for variable in sorted(members))


def parse_group(group: str, *, variables: Sequence[str] = GROUP_VARIABLES) -> dict[str, str]:
    """Category by variable of a group's name, keys sorted; {} for "" (everyone).

    Parts may stand in any order; `group_name(parse_group(text))` is the canonical name.

    Args:
        group: name such as `sex=female` or `age=16-29;settlement=urban`.
        variables: variables that may define a group.

    Raises:
        GroupError: a part has no `=`, occurs twice, or names what does not exist.
    """
    members: dict[str, str] = {}
    problems: list[str] = []
    for part in group.split(";") if group.strip() else ():
        variable, equals, category = (text.strip() for text in part.partition("="))
        if not equals:
            problems.append(f"part {part!r} is not of the form variable=category")
        elif variable in members:
            problems.append(f"variable {variable!r} occurs twice")
        elif problem := _member_problem(variable, category, variables):
            problems.append(problem)
        else:
            members[variable] = category
    if problems:
        raise GroupError(f"group {group!r}: " + "; ".join(problems))
    return dict(sorted(members.items()))


def _member_problem(variable: str, category: str, variables: Sequence[str]) -> str:
    if variable not in variables:
        return f"no group variable {variable!r}; there are: {', '.join(variables)}"
    allowed = HARMONISED[variable].categories
    if category not in allowed:
        return f"{variable} has no category {category!r}; there are: {', '.join(allowed)}"
    return ""
