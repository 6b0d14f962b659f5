"""The one disclosure rule: what may be public of the answers of few people.

A cell (wave x country x group x question) is public where at least `MINIMUM_CELL` people gave a
valid answer, and only as long as no smaller set of people follows from public cells by
subtraction:

- a variable whose groups are not all large enough is left out whole for that country and
  question, so that no small group follows from the others (a group that nobody in the country
  belongs to does not count);
- where the people whose group is unknown are few, they would follow as everyone less all groups;
  the smallest group is then held back too, so that only the two together follow;
- `train` and `test` are public for everyone only, never by group, and only as long as the people
  of neither (`validation`) are none or enough;
- groups by several variables at once are never public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook.harmonised import GROUP_VARIABLES, HARMONISED, group_name
from contracts.errors import Problem
from contracts.manifest import Disclosure

#: Version of the disclosure rule; releases made under an earlier one are withdrawn.
RULE_VERSION = "2"

#: Valid answers that a public cell has at least.
MINIMUM_CELL = 30

#: People in a country that a public code of a demographic question has at least.
MINIMUM_CODE = 10

#: Stands for the codes of a demographic question that few people hold.
POOLED_CODE = 99999

NOTE = (
    f"No country x group x question has fewer than {MINIMUM_CELL} valid answers, nor does one "
    "follow by subtraction: a variable with a smaller group is left out whole for that country "
    "and question, and where few people's group is unknown the smallest group is held back. "
    "Train and test stand for everyone only. No rows of single persons, no raw demographic codes, "
    "no groups by several variables."
)

#: Splits that are public beside `all`.
_PARTS = ("train", "test")

#: Public kinds of cells: (split, group).
SLOTS: tuple[tuple[str, str], ...] = (
    ("all", ""),
    *(
        ("all", group_name({variable: category}))
        for variable in GROUP_VARIABLES
        for category in HARMONISED[variable].categories
    ),
    *((part, "") for part in _PARTS),
)


def _slots_of(variable: str) -> list[int]:
    names = {group_name({variable: c}) for c in HARMONISED[variable].categories}
    return [i for i, (split, group) in enumerate(SLOTS) if split == "all" and group in names]


def enough(n_valid: int | NDArray[np.integer]) -> bool | NDArray[np.bool_]:
    """Whether that many valid answers may be public."""
    return n_valid >= MINIMUM_CELL


class Protected(NamedTuple):
    """Rows of `distributions` that may be public, and what was held back."""

    table: pa.Table
    disclosure: Disclosure


@dataclass(frozen=True)
class _Grid:
    """Valid answers by unit (wave x country x question) and slot; 0 where there is no cell.

    Attributes:
        unit: unit of each row of the table.
        slot: slot of each row, -1 where its kind is never public.
        n: valid answers, shape (units, slots).
        country: number of the (wave, country) of each unit.
        peopled: whether a country has any row of a slot, shape (units, slots): `distributions`
            has no rows of groups that nobody belongs to.
    """

    unit: NDArray[np.intp]
    slot: NDArray[np.intp]
    n: NDArray[np.int64]
    country: NDArray[np.intp]
    peopled: NDArray[np.bool_]

    @cached_property
    def everyone(self) -> NDArray[np.int64]:
        return self.n[:, 0]


def _numbers(table: pa.Table, columns: tuple[str, ...]) -> NDArray[np.intp]:
    """The same number for rows that agree in `columns`."""
    joint = np.zeros(table.num_rows, np.int64)
    for name in columns:
        _, number = np.unique(_indices(table.column(name)), return_inverse=True)
        joint = joint * (int(number.max(initial=0)) + 1) + number
    _, found = np.unique(joint, return_inverse=True)
    return found


def _indices(column: pa.ChunkedArray) -> NDArray[np.integer]:
    if pa.types.is_integer(column.type):
        return column.to_numpy()
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    return encoded.combine_chunks().indices.to_numpy()


def _grid(table: pa.Table) -> _Grid:
    unit = _numbers(table, ("wave", "country", "question_id"))
    kinds = pc.binary_join_element_wise(
        table.column("split").cast(pa.string()), table.column("group").cast(pa.string()), "|"
    )
    known = pa.array([f"{split}|{group}" for split, group in SLOTS])
    slot = pc.fill_null(pc.index_in(kinds, known), -1).to_numpy().astype(np.intp)
    n = np.zeros((int(unit.max(initial=-1)) + 1, len(SLOTS)), np.int64)
    inside = slot >= 0
    n[unit[inside], slot[inside]] = table.column("n_valid").to_numpy()[inside]
    country = np.zeros(len(n), np.intp)
    country[unit] = _numbers(table, ("wave", "country"))
    peopled = np.zeros((int(country.max(initial=-1)) + 1, len(SLOTS)), bool)
    peopled[country[unit[inside]], slot[inside]] = True
    return _Grid(unit, slot, n, country, peopled[country])


def _too_small(grid: _Grid) -> NDArray[np.bool_]:
    """Cells that have a valid answer, but too few."""
    return (grid.n > 0) & ~np.asarray(enough(grid.n))


def _keep_groups(grid: _Grid, keep: NDArray[np.bool_]) -> None:
    """Hold back variables with a small group, and one group more where few are unknown."""
    for variable in GROUP_VARIABLES:
        slots = _slots_of(variable)
        n = grid.n[:, slots]
        peopled = grid.peopled[:, slots]
        whole = keep[:, 0] & (np.asarray(enough(n)) | ~peopled).all(axis=1)
        keep[:, slots] = whole[:, None] & peopled
        rest = grid.everyone - n.sum(axis=1)
        few = whole & (rest > 0) & (rest < MINIMUM_CELL)
        # The same group for all questions of a country: the one with fewest answers in all.
        totals = np.zeros((int(grid.country.max(initial=-1)) + 1, len(slots)), np.int64)
        np.add.at(totals, grid.country, n)
        ranked = np.where(peopled, totals[grid.country], np.iinfo(np.int64).max)
        smallest = ranked.argmin(axis=1)
        keep[np.flatnonzero(few), np.array(slots)[smallest[few]]] = False


def _keep_parts(grid: _Grid, keep: NDArray[np.bool_]) -> None:
    """Hold back train or test where one is small, or where what is left of everyone is."""
    slots = [SLOTS.index((part, "")) for part in _PARTS]
    n = grid.n[:, slots]
    public = np.asarray(enough(n)) & keep[:, :1]
    for _ in _PARTS:
        rest = grid.everyone - np.where(public, n, 0).sum(axis=1)
        few = public.any(axis=1) & (rest > 0) & (rest < MINIMUM_CELL)
        smaller = np.where(public, n, np.iinfo(np.int64).max).argmin(axis=1)
        public[np.flatnonzero(few), smaller[few]] = False
    keep[:, slots] = public


def protect_distributions(table: pa.Table) -> Protected:
    """The rows of `distributions` that may be public.

    Cells of one country must all be in `table`, with the split `all`. Cells to which nobody gave
    a valid answer are left out like small ones.

    Args:
        table: rows of `distributions`.

    Returns:
        The public rows in their order, and how many cells of public kinds were held back:
        `cells_suppressed` had too few answers (1 to 29); `cells_suppressed_secondary` had enough,
        but would have given away others.
    """
    grid = _grid(table)
    keep = np.zeros(grid.n.shape, bool)
    keep[:, 0] = enough(grid.everyone)
    _keep_groups(grid, keep)
    _keep_parts(grid, keep)
    small = _too_small(grid)
    shown = (grid.slot >= 0) & keep[grid.unit, grid.slot]
    disclosure = Disclosure(
        applied=True,
        minimum_cell=MINIMUM_CELL,
        cells_suppressed=int(small.sum()),
        cells_suppressed_secondary=int(((grid.n > 0) & ~small & ~keep).sum()),
        unknown_groups=True,
        note=NOTE,
    )
    return Protected(table.filter(pa.array(shown)), disclosure)


def disclosure_problems(
    table: pa.Table, *, unknown_groups: bool = True, where: str = "distributions"
) -> list[Problem]:
    """What in rows of `distributions` may not be public: small cells, and small differences.

    A cell to which nobody gave a valid answer tells nothing and is no problem.

    Args:
        table: rows of `distributions`.
        unknown_groups: whether few people whose group is unknown count as a small difference;
            else only groups that have a name do.
        where: how a problem names the table.
    """
    grid = _grid(table)
    there = np.zeros(grid.n.shape, bool)
    inside = grid.slot >= 0
    there[grid.unit[inside], grid.slot[inside]] = grid.n[grid.unit[inside], grid.slot[inside]] > 0
    checks = {
        "private-group": (int((~inside).sum()), "rows of a kind that is never public"),
        "small-cell": (
            int((there & _too_small(grid)).sum()),
            f"cells with fewer than {MINIMUM_CELL} valid answers",
        ),
        "small-difference": (
            _small_differences(grid, there, unknown_groups=unknown_groups),
            f"sets of fewer than {MINIMUM_CELL} people follow from public cells by subtraction",
        ),
    }
    return [
        Problem(
            code,
            what,
            where=where,
            found=str(count),
            allowed="none",
            hint="Make the public release anew: opinion-atlas build ... --public",
        )
        for code, (count, what) in checks.items()
        if count
    ]


def _small_differences(grid: _Grid, there: NDArray[np.bool_], *, unknown_groups: bool) -> int:
    families = [(_slots_of(variable), unknown_groups) for variable in GROUP_VARIABLES]
    families.append(([SLOTS.index((part, "")) for part in _PARTS], True))
    found = 0
    for slots, always in families:
        public = there[:, slots]
        rest = grid.everyone - np.where(public, grid.n[:, slots], 0).sum(axis=1)
        few = (rest > 0) & (rest < MINIMUM_CELL) & there[:, 0] & public.any(axis=1)
        found += int((few & (always | ~public.all(axis=1))).sum())
    return found


def pool_rare_codes(
    counts: Mapping[int, int], *, minimum: int = MINIMUM_CODE, pooled_code: int = POOLED_CODE
) -> dict[int, int]:
    """Public code of each code of a demographic question in one country.

    Args:
        counts: people by code; negative codes (kinds of missing) stay as they are.
        minimum: people that a code needs to stand alone.
        pooled_code: code that stands for all rarer ones.

    Returns:
        Code -> public code. Where the rare codes together are too few as well, the next rarest
        codes join them, so that the pool does not give them away.
    """
    valid = sorted((n, code) for code, n in counts.items() if code >= 0 and n > 0)
    pool: list[int] = []
    people = 0
    for n, code in valid:
        if n >= minimum and (people == 0 or people >= minimum):
            break
        pool.append(code)
        people += n
    return {code: pooled_code if code in pool else code for code in counts}
