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


def row_digest(table: pa.Table) -> str:
    """sha256 of a table's rows in their order, whatever the chunking and the encoding.

    Dictionary columns count as what they stand for; the schema's names and types count too.
    """
    import pyarrow as pa

    digest = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        digest.update(f"{name}:{column.type}:{len(column)}\n".encode())
        for chunk in _even_chunks(column):
            sink = pa.BufferOutputStream()
            batch = pa.record_batch([chunk], names=["c"])
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            digest.update(sink.getvalue())
    return digest.hexdigest()


def _even_chunks(column: pa.ChunkedArray, size: int = 1 << 18) -> list[pa.Array]:
    """`column` in fresh arrays of `size` rows, so that offsets and padding never differ."""
    import pyarrow as pa

    return [
        pa.concat_arrays([*column.slice(start, size).chunks]).take(
            pa.array(range(len(column.slice(start, size))))
        )
        for start in range(0, len(column), size)
    ]
