"""Rows that hold no person: blank ones, and names or descriptions of columns in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError, fail
from dataset_builder.reading.blocks import BLANKS, Block
from dataset_builder.reading.coding import UNKNOWN, Coder
from dataset_builder.reading.variables import variable_name


def blank_entries(column: pa.Array) -> NDArray[np.bool_]:
    """Which entries of a column are blank, shape (n,)."""
    if not pa.types.is_dictionary(column.type):
        return pc.is_null(column).to_numpy(zero_copy_only=False)
    texts = [text is None or text.strip() in BLANKS for text in column.dictionary.to_pylist()]
    known = np.array([*texts, True])
    return known[column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)]


def without_blank_rows(
    block: Block, country: Sequence[int], content: Iterable[int]
) -> tuple[Block, int]:
    """The block without rows that name no country and hold nothing of a person.

    Such rows are blank lines that spreadsheets save below (and between) the people, and notes
    ("Source: ...") that stand in the first column alone.

    Args:
        block: some rows.
        country: columns that say the country.
        content: columns of answers, demographics and weights.

    Returns:
        The block, and how many rows were left out.
    """
    blank = np.logical_and.reduce([blank_entries(block.columns[place]) for place in country])
    for place in content if blank.any() else ():
        blank &= blank_entries(block.columns[place])
    left_out = int(blank.sum())
    if not left_out:
        return block, 0
    keep = pa.array(np.flatnonzero(~blank))
    columns = {place: column.take(keep) for place, column in block.columns.items()}
    return Block(rows=len(keep), columns=columns, done=block.done), left_out


def refuse_names_among_rows(
    block: Block,
    headers: Sequence[str],
    coders: Mapping[int, Coder],
    *,
    country: int,
    above: int,
    where: str,
) -> None:
    """Refuse rows that hold names of columns, or a description of each column, and no person.

    Args:
        block: some rows.
        headers: headers of all columns.
        coders: by column, the coder of each question.
        country: the column that says the country.
        above: rows of the file above the block.
        where: name of the file.

    Raises:
        ContractError: there is such a row; it says which.
    """
    column = block.columns[country]
    if not pa.types.is_dictionary(column.type):
        return
    name = variable_name(headers[country])
    for text in column.dictionary.to_pylist():
        if text is not None and variable_name(text) == name:
            row = column.cast(pa.string()).to_pylist().index(text)
            raise _no_person("the names of the columns once more", text, above + row, where)
    if not above and _describes(block, coders, 0) and not _describes(block, coders, 1):
        text = next(_text(block.columns[place], 0) for place in coders)
        raise _no_person("a description of each column", text, 0, where)


def _describes(block: Block, coders: Mapping[int, Coder], row: int) -> bool:
    """Whether every question of a row has a text that is no answer to it."""
    if row >= block.rows or not coders:
        return False
    texts = {place: _text(block.columns[place], row) for place in coders}
    return all(
        text.strip() and coders[place].code_of_text(text) == UNKNOWN
        for place, text in texts.items()
    )


def _text(column: pa.Array, row: int) -> str:
    entry = column[row].as_py()
    return "" if entry is None else str(entry)


def _no_person(what: str, content: str, row: int, where: str) -> ContractError:
    return fail(
        "row-of-names",
        f"a row below the column names holds no person, but {what}",
        where=where,
        row=row + 2,
        found=content,
        allowed="one row of names, then a row for each person",
        hint="Delete the row; if files were pasted together, delete it between them.",
    )
