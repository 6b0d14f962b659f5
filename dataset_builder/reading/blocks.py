"""What every format's reader gives: rows in blocks, columns as Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

#: What programs write for a blank. Not "None", which is an answer, too (religion).
BLANKS = (
    "",
    " ",
    "NA",
    "N/A",
    "n/a",
    "<NA>",
    "NaN",
    "nan",
    "NaT",
    "NULL",
    "null",
    ".",
    "#N/A",
    "#NULL!",
)

#: Called with (done, total), in bytes or rows, whichever the format counts.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Block:
    """Some rows of a file.

    Attributes:
        rows: number of rows.
        columns: by column index: integers, floats, or text as a dictionary array; null is blank.
        done: bytes or rows read so far.
    """

    rows: int
    columns: Mapping[int, pa.Array]
    done: int


@dataclass(frozen=True)
class Wanted:
    """Columns to read.

    Attributes:
        small: columns of answers, which fit a byte in a file of codes.
        whole: columns of whole numbers.
        text: columns that may hold anything.
    """

    small: frozenset[int]
    whole: frozenset[int]
    text: frozenset[int]

    def all(self) -> tuple[int, ...]:
        """All columns, in the order of the file."""
        return tuple(sorted(self.small | self.whole | self.text))


class TabularFile(Protocol):
    """An opened survey file.

    Attributes:
        headers: headers of all columns.
        total: what `Block.done` counts up to.
        detected: what was found out about the format, filled while it is read.
        value_labels: by column index, the label of each code, where the format has labels.
    """

    headers: list[str]
    total: int
    detected: dict[str, str]
    value_labels: dict[int, dict[int, str]]

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Read the wanted columns, block by block."""
        ...

    def sha256(self) -> str:
        """Digest of the file as it was given."""
        ...


def text_array(texts: Sequence[str | None]) -> pa.DictionaryArray:
    """Texts as a dictionary array; None is blank."""
    return pa.array(texts, pa.string()).dictionary_encode()
