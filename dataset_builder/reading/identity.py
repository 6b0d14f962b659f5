"""Who is who: unique respondent ids, and people who occur twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Multipliers of the row hash are drawn from this seed, so that notes are the same every time.
_HASH_SEED = 7


def respondent_ids(
    person: NDArray[np.int64] | None, interview: NDArray[np.int64] | None, rows: int
) -> tuple[NDArray[np.int32], str]:
    """A unique id for every row, and where it comes from.

    S007 if it is unique, else D_INTERVIEW if that is, else the row number.

    Args:
        person: S007, shape (rows,), None if the file has none.
        interview: D_INTERVIEW, likewise.
        rows: number of rows.
    """
    for name, ids in (("S007", person), ("D_INTERVIEW", interview)):
        if ids is not None and _usable(ids):
            return ids.astype(np.int32), name
    return np.arange(rows, dtype=np.int32), "row number"


def _usable(ids: NDArray[np.int64]) -> bool:
    fits = ids.size == 0 or (ids.min() >= 0 and ids.max() < 2**31)
    return bool(fits) and np.unique(ids).size == ids.size


def identity_notes(
    person: NDArray[np.int64] | None,
    interview: NDArray[np.int64] | None,
    content: list[NDArray[np.generic]],
) -> list[str]:
    """What a user should know about ids and duplicates, a sentence each.

    Args:
        person: S007, shape (n,).
        interview: D_INTERVIEW, shape (n,).
        content: arrays of shape (n,) or (n, k): all that the people said and are.
    """
    notes = []
    if person is not None and (repeated := _repeated(person)):
        notes.append(
            f"{repeated} rows repeat a S007 that an earlier row has; S007 names one person, so "
            "they are likely duplicates. They are kept."
        )
    if interview is not None:
        ids, counts = np.unique(interview, return_counts=True)
        for place in np.flatnonzero(counts > 1)[:5]:
            notes.append(
                f"{counts[place]} people share the D_INTERVIEW {ids[place]}; all are kept, and "
                "told apart by respondent_id."
            )
    if twins := equal_rows(content):
        notes.append(
            f"{twins} rows equal an earlier one in every answer and demographic read; they are "
            "kept, and may be true duplicates."
        )
    return notes


def _repeated(ids: NDArray[np.int64]) -> int:
    return int(ids.size - np.unique(ids).size)


def equal_rows(content: list[NDArray[np.generic]]) -> int:
    """Number of rows that equal an earlier row in all columns of `content`."""
    columns = [a[:, j] for a in content if a.ndim == 2 for j in range(a.shape[1])]
    columns += [a for a in content if a.ndim == 1]
    if not columns or not columns[0].size:
        return 0
    factors = np.random.default_rng(_HASH_SEED).integers(
        1, 2**63, size=len(columns), dtype=np.uint64
    )
    hashes = np.zeros(columns[0].shape, np.uint64)
    for column, factor in zip(columns, factors, strict=True):
        hashes += column.astype(np.int64).view(np.uint64) * factor
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    return sum(
        all(column[order[i]] == column[order[i + 1]] for column in columns) for i in same.tolist()
    )
