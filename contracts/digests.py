"""Digests and the canonical form of JSON: the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

#: Significant digits of a float in a report: matrix products differ in later ones.
SIGNIFICANT_DIGITS = 9


def sha256_file(path: str | Path) -> str:
    """sha256 of a file's bytes, read in chunks."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def round_float(number: float) -> float | None:
    """`number` to `SIGNIFICANT_DIGITS` significant digits; None where it is not finite."""
    if not math.isfinite(number):
        return None
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}") + 0.0


def plain(item: Any) -> Any:
    """`item` made of plain JSON types, floats rounded, NaN and infinities as null."""
    if isinstance(item, Mapping):
        return {str(key): plain(inner) for key, inner in item.items()}
    if isinstance(item, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in item]
    if isinstance(item, (bool, int, str)) or item is None:
        return item
    if isinstance(item, float):
        return round_float(item)
    if hasattr(item, "tolist"):  # numpy scalars and arrays
        return plain(item.tolist())
    raise TypeError(f"cannot write {type(item).__name__} as JSON")


def canonical_json(item: Any) -> str:
    """Compact JSON with sorted keys and rounded floats: equal content, equal text."""
    return json.dumps(plain(item), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def pretty_json(item: Any) -> str:
    """Readable JSON in the given key order with rounded floats, ending in a newline."""
    return json.dumps(plain(item), ensure_ascii=False, indent=1) + "\n"


class RowDigest:
    """Digest of a table's rows in their order, built batch by batch.

    The same rows give the same digest however they are cut into batches and files, and whether
    a column is dictionary-encoded or plain. It tells equal from different content; against
    tampering the manifest holds the sha256 of every file.
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[Any, Any, Any]] = {}
        self._types: dict[str, str] = {}
        self.rows = 0

    def update(self, table: pa.Table | pa.RecordBatch) -> None:
        """Add the rows of `table` behind those added before."""
        import pyarrow as pa

        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        if not table.num_rows:
            return  # A file without rows is read without batches: both ways give one digest.
        self.rows += table.num_rows
        if any(column.num_chunks > 1 for column in table.columns):
            # Hundreds of short pieces cost more in calls than their copies do.
            table = table.unify_dictionaries().combine_chunks()
        for name in table.column_names:
            for chunk in table.column(name).chunks:
                self._update_column(name, chunk)

    def _update_column(self, name: str, chunk: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import xxhash

        if name not in self._columns:
            self._columns[name] = (xxhash.xxh3_128(), xxhash.xxh3_128(), xxhash.xxh3_128())
        values, sizes, valid = self._columns[name]
        kind = chunk.type.value_type if pa.types.is_dictionary(chunk.type) else chunk.type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        # Parquet renames the items of a list type: the name is no part of the content.
        listed = f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)
        self._types.setdefault(name, "text" if text else listed)
        valid.update(_validity(chunk))
        if text:
            filled = _filled_texts(chunk)
            sizes.update(pc.binary_length(filled).to_numpy(zero_copy_only=False))
            values.update(_text_bytes(filled))
            return
        if pa.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_decode()
        if pa.types.is_list(kind):
            for row in chunk.to_pylist():
                values.update(canonical_json(row).encode() + b"\n")
        else:
            if pa.types.is_boolean(kind):
                chunk = chunk.cast(pa.uint8())
            if chunk.null_count:
                chunk = pc.fill_null(chunk, 0)
            values.update(chunk.to_numpy(zero_copy_only=False).tobytes())

    def hexdigest(self) -> str:
        """sha256 over the names, types and streams of all columns."""
        parts = [f"rows={self.rows}"]
        for name in sorted(self._columns):
            streams = ",".join(stream.hexdigest() for stream in self._columns[name])
            parts.append(f"{name}:{self._types[name]}:{streams}")
        return sha256_text("\n".join(parts))


def _validity(chunk: pa.Array) -> memoryview:
    """One byte per row: 1 where it is valid."""
    import pyarrow as pa

    if not chunk.null_count:
        return memoryview(b"\x01" * len(chunk))
    return memoryview(chunk.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False))


def _filled_texts(chunk: pa.Array) -> pa.Array:
    """The texts of a plain or dictionary-encoded chunk as large_string, "" for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary.cast(pa.large_string()).take(chunk.indices)
    chunk = chunk.cast(pa.large_string())
    return pc.fill_null(chunk, "") if chunk.null_count else chunk


def _text_bytes(texts: pa.Array) -> memoryview | bytes:
    """The characters of a large_string array without the padding and offsets of its buffers."""
    import numpy as np

    if not len(texts):
        return b""
    _, offsets_buffer, characters = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)
    start, stop = offsets[texts.offset], offsets[texts.offset + len(texts)]
    return memoryview(characters)[start:stop] if characters else b""


def row_digest(table: pa.Table) -> str:
    """`RowDigest` of one table."""
    digest = RowDigest()
    digest.update(table)
    return digest.hexdigest()
