"""Of which wave a file is, by its column names, and what its own columns are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from codebook import value_questions
from codebook.countries import WAVES
from contracts.errors import fail
from dataset_builder.reading.blocks import TabularFile, Wanted
from dataset_builder.reading.coding import Coder
from dataset_builder.reading.layout import FEWEST_QUESTIONS
from dataset_builder.reading.variables import INVERTED, variable_name

EARLIER_WAVES = (5, 6)

#: Columns that the file of one wave alone has; they decide where the column V1 is missing.
_MARKS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {6: ("V203A", "V207A", "V228A", "V228B", "V228C"), 5: ("V259",)}
)

_NUMBERED = re.compile(r"V\d+[A-Z]?")


@dataclass(frozen=True)
class Source:
    """A file that is not of wave 7 alone.

    Attributes:
        waves: waves whose people are read.
        timeseries: whether it is the time series.
        roles: names of the columns of country, weight and the like; the first there counts.
    """

    waves: tuple[int, ...]
    timeseries: bool
    roles: Mapping[str, tuple[str, ...]]

    @property
    def title(self) -> str:
        """What the file is, for people."""
        return "time series" if self.timeseries else f"wave {self.waves[0]}"


def _roles(weight: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {
        "wave": ("V1",),
        "country": ("V2",),
        "interview": ("V3",),
        "weight": tuple(weight),
        "version": ("VERSION",),
        "doi": ("DOI",),
    }


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "wave5": Source((5,), False, MappingProxyType(_roles(["V259", "S017"]))),
        "wave6": Source((6,), False, MappingProxyType(_roles(["V258", "S017"]))),
        "timeseries": Source(
            WAVES,
            True,
            MappingProxyType(
                {
                    "wave": ("S002VS",),
                    "country": ("S003",),
                    "interview": ("S006",),
                    "person": ("S007",),
                    "weight": ("S017",),
                    "version": ("VERSION",),
                    "doi": ("DOI",),
                }
            ),
        ),
    }
)


def upper_names(headers: Sequence[str]) -> list[str]:
    """Variables of all columns, in capitals."""
    return [variable_name(header).upper() for header in headers]


def find_source(file: TabularFile, *, where: str) -> Source | None:
    """Which source a file is; None where it is for the reader of wave 7 to judge.

    Reads the first block of a file that has a column V1.

    Raises:
        ContractError: the file is of an earlier wave, but neither V1 nor a column of one wave
            alone tells of which.
    """
    names = upper_names(file.headers)
    known = set(names)
    if {"S002VS", "S003"} <= known:
        return SOURCES["timeseries"]
    asked = sum(name in value_questions() or bool(INVERTED.fullmatch(name)) for name in known)
    numbered = sum(bool(_NUMBERED.fullmatch(name)) for name in known)
    if asked >= FEWEST_QUESTIONS or numbered < FEWEST_QUESTIONS:
        return None
    return SOURCES[f"wave{_wave_of(file, names, where=where)}"]


def _wave_of(file: TabularFile, names: Sequence[str], *, where: str) -> int:
    said = _waves_said(file, names.index("V1")) if "V1" in names else ()
    if len(said) == 1 and said[0] in EARLIER_WAVES:
        return said[0]
    marked = [wave for wave, marks in _MARKS.items() if set(marks) & set(names)]
    if not said and marked:
        # Wave 6 comes first: some of its files have a V259, too.
        return marked[0]
    raise fail(
        "which-wave",
        "the questions are named V1, V2, ... as in waves 5 and 6, and it cannot be told which",
        where=where,
        column="V1",
        found=", ".join(map(str, said[:5])) or "no column V1",
        allowed="5 or 6, the same in every row",
        hint="Add a column V1 that holds the wave, or take the file of a single wave.",
    )


def _waves_said(file: TabularFile, place: int) -> tuple[int, ...]:
    """Distinct entries of V1 in the first block."""
    wanted = Wanted(small=frozenset(), whole=frozenset(), text=frozenset({place}))
    block = next(iter(file.blocks(wanted)), None)
    if block is None:
        return ()
    codes, _ = Coder("A_WAVE", frozenset(), strict=False, numbers=True).code(block.columns[place])
    return tuple(int(code) for code in np.unique(codes))
