"""Write the tables and the manifest of a release into a folder that nobody reads yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.atomic import write_text
from contracts.digests import RowDigest, sha256_file
from contracts.errors import ContractError, Problem
from contracts.release.manifest import MANIFEST_NAME, Manifest, TableEntry, TableFile, manifest_text
from contracts.release.tables import AGGREGATE_TABLES, schema_problems

#: Rows of a row group: far under the size at which readers of the Hub give up.
ROW_GROUP_ROWS = 500_000

#: Row groups of aggregates are small: readers filter by group, country and question.
AGGREGATE_ROW_GROUP_ROWS = 50_000

#: Aggregates are written once and read often: they are worth the time (0 to 22).
AGGREGATE_COMPRESSION = 12

#: Numbers of `distributions` that hardly repeat: a dictionary of them is longer than the column,
#: and byte by byte their leading bits compress.
SPREAD_COLUMNS = ("weight_sum", "weighted_share", "se", "n_eff")

#: Columns by which readers skip row groups and pages. Bounds of the others help nobody, and
#: finding those of texts takes a third of the writing.
FILTER_COLUMNS = ("respondent_id", "split", "wave", "country", "group", "question_id")


def table_path(name: str, split: str = "data", *, part: int = 0, parts: int = 1) -> str:
    """Path of one file of a table inside a release."""
    return f"{name}/{split}-{part:05d}-of-{parts:05d}.parquet"


def _encoding(name: str, table: pa.Table) -> dict[str, Any]:
    """Options of the Parquet writer by which a table takes little room.

    Published figures are rounded and repeat, so that a dictionary serves all but standard errors.
    """
    if name not in AGGREGATE_TABLES:
        return {}
    schema = table.schema
    rounded = "weight_sum" in schema.names and table["weight_sum"].null_count == len(table)
    columns = ("se",) if rounded else SPREAD_COLUMNS
    spread = [column for column in schema.names if column in columns]
    options: dict[str, Any] = {"compression_level": AGGREGATE_COMPRESSION}
    if name == "distributions" and spread:
        options["use_dictionary"] = [column for column in schema.names if column not in spread]
        options["column_encoding"] = dict.fromkeys(spread, "BYTE_STREAM_SPLIT")
    return options


class TableWriter:
    """Streams the batches of one table into the Parquet files of its splits.

    Every batch goes into the row digest in the order in which it is written. The files of a split
    are written one after the other.

    Args:
        root: folder of the release.
        name: name of the table.
        parts: number of files of each split; one where a split is not named.
    """

    def __init__(self, root: Path, name: str, *, parts: Mapping[str, int] | None = None) -> None:
        self.root = root
        self.name = name
        self._parts = dict(parts or {})
        self._open: dict[str, tuple[int, pq.ParquetWriter]] = {}
        self._rows: dict[str, dict[int, int]] = {}
        self._digests: dict[str, RowDigest] = {}

    def write(self, table: pa.Table, *, split: str = "data", part: int = 0) -> None:
        """Add rows to a file of `split`; a part never comes back once a later one has begun."""
        number, writer = self._open.get(split, (-1, None))
        if part != number or writer is None:
            if writer is not None:
                writer.close()
            writer = self._opened(table, split, part)
        size = AGGREGATE_ROW_GROUP_ROWS if self.name in AGGREGATE_TABLES else ROW_GROUP_ROWS
        writer.write_table(table, row_group_size=size)
        self._digests[split].update(table)
        self._rows[split][part] += table.num_rows

    def _opened(self, table: pa.Table, split: str, part: int) -> pq.ParquetWriter:
        schema = table.schema
        problems = schema_problems(self.name, schema)
        if problems:
            raise ContractError([Problem("schema", p, where=self.name) for p in problems])
        path = self.root / self._path(split, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            write_statistics=[name for name in schema.names if name in FILTER_COLUMNS],
            write_page_index=True,
            # Arrow 26 ends the whole process on a full disk where it chunks by content.
            use_content_defined_chunking=False,
            store_schema=False,
            **_encoding(self.name, table),
        )
        self._open[split] = (part, writer)
        self._rows.setdefault(split, {})[part] = 0
        self._digests.setdefault(split, RowDigest())
        return writer

    def _path(self, split: str, part: int) -> str:
        return table_path(self.name, split, part=part, parts=self._parts.get(split, 1))

    def close(self) -> TableEntry:
        """Close the files; returns what the manifest says of them."""
        for _, writer in self._open.values():
            writer.close()
        files = []
        for split, parts in self._rows.items():
            for part, rows in parts.items():
                path = self.root / self._path(split, part)
                files.append(
                    TableFile(
                        path=self._path(split, part),
                        rows=rows,
                        size=path.stat().st_size,
                        sha256=sha256_file(path),
                    )
                )
        digest = "".join(f"{split}={d.hexdigest()};" for split, d in sorted(self._digests.items()))
        return TableEntry(rows=sum(f.rows for f in files), row_digest=digest, files=files)


def write_tables(root: Path, tables: Mapping[str, pa.Table]) -> dict[str, TableEntry]:
    """Write whole tables, one file each."""
    entries = {}
    for name, table in tables.items():
        writer = TableWriter(root, name)
        writer.write(table)
        entries[name] = writer.close()
    return entries


def table_row_digest(splits: Iterable[tuple[str, Iterable[pa.Table | pa.RecordBatch]]]) -> str:
    """The row digest that `TableWriter.close` gives for the same rows, to verify a release by."""
    parts = []
    for split, batches in sorted(splits, key=lambda item: item[0]):
        digest = RowDigest()
        for batch in batches:
            digest.update(batch)
        parts.append(f"{split}={digest.hexdigest()};")
    return "".join(parts)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write `manifest.json`; the last file of a release."""
    write_text(root / MANIFEST_NAME, manifest_text(manifest))
