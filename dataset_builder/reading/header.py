"""Where the line of column names is: lines above it, and the separator."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import NamedTuple

from contracts.errors import fail
from dataset_builder.reading.variables import known_names, variable_name

#: A header row longer than this is not one.
LONGEST_HEADER = 1 << 20
#: Lines above the column names (a title, a source) up to this many are passed over.
MOST_LINES_ABOVE = 10
#: Known variables that a line must name to be taken for the header below other lines.
_FEWEST_KNOWN = 2

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}

#: Excel's own note about the separator, which stands above everything else.
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?[;,\t|]*\s*", re.IGNORECASE)


class Header(NamedTuple):
    """The line of column names.

    Attributes:
        names: the headers.
        separator: what separates columns.
        lines_above: lines above it that were passed over.
        length: bytes up to the end of the line.
    """

    names: list[str]
    separator: str
    lines_above: int
    length: int


def known_variables(headers: Sequence[str]) -> int:
    """How many of some headers name a variable that is read."""
    return sum(variable_name(header) in known_names().values() for header in headers)


def header_row(rows: Sequence[Sequence[str]]) -> int:
    """Index of the row of column names: the one, near the top, that names most variables.

    A title that names a few ("Q1 and Q8 by B_COUNTRY") stands above it. The first row counts where
    no other names at least two variables.
    """
    if not rows:
        return 0
    known = [known_variables(row) for row in rows[: MOST_LINES_ABOVE + 1]]
    most = max(known)
    return known.index(most) if most >= _FEWEST_KNOWN else 0


def find_header(data: bytes, *, encoding: str, name: str) -> Header:
    """Find the column names at the start of a delimited file.

    Args:
        data: the first bytes of the file.
        encoding: how its text is coded.
        name: its name, for messages.

    Raises:
        ContractError: there is no line of names.
    """
    lines = _first_lines(data, name=name)
    texts = [line.decode(encoding, errors="replace").lstrip("\ufeff") for line in lines]
    fixed = _SEP_LINE.fullmatch(texts[0])
    skip = 1 if fixed is not None and len(texts) > 1 else 0
    named = fixed.group(1) if fixed is not None and fixed.group(1) in SEPARATORS else ""

    def row(text: str) -> list[str]:
        return _fields(text, named or _separator(text))

    chosen = skip + header_row([row(t) for t in texts[skip:]])
    separator = named or _separator(texts[chosen])
    below = [_fields(text, separator) for text in texts[chosen + 1 :][:3]]
    names = _as_long_as_rows(_fields(texts[chosen], separator), below)
    if not any(cell.strip() for cell in names):
        raise fail("no-header", "the first line of the file is blank", where=name)
    length = sum(len(line) for line in lines[: chosen + 1])
    return Header(names, separator, chosen, length)


def _as_long_as_rows(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The headers with one for a nameless column, where all rows have one cell more.

    R's `write.table` gives the row names in front no header; some programs end rows alone with
    a separator.
    """
    full = [row for row in rows if row]
    if not full or any(len(row) != len(names) + 1 for row in full):
        return names
    if not any(row[-1].strip() for row in full):
        return [*names, ""]
    numbered = [row[0].strip() for row in full] == [str(n + 1) for n in range(len(full))]
    return ["", *names] if numbered else names


def _first_lines(data: bytes, *, name: str) -> list[bytes]:
    """The first lines; one may run over several where it is quoted."""
    lines = [_cut_line(data, name=name)]
    rest = data[len(lines[0]) :]
    while rest and len(lines) <= MOST_LINES_ABOVE + 1:
        end = _line_end(rest)
        if not end or end > LONGEST_HEADER:
            # The last line of a small file has no end of its own.
            end = len(rest) if len(rest) <= LONGEST_HEADER else 0
        if not end:
            break
        lines.append(rest[:end])
        rest = rest[end:]
    return lines


def _line_end(data: bytes) -> int:
    end = data.find(b"\n") + 1
    while end and data.count(b'"', 0, end) % 2:
        end = data.find(b"\n", end) + 1
    return end


def _cut_line(data: bytes, *, name: str) -> bytes:
    end = _line_end(data)
    if not end or end > LONGEST_HEADER:
        if 0 < len(data) <= LONGEST_HEADER and not end:
            return data
        raise fail(
            "no-header",
            "the file has no line of column names",
            where=name,
            allowed="a first line of variable names",
            hint="Take the file as the survey ships it.",
        )
    return data[:end]


def _fields(text: str, separator: str) -> list[str]:
    return next(csv.reader(io.StringIO(text), delimiter=separator), [])


def _separator(text: str) -> str:
    """The separator that yields the most variables known; a space only where no other does.

    R's `write.table` separates by spaces; within names they separate words ("Q1 Family").
    """
    return max(
        SEPARATORS,
        key=lambda s: (known_variables(_fields(text, s)), s != " ", text.count(s)),
    )
