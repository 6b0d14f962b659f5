"""Delimited text, read in chunks: encoding, separator and damage are found on the way."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv

from contracts.errors import ContractError, Problem, fail
from dataset_builder.reading.blocks import Block, Wanted
from dataset_builder.reading.variables import known_names, variable_name

CHUNK_BYTES = 8 << 20
#: A header row longer than this is not one.
LONGEST_HEADER = 1 << 20

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
BLANKS = ["", " ", "NA", "NaN", "nan", "NULL", "null", ".", "#N/A", "#NULL!"]

_UTF8_PAIR = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


class ByteStream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` further bytes; none at the end."""
        ...


class CsvFile:
    """A delimited text file; see `TabularFile`.

    Args:
        stream: the file, opened for bytes, at its start.
        name: its name, for messages.
        total: its size in bytes.
    """

    def __init__(self, stream: ByteStream, *, name: str, total: int) -> None:
        self.total = total
        self.value_labels: dict[int, dict[int, str]] = {}
        self._stream = stream
        self._name = name
        self._digest = hashlib.sha256()
        self._encoding = "utf-8"
        self._seen_utf8 = False
        self._only_numbers = True
        self._line = 1
        self._done = 0
        self._ended = False
        self._rest = self._first_chunk()
        header, self._rest = _cut_header(self._rest, name=name)
        text = self._text(header).removeprefix("\ufeff")
        self._separator = _separator(text, name=name)
        self.headers = next(csv.reader([text], delimiter=self._separator))
        self.detected = {
            "format": "csv",
            "separator": SEPARATORS[self._separator],
            "byte order mark": "yes" if header.startswith(b"\xef\xbb\xbf") else "no",
        }

    def sha256(self) -> str:
        """Digest of the bytes read; of the whole file once all blocks are read."""
        return self._digest.hexdigest()

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Read the wanted columns, a chunk of bytes at a time.

        Raises:
            ContractError: rows of unequal length, mixed encodings, a file cut short.
        """
        while chunk := self._next_rows():
            table = self._parse(chunk, wanted)
            columns = {int(name): _one_array(table.column(name)) for name in table.column_names}
            yield Block(rows=table.num_rows, columns=columns, done=self._done)
            self._line += chunk.count(b"\n")
        self.detected["encoding"] = self._encoding

    def _read(self, *, text: bool = True) -> bytes:
        data = self._stream.read(CHUNK_BYTES)
        self._digest.update(data)
        self._done += len(data)
        self._ended = not data
        if text:
            self._refuse_zero_bytes(data)
        return data

    def _refuse_zero_bytes(self, data: bytes) -> None:
        if b"\0" in data:
            raise fail(
                "not-text",
                "the file holds zero bytes, so it is damaged or no text file",
                where=self._name,
                allowed="delimited text in UTF-8",
                hint="Save it anew as CSV (UTF-8), or download it again.",
            )

    def _first_chunk(self) -> bytes:
        data = self._read(text=False)
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise fail(
                "utf-16",
                "the file is in UTF-16",
                where=self._name,
                allowed="UTF-8 (with or without a byte order mark) or Windows-1252",
                hint="Save it as CSV UTF-8.",
            )
        self._refuse_zero_bytes(data)
        if not data.strip():
            raise fail("empty-file", "the file is blank", where=self._name)
        return data

    def _next_rows(self) -> bytes:
        """Whole lines, as UTF-8; empty at the end."""
        data = self._rest
        self._rest = b""
        while not self._ended:
            cut = _last_line_end(data)
            if cut and len(data) >= CHUNK_BYTES // 2:
                data, self._rest = data[:cut], data[cut:]
                break
            data += self._read()
        if data.isascii():
            return data
        text = self._text(data)
        return data if self._encoding == "utf-8" else text.encode("utf-8")

    def _text(self, data: bytes) -> str:
        """Text of the bytes; what is not UTF-8 is Windows-1252, but never both in one file."""
        if self._encoding == "utf-8":
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError as error:
                if self._seen_utf8 or _UTF8_PAIR.search(data):
                    raise self._mixed(data, error.start) from None
                self._encoding = "windows-1252"
            else:
                self._seen_utf8 |= not data.isascii()
                return text
        if match := _UTF8_PAIR.search(data):
            raise self._mixed(data, match.start())
        return data.decode("cp1252", errors="replace")

    def _mixed(self, data: bytes, place: int) -> ContractError:
        return fail(
            "mixed-encoding",
            "one part of the file is UTF-8, another is not",
            where=self._name,
            row=self._line + data[:place].count(b"\n") + 1,
            found=repr(data[max(0, place - 10) : place + 10]),
            allowed="one encoding throughout: UTF-8 or Windows-1252",
            hint="Download the file again, or save it anew as CSV UTF-8.",
        )

    def _parse(self, chunk: bytes, wanted: Wanted) -> pa.Table:
        """Parse as numbers while that works; from the first label or `3.0` on, as texts."""
        try:
            if self._only_numbers:
                return self._parse_as(chunk, wanted, numbers=True)
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise self._damaged(str(error)) from None
            self._only_numbers = False
        try:
            return self._parse_as(chunk, wanted, numbers=False)
        except pa.ArrowInvalid as error:
            raise self._damaged(str(error)) from None

    def _parse_as(self, chunk: bytes, wanted: Wanted, *, numbers: bool) -> pa.Table:
        types: dict[str, pa.DataType] = {str(i): _DICTIONARY for i in wanted.all()}
        if numbers:
            types |= {str(i): pa.int8() for i in wanted.small}
            types |= {str(i): pa.int64() for i in wanted.whole}
        odd_rows: list[pa_csv.InvalidRow] = []

        def keep_row(row: pa_csv.InvalidRow) -> str:
            odd_rows.append(row)
            return "skip"

        table = pa_csv.read_csv(
            pa.BufferReader(chunk),
            read_options=pa_csv.ReadOptions(
                column_names=[str(i) for i in range(len(self.headers))], block_size=CHUNK_BYTES * 2
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._separator,
                newlines_in_values=b'"' in chunk,
                invalid_row_handler=keep_row,
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=[str(i) for i in wanted.all()],
                column_types=types,
                null_values=BLANKS,
                strings_can_be_null=True,
            ),
        )
        if odd_rows:
            raise self._odd_rows(odd_rows, chunk)
        return table

    def _odd_rows(self, rows: list[pa_csv.InvalidRow], chunk: bytes) -> ContractError:
        first = rows[0]
        place = chunk.find(first.text.encode("utf-8"))
        line = self._line + chunk[: max(place, 0)].count(b"\n") + 1
        at_end = self._ended and place + len(first.text.encode()) >= len(chunk.rstrip())
        return fail(
            "truncated" if at_end else "row-length",
            "the file ends in the middle of a row"
            if at_end
            else "rows differ in their number of columns",
            where=self._name,
            row=line,
            found=f"{first.actual_columns} columns",
            allowed=f"{first.expected_columns}, as in the header",
            count=len(rows),
            hint="Download the file again; it was cut short or changed.",
        )

    def _damaged(self, reason: str) -> ContractError:
        return fail(
            "damaged-csv",
            f"the rows after line {self._line} cannot be read ({reason.splitlines()[0][:200]})",
            where=self._name,
            hint="Download the file again, or save it anew as CSV UTF-8.",
        )


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _last_line_end(data: bytes) -> int:
    """Index behind the last line end that stands outside quotes; 0 if there is none."""
    cut = data.rfind(b"\n") + 1
    if b'"' not in data:
        return cut
    while cut and data.count(b'"', 0, cut) % 2:
        cut = data.rfind(b"\n", 0, cut - 1) + 1
    return cut


def _cut_header(data: bytes, *, name: str) -> tuple[bytes, bytes]:
    """The first line, which may run over several where it is quoted, and the rest."""
    end = data.find(b"\n") + 1
    while end and data.count(b'"', 0, end) % 2:
        end = data.find(b"\n", end) + 1
    if not end or end > LONGEST_HEADER:
        if 0 < len(data) <= LONGEST_HEADER and not end:
            return data, b""
        raise fail(
            "no-header",
            "the file has no line of column names",
            where=name,
            allowed="a first line of variable names",
            hint="Take the file as the survey ships it.",
        )
    return data[:end], data[end:]


def _separator(header: str, *, name: str) -> str:
    """The separator that yields the most variables known."""

    def known(separator: str) -> int:
        fields = next(csv.reader(io.StringIO(header), delimiter=separator), [])
        return sum(variable_name(field) in known_names().values() for field in fields)

    best = max(SEPARATORS, key=lambda separator: (known(separator), header.count(separator)))
    if not header.strip():
        raise ContractError(Problem("no-header", "the first line of the file is blank", where=name))
    return best
