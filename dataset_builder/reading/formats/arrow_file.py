"""Parquet and Feather files, as pandas, polars and R's arrow write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as pa_feather
import pyarrow.parquet as pq

from contracts.digests import sha256_file
from contracts.errors import ContractError, fail
from dataset_builder.reading.blocks import Block, Wanted

BLOCK_ROWS = 8_192

#: How a stream of Arrow begins.
STREAM_START = b"\xff\xff\xff\xff"

_NAMES = {"parquet": "Parquet", "feather": "Feather (Arrow)"}
_DAMAGE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError)


class ArrowFile:
    """A Parquet or Feather file; see `TabularFile`.

    Args:
        path: the file.
        kind: `parquet` or `feather`.
        name: its name, for messages.

    Raises:
        ContractError: the file is damaged.
    """

    def __init__(self, path: Path, kind: str, *, name: str) -> None:
        self._path = path
        self._kind = kind
        self._name = name
        self.value_labels: dict[int, dict[int, str]] = {}
        try:
            if kind == "parquet":
                about = pq.ParquetFile(path)
                self.headers = list(about.schema_arrow.names)
                self.total = int(about.metadata.num_rows)
            else:
                table = self._whole()
                self.headers, self.total = list(table.column_names), table.num_rows
        except _DAMAGE as error:
            raise self._damaged(error) from None
        self.detected = {"format": _NAMES[kind]}

    def sha256(self) -> str:
        """Digest of the file."""
        return sha256_file(self._path)

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Read the wanted columns in blocks of rows."""
        names = [self.headers[i] for i in wanted.all()]
        try:
            if self._kind == "parquet":
                table = pq.read_table(self._path, columns=names)
            else:
                table = self._whole().select(list(wanted.all()))
        except _DAMAGE as error:
            raise self._damaged(error) from None
        for start in range(0, table.num_rows, BLOCK_ROWS):
            part = table.slice(start, BLOCK_ROWS)
            columns = {i: self._column(part, i) for i in wanted.all()}
            yield Block(rows=part.num_rows, columns=columns, done=start + part.num_rows)

    def _whole(self) -> pa.Table:
        """The table of a Feather file, or of a stream of Arrow."""
        with self._path.open("rb") as handle:
            stream = handle.read(4) == STREAM_START
        if not stream:
            return pa_feather.read_table(self._path)
        with pa.OSFile(str(self._path)) as handle:
            return pa.ipc.open_stream(handle).read_all()

    def _column(self, part: pa.Table, place: int) -> pa.Array:
        header = self.headers[place]
        column = part.column(header)
        try:
            return _array(column)
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise fail(
                "column-type",
                "a column holds neither numbers nor text",
                where=self._name,
                column=header,
                found=str(column.type),
                allowed="whole numbers, decimal numbers, text or categories",
                hint="Write the column as numbers or text.",
            ) from None

    def _damaged(self, error: Exception) -> ContractError:
        return fail(
            "damaged-file",
            f"the {_NAMES[self._kind]} file is damaged or cut short "
            f"({str(error).splitlines()[0][:200]})",
            where=self._name,
            hint="Write it again, or take the CSV or SPSS file.",
        )


def _array(column: pa.ChunkedArray) -> pa.Array:
    """Whole numbers as int64, other numbers as float64, all else as text."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        words = array.dictionary
        if pa.types.is_string_view(words.type):
            # polars writes categories so; no kernel of Arrow decodes them.
            words = words.cast(pa.string())
        array = pa.DictionaryArray.from_arrays(array.indices, words).dictionary_decode()
    kind = array.type
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.float64())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        # pandas writes NaN for a blank.
        numbers = array.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    return array.cast(pa.string()).dictionary_encode()
