"""Columns that describe persons, as distinct entries and their combinations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from codebook.harmonised import HARMONISED
from codebook.missing import MissingKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PersonError(ValueError):
    """What describes the persons cannot be rendered; the message says what is allowed."""


class PersonColumn(NamedTuple):
    """A column as its distinct entries and the number of each row's entry (-1: none)."""

    name: str
    distinct: list[Any]
    entry_index: NDArray[np.int64]


def person_column(name: str, entries: Any) -> PersonColumn:
    """A column read: numpy, Arrow, pandas, polars or list; NaN and null are no entry."""
    import numpy as np
    import pyarrow as pa

    if hasattr(entries, "to_arrow"):
        entries = entries.to_arrow()
    if not isinstance(entries, pa.Array | pa.ChunkedArray):
        entries = pa.array(entries, from_pandas=True)
    if isinstance(entries, pa.ChunkedArray):
        entries = entries.combine_chunks()
    encoded = entries if pa.types.is_dictionary(entries.type) else entries.dictionary_encode()
    index = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    missing = "" if name in HARMONISED else int(MissingKind.MISSING)
    distinct = [_entry(entry, missing) for entry in encoded.dictionary.to_pylist()]
    return PersonColumn(name, distinct, np.asarray(index, dtype=np.int64))


def _entry(entry: Any, missing: str | int) -> Any:
    """An entry without the decimals that a missing neighbour gives to whole numbers."""
    if entry is None:
        return missing
    return int(entry) if isinstance(entry, float) and entry.is_integer() else entry


def combinations(read: Sequence[PersonColumn]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of every distinct combination, and the number of each row's combination."""
    import numpy as np

    number = np.zeros(len(read[0].entry_index), dtype=np.int64)
    span = 1
    for column in read:
        size = len(column.distinct) + 1
        if span * size > 2**62:
            known, number = np.unique(number, return_inverse=True)
            span = len(known)
        number = number * size + column.entry_index + 1
        span *= size
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    return first, place


def check_categories(read: Sequence[PersonColumn]) -> None:
    """Refuse entries of harmonised columns that are no categories.

    Raises:
        PersonError: there are such entries; the message lists all of them.
    """
    problems = []
    for column in read:
        harmonised = HARMONISED.get(column.name)
        if harmonised is None or harmonised.open_list:
            continue
        unknown = [str(v) for v in column.distinct if str(v) not in ("", *harmonised.categories)]
        if unknown:
            shown = ", ".join(harmonised.categories[:8])
            more = ", ..." if len(harmonised.categories) > 8 else ""
            problems.append(f"{column.name}: {', '.join(unknown[:5])}; allowed: {shown}{more}")
    if problems:
        raise PersonError("unknown categories: " + " | ".join(problems))
