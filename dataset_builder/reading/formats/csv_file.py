"""Delimited text, read in chunks: encoding, separator and damage are found on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as pa_csv

from contracts.errors import ContractError, fail
from dataset_builder.reading.blocks import BLANKS, Block, Wanted
from dataset_builder.reading.formats import text_stream
from dataset_builder.reading.formats.text_stream import ByteStream, TextStream
from dataset_builder.reading.header import SEPARATORS, find_header
from dataset_builder.reading.lookalikes import lookalike

_UTF8_PAIR = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


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
        self._name = name
        self._encoding = "utf-8"
        self._seen_utf8 = False
        self._only_numbers = True
        self._source = TextStream(stream, name=name)
        first = self._source.first()
        if (error := lookalike(first[:4096], name=name)) is not None:
            raise error
        if not first.strip():
            raise fail("empty-file", "the file is blank", where=name)
        start = find_header(first, encoding=_encoding_of(first), name=name)
        self._text(first[: start.length])
        self._rest = first[start.length :]
        self._line = 1 + start.lines_above
        self._separator = start.separator
        self.headers = start.names
        self.detected = {
            "format": "csv",
            "separator": SEPARATORS[start.separator],
            "byte order mark": "yes" if first.startswith(b"\xef\xbb\xbf") else "no",
        }
        if start.lines_above:
            self.detected["lines above the header"] = str(start.lines_above)
        if self._source.old_mac:
            self.detected["line ends"] = "carriage returns alone"

    def sha256(self) -> str:
        """Digest of the bytes read; of the whole file once all blocks are read."""
        return self._source.sha256()

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Read the wanted columns, a chunk of bytes at a time.

        Raises:
            ContractError: rows of unequal length, mixed encodings, a file cut short.
        """
        while chunk := self._next_rows():
            table = self._parse(chunk, wanted)
            columns = {int(name): _one_array(table.column(name)) for name in table.column_names}
            yield Block(rows=table.num_rows, columns=columns, done=self._source.done)
            self._line += chunk.count(b"\n")
        self.detected["encoding"] = "utf-16" if self._source.utf16 else self._encoding

    def _next_rows(self) -> bytes:
        """Whole lines, as UTF-8; empty at the end."""
        data = self._rest
        self._rest = b""
        while not self._source.ended:
            cut = _last_line_end(data)
            if cut and len(data) >= text_stream.CHUNK_BYTES // 2:
                data, self._rest = data[:cut], data[cut:]
                break
            data += self._source.read()
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
            hint="Download the file again, or save it again as CSV UTF-8.",
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
                column_names=[str(i) for i in range(len(self.headers))],
                block_size=text_stream.CHUNK_BYTES * 2,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._separator,
                newlines_in_values=b'"' in chunk,
                invalid_row_handler=keep_row,
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=[str(i) for i in wanted.all()],
                column_types=types,
                null_values=list(BLANKS),
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
        at_end = self._source.ended and place + len(first.text.encode()) >= len(chunk.rstrip())
        return fail(
            "truncated" if at_end else "row-length",
            "the last line is no whole row: the file was cut short, or a note stands below it"
            if at_end
            else "rows differ in their number of columns",
            where=self._name,
            row=line,
            found=f"{first.actual_columns} columns: {first.text[:60]!r}",
            allowed=f"{first.expected_columns}, as in the header",
            count=len(rows),
            hint="Download the file again, or delete the line if it is a note."
            if at_end
            else "Download the file again; it was cut short or changed.",
        )

    def _damaged(self, reason: str) -> ContractError:
        return fail(
            "damaged-csv",
            f"the rows after line {self._line} cannot be read ({reason.splitlines()[0][:200]})",
            where=self._name,
            hint="Download the file again, or save it again as CSV UTF-8.",
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


def _encoding_of(data: bytes) -> str:
    """Encoding of the first bytes, the last of which may lie in the midst of a letter."""
    try:
        data[: data.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
