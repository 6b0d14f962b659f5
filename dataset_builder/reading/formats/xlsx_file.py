"""Excel workbooks, labelled or not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.digests import sha256_file
from contracts.errors import fail
from dataset_builder.reading.blocks import Block, Wanted, text_array
from dataset_builder.reading.header import MOST_LINES_ABOVE, header_row, known_variables
from dataset_builder.reading.relatives import is_wave7, upper_names

BLOCK_ROWS = 8_192


class XlsxFile:
    """The sheet of an Excel workbook that names variables; see `TabularFile`.

    Args:
        path: the file.
        name: its name, for messages.
    """

    def __init__(self, path: Path, *, name: str) -> None:
        import python_calamine

        self._path = path
        self._name = name
        self.value_labels: dict[int, dict[int, str]] = {}
        try:
            book = python_calamine.load_workbook(str(path))
            self._sheet, sheet = _sheet_of(book, name=name)
        except (python_calamine.CalamineError, OSError, IndexError) as error:
            raise fail(
                "damaged-file",
                f"the Excel workbook cannot be opened ({error})",
                where=name,
                hint="Download the file again, or save it again as .xlsx.",
            ) from None
        rows = self._sheet.to_python(skip_empty_area=True)
        above = header_row([[str(cell) for cell in row] for row in rows[: MOST_LINES_ABOVE + 1]])
        self._rows = iter(rows[above:])
        self.headers = [str(cell).strip() for cell in next(self._rows, [])]
        self.total = max(self._sheet.height - 1 - above, 0)
        self.detected = {"format": "Excel (.xlsx)", "sheet": sheet}
        if above:
            self.detected["lines above the header"] = str(above)
        if not any(self.headers):
            raise fail("empty-file", "the sheet of the workbook is empty", where=name)

    def sha256(self) -> str:
        """Digest of the file."""
        return sha256_file(self._path)

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Give the wanted columns in blocks of rows; rows without any entry are left out."""
        done = 0
        while rows := list(islice(self._rows, BLOCK_ROWS)):
            done += len(rows)
            people = [row for row in rows if any(cell != "" for cell in row)]
            if people:
                columns = {i: _array([row[i] for row in people]) for i in wanted.all()}
                yield Block(rows=len(people), columns=columns, done=done)


def _sheet_of(book: Any, *, name: str) -> tuple[Any, str]:
    """The sheet whose row of names has most variables, and its name; the first if none has any.

    Raises:
        ContractError: several sheets hold people.
    """
    known: list[int] = []
    people = []
    for number, title in enumerate(book.sheet_names):
        sheet = book.get_sheet_by_index(number)
        rows = [
            [str(cell) for cell in row]
            for row in sheet.to_python(skip_empty_area=True, nrows=MOST_LINES_ABOVE + 1)
        ]
        headers = rows[header_row(rows)] if rows else []
        known.append(known_variables(headers))
        names = upper_names(headers)
        if is_wave7(names) or {"S002VS", "V2"} & set(names):
            people.append(title)
    if len(people) > 1:
        raise fail(
            "several-sheets",
            "several sheets of the workbook hold people",
            where=name,
            found=", ".join(people[:10]),
            allowed="one sheet with everyone",
            hint="Put the people of all sheets into one, or save the sheet that is meant as CSV.",
        )
    best = known.index(max(known))
    return book.get_sheet_by_index(best), book.sheet_names[best]


def _array(cells: list[Any]) -> pa.Array:
    if all(type(cell) in (int, float) or cell == "" for cell in cells):
        return pa.array([None if cell == "" else float(cell) for cell in cells], pa.float64())
    return text_array([_text(cell) for cell in cells])


def _text(cell: Any) -> str | None:
    if cell == "" or cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
