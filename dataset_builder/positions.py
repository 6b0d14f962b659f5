"""From raw codes to positions on the codebook's scales, as look-up tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codebook import MISSING_CODES, MissingKind, Scale, scales, value_questions
from contracts.release.tables import MISSING_COUNT_COLUMNS

#: Options of the longest scale; answers take columns 0 .. WIDTH-1 of a count array ...
WIDTH = max(scale.size for scale in scales().values())
#: ... then one column per kind in `MISSING_COUNT_COLUMNS`, off-scale answers last.
COLUMNS = WIDTH + len(MISSING_COUNT_COLUMNS)

NO_POSITION = -1


def byte_of(code: int) -> int:
    """Where a code stands in a look-up table of 256: as the byte that int8 stores it in."""
    return code % 256


def scale_of(question_id: str) -> Scale:
    """The scale of a value question."""
    scale = value_questions()[question_id].scale
    assert scale is not None
    return scale


@cache
def position_table(question_id: str) -> NDArray[np.int8]:
    """Position (0..K-1) by `byte_of` a code, shape (256,); -1 for missing and off-scale codes."""
    table = np.full(256, NO_POSITION, np.int8)
    for position, code in enumerate(scale_of(question_id).codes):
        table[byte_of(code)] = position
    return table


@cache
def column_table(question_id: str) -> NDArray[np.int8]:
    """Column of a count array by `byte_of` a code, shape (256,); -1 for codes unknown."""
    table = position_table(question_id).copy()
    for kind in MissingKind:
        table[byte_of(kind.value)] = WIDTH + MISSING_CODES.index(kind.value)
    for code in scale_of(question_id).off_scale:
        table[byte_of(code)] = COLUMNS - 1
    return table


def look_up(
    answers: NDArray[np.int8], questions: Sequence[str], *, columns: bool = False
) -> NDArray[np.int8]:
    """Positions (or count columns) of a block of raw codes.

    Args:
        answers: raw codes, shape (n, len(questions)).
        questions: ids of the columns.
        columns: whether to give count columns rather than positions.

    Returns:
        int8, same shape, stored row by row.
    """
    make = column_table if columns else position_table
    translated = np.empty((len(questions), len(answers)), np.int8)
    for number, question_id in enumerate(questions):
        # Translating bytes is many times faster than indexing a table with numpy.
        codes = answers[:, number].tobytes()
        translated[number] = np.frombuffer(codes.translate(make(question_id).tobytes()), np.int8)
    return np.ascontiguousarray(translated.T)
