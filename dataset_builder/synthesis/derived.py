"""Columns that follow from others, as the survey's own recodes do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Codes = Mapping[str, NDArray[np.int64]]

_MEMBERSHIPS = tuple(f"Q{number}" for number in range(94, 106))

#: Column -> (source, pairs of old and new code); missing codes stand as they are.
_RECODES: Mapping[str, tuple[str, Mapping[int, int]]] = MappingProxyType(
    {
        **{f"{q}_3": (q, {1: 1, 2: 1, 3: 3, 4: 2, 5: 2}) for q in ("Q33", "Q34", "Q35")},
        **{f"{q}R": (q, {0: 0, 1: 1, 2: 1}) for q in _MEMBERSHIPS},
        "Q172R": ("Q172", {1: 1, 2: 1, 3: 2, 4: 3, 5: 3, 6: 3, 7: 4, 8: 4}),
        "Q288R": ("Q288", {c: 1 if c < 4 else 2 if c < 8 else 3 for c in range(1, 11)}),
        **{
            f"{q}R": (q, {c: 1 if c < 3 else 2 if c < 5 else 3 for c in range(9)})
            for q in ("Q275", "Q276", "Q277", "Q278")
        },
        "V002": ("Q264", {1: 0, 2: 1}),
        "V001": ("Q265", {1: 0, 2: 1}),
    }
)

_AGE_EDGES = {"X003R": (25, 35, 45, 55, 65), "X003R2": (30, 50)}

#: Materialist aims of Q154 and Q155; the others are postmaterialist.
_MATERIALIST = (1, 3)
_POSTMATERIALIST = {"Q152": (3,), "Q154": (2, 4), "Q156": (2, 3)}
_PAIRS = (("Q152", "Q153"), ("Q154", "Q155"), ("Q156", "Q157"))


def derived_columns(codes: Codes) -> dict[str, NDArray[np.int64]]:
    """All recodes and counts that follow from `codes`."""
    derived = {name: recode(codes[source], pairs) for name, (source, pairs) in _RECODES.items()}
    age = codes["Q262"]
    for name, edges in _AGE_EDGES.items():
        derived[name] = np.where(age >= 0, np.searchsorted(edges, age, side="right") + 1, age)
    derived["Q261"] = np.where(age >= 0, codes["A_YEAR"] - age, age)
    derived |= _postmaterialism(codes)
    return derived


def recode(codes: NDArray[np.int64], pairs: Mapping[int, int]) -> NDArray[np.int64]:
    """Codes with `pairs` applied at once; all others stand as they are."""
    changed = codes.copy()
    for old, new in pairs.items():
        changed[codes == old] = new
    return changed


def _postmaterialism(codes: Codes) -> dict[str, NDArray[np.int64]]:
    first, second = codes["Q154"], codes["Q155"]
    valid = (first > 0) & (second > 0)
    materialist = np.isin(first, _MATERIALIST).astype(int) + np.isin(second, _MATERIALIST)
    four_items = np.where(valid, 3 - materialist, -5)
    count = np.zeros(len(first), np.int64)
    complete = np.ones(len(first), bool)
    for first_name, second_name in _PAIRS:
        aims = _POSTMATERIALIST[first_name]
        count += np.isin(codes[first_name], aims).astype(int) + np.isin(codes[second_name], aims)
        complete &= codes[first_name] > 0
    mentioned = {q: (codes[q] == 1).astype(int) for q in ("Q8", "Q14", "Q15", "Q17")}
    autonomy = mentioned["Q15"] + mentioned["Q17"] - mentioned["Q8"] - mentioned["Q14"]
    asked = np.all([codes[q] > 0 for q in mentioned], axis=0)
    return {
        "Y001": np.where(complete, np.minimum(count, 5), -2),
        "Y002": four_items,
        "Y003": np.where(asked, autonomy, -5),
    }


def tell_choices_apart(
    first: NDArray[np.int8], second: NDArray[np.int8], *, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Second choices exchanged between people until none repeats its own first choice.

    The shares of a country stay what they are. Pairs that no exchange can tell apart after some
    rounds are left.
    """
    second = second.copy()
    everyone = len(second)
    for _ in range(20):
        clash = np.flatnonzero(((first == second) & (first > 0)) | ((first < 0) & (second > 0)))
        if not clash.size:
            break
        for person in clash.tolist():
            other = int(rng.integers(everyone))
            mine, theirs = second[person], second[other]
            if _fits(first[person], theirs) and _fits(first[other], mine):
                second[person], second[other] = theirs, mine
    return second


def _fits(first: np.int8, second: np.int8) -> bool:
    return bool(second < 0 if first < 0 else first != second)
