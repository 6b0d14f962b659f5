"""Downloads of exactly what is shown, with release and scorer version inside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from contracts.digests import pretty_json
from space.board.facts import Facts
from space.board.page import BoardPage, about_board, plain_rows

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}


class Download(NamedTuple):
    """A file to hand out."""

    name: str
    media_type: str
    content: bytes


def board_download(page: BoardPage, facts: Facts, *, kind: str) -> Download:
    """The rows of a page as CSV, JSON or Parquet.

    Args:
        page: what is shown.
        facts: versions and dates, which JSON and Parquet carry besides the rows.
        kind: `csv`, `json` or `parquet`.

    Raises:
        KeyError: another kind was asked for.
    """
    media_type = MEDIA_TYPES[kind]
    rows = plain_rows(page)
    about = {**about_board(facts), "query": page.query.permalink(), "rows_found": page.total}
    if kind == "csv":
        content = csv_text(rows).encode("utf-8")
    elif kind == "json":
        content = pretty_json({"about": about, "rows": rows}).encode("utf-8")
    else:
        content = parquet_bytes(rows, about)
    return Download(f"board.{kind}", media_type, content)


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a heading; a text that a spreadsheet would run gets an apostrophe."""
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows({key: _harmless(item) for key, item in row.items()} for row in rows)
    return out.getvalue()


def _harmless(item: Any) -> Any:
    if isinstance(item, str) and item[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{item}"
    return item


def parquet_bytes(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> bytes:
    """Rows as a Parquet file whose metadata key `opinion_atlas` holds `about` as JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([dict(row) for row in rows])
    table = table.replace_schema_metadata({"opinion_atlas": json.dumps(about)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())
