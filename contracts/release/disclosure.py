"""The one disclosure rule: what may be public of survey answers, and in which figures.

Everything that strangers see goes through it: public releases, the embedded reference, the pages,
downloads and endpoints of the web app, few-shot prompts and soft training targets. It is
deterministic, so that the same cell always gives the same figure and nothing averages out.

1. **Cells.** A country's cell (wave x country x question) from `MINIMUM_CELL` valid answers. A
   variable's groups only where each of them has `MINIMUM_GROUP`; otherwise the whole variable is
   left out for that country and question. Where 1 to 29 respondents' group is unknown, they would
   follow as everyone less all groups: the smallest group is left out as well. `train` and `test`
   for everyone only, and only while the rest of the respondents are none or `MINIMUM_CELL`. No
   crossed groups.
2. **Counts.** Every option's count, and the number of valid answers by itself, to the nearest
   `ROUNDING`. They need not add up.
3. **Item non-response.** One number for everyone, all kinds together, rounded likewise.
4. **Weights.** No sums of weights. The weighted share is proportional to published count x f,
   where f is the option's mean weight over the cell's mean weight if the published count is
   `WEIGHTED_FROM` or more, else 1; three decimals. Unweighted share and standard error follow from
   published figures. Where one respondent's weight stands out (`contracts.release.dominance`), f
   is 1 throughout.
5. **Effective sample size.** Rounded n_valid x (n_eff / n at two decimals), rounded likewise; with
   f = 1 throughout, the median ratio of the country's questions stands for all of its cells.
6. **Correlations.** No n; r to the nearest `CORRELATION_STEP`; only pairs in which one
   respondent cannot move r by much (`correlation_is_public`), judged by the respondents who
   answered both questions; none where one respondent's weight stands out.
7. **Demographics by code.** Codes that fewer than `MINIMUM_CODE` respondents hold are pooled, then
   rule 2.
8. Nothing public is derived from exact figures later.

Rounded counts hide single respondents: tests solve integer programs over all published figures of
a cell and find no count of one determined. See docs/release.md for what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED, group_name
from contracts.errors import ContractError, Problem
from contracts.release.dominance import Place, in_places
from contracts.release.manifest import Disclosure, Manifest
from contracts.release.tables import MISSING_COUNT_COLUMNS

#: Version of the rule; releases made under another one count as withdrawn.
RULE_VERSION = "2"

#: Edition of what the rule makes of a private release: it grows where figures change while
#: releases of `RULE_VERSION` stay valid, so that views stored before are made again.
VIEW_EDITION = f"{RULE_VERSION}.1"

#: Valid answers that a country's public cell has at least.
MINIMUM_CELL = 30

#: Valid answers that every group of a public variable has at least.
MINIMUM_GROUP = 50

#: Published counts are multiples of it.
ROUNDING = 5

#: Published count from which an option's own mean weight enters its weighted share.
WEIGHTED_FROM = 10

#: Decimals of published shares.
SHARE_DECIMALS = 3

#: Published correlations are multiples of it.
CORRELATION_STEP = 0.02

#: Respondents in a country that a public code of a demographic question has at least.
MINIMUM_CODE = 10

#: Stands for the codes of a demographic question that few respondents hold.
POOLED_CODE = 99999

#: Flags of rows without a code that are public for everyone of a country, since they tell of the
#: fieldwork and not of respondents: the codebook lacks codes of the file; nobody was asked.
UNKNOWN_CODES, NOT_ASKED = "unknown-codes", "not-asked"

NOTE = (
    f"Cells of a country have {MINIMUM_CELL} valid answers or more, groups {MINIMUM_GROUP}; a "
    "variable with a smaller group is left out whole for that country and question, and where few "
    "respondents' group is unknown the smallest group is left out as well. Counts, effective "
    f"sample sizes and item non-response are rounded to the nearest {ROUNDING} and need not add "
    "up; shares follow from rounded counts and have three decimals. Train and test stand for "
    "everyone only. No rows of single respondents, no sums of weights, no raw demographic codes, "
    "no crossed groups."
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


_GROUP_SLOTS = sorted(slot for variable in GROUP_VARIABLES for slot in _slots_of(variable))


def enough(n_valid: int | NDArray[np.integer]) -> bool | NDArray[np.bool_]:
    """Whether that many valid answers of a country may be public."""
    return n_valid >= MINIMUM_CELL


def is_protected(manifest: Manifest) -> bool:
    """Whether a release holds only tables that went through the present rule."""
    return manifest.public and manifest.disclosure.rule_version == RULE_VERSION


def round_count(count: int | NDArray[np.integer]) -> NDArray[np.int64]:
    """A count to the nearest multiple of `ROUNDING`: 0-2 -> 0, 3-7 -> 5, 8-12 -> 10."""
    return (np.asarray(count, np.int64) + ROUNDING // 2) // ROUNDING * ROUNDING


def round_n_eff(n_valid: NDArray[np.integer], n_eff: NDArray[np.float64]) -> NDArray[np.float64]:
    """Published effective sample size: rounded n_valid x (n_eff / n at two decimals), rounded.

    At least `ROUNDING` where there is a published answer; 0 where there is none.
    """
    n = np.asarray(n_valid, np.float64)
    ratio = np.zeros(n.shape)
    np.divide(n_eff, n, out=ratio, where=n > 0)
    published = round_count(n_valid)
    rounded = np.rint(published * np.round(ratio, 2) / ROUNDING) * ROUNDING
    return np.where(published > 0, np.maximum(rounded, ROUNDING), 0.0)


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
            has no rows of groups to which no respondent belongs.
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
    _, numbers = np.unique(joint, return_inverse=True)
    return numbers


def _indices(column: pa.ChunkedArray) -> NDArray[np.integer]:
    if pa.types.is_integer(column.type):
        return column.to_numpy()
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    return encoded.unify_dictionaries().combine_chunks().indices.to_numpy()


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
    """Cells that have a valid answer, but too few, shape (units, slots)."""
    minimum = np.full(len(SLOTS), MINIMUM_CELL)
    minimum[_GROUP_SLOTS] = MINIMUM_GROUP
    return (grid.n > 0) & (grid.n < minimum)


def _keep_groups(grid: _Grid, keep: NDArray[np.bool_]) -> None:
    """Leave out variables with a small group, and one group more where few are unknown."""
    for variable in GROUP_VARIABLES:
        slots = _slots_of(variable)
        n = grid.n[:, slots]
        peopled = grid.peopled[:, slots]
        rest = grid.everyone - n.sum(axis=1)
        # A group that the source left out hides behind the unknown, of whom there may be 29.
        hidden = ~peopled.all(axis=1) & (rest > 0) & (rest < MINIMUM_GROUP + MINIMUM_CELL - 1)
        whole = keep[:, 0] & ((n >= MINIMUM_GROUP) | ~peopled).all(axis=1) & ~hidden
        keep[:, slots] = whole[:, None] & peopled
        few = whole & (rest > 0) & (rest < MINIMUM_CELL)
        # The same group for all questions of a country: the one with fewest answers in all.
        totals = np.zeros((int(grid.country.max(initial=-1)) + 1, len(slots)), np.int64)
        np.add.at(totals, grid.country, n)
        ranked = np.where(peopled, totals[grid.country], np.iinfo(np.int64).max)
        smallest = ranked.argmin(axis=1)
        keep[np.flatnonzero(few), np.array(slots)[smallest[few]]] = False


def _keep_parts(grid: _Grid, keep: NDArray[np.bool_]) -> None:
    """Leave out train or test where one is small, or where what is left of everyone is."""
    slots = [SLOTS.index((part, "")) for part in _PARTS]
    n = grid.n[:, slots]
    public = np.asarray(enough(n)) & keep[:, :1]
    for _ in _PARTS:
        rest = grid.everyone - np.where(public, n, 0).sum(axis=1)
        few = public.any(axis=1) & (rest > 0) & (rest < MINIMUM_CELL)
        smaller = np.where(public, n, np.iinfo(np.int64).max).argmin(axis=1)
        public[np.flatnonzero(few), smaller[few]] = False
    keep[:, slots] = public


def protect_distributions(table: pa.Table, *, dominated: Set[Place] = frozenset()) -> Protected:
    """The rows of `distributions` that may be public, in published figures.

    Cells of one country must all be in `table`, with the split `all`. Cells without a valid
    answer are left out like small ones, save those of everyone whose flag says that nobody was
    asked or that the codebook lacks codes.

    Args:
        table: rows of `distributions` with exact counts and sums of weights.
        dominated: waves and countries whose weights would tell of one respondent
            (`contracts.release.dominance`): there the published figures count heads.

    Returns:
        The public rows in their order, and how many cells of public kinds were held back:
        `cells_suppressed` had too few answers; `cells_suppressed_secondary` had enough, but would
        have given away others.

    Raises:
        ContractError: the rows have no sums of weights, so they are published figures already.
    """
    if table.num_rows and table.column("weight_sum").null_count:
        raise ContractError(
            Problem(
                "already-protected",
                "the table has no sums of weights, so it is under disclosure control already",
                where="distributions",
                hint="Apply the rule once, to the exact table of a private release.",
            )
        )
    grid = _grid(table)
    keep = np.zeros(grid.n.shape, bool)
    keep[:, 0] = enough(grid.everyone)
    _keep_groups(grid, keep)
    _keep_parts(grid, keep)
    small = _too_small(grid)
    shown = (grid.slot >= 0) & keep[grid.unit, grid.slot]
    flag = table.column("flag").cast(pa.string())
    explained = pc.is_in(flag, pa.array([UNKNOWN_CODES, NOT_ASKED]))
    explained = pc.and_(explained, table.column("code").is_null())
    shown |= explained.to_numpy(zero_copy_only=False) & (grid.slot == 0)
    disclosure = Disclosure(
        applied=True,
        rule_version=RULE_VERSION,
        minimum_cell=MINIMUM_CELL,
        minimum_group=MINIMUM_GROUP,
        rounding=ROUNDING,
        cells_suppressed=int(small.sum()),
        cells_suppressed_secondary=int(((grid.n > 0) & ~small & ~keep).sum()),
        note=NOTE,
    )
    return Protected(_published(table.filter(pa.array(shown)), dominated), disclosure)


def _published(table: pa.Table, dominated: Set[Place]) -> pa.Table:
    """Exact rows of public cells in published figures (rules 2 to 5)."""
    cell = _numbers(table, ("split", "wave", "country", "group", "question_id"))
    exact = pc.fill_null(table.column("n"), 0).to_numpy()
    weight = table.column("weight_sum").to_numpy()
    n_valid = table.column("n_valid").to_numpy()
    answered = n_valid > 0
    n = round_count(exact)
    heads = in_places(table, dominated)
    factor = np.where(heads, 1.0, _relative_weight(cell, exact, weight, n))
    weighted = _shares(cell, n.astype(np.float64) * factor)
    unweighted = _shares(cell, n.astype(np.float64))
    exact_n_eff = table.column("n_eff").to_numpy()
    n_eff = round_n_eff(n_valid, np.where(heads, n_valid * _ratio(table), exact_n_eff))
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(weighted * (1 - weighted) / n_eff)
    everyone = pc.and_(
        pc.equal(table.column("split").cast(pa.string()), "all"),
        pc.equal(table.column("group").cast(pa.string()), ""),
    ).to_numpy(zero_copy_only=False)
    missing = round_count(table.column("missing_total").to_numpy())
    figures = {
        "n": pa.array(n.astype(np.int32)),
        "weight_sum": pa.nulls(table.num_rows, pa.float64()),
        "weighted_share": _optional(weighted, answered),
        "unweighted_share": _optional(unweighted, answered),
        "se": _optional(se, answered),
        "n_valid": pa.array(round_count(n_valid).astype(np.int32)),
        "n_eff": pa.array(n_eff),
        "missing_total": pa.array(missing.astype(np.int32), mask=~(everyone & answered)),
        **{name: pa.nulls(table.num_rows, pa.int32()) for name in MISSING_COUNT_COLUMNS},
    }
    if heads.any():
        kind = table.column("n_eff_kind").cast(pa.string())
        figures["n_eff_kind"] = pc.if_else(pa.array(heads & answered), "assumed", kind).cast(
            table.schema.field("n_eff_kind").type
        )
    for name, column in figures.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _ratio(table: pa.Table) -> NDArray[np.float64]:
    """Median n_eff / n of everyone's cells of a row's wave and country; 1 where there is none."""
    place = _numbers(table, ("wave", "country"))
    n_valid = table.column("n_valid").to_numpy().astype(np.float64)
    everyone = pc.and_(
        pc.equal(table.column("split").cast(pa.string()), "all"),
        pc.equal(table.column("group").cast(pa.string()), ""),
    ).to_numpy(zero_copy_only=False)
    first = pc.fill_null(pc.equal(table.column("position"), 0), fill_value=False)
    cells = everyone & first.to_numpy(zero_copy_only=False) & (n_valid > 0)
    ratio = table.column("n_eff").to_numpy()[cells] / n_valid[cells]
    ratios = np.ones(int(place.max(initial=-1)) + 1)
    for number in np.unique(place[cells]):
        ratios[number] = np.median(ratio[place[cells] == number])
    return ratios[place]


def _optional(numbers: NDArray[np.float64], there: NDArray[np.bool_]) -> pa.Array:
    return pa.array(numbers.astype(np.float32), pa.float32(), mask=~there)


def _relative_weight(
    cell: NDArray[np.intp],
    exact: NDArray[np.integer],
    weight: NDArray[np.float64],
    published: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Mean weight of an option over that of its cell; 1 where few respondents chose it."""
    cells = int(cell.max(initial=-1)) + 1
    of_cell = np.ones(cells)
    count = np.bincount(cell, exact, minlength=cells)
    np.divide(np.bincount(cell, weight, minlength=cells), count, out=of_cell, where=count > 0)
    factor = np.ones(len(cell))
    many = (published >= WEIGHTED_FROM) & (of_cell[cell] > 0)
    factor[many] = weight[many] / exact[many] / of_cell[cell][many]
    return factor


def _shares(cell: NDArray[np.intp], amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amounts over the sum of their cell, at three decimals; NaN where the sum is zero."""
    totals = np.bincount(cell, amounts)[cell] if len(cell) else np.zeros(0)
    shares = np.full(len(cell), np.nan)
    np.divide(amounts, totals, out=shares, where=totals > 0)
    return np.round(shares, SHARE_DECIMALS)


def disclosure_problems(table: pa.Table, *, where: str = "distributions") -> list[Problem]:
    """What in rows of `distributions` may not be public, told from the rows alone.

    Args:
        table: rows of `distributions`.
        where: how a problem names the table.

    Returns:
        Small cells and groups, small differences, counts that are not rounded, sums of weights,
        kinds of missing answers, shares with more than three decimals or that do not follow from
        published counts; empty where the rule holds.
    """
    grid = _grid(table)
    shown = np.zeros(grid.n.shape, bool)
    inside = grid.slot >= 0
    shown[grid.unit[inside], grid.slot[inside]] = grid.n[grid.unit[inside], grid.slot[inside]] > 0
    checks = {
        "private-group": (int((~inside).sum()), "rows of a kind that is never public"),
        "small-cell": (
            int((shown & _too_small(grid)).sum()),
            f"cells with fewer than {MINIMUM_CELL} valid answers, or groups with fewer than "
            f"{MINIMUM_GROUP}",
        ),
        "small-difference": (
            _small_differences(grid, shown),
            f"sets of fewer than {MINIMUM_CELL} respondents follow from public cells by "
            "subtraction",
        ),
        **_figure_checks(table),
    }
    return [
        Problem(
            code,
            what,
            where=where,
            found=str(count),
            allowed="none",
            hint="Make the public release again: opinion-atlas build ... --public",
        )
        for code, (count, what) in checks.items()
        if count
    ]


def _figure_checks(table: pa.Table) -> dict[str, tuple[int, str]]:
    """Rows whose figures are not published ones, by kind of fault (rules 2 to 5)."""
    n = pc.fill_null(table.column("n"), 0).to_numpy()
    cell = _numbers(table, ("split", "wave", "country", "group", "question_id"))
    counted = [n, table.column("n_valid").to_numpy(), table.column("n_eff").to_numpy()]
    counted.append(pc.fill_null(table.column("missing_total"), 0).to_numpy())
    exact = np.any([column % ROUNDING != 0 for column in counted], axis=0)
    kinds = sum(table.num_rows - table.column(c).null_count for c in MISSING_COUNT_COLUMNS)
    everyone = pc.equal(table.column("group").cast(pa.string()), "")
    missing = pc.and_(table.column("missing_total").is_valid(), pc.invert(everyone))
    options = np.bincount(cell)[cell] if len(cell) else np.zeros(0)
    apart = np.abs(np.bincount(cell, n)[cell] - counted[1]) if len(cell) else np.zeros(0)
    return {
        "exact-count": (int(exact.sum()), f"rows whose counts are no multiples of {ROUNDING}"),
        "weight-sum": (
            table.num_rows - table.column("weight_sum").null_count,
            "rows with a sum of weights",
        ),
        "missing-kinds": (
            kinds + int(pc.sum(missing).as_py() or 0),
            "counts of missing answers by kind, or of a group",
        ),
        "count-sum": (
            int((apart > (ROUNDING // 2) * (options + 1)).sum()),
            "rows of cells whose counts lie farther from n_valid than rounding takes them",
        ),
        "exact-share": (_exact_shares(table, cell, n), "shares that rounded counts do not give"),
    }


def _exact_shares(table: pa.Table, cell: NDArray[np.intp], n: NDArray[np.integer]) -> int:
    """Shares with further decimals, or not those of published counts where they have to be."""
    wrong = np.zeros(table.num_rows, bool)
    half = 0.5 * 10.0**-SHARE_DECIMALS
    for name in ("weighted_share", "unweighted_share"):
        share = table.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        wrong |= np.abs(share - np.round(share, SHARE_DECIMALS)) > 1e-6
        wrong |= (n == 0) & (share > 0)
    unweighted = _shares(cell, n.astype(np.float64))
    wrong |= np.abs(share - unweighted) > 2 * half + 1e-6
    # Options of one small count have one mean weight, that of the cell, and so one share.
    weighted = table.column("weighted_share").to_numpy(zero_copy_only=False).astype(np.float64)
    few = np.flatnonzero((n > 0) & (n < WEIGHTED_FROM) & np.isfinite(weighted))
    key = cell[few] * WEIGHTED_FROM + n[few]
    high: dict[int, float] = {}
    low: dict[int, float] = {}
    for number, share_of in zip(key.tolist(), weighted[few].tolist(), strict=True):
        high[number] = max(high.get(number, share_of), share_of)
        low[number] = min(low.get(number, share_of), share_of)
    unequal = sum(high[number] - low[number] > 1e-6 for number in high)
    return int(wrong.sum()) + unequal


def _small_differences(grid: _Grid, shown: NDArray[np.bool_]) -> int:
    """Units in which few respondents are left of everyone for certain, whatever was rounded."""
    families = [_slots_of(variable) for variable in GROUP_VARIABLES]
    families.append([SLOTS.index((part, "")) for part in _PARTS])
    unit_count = 0
    for slots in families:
        public = shown[:, slots]
        rest = grid.everyone - np.where(public, grid.n[:, slots], 0).sum(axis=1)
        error = (ROUNDING // 2) * (public.sum(axis=1) + 1)
        few = (rest - error > 0) & (rest + error < MINIMUM_CELL)
        unit_count += int((few & shown[:, 0] & public.any(axis=1)).sum())
    return unit_count


def round_correlation(r: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations to the nearest multiple of `CORRELATION_STEP`."""
    return np.round(np.rint(np.asarray(r) / CORRELATION_STEP) * CORRELATION_STEP, 2)


def correlation_is_public(
    n: NDArray[np.float64],
    outside: NDArray[np.float64],
    sd: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether a correlation may be public: nobody may move it by a step alone.

    Args:
        n: respondents with both answers, shape (..., ).
        outside: respondents outside the commonest option of each question, shape (..., 2).
        sd: standard deviations of the scale positions, shape (..., 2).

    Returns:
        Shape (...): both questions have `MINIMUM_CELL` outside their commonest option, and
        .01 n sd_a sd_b is 2.5 or more.
    """
    return (outside >= MINIMUM_CELL).all(axis=-1) & (
        0.5 * CORRELATION_STEP * n * sd.prod(axis=-1) >= 2.5
    )


def correlation_problems(table: pa.Table, *, where: str = "correlations") -> list[Problem]:
    """What in rows of `correlations` may not be public, told from the rows alone."""
    r = table.column("r").to_numpy(zero_copy_only=False).astype(np.float64)
    exact = ~(np.abs(r - round_correlation(r)) <= 1e-6) | (np.abs(r) > 1)
    checks = {
        "pair-count": (
            table.num_rows - table.column("n").null_count,
            "rows with a number of respondents",
        ),
        "exact-correlation": (
            int(exact.sum()),
            f"correlations that are no multiples of {CORRELATION_STEP}",
        ),
    }
    return [
        Problem(code, what, where=where, found=str(count), allowed="none")
        for code, (count, what) in checks.items()
        if count
    ]


def pool_rare_codes(
    counts: Mapping[int, int], *, minimum: int = MINIMUM_CODE, pooled_code: int = POOLED_CODE
) -> dict[int, int]:
    """Public code of each code of a demographic question in one country.

    Args:
        counts: respondents by code; negative codes (kinds of missing) stay as they are.
        minimum: respondents that a code needs to stand alone.
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


#: Code under which published counts of a demographic question hold all kinds of missing answers.
MISSING_CODE = -2

#: ... and where no valid code is left, as the question was not asked.
NOT_ASKED_CODE = -4


def publish_counts(counts: Mapping[int, int]) -> dict[int, int]:
    """Published counts of a demographic question in one country (rule 7).

    Rare codes are pooled, all kinds of missing answers are added up under one code, and every
    count is rounded; codes that round to nothing are left out.
    """
    public = pool_rare_codes(counts)
    missing = MISSING_CODE if any(code >= 0 and n for code, n in counts.items()) else NOT_ASKED_CODE
    total: dict[int, int] = {}
    for code, n in counts.items():
        name = public[code] if code >= 0 else missing
        total[name] = total.get(name, 0) + n
    rounded = {code: int(round_count(n)) for code, n in total.items()}
    return {code: n for code, n in rounded.items() if n}
