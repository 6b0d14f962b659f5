"""Of which wave a file is, by its column names, and what its own columns are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from codebook.countries import WAVES
from codebook.questions import MissingKind
from contracts.errors import fail
from dataset_builder.reading.blocks import TabularFile, Wanted
from dataset_builder.reading.coding import UNKNOWN, Coder
from dataset_builder.reading.direction import renumbered
from dataset_builder.reading.relatives import (
    MANY,
    australian_archive,
    is_wave7,
    numbered,
    refuse_relatives,
    upper_names,
)
from dataset_builder.reading.variables import variable_name

EARLIER_WAVES = (5, 6)

#: Columns that the file of one wave alone has; they decide where the column V1 is missing.
_MARKS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {6: ("V203A", "V207A", "V228A", "V228B", "V228C"), 5: ("V259",)}
)

_AUSTRALIA = 36


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


def find_source(file: TabularFile, *, where: str) -> Source | None:
    """Which source a file is; None where it is for the reader of wave 7 to judge.

    Reads the first block of a file that has a column V1.

    Raises:
        ContractError: the file is of an earlier wave, but neither V1 nor a column of one wave
            alone tells of which.
    """
    refuse_relatives(file.headers, where=where)
    names = upper_names(file.headers)
    known = set(names)
    if {"S002VS", "S003"} <= known:
        return SOURCES["timeseries"]
    few = numbered(names) < MANY and not {"V1", "V2"} <= known
    if is_wave7(names) or few or not numbered(names):
        return None
    return SOURCES[f"wave{_wave_of(file, names, where=where)}"]


def _wave_of(file: TabularFile, names: Sequence[str], *, where: str) -> int:
    columns = [names.index(name) for name in ("V1", "V2") if name in names]
    first = _first_block(file, columns)
    stated_waves = first.get(names.index("V1"), ()) if "V1" in names else ()
    if len(stated_waves) == 1 and stated_waves[0] in EARLIER_WAVES:
        return stated_waves[0]
    homes = first.get(names.index("V2"), ()) if "V2" in names else ()
    if "V1" not in names and homes == (_AUSTRALIA,):
        raise australian_archive(names, where=where)
    marked = [wave for wave, marks in _MARKS.items() if set(marks) & set(names)]
    if "V1" not in names and marked:
        # Wave 6 comes first: some of its files have a V259, too.
        return marked[0]
    raise fail(
        "which-wave",
        "the questions are named V1, V2, ... as in waves 5 and 6, and it cannot be told which",
        where=where,
        column="V1",
        found=", ".join("text" if c == UNKNOWN else str(c) for c in stated_waves[:5])
        or "no column V1",
        allowed="5 or 6, the same in every row",
        hint="Add a column V1 that holds the wave, or take the file of a single wave; waves 1 to 4 "
        "are not read.",
    )


def _first_block(file: TabularFile, places: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Distinct entries of the columns of wave and country in the first block, by column."""
    wanted = Wanted(small=frozenset(), whole=frozenset(), text=frozenset(places))
    block = next(iter(file.blocks(wanted)), None) if places else None
    if block is None:
        return {}
    distinct_entries = {}
    for place in places:
        variable = "A_WAVE" if variable_name(file.headers[place]).upper() == "V1" else "B_COUNTRY"
        mirror = renumbered(variable, file.value_labels.get(place, {}))
        coder = Coder(variable, frozenset(), strict=False, numbers=True, mirror=mirror)
        codes = np.unique(coder.code(block.columns[place])[0])
        distinct_entries[place] = tuple(int(c) for c in codes if c != MissingKind.MISSING)
    return distinct_entries
